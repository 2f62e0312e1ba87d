"""Attacks by outsiders on the way between two nodes (draft 5.1, 7.2.11, 11.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from p2psip_min.errors import Malformed
from p2psip_min.transport.network import Address
from p2psip_min.transport.plain import HELLO, HELLO_ANSWER
from p2psip_min.wire.framing import DATA, open_frame
from p2psip_min.wire.header import Envelope, open_envelope

TLS_RECORDS = range(20, 24)
"""First bytes of TLS records (RFC 8446 §5.1)."""

HELLO_LENGTH = 17


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
        if packet[:1] in (HELLO, HELLO_ANSWER):
            packet = packet[HELLO_LENGTH:]
        if not packet:
            return
        if packet[0] in TLS_RECORDS:
            self.seen += 1
            return
        try:
            kind, _, message = open_frame(packet)
            if kind == DATA and isinstance(message, bytes):
                self.seen += 1
                self.read.append(open_envelope(message))
                self.since = now if self.since is None else self.since
        except Malformed:
            return

    @property
    def share_read(self) -> float:
        """Messages read, of all that passed; 0 when nothing did."""
        return len(self.read) / self.seen if self.seen else 0.0
