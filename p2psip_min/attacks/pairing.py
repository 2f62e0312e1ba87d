"""Attacks on the moment in which two nodes find out who the other is (draft 7.2.5, 11.3; Figure 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from p2psip_min.attacks.transport import TLS_RECORDS, Hijacker, Outcomes, ping
from p2psip_min.errors import LinkRefused, Malformed, P2PSIPError, RemoteFault
from p2psip_min.ids import ID_LENGTH, Destination, NodeID
from p2psip_min.seams import Coalition, NodeView, PeerParts
from p2psip_min.transport.link import Links
from p2psip_min.transport.network import Address
from p2psip_min.transport.tls import TlsFailure, TlsIdentity, TlsSession
from p2psip_min.wire.header import open_envelope

TRANSACTION = 0xC1A1

ANSWER_WAIT = 3.0
"""Seconds for which a claimant waits for an answer."""


@dataclass(slots=True)
class Impostor:
    """TR-4: a client leaves its peer and comes back under another node's Node-ID, with requests in that node's name."""

    breaks: ClassVar[tuple[str, ...]] = ()
    """It keeps what the seams ask of store and forwarding: a client has neither."""
    victim: NodeID
    requests: Sequence[tuple[Sequence[Destination], Any]]
    links: Links | None = None

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act for the node, and hold its links."""
        self.links = parts.links
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """Connect anew as somebody else."""
        assert self.links is not None
        serving = view.routing_table()[0]
        address = self.links.book[serving]
        self.links.forget(serving)
        self.links.node_id = self.victim
        for destinations, body in self.requests:
            self.links.learn(serving, address)
            with suppress(RemoteFault):
                await view.request(destinations, body)


@dataclass(slots=True)
class Intruder:
    """TR-7: a node that does not belong here tries to join like any other; ``inside`` says that it was let in.

    What it has is its papers, its own or somebody's else, and a password that got about where the overlay goes by one.
    """

    join: Callable[[], Awaitable[NodeID]]
    inside: bool = False

    async def intrude(self) -> None:
        """Try; a refusal is no surprise."""
        with suppress(P2PSIPError):
            await self.join()
            self.inside = True


@dataclass(slots=True)
class Claimant:
    """TR-6: an outsider who connects to peers as if it were one of them, with ``links`` that show what it could get.

    ``overlay`` and ``sequence`` are what every header of the overlay says.
    """

    links: Links
    overlay: int
    sequence: int
    answered: bool = False

    async def claim(self, address: Address) -> bool:
        """Connect, ask something, and see whether the answer comes to us."""
        self.links.on_message = self._hear
        try:
            remote = await self.links.connect(None, address)
        except LinkRefused:
            return False
        self.links.send(remote, ping(self.overlay, self.sequence, TRANSACTION, remote))
        await asyncio.sleep(ANSWER_WAIT)
        return self.answered

    def _hear(self, remote: NodeID, message: bytes) -> None:
        with suppress(Malformed):
            self.answered |= open_envelope(message).transaction_id == TRANSACTION


@dataclass(slots=True)
class PairingMitm:
    """TR-5: stands between a client and its peer while they authenticate, and ends TLS with each of them itself.

    ``identity`` is a certificate that the attacker has made. ``password`` is what the client told the peer that it took
    him for. Where there is no TLS he takes the session over as a ``Hijacker`` does.
    """

    hijacker: Hijacker
    identity: TlsIdentity
    password: bytes = b""
    to_client: TlsSession = field(init=False)
    to_peer: TlsSession = field(init=False)
    held: dict[TlsSession, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.to_client, self.to_peer = self.identity.server(), self.identity.client()
        self.held = {self.to_client: b"", self.to_peer: self.to_peer.handshake()[1]}

    def upward(self, packet: bytes) -> Outcomes:
        """From the client."""
        tls = packet[:1] and packet[0] in TLS_RECORDS
        return self._between(self.to_client, self.to_peer, packet) if tls else self.hijacker.outward(packet)

    def downward(self, packet: bytes) -> Outcomes:
        """From the peer."""
        tls = packet[:1] and packet[0] in TLS_RECORDS
        return self._between(self.to_peer, self.to_client, packet) if tls else self.hijacker.inward(packet)

    def _between(self, near: TlsSession, far: TlsSession, packet: bytes) -> Outcomes:
        """Open what came from one end, read it, and close it again for the other."""
        try:
            if not near.established:
                self.held[near] += near.handshake(packet)[1]
                packet = b""
            plain = near.unseal(packet) if near.established else b""
        except TlsFailure:
            return [(0.0, b"")]  # somebody looked at the certificate
        if near is self.to_client and plain[:1] == b"\x01":
            self.password = plain[1 + ID_LENGTH :]
        out, self.held[far] = self.held[far], b""
        return [(0.0, out + far.seal(plain) if plain else out)]
