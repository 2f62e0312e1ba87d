"""Attacks on the program itself: messages that no sender should have sent (draft 11.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from p2psip_min.ids import NodeID
from p2psip_min.seams import Coalition, NodeView, PeerParts
from p2psip_min.wire.header import NODE_PREFIX
from p2psip_min.wire.message import encode_contents, encode_message
from p2psip_min.wire.messages import PingReq

TTL = 30
PAUSE = 1.0
"""Seconds between two messages."""

TOO_LONG = 0x4000
"""Bytes that a message says it has, and does not."""

UNREADABLE = b"\x00\x00" + b"\x04\x03" + b"\x00\x00\x00" + b"\x00\x00"
"""A security block without certificates, whose signer is of type 0, which there is not (RFC 6940 §6.3.4)."""


@dataclass(slots=True)
class Crafted:
    """CR-2: a client sends messages that no program makes by itself, one to each of ``targets``.

    Every other one has a length that leads beyond its end; the rest have a signature that can't be read, and say that
    they come from ``victim``. ``overlay`` and ``sequence`` are what every header says.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """It keeps what the seams ask of store and forwarding."""
    victim: NodeID
    targets: Sequence[NodeID]
    overlay: int
    sequence: int

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act for the node."""
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """One message after the other, through whoever serves this client."""
        for number, target in enumerate(self.targets):
            make = too_long if number % 2 else unsigned
            header = {"overlay": self.overlay, "configuration_sequence": self.sequence, "transaction_id": number}
            view.send(view.routing_table()[0], make(header, target, self.victim))
            await view.sleep(PAUSE)


def too_long(header: Mapping[str, Any], target: NodeID, victim: NodeID) -> bytes:
    """A Ping whose padding, and so its body, is said to be longer than the message."""
    ping = encode_contents(PingReq(bytes(TOO_LONG)))
    cut = ping[: len(ping) - TOO_LONG]
    return encode_message(ttl=TTL, destinations=NODE_PREFIX + target, contents=cut, security=b"", **header)


def unsigned(header: Mapping[str, Any], target: NodeID, victim: NodeID) -> bytes:
    """A Ping that says it has passed ``victim`` first, and whose signer nobody can make out."""
    return encode_message(
        ttl=TTL,
        via=NODE_PREFIX + victim,
        destinations=NODE_PREFIX + target,
        contents=encode_contents(PingReq()),
        security=UNREADABLE,
        **header,
    )
