"""Attacks by outsiders on the way between two nodes (draft 5.1, 7.2.11, 11.2, 11.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from p2psip_min.errors import Malformed
from p2psip_min.ids import ID_LENGTH, NodeID
from p2psip_min.transport.half_measures import CRC, with_checksum
from p2psip_min.transport.network import Address
from p2psip_min.transport.plain import HELLO, HELLO_ANSWER
from p2psip_min.wire.framing import ACK, DATA, frame_ack, frame_data, open_frame
from p2psip_min.wire.header import NODE_PREFIX, Envelope, open_envelope
from p2psip_min.wire.message import encode_contents, encode_message
from p2psip_min.wire.messages import PingReq
from p2psip_min.wire.security import UNSIGNED_BLOCK, encode_security

TLS_RECORDS = range(20, 24)
"""First bytes of TLS records (RFC 8446 §5.1)."""

APPLICATION_DATA = b"\x17\x03\x03"
"""How an encrypted TLS record starts."""

HELLO_LENGTH = 1 + ID_LENGTH
TTL = 30

Outcomes = list[tuple[float, bytes]]
"""What is to become of a packet, as the network asks."""


@dataclass(slots=True)
class Opened:
    """A packet with a message that is in clear: what is in front of its frame, and whether a check sum is behind."""

    head: bytes
    number: int
    message: bytes
    checked: bool

    def carrying(self, message: bytes) -> bytes:
        """The same packet with another message, and the check sum that it then has."""
        packet = self.head + frame_data(self.number, message)
        return with_checksum(packet) if self.checked else packet


def open_packet(packet: bytes) -> Opened | None:
    """Take a packet apart, whatever the overlay puts around its frames; None when no message is to be seen."""
    checked = with_checksum(packet[:-CRC]) == packet
    rest = packet[:-CRC] if checked else packet
    head = rest[: _hello_length(rest)]
    try:
        kind, number, message = open_frame(rest[len(head) :])
    except Malformed:
        return None
    return Opened(head, number, message, checked) if kind == DATA and isinstance(message, bytes) else None


def _hello_length(packet: bytes) -> int:
    """Bytes of the hello in front: a kind and a Node-ID, and perhaps certificate, time and signature."""
    if packet[:1] not in (HELLO, HELLO_ANSWER):
        return 0
    if packet[HELLO_LENGTH : HELLO_LENGTH + 1] in (b"", bytes((DATA,)), bytes((ACK,))):
        return HELLO_LENGTH
    signature = HELLO_LENGTH + 2 + int.from_bytes(packet[HELLO_LENGTH : HELLO_LENGTH + 2], "big") + 8
    return signature + 2 + int.from_bytes(packet[signature : signature + 2], "big")


@dataclass(slots=True)
class Eavesdropper:
    """TR-1: listens on a hop and knows RELOAD; ``read`` is what it could make sense of, ``seen`` how much passed.

    ``since`` is when it read its first message, in virtual seconds; None while it has not.
    """

    seen: int = 0
    read: list[Envelope] = field(default_factory=list)
    since: float | None = None

    def tap(self, now: float, source: Address, destination: Address, packet: bytes) -> None:
        """Look at one packet; only messages count, in clear or as a TLS record."""
        if packet and packet[0] in TLS_RECORDS:
            self.seen += 1
            return
        opened = open_packet(packet)
        if opened is None:
            return
        self.seen += 1
        try:
            self.read.append(open_envelope(opened.message))
        except Malformed:
            return
        self.since = now if self.since is None else self.since

    @property
    def share_read(self) -> float:
        """Messages read, of all that passed; 0 when nothing did."""
        return len(self.read) / self.seen if self.seen else 0.0


@dataclass(slots=True)
class Tamperer:
    """TR-2: puts other Node-IDs into messages on a hop, and sends changed requests once more under another number.

    What it can't read it changes all the same, by a bit. ``inject`` puts a packet on the wire in the sender's name.
    """

    instead: Mapping[NodeID, NodeID]
    inject: Callable[[bytes], None]
    tried: int = 0

    def on_path(self, packet: bytes) -> Outcomes:
        """Change a packet on its way."""
        opened = open_packet(packet)
        if opened is None:
            if packet[:3] != APPLICATION_DATA:
                return [(0.0, packet)]
            self.tried += 1
            return [(0.0, packet[:-1] + bytes((packet[-1] ^ 1,)))]
        changed = self._changed(opened.message)
        if changed == opened.message:
            return [(0.0, packet)]
        self.tried += 1
        if open_envelope(changed).code & 1:
            self.tried += 1
            own = changed[:20] + bytes(byte ^ 0xFF for byte in changed[20:28]) + changed[28:]
            self.inject(replace(opened, number=opened.number + 1).carrying(own))
        return [(0.0, opened.carrying(changed))]

    def _changed(self, message: bytes) -> bytes:
        """Header and security block stay; the entries of destination lists in the contents do not."""
        start = open_envelope(message).body_offset
        contents = message[start:]
        for node, other in self.instead.items():
            contents = contents.replace(NODE_PREFIX + node, NODE_PREFIX + other)
        return message[:start] + contents


@dataclass(slots=True)
class Hijacker:
    """TR-3: lets two nodes set up their connection, and then speaks in place of the nearer one.

    ``far`` is the other end, ``overlay`` and ``sequence`` what every header says; ``seized`` begins the takeover.
    ``answered`` counts what came back for its own requests.
    """

    far: NodeID
    overlay: int
    sequence: int
    seized: bool = False
    asked: set[int] = field(default_factory=set)
    answered: int = 0

    def outward(self, packet: bytes) -> Outcomes:
        """From the near end: what it sends disappears, and a request of the attacker's takes its place."""
        opened = open_packet(packet)
        if not self.seized or (opened is None and packet[:3] != APPLICATION_DATA):
            return [(0.0, packet)]
        if opened is None:
            return [(0.0, APPLICATION_DATA + len(packet[5:]).to_bytes(2, "big") + bytes(len(packet[5:])))]
        transaction = open_envelope(opened.message).transaction_id ^ 1
        self.asked.add(transaction)
        return [(0.0, opened.carrying(ping(self.overlay, self.sequence, transaction, self.far)))]

    def inward(self, packet: bytes) -> Outcomes:
        """From the far end: what answers the attacker is his; the near end knows nothing of it and drops it."""
        opened = open_packet(packet)
        if opened is not None:
            self.answered += open_envelope(opened.message).transaction_id in self.asked
        return [(0.0, packet)]


def ping(overlay: int, sequence: int, transaction: int, target: NodeID) -> bytes:
    """A Ping that nobody has signed; the overlay's hash and its configuration's sequence are public."""
    return encode_message(
        overlay=overlay,
        configuration_sequence=sequence,
        ttl=TTL,
        transaction_id=transaction,
        destinations=NODE_PREFIX + target,
        contents=encode_contents(PingReq()),
        security=encode_security(UNSIGNED_BLOCK),
    )


@dataclass(slots=True)
class Deleter:
    """TR-8: takes messages off a hop and tells their sender that they have arrived.

    ``acknowledge`` sends a packet back in the other end's name. On a stream it is the transport below that believes in
    an arrival: its acknowledgements are in clear, whatever it carries, so nothing is left of what was sent.
    """

    acknowledge: Callable[[bytes], None]
    active: bool = False
    deleted: int = 0

    def on_path(self, packet: bytes) -> Outcomes:
        """Take a packet off the wire."""
        if not self.active:
            return [(0.0, packet)]
        if packet[:1] and packet[0] in TLS_RECORDS:
            self.deleted += 1
            return [(0.0, b"")]
        opened = open_packet(packet)
        if opened is None:
            return [(0.0, packet)]
        self.deleted += 1
        forged = frame_ack(opened.number, 0xFFFFFFFF)
        self.acknowledge(with_checksum(forged) if opened.checked else forged)
        return []
