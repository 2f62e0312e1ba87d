"""Attacks by outsiders on the way between two nodes (draft 5.1, 11.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from p2psip_min.errors import Malformed
from p2psip_min.transport.network import Address
from p2psip_min.wire.framing import DATA, open_frame
from p2psip_min.wire.header import open_envelope


@dataclass(slots=True)
class Eavesdropper:
    """Listens on a hop, and knows RELOAD: what it could read of what it saw."""

    seen: int = 0
    read: list[bytes] = field(default_factory=list)

    def tap(self, now: float, source: Address, destination: Address, packet: bytes) -> None:
        """Take a look at one packet; acknowledgements carry nothing and do not count."""
        try:
            kind, _, payload = open_frame(packet)
        except Malformed:
            self.seen += 1
            return
        if kind != DATA or not isinstance(payload, bytes):
            return
        self.seen += 1
        try:
            envelope = open_envelope(payload)
        except Malformed:
            return
        self.read.append(payload[envelope.body_offset :])

    def share_read(self) -> float:
        """Messages whose contents were in clear, of all seen; 0 when nothing passed."""
        return len(self.read) / self.seen if self.seen else 0.0
