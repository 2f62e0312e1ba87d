"""What is done to a message by hand: a bit flipped, the message dropped, delayed, doubled, sent again.

*Inside* is done where the message leaves a node, before its link protects it: what a hostile peer can do. *On the wire*
is done to the packets between two hosts: what an outsider can do, and TLS refuses what he made. Transmissions are
counted from the beginning of the story, so the same hand on the same seed grips the same message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from p2psip_min import trace as events
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.trace import Trace
from p2psip_min.transport.network import Address

DEEDS = ("flip", "drop", "delay", "duplicate", "resend")
"""What hands can do to a message."""


@dataclass(frozen=True, slots=True)
class Grip:
    """A hand on one transmission: ``sent`` counts from 1, ``value`` is the bit to flip or the seconds to wait."""

    deed: str
    sent: int
    value: int = 0
    inside: bool = True


def flip(data: bytes, bit: int) -> bytes:
    """The bytes with one bit turned, counted from the first byte's highest; beyond the end it goes around."""
    if not data:
        return data
    place, offset = divmod(bit % (8 * len(data)), 8)
    return data[:place] + bytes((data[place] ^ 0x80 >> offset,)) + data[place + 1 :]


class Hands:
    """All grips of one run, waiting for their transmissions; ``start`` is the trace's length when the story began."""

    def __init__(self, overlay: Overlay, grips: Iterable[Grip], start: int) -> None:
        self._overlay = overlay
        self._grips: dict[int, list[Grip]] = {}
        for grip in grips:
            self._grips.setdefault(grip.sent, []).append(grip)
        assert isinstance(overlay.trace, Trace)
        self._events = overlay.trace.events
        self._seen, self._sent = start, 0
        for node in overlay.nodes.values():
            peer = node.peer
            peer.equip(
                replace(peer.parts, links=_Handled(peer.parts.links, partial(self._send, node, peer.parts.links)))
            )

    def _number(self) -> int:
        """Which transmission the one is that begins now."""
        fresh = self._events[self._seen :]
        self._seen = len(self._events)
        self._sent += sum(isinstance(event, events.MessageSent | events.MessageForwarded) for event in fresh)
        return self._sent + 1

    def _send(self, node: Node, links: Any, next_hop: NodeID, message: bytes) -> bool:
        grips = self._grips.get(self._number(), ())
        copies = [(0.0, message)]
        for grip in grips:
            if grip.inside:
                copies = [(first + more, out) for first, each in copies for more, out in _meddle(grip, each)]
            else:
                self._lie_in_wait(grip, node, links.book.get(next_hop))
        sent = True
        for delay, data in copies:
            if delay:
                self._overlay.loop.call_later(delay, links.send, next_hop, data)
            else:
                sent = links.send(next_hop, data)
        return sent

    def _lie_in_wait(self, grip: Grip, node: Node, address: Address | None) -> None:
        """Take the next packet of this way that carries anything: on a link still to be opened, its first one."""
        if address is None:
            return

        def once(packet: bytes) -> list[tuple[float, bytes]]:
            if not packet:
                return [(0.0, packet)]
            remove()
            return _meddle(grip, packet)

        remove = self._overlay.network.on_path(node.address, address, once)


def _meddle(grip: Grip, data: bytes) -> list[tuple[float, bytes]]:
    """What leaves in the place of ``data``: seconds later, and which bytes."""
    match grip.deed:
        case "flip":
            return [(0.0, flip(data, grip.value))]
        case "drop":
            return []
        case "delay":
            return [(float(grip.value), data)]
        case "duplicate":
            return [(0.0, data), (0.0, data)]
        case "resend":
            return [(0.0, data), (float(grip.value), data)]
        case _:
            raise ValueError(f"no deed {grip.deed!r}; known: {', '.join(DEEDS)}")


class _Handled:
    """A node's links, with a hand at their entrance; everything else is theirs."""

    def __init__(self, inner: Any, send: Any) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "send", send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, name, value)
