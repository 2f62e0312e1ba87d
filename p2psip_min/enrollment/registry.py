"""TEMP until the enrollment server's offline path exists."""

from __future__ import annotations
from dataclasses import replace
from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import ChainCache, Credential, pem
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.ids import NodeID


class Registry:
    def __init__(self, name, *, seed, rng, trace):
        self.name, self.seed, self.rng = name, seed, rng
        self.authority = Authority.create(
            name, derive_key(seed, "ca"), serial=rng.getrandbits(64), not_before=-86400.0, not_after=10 * 365 * 86400.0
        )
        self.configuration = Configuration(overlay=name, sequence=1, roots=(self.authority.certificate,))
        self.cache = ChainCache()
        self.roots_pem = pem(self.authority.certificate)

    def enroll(self, user, now):
        key = derive_key(self.seed, f"node:{user}")
        node_id = NodeID(self.rng.getrandbits(128).to_bytes(16, "big"))
        der = self.authority.issue(
            key.public_key(),
            node_ids=(node_id,),
            user=f"{user}@{self.name}",
            overlay=self.name,
            serial=self.rng.getrandbits(64),
            not_before=now - 60,
            not_after=now + 365 * 86400.0,
        )
        return Credential(
            node_ids=(node_id,),
            user=f"{user}@{self.name}",
            certificate=der,
            private_key=key,
            chain=(self.authority.certificate,),
        )

    def trust(self):
        return self.configuration.trust(cache=self.cache)

    def bootstrap_at(self, addresses):
        self.configuration = replace(self.configuration, bootstrap_nodes=tuple(addresses))
