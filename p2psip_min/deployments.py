"""The deployments that the draft compares: two kinds of overlay (6.1, 6.2) and the client/server architecture (4).

``public_provider`` and ``open_global`` are the draft's two types of scenario, as overlays, and ``ad_hoc`` is the
smallest (7.2.2); ``ClientServer`` is the same telephony with one server in their place; ``measure_call`` says what a
call takes and who has to be trusted in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from p2psip_min.application import digest
from p2psip_min.application.registrar_proxy import Channel, RegistrarProxy
from p2psip_min.application.user_agent import UserAgent
from p2psip_min.defences import preset
from p2psip_min.enrollment.authority import Authority, server_refusal
from p2psip_min.enrollment.certificates import pem
from p2psip_min.enrollment.keys import derive_key, key_pem
from p2psip_min.errors import NotFound
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Overlay
from p2psip_min.trace import MessageSent, Trace
from p2psip_min.transport.clear import open_client_clear, open_server_clear
from p2psip_min.transport.driver import Runs
from p2psip_min.transport.network import Address
from p2psip_min.transport.secure import open_client_tls, open_server_tls
from p2psip_min.transport.stream import StreamHost
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.wire.codes import is_request
from p2psip_min.world import World, one_of

PROXY_ADDRESS = ("10.255.1.1", 5061)
PHONE_PORT = 5061
YEAR = 31_536_000.0


def public_provider(**overrides: Any) -> Overlay:
    """A provider's telephony: every peer is his own, users are clients of it (draft 6.1, Figure 3)."""
    settings: dict[str, Any] = {"peers": 16, "base": "trusted", "clients": ("alice", "bob"), "defences": "reload"}
    return Overlay(**(settings | overrides))


def open_global(**overrides: Any) -> Overlay:
    """An open network: the users' own phones are the peers, and nobody vouches for them (draft 6.2, Figure 5)."""
    settings: dict[str, Any] = {"peers": 32, "base": "untrusted", "users": ("alice", "bob"), "defences": "reload"}
    return Overlay(**(settings | overrides))


def ad_hoc(*, secret: bool = False, **overrides: Any) -> Overlay:
    """A few people with nobody to enroll them (draft 7.2.2): everybody makes his own certificate (RFC 6940 §11.3.1).

    With ``secret`` only those get in who know the password that they have agreed on (§13.4). That is what a few people
    who trust each other can have in place of enrollment; against a member, or for a crowd, it is a decoy.
    """
    users = ("alice", "bob", "carol")
    defences = preset("reload").having("overlay-password") if secret else preset("reload")
    settings: dict[str, Any] = {
        "peers": len(users), "users": users, "base": "untrusted", "defences": defences, "servers": 0,
        "self_signed": True,
    }  # fmt: skip
    return Overlay(**(settings | overrides))


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """What the trusted DNS says of a domain: its server's address, and the roots (PEM) to check it against."""

    address: Address
    roots: bytes


class TrustedDns:
    """The DNS as section 4 of the draft takes it: it answers at once, and truly."""

    def __init__(self) -> None:
        self.records: dict[str, DnsRecord] = {}

    def resolve(self, domain: str) -> DnsRecord:
        """The record of a domain; raises NotFound."""
        try:
            return self.records[domain]
        except KeyError:
            raise NotFound(f"no DNS record for {domain}") from None


class ClientServer(World):
    """One registrar-proxy and its users: the architecture that the draft compares with (section 4, Figure 1).

    Users find it in a trusted DNS and connect by server-authenticated TLS ("tls") or without protection ("plain").
    """

    def __init__(
        self,
        *,
        users: Sequence[str] = ("alice", "bob"),
        links: str = "tls",
        seed: int = 1,
        trace: str = "full",
        name: str = "provider.example.org",
        driver: Runs | None = None,
    ) -> None:
        one_of("kind of link", links, ("tls", "plain"))
        super().__init__(seed=seed, name=name, trace=trace, driver=driver)
        self.links = links
        self.dns = TrustedDns()
        passwords = {user: f"{self.rng(f'password:{user}').getrandbits(64):016x}" for user in users}
        secrets = {self.aor(user): digest.secret(self.aor(user), name, passwords[user]) for user in users}
        self.node_id = self._instance("proxy")
        contact = f"{PROXY_ADDRESS[0]}:{PROXY_ADDRESS[1]}"
        self.proxy = RegistrarProxy(name, contact, secrets, self.loop.time, self.rng("proxy"))
        self._host = self.driver.call(self._serve)
        self.phones = {
            user: self._phone(user, passwords[user], f"10.0.{number >> 8}.{number & 255}")
            for number, user in enumerate(users, 1)
        }

    def _instance(self, name: str) -> NodeID:
        return NodeID.from_int(self.rng(f"instance:{name}").getrandbits(128))

    def _serve(self) -> StreamHost:
        if self.links == "plain":
            self.dns.records[self.name] = DnsRecord(PROXY_ADDRESS, b"")
            return open_server_clear(self.network, PROXY_ADDRESS, self.proxy.accept, node_id=self.node_id)
        dice = self.rng("authority")
        root = Authority.create(
            "web root", derive_key(self.seed, "web authority"), serial=dice.getrandbits(126) + 1,
            not_before=-YEAR, not_after=10 * YEAR,
        )  # fmt: skip
        key = derive_key(self.seed, "proxy")
        certificate = root.issue_server(
            self.name, key.public_key(), serial=dice.getrandbits(126) + 1, not_before=-YEAR, not_after=10 * YEAR
        )
        self.dns.records[self.name] = DnsRecord(PROXY_ADDRESS, pem(root.certificate))
        identity = TlsIdentity(certificate=pem(certificate), key=key_pem(key), mutual=False)
        return open_server_tls(self.network, PROXY_ADDRESS, identity, self.proxy.accept, node_id=self.node_id)

    def _phone(self, user: str, password: str, host: str) -> UserAgent:
        node_id, address = self._instance(user), (host, PHONE_PORT)

        async def connect() -> Channel:
            record = self.dns.resolve(self.name)
            if self.links == "plain":
                clear = open_client_clear(self.network, address, record.address, node_id=node_id)
                await clear.opened()
                return clear
            stream = open_client_tls(
                self.network, address, record.address, TlsIdentity(roots=record.roots), node_id=node_id,
                check=lambda certificate, _, now: server_refusal(certificate, self.name, now),
            )  # fmt: skip
            await stream.opened()
            return stream

        return UserAgent(
            node_id, self.aor(user), password, f"{host}:{PHONE_PORT}", connect,
            loop=self.loop, rng=self.rng(f"phone:{user}"), trace=self.trace,
        )  # fmt: skip

    def phone(self, user: str) -> UserAgent:
        """The phone of a user; KeyError lists the users."""
        try:
            return self.phones[user]
        except KeyError:
            raise KeyError(f"no user {user!r}; known: {', '.join(self.phones)}") from None

    def register(self, user: str) -> None:
        """Tell the server where ``user`` is."""
        self.run(self.phone(user).register())

    def call(self, caller: str, callee: str) -> NodeID:
        """Have ``caller`` call ``callee`` through the server; returns the phone that answered."""
        return self.run(self.phone(caller).call(self.aor(callee)))

    def resolve(self, reader: str, user: str) -> str:
        """The Contact of ``user`` as ``reader`` learns it."""
        return self.run(self.phone(reader).resolve(self.aor(user)))

    def server_off(self) -> None:
        """Switch the server off without a word: nobody finds anybody any more."""
        self.driver.call(self._host.crash)

    def stop(self) -> None:
        """End all connections."""
        for phone in self.phones.values():
            phone.close()
        self._host.close()


# --- comparison -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """What one call took, and whom both ends had to trust with it; ``seconds`` of virtual time.

    ``hops`` counts the links that the caller's requests crossed until the callee had the INVITE. ``readers`` were
    handed those requests, ``alterers`` could have changed what came of them without being found out; on ``open_wire``
    anybody near a cable could do both.
    """

    deployment: str
    seconds: float
    hops: int
    readers: tuple[str, ...]
    alterers: tuple[str, ...]
    open_wire: bool


def measure_call(deployment: Overlay | ClientServer, caller: str, callee: str) -> CallFigures:
    """Make one call and say what it took; overlays need the full trace."""
    start = deployment.now
    if isinstance(deployment, ClientServer):
        deployment.call(caller, callee)
        trusted = (deployment.name,)
        return CallFigures(
            deployment="client-server", seconds=deployment.now - start, hops=2, readers=trusted, alterers=trusted,
            open_wire=deployment.links == "plain",
        )  # fmt: skip
    return _measure_overlay(deployment, caller, callee)


def _measure_overlay(overlay: Overlay, caller: str, callee: str) -> CallFigures:
    trace, start = overlay.trace, overlay.now
    if not isinstance(trace, Trace):
        raise ValueError("the path of a call is read from the full trace")
    before = len(trace)
    overlay.call(caller, callee)
    ends = (overlay.node(caller).node_id, overlay.node(callee).node_id)
    asked = [
        event.transaction_id
        for event in trace.select(MessageSent, since=before, node=ends[0])
        if is_request(event.code)
    ]
    paths = [trace.path(transaction) for transaction in dict.fromkeys(asked)]
    between = {overlay.nodes[node].name: None for path in paths for node in path if node not in ends}
    defences = overlay.defences
    sealed = defences.message_authentication.signed and "record-signature" in defences.names()
    return CallFigures(
        deployment=overlay.roles.base,
        seconds=overlay.now - start,
        hops=sum(len(path) - 1 for path in paths) + 1,
        readers=tuple(between),
        alterers=() if sealed else tuple(between),
        open_wire=not defences.link_protection.tls,
    )
