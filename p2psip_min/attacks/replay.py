"""Messages that come again, or late: by outsiders on a hop, and by a peer on the way (draft 7.2.7, 11.1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from p2psip_min.attacks.forwarding import Kept, StoreReplay
from p2psip_min.attacks.transport import HELLO_LENGTH
from p2psip_min.errors import DropReason, Malformed
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Drop, Forward
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.transport.network import Address, Network, OnPath
from p2psip_min.transport.plain import HELLO
from p2psip_min.wire.framing import DATA, frame_ack, frame_data, open_frame
from p2psip_min.wire.header import Envelope, open_envelope
from p2psip_min.wire.messages import MessageCode


@dataclass(slots=True)
class _Line:
    """An outsider on hops without protection, where he can read along, count along and speak as either end."""

    network: Network
    after: float
    counts: dict[tuple[Address, Address], int] = field(default_factory=dict)
    hellos: dict[Address, bytes] = field(default_factory=dict)

    def store_in(self, source: Address, destination: Address, packet: bytes) -> tuple[int, Envelope] | None:
        """The sender's own store in a packet, and its frame's number; None for others. Counts whatever passes."""
        if packet[:1] == HELLO:
            self.hellos[source], packet = packet[:HELLO_LENGTH], packet[HELLO_LENGTH:]
        try:
            kind, number, message = open_frame(packet)
            if kind != DATA or not isinstance(message, bytes):
                return None
            self.counts[source, destination] = number
            envelope = open_envelope(message)
        except Malformed:
            return None
        # Nobody is in the via list of what its own maker sends.
        return (number, envelope) if envelope.code == MessageCode.STORE_REQ and not envelope.via else None

    def send_later(self, source: Address, destination: Address, envelope: Envelope) -> None:
        """Say it once more in ``source``'s name, ``after`` seconds from now."""
        self.network.loop.call_later(self.after, self._send, source, destination, envelope.data)

    def _send(self, source: Address, destination: Address, message: bytes) -> None:
        # The next number of the association; the true owner of that number will send under another one again.
        self.counts[source, destination] += 1
        frame = frame_data(self.counts[source, destination], message)
        self.network.inject(source, destination, self.hellos.get(source, b"") + frame)


@dataclass(slots=True)
class PacketReplay(_Line):
    """RP-1: listens to what leaves ``hosts``, and sends the first store for each place again ``after`` seconds later.

    Only where the hop is not protected: in TLS records there is nothing to find, and nothing to put in.
    """

    hosts: frozenset[Address] = frozenset()
    kept: dict[bytes, Envelope] = field(default_factory=dict)

    def tap(self, now: float, source: Address, destination: Address, packet: bytes) -> None:
        """Look at one packet."""
        found = self.store_in(source, destination, packet) if source in self.hosts else None
        if found is not None and found[1].destinations not in self.kept:
            self.kept[found[1].destinations] = found[1]
            self.send_later(source, destination, found[1])


@dataclass(slots=True)
class HeldPacket(_Line):
    """RP-3: takes the first store for each place off the wire, says that it arrived, and lets it go later."""

    held: dict[bytes, int] = field(default_factory=dict)

    def between(self, source: Address, destination: Address) -> OnPath:
        """What the outsider does with packets of this hop."""

        def judge(packet: bytes) -> list[tuple[float, bytes]]:
            found = self.store_in(source, destination, packet)
            if found is None:
                return [(0.0, packet)]
            number, envelope = found
            place, transaction = envelope.destinations, envelope.transaction_id
            if place not in self.held:
                self.held[place] = transaction
                self.send_later(source, destination, envelope)
            if self.held[place] != transaction:
                return [(0.0, packet)]
            self.network.inject(destination, source, frame_ack(number, 0))
            return []

        return judge


@dataclass(slots=True)
class StoreDelay(StoreReplay):
    """RP-3: a peer on the way that keeps the first store for each place to itself for ``after`` seconds."""

    breaks: ClassVar[tuple[str, ...]] = (
        "passes_contents_on_as_they_are",
        "sends_nothing_that_is_not_its_own",
    )
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding, and act for it later."""
        return replace(parts, forwarding=_Holding(parts.forwarding, self), agent=self)


@dataclass(slots=True)
class _Holding:
    """Passes on what comes but for one store a place, however often its owner sends that again."""

    inner: Forwarding
    attack: StoreDelay

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if envelope.code == MessageCode.STORE_REQ and previous_hop is not None and isinstance(decision, Forward):
            fresh = Kept(envelope, now + self.attack.after)
            kept = self.attack.kept.setdefault(envelope.destinations, fresh)
            if kept.envelope.transaction_id == envelope.transaction_id:
                return Drop(DropReason.DISCARDED)
        return decision
