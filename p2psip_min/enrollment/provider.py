"""The operator's side of one overlay: authority, registrar, signed configuration, servers (draft 7.2.6).

Nothing here is needed while the overlay runs: nodes that hold a credential and a configuration do without (Req. 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.archive import FIND, KEEP, Archive, unpack
from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Certificate, Credential, parse, pem, self_signed
from p2psip_min.enrollment.client import EnrollmentClient
from p2psip_min.enrollment.configuration import ANY_SEQUENCE, Configuration, publish
from p2psip_min.enrollment.desk import Desk
from p2psip_min.enrollment.holdings import DAY, Renewal
from p2psip_min.enrollment.keys import Random, derive_key, key_pem
from p2psip_min.enrollment.policy import EnrollmentPolicy
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.enrollment.server import EnrollmentServer, Page
from p2psip_min.enrollment.session import Manners
from p2psip_min.enrollment.standing import STANDING
from p2psip_min.enrollment.trust import ChainCache, TrustStore, read_root
from p2psip_min.enrollment.vouching import Voucher, vouch
from p2psip_min.ids import NodeID
from p2psip_min.storage.sightings import second_use
from p2psip_min.trace import Sink
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.wire.security import identity_of

ALARM = "/enrollment/alarm"
"""The page for the evidence of storing peers: three values and the certificate that signed them (archive.py)."""

ROOT_LIFETIME = 3650 * DAY
SETUP_AGE = DAY
"""Roots are this old when the overlay begins."""


class Provider:
    """Runs one overlay's enrollment: ``seed`` gives its keys, ``rng`` its draws, ``settings`` are Configuration's.

    It plays the third party too that vouches for persons, with a key of its own. One request to enroll keeps its desk
    busy for ``service_time`` seconds.

    With ``digest`` ("sha1" or "sha256") there is no authority: everybody makes his certificate himself, with the
    digest of his key as Node-ID, and the first of them signs the configuration (RFC 6940 §11.3.1).
    """

    def __init__(
        self,
        overlay: str,
        *,
        seed: str | int,
        rng: Random,
        now: float = 0.0,
        policy: EnrollmentPolicy | None = None,
        trace: Sink | None = None,
        sequence: int = 1,
        service_time: float = 0.0,
        digest: str | None = None,
        **settings: Any,
    ) -> None:
        self.overlay = overlay
        self._digest = digest
        self.cache = ChainCache()
        self.trace = trace
        self._seed = seed
        self._service_time = service_time
        self._desk: Desk | None = None
        self._rng = rng
        begin, end = now - SETUP_AGE, now + ROOT_LIFETIME
        self.authority = self._root(f"{overlay} root", derive_key(seed, "authority"), begin, end)
        # Web servers are vouched for by another authority, as on the Internet: joining nodes know it beforehand.
        self.web = self._root("web root", derive_key(seed, "web authority"), begin, end)
        self._web_key = derive_key(seed, "web server")
        web_certificate = self.web.issue_server(
            overlay, self._web_key.public_key(), serial=self._serial(), not_before=begin, not_after=end
        )
        self._web_certificate = web_certificate
        self.web_server = TlsIdentity(certificate=pem(web_certificate), key=key_pem(self._web_key), mutual=False)
        self.web_client = TlsIdentity(roots=pem(self.web.certificate))
        self.registrar = Registrar(overlay, self.authority, rng, policy=policy, trace=trace)
        self._manners = Manners(
            overlay=overlay,
            identity=self.web_client,
            roots=(read_root(self.web.certificate),),
            protection=self.registrar.policy.protection,
            signature=self.registrar.policy.signature,
        )
        self._voucher_key = derive_key(seed, "third party")
        self.registrar.ledger.voucher = self._voucher_key.public_key()
        self._signer_key = derive_key(seed, "configuration signer", self.registrar.policy.keys.curve)
        self._signer_user = f"operator@{self.registrar.policy.domain or overlay}"
        signer = self.registrar.open_account(self._signer_user, "", (self._signer_user,))
        if self.registrar.policy.life.automatic:
            signer.lifetime = Renewal().lifetime  # nobody signs the configuration anew each hour
        self.signer = self._enroll_signer(now)
        first = Configuration(
            overlay=overlay,
            sequence=sequence,
            roots=() if digest else (self.authority.certificate,),
            self_signed=digest,
            configuration_signers=self.signer.node_ids,
            kind_signers=self.signer.node_ids,
            **settings,
        )
        self.configuration = self._publish(first)
        self.roots_pem = pem(self.authority.certificate)
        archive = Archive(self.configuration.registry())
        self.pages: dict[str, Page] = {
            KEEP: archive.keep,
            FIND: archive.find,
            STANDING: self.registrar.standing,
            ALARM: self.alarmed,
        }
        self.on_alarm: Callable[[NodeID], None] = lambda node_id: None
        """What happens when a credential is shown to be used twice."""

    def trust(self) -> TrustStore:
        """A new node's judgement of certificates; what it found out about chains all nodes share."""
        return self.configuration.trust(cache=self.cache)

    def open_account(self, user: str) -> tuple[str, str]:
        """An account for ``user`` (without the domain), opened when first asked for: its name and password."""
        name = f"{user}@{self.registrar.policy.domain or self.overlay}"
        password = hashlib.sha256(f"{self._seed}:password:{name}".encode()).hexdigest()[:16]
        if name not in self.registrar.ledger.accounts:
            self.registrar.open_account(name, password)
        return name, password

    def sell(self) -> bytes:
        """The coupon that one enrollment takes, sold to a customer; empty where it costs nothing."""
        return self.registrar.policy.charge.sold(self.registrar.sell)

    def vouch(self, person: str, user: str) -> Voucher:
        """What the third party says of ``person``, and only of persons that there are: ``user``'s account is his."""
        return vouch(self._voucher_key, person, f"{user}@{self.registrar.policy.domain or self.overlay}", self.overlay)

    def key(self, user: str) -> ec.EllipticCurvePrivateKey:
        """The key that ``user``'s node generates, as long as is asked for: it follows from the seed."""
        return derive_key(self._seed, f"node:{user}", self.registrar.policy.keys.curve)

    def enroll(
        self,
        user: str,
        now: float,
        *,
        key: ec.EllipticCurvePrivateKey | None = None,
        wanted: Sequence[NodeID] = (),
    ) -> Credential:
        """Enroll ``user`` (without the domain) at once, without a network; EnrollmentRefused(reason).

        ``key`` is used in place of the one that follows from the seed, ``wanted`` are Node-IDs to ask for.
        """
        if self._digest:
            return self._by_himself(key or self.key(user), f"{user}@{self.overlay}", now)
        name, password = self.open_account(user)
        return self.registrar.issue_offline(key or self.key(user), name, password, now, wanted=wanted)

    def _by_himself(self, key: ec.EllipticCurvePrivateKey, user: str, now: float) -> Credential:
        assert self._digest is not None
        return self_signed(
            key, user=user, overlay=self.overlay, serial=self._serial(), not_before=now,
            not_after=now + self.registrar.policy.life.lifetime, digest=self._digest,
        )  # fmt: skip

    def serve(self, network: Network, address: Address, *, node_id: bytes = b"") -> EnrollmentServer:
        """One more enrollment server, before the same desk."""
        if self._desk is None:
            self._desk = Desk(network.loop, self._service_time)
        return EnrollmentServer(
            network, address, self.registrar, certificate=self._web_certificate, key=self._web_key,
            desk=self._desk, node_id=node_id, trace=self.trace, pages=self.pages,
        )  # fmt: skip

    def client(
        self, network: Network, address: Address, servers: Iterable[Address], *, node_id: bytes = b""
    ) -> EnrollmentClient:
        """A node's way to the servers, from an address that is free."""
        manners = self._manners
        if manners.protection.sealed:
            manners = replace(manners, key=derive_key(self._seed, f"answers for {address[0]}"))
        return EnrollmentClient(network, address, tuple(servers), manners, node_id=node_id, cache=self.cache)

    def revise(self, now: float, **changes: Any) -> Configuration:
        """Publish the next configuration, with these fields changed."""
        life = self.registrar.policy.life
        if now >= self._signer_since + min(life.interval, life.lifetime):
            self.signer = self._enroll_signer(now)
        self.configuration = self._publish(
            replace(self.configuration, sequence=(self.configuration.sequence + 1) % ANY_SEQUENCE, **changes)
        )
        return self.configuration

    def revoke(self, node_id: NodeID, now: float) -> Configuration:
        """Withdraw an identity and say so in the next configuration."""
        gone = self.registrar.revoke(node_id)
        bad = dict.fromkeys((*self.configuration.bad_nodes, *gone))
        return self.revise(now, bad_nodes=tuple(bad))

    def alarmed(self, evidence: bytes) -> bytes | None:
        """Judge what a storing peer brings; who stands accused by signatures of his own is withdrawn."""
        request, der = unpack(evidence, self.configuration.registry())
        parsed = parse(der, self.overlay)
        if not isinstance(parsed, Certificate):
            return None
        known = self.registrar.holder(parsed.node_ids[0])
        if known is None or known.serial != parsed.serial or known.revoked:
            return None
        window = self.registrar.policy.second_use.window
        names = (identity_of(der), *(identity_of(der, node_id) for node_id in parsed.node_ids))
        if second_use(request, lambda identity: parsed if identity in names else None, window) is None:
            return None
        known.stolen = True
        self.on_alarm(parsed.node_ids[0])
        return b"heard"

    def suspend(self, node_id: NodeID, now: float) -> Configuration:
        """Name a node as bad in the next configuration, and leave its identity alone: it may come back."""
        return self.revise(now, bad_nodes=tuple(dict.fromkeys((*self.configuration.bad_nodes, node_id))))

    def readmit(self, node_id: NodeID, now: float) -> Configuration:
        """Take a suspended node off the next configuration's bad nodes."""
        return self.revise(now, bad_nodes=tuple(each for each in self.configuration.bad_nodes if each != node_id))

    def _publish(self, configuration: Configuration) -> Configuration:
        self.registrar.configuration = published = publish(configuration, self.signer)
        return published

    def _enroll_signer(self, now: float) -> Credential:
        self._signer_since = now
        if self._digest:
            return self._by_himself(self._signer_key, self._signer_user, now)
        return self.registrar.issue_offline(self._signer_key, self._signer_user, "", now)

    def _root(self, name: str, key: ec.EllipticCurvePrivateKey, begin: float, end: float) -> Authority:
        return Authority.create(name, key, serial=self._serial(), not_before=begin, not_after=end)

    def _serial(self) -> int:
        return self._rng.getrandbits(126) + 1
