"""What becomes of a message here: deliver, forward or drop (RFC 6940 §6.1).

A forwarder looks at the header only: the first entry of the destination list, and the way back that it adds to the
via list (symmetric recursive routing, §6.2). On this path entries are raw bytes; no object is made for one.
"""

from __future__ import annotations

from collections.abc import Callable

from p2psip_min.errors import DropReason, Malformed
from p2psip_min.ids import WILDCARD, NodeID
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.wire.header import (
    FRAGMENT,
    NODE_ENTRY_LENGTH,
    NODE_PREFIX,
    VERSION,
    Envelope,
    decode_destinations,
    read_destination,
    reroute,
)
from p2psip_min.wire.messages import ErrorCode
from p2psip_min.wire.options import FORWARD_CRITICAL, decode_options


class Deliver:
    """The message is for this node."""

    __slots__ = ()


class Forward:
    """Send ``message``, whose header is patched, to ``next_hop``."""

    __slots__ = ("message", "next_hop")

    def __init__(self, next_hop: NodeID, message: bytes) -> None:
        self.next_hop = next_hop
        self.message = message


class Drop:
    """The message ends here; ``error_code`` is what its sender may be told, None for nothing."""

    __slots__ = ("error_code", "reason")

    def __init__(self, reason: DropReason, error_code: int | None = None) -> None:
        self.reason = reason
        self.error_code = error_code


Decision = Deliver | Forward | Drop

DELIVER = Deliver()


class Forwarder:
    """The decisions of one node; ``connected`` says whether a node can be sent to directly, client or peer."""

    def __init__(
        self,
        node_id: NodeID,
        overlay: int,
        topology: TopologyPlugin,
        connected: Callable[[NodeID], bool],
        *,
        initial_ttl: int = 100,
        max_message_size: int = 5000,
    ) -> None:
        self.node_id = node_id
        self.topology = topology
        self._overlay = overlay
        self._connected = connected
        self._initial_ttl = initial_ttl
        self._max_size = max_message_size
        self._me = NODE_PREFIX + node_id

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        """Judge one message that came from ``previous_hop``; None: this node made it."""
        if envelope.overlay != self._overlay:
            return Drop(DropReason.WRONG_OVERLAY)
        if envelope.version != VERSION:
            return Drop(DropReason.WRONG_VERSION)
        if not envelope.fragment & FRAGMENT:
            return Drop(DropReason.BAD_FRAGMENT)
        if envelope.ttl > self._initial_ttl:
            return Drop(DropReason.TTL_EXCEEDED, ErrorCode.TTL_EXCEEDED)
        if envelope.length > self._max_size:
            return Drop(DropReason.TOO_LARGE, ErrorCode.MESSAGE_TOO_LARGE)
        raw = envelope.destinations
        try:
            return self._first_entry(envelope, raw, previous_hop)
        except Malformed:
            return Drop(DropReason.MALFORMED)

    def _first_entry(self, envelope: Envelope, raw: bytes, previous_hop: NodeID | None) -> Decision:
        while raw[:NODE_ENTRY_LENGTH] == self._me:
            raw = raw[NODE_ENTRY_LENGTH:]
            if not raw:
                return DELIVER
        if raw[:2] == NODE_PREFIX and len(raw) >= NODE_ENTRY_LENGTH:
            target = raw[2:NODE_ENTRY_LENGTH]
            if target == WILDCARD:
                return DELIVER
            if self._connected(target):  # type: ignore[arg-type]  # equal bytes find the same link
                return self._forward(envelope, raw, target, previous_hop)
            if self.topology.responsible(target):
                return Drop(DropReason.NODE_ABSENT)
            return self._route(envelope, raw, target, previous_hop)
        if not raw:
            return Drop(DropReason.MALFORMED)
        kind = raw[0]
        if kind & 0x80 or kind == 3:
            read_destination(raw, 0, len(raw))
            return Drop(DropReason.OPAQUE_UNKNOWN)
        resource, end = read_destination(raw, 0, len(raw))
        if end != len(raw):
            return Drop(DropReason.RESOURCE_NOT_LAST)
        if self.topology.responsible(resource):
            return DELIVER
        return self._route(envelope, raw, resource, previous_hop)

    def _route(self, envelope: Envelope, raw: bytes, key: bytes, previous_hop: NodeID | None) -> Decision:
        next_hop = self.topology.next_hop(key)
        if next_hop is None:
            return Drop(DropReason.NO_ROUTE)
        return self._forward(envelope, raw, next_hop, previous_hop)

    def _forward(
        self, envelope: Envelope, raw: bytes, next_hop: bytes, previous_hop: NodeID | None
    ) -> Decision:
        if not envelope.ttl:
            return Drop(DropReason.TTL_EXCEEDED, ErrorCode.TTL_EXCEEDED)
        if envelope.options and any(
            option.flags & FORWARD_CRITICAL for option in decode_options(envelope.options)
        ):
            return Drop(DropReason.UNSUPPORTED_OPTION, ErrorCode.UNSUPPORTED_FORWARDING_OPTION)
        if len(raw) > NODE_ENTRY_LENGTH and _repeats(raw):
            return Drop(DropReason.LOOP, ErrorCode.INVALID_MESSAGE)
        via = envelope.via
        # A request, or a later fragment of one, notes the way back; an answer already knows it (§6.2).
        if previous_hop is not None and (envelope.code & 1 or not envelope.code) and envelope.code != ErrorCode_ERROR:
            via = via + NODE_PREFIX + previous_hop
        return Forward(
            next_hop,  # type: ignore[arg-type]
            reroute(envelope, ttl=envelope.ttl - 1, via=via, destinations=raw),
        )


ErrorCode_ERROR = 0xFFFF


def _repeats(raw: bytes) -> bool:
    """Whether an entry comes twice in a destination list (§6.3.2.2)."""
    entries = decode_destinations(raw)
    return len(set(entries)) != len(entries)
