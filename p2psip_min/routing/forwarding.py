"""What becomes of a message here: deliver, forward or drop (RFC 6940 §6.1).

A forwarder reads the header only: the first entry of the destination list decides, and a request takes the way back
along in its via list (symmetric recursive routing, §6.2). On this path entries are raw bytes; none becomes an object.

1. Our Node-ID at the front is taken off and the next entry looked at; at the end of the list the message is for us.
2. A Node-ID that we are linked with, peer or client, is sent to; another in our range does not exist. Clients are
   linked but in no table, so nothing else is ever routed through one.
3. A Resource-ID stands last, and is for us or for the topology's next hop.
4. Every send takes one off the ttl, the first one too: what arrives has travelled ``initial_ttl - ttl`` hops.
5. A repeated destination is refused in requests only (§13.6.5). An answer's list is the way that the request really
   took, and a source-routed request may well have passed the same node twice.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from p2psip_min.errors import DropReason, Malformed
from p2psip_min.ids import WILDCARD, NodeID, ResourceID
from p2psip_min.routing.progress import AnyHop, ProgressPolicy
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.wire.codes import ErrorCode, MessageCode
from p2psip_min.wire.header import (
    FRAGMENT,
    HEADER_LENGTH,
    MAX_LIST,
    NODE_ENTRY_LENGTH,
    NODE_PREFIX,
    OFFSET_MASK,
    RESOURCE_ENTRY_LENGTH,
    RESOURCE_PREFIX,
    TOKEN,
    VERSION,
    WHOLE,
    Envelope,
    decode_destinations,
    pack_usual,
    read_destination,
    reroute,
    unpack_code,
    unpack_usual,
)
from p2psip_min.wire.options import DESTINATION_CRITICAL, FORWARD_CRITICAL, decode_options


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
    """The message ends here; ``error_code`` is what the sender of a request may be told, None for nothing."""

    __slots__ = ("error_code", "reason")

    def __init__(self, reason: DropReason, error_code: int | None = None) -> None:
        self.reason = reason
        self.error_code = error_code


Decision = Deliver | Forward | Drop


def dropped(decision: object) -> Drop:
    """A decision that is neither of the others; TypeError for none at all, as an attacker's own part may return."""
    if not isinstance(decision, Drop):
        raise TypeError(f"forwarding decides Deliver, Forward or Drop, not {decision!r}")
    return decision


class Linked(Protocol):
    """A live link, as far as forwarding looks at it."""

    @property
    def remote(self) -> NodeID: ...


Relayed = tuple[NodeID, bytes, int, int]
"""The next hop, the message with its header patched, its transaction id and its code."""

DELIVER = Deliver()

_ERROR = int(MessageCode.ERROR)
_REQUEST_BITS = 0x8001
"""Set and clear in the code of a request, which is odd and below an error's."""
_node_id = bytes.__new__


class Forwarder:
    """The decisions of one node; ``connected`` says whether a node can be sent to directly, client or peer.

    ``options`` are the types of forwarding options that the node understands. In an ``unsigned`` overlay answers take
    their way along as requests do (§6.1.2 leaves it open): its first entry is all that says who answered. ``progress``
    says who is gone around. ``linked`` are the links that are up, by Node-ID, where answers may take the short cut.
    """

    __slots__ = (
        "_any_hop",
        "_astray",
        "_connected",
        "_head",
        "_initial_ttl",
        "_linked",
        "_max_size",
        "_options",
        "_overlay",
        "_own_entry",
        "_unsigned",
        "node_id",
        "topology",
    )

    def __init__(
        self,
        node_id: NodeID,
        overlay: int,
        topology: TopologyPlugin,
        connected: Callable[[NodeID], bool],
        *,
        initial_ttl: int = 100,
        max_message_size: int = 5000,
        options: tuple[int, ...] = (),
        unsigned: bool = False,
        progress: ProgressPolicy = AnyHop(),
        linked: Mapping[Any, Linked] = MappingProxyType({}),
    ) -> None:
        self.node_id = node_id
        self.topology = topology
        self._overlay = overlay
        self._connected = connected
        self._linked = linked
        self._initial_ttl = initial_ttl
        self._max_size = max_message_size
        self._options = options
        self._unsigned = unsigned
        self._astray = progress.astray
        self._any_hop = isinstance(progress, AnyHop)
        self._own_entry = NODE_PREFIX + node_id
        self._head = TOKEN << 32 | overlay

    def limit(self, *, initial_ttl: int, max_message_size: int) -> None:
        """Go by a new configuration's limits."""
        self._initial_ttl, self._max_size = initial_ttl, max_message_size

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
        try:
            return self._first_entry(envelope, envelope.destinations, previous_hop)
        except Malformed:
            return Drop(DropReason.MALFORMED)

    def relay(self, data: bytes, previous_hop: NodeID | None) -> Relayed | Deliver | None:
        """As ``decide``, but from the bytes at once, and only where nothing is unusual; None leaves it to ``decide``.

        Usual are whole messages without options: requests for one resource or node, and answers on their way back.
        They are nearly all, so this is where a hop's time goes: each field is read once, and what need not be called
        isn't.
        """
        try:
            head, sequence, version, ttl, fragment, length, transaction_id, longest, via_length, left, options = (
                unpack_usual(data)
            )
            at = start = HEADER_LENGTH + via_length
            end = start + left
            (code,) = unpack_code(data, end)
        except struct.error:
            return None
        if (
            head != self._head
            or version != VERSION
            or fragment != WHOLE
            or options
            or not ttl
            or ttl > self._initial_ttl
            or length != len(data)
            or length > self._max_size
        ):
            return None
        if left == RESOURCE_ENTRY_LENGTH and data[at : at + 3] == RESOURCE_PREFIX and self._any_hop:
            topology, key = self.topology, data[at + 3 : end]
            next_hop = topology.next_hop(key)
            if next_hop is None:
                return DELIVER if topology.responsible(key) else None
        elif code & 1 and left != NODE_ENTRY_LENGTH:
            return None
        else:
            if data[at : at + NODE_ENTRY_LENGTH] == self._own_entry:
                at += NODE_ENTRY_LENGTH
                if at == end:
                    return DELIVER
            link = self._linked.get(data[at + 2 : at + NODE_ENTRY_LENGTH])
            if link is None or at + NODE_ENTRY_LENGTH > end or data[at : at + 2] != NODE_PREFIX:
                return None
            next_hop = link.remote
        passed = b""
        if previous_hop is not None and (code & _REQUEST_BITS == 1 or self._unsigned):
            passed = NODE_PREFIX + previous_hop
            via_length += NODE_ENTRY_LENGTH
            if via_length > MAX_LIST:
                return None
        fixed = pack_usual(
            head, sequence, version, ttl - 1, fragment, HEADER_LENGTH + via_length + length - at, transaction_id,
            longest, via_length, end - at, options,
        )  # fmt: skip
        return next_hop, b"".join((fixed, data[HEADER_LENGTH:start], passed, data[at:])), transaction_id, code

    def _next_hop(self, envelope: Envelope, key: bytes, previous_hop: NodeID | None) -> NodeID | None:
        topology = self.topology
        return topology.next_hop(key, self._astray(topology, key, envelope.via, previous_hop))

    def _first_entry(self, envelope: Envelope, raw: bytes, previous_hop: NodeID | None) -> Decision:
        size = len(raw)
        if size > NODE_ENTRY_LENGTH:
            code = envelope.code
            if code & 1 and code != _ERROR and _repeats(raw):
                return Drop(DropReason.LOOP, ErrorCode.INVALID_MESSAGE)
            own = self._own_entry
            while size > NODE_ENTRY_LENGTH and raw[:NODE_ENTRY_LENGTH] == own:
                raw = raw[NODE_ENTRY_LENGTH:]
                size -= NODE_ENTRY_LENGTH
        if size >= NODE_ENTRY_LENGTH and raw[:2] == NODE_PREFIX:
            return self._to_node(envelope, raw, _node_id(NodeID, raw[2:NODE_ENTRY_LENGTH]), previous_hop)
        entry, end = read_destination(raw, 0, len(raw))
        if not isinstance(entry, ResourceID):
            return Drop(DropReason.OPAQUE_UNKNOWN)  # we never put one into a via list
        if end != len(raw):
            return Drop(DropReason.RESOURCE_NOT_LAST)
        return self._to_resource(envelope, raw, entry, previous_hop)

    def _to_resource(self, envelope: Envelope, raw: bytes, key: bytes, previous_hop: NodeID | None) -> Decision:
        next_hop = self._next_hop(envelope, key, previous_hop)
        if next_hop is not None:
            return self._forward(envelope, raw, next_hop, previous_hop)
        return self._deliver(envelope) if self.topology.responsible(key) else Drop(DropReason.NO_ROUTE)

    def _to_node(self, envelope: Envelope, raw: bytes, target: NodeID, previous_hop: NodeID | None) -> Decision:
        if target == self.node_id or target == WILDCARD:
            return self._deliver(envelope)
        if self._connected(target):
            return self._forward(envelope, raw, target, previous_hop)
        next_hop = self._next_hop(envelope, target, previous_hop)
        if next_hop is None:
            return Drop(DropReason.NODE_ABSENT if self.topology.responsible(target) else DropReason.NO_ROUTE)
        return self._forward(envelope, raw, next_hop, previous_hop)

    def _deliver(self, envelope: Envelope) -> Decision:
        if envelope.options and self._unknown_option(envelope, DESTINATION_CRITICAL):
            return Drop(DropReason.UNSUPPORTED_OPTION, ErrorCode.UNSUPPORTED_FORWARDING_OPTION)
        return DELIVER

    def _forward(self, envelope: Envelope, raw: bytes, next_hop: NodeID, previous_hop: NodeID | None) -> Decision:
        if not envelope.ttl:
            return Drop(DropReason.TTL_EXCEEDED, ErrorCode.TTL_EXCEEDED)
        if envelope.options and self._unknown_option(envelope, FORWARD_CRITICAL):
            return Drop(DropReason.UNSUPPORTED_OPTION, ErrorCode.UNSUPPORTED_FORWARDING_OPTION)
        via = envelope.via
        if previous_hop is not None:
            # A later fragment does not say what it is of; in one of an answer the entry does no harm (§6.1.2).
            code = envelope.code
            if (code & 1 and code != _ERROR) or envelope.fragment & OFFSET_MASK or self._unsigned:
                via = via + NODE_PREFIX + previous_hop
        return Forward(next_hop, reroute(envelope, envelope.ttl - 1, via, raw))

    def _unknown_option(self, envelope: Envelope, critical: int) -> bool:
        """Whether a request carries an option with this flag that we do not understand (§6.3.2.3)."""
        if not envelope.code & 1 or envelope.code == _ERROR:
            return False
        return any(
            option.flags & critical and option.type not in self._options for option in decode_options(envelope.options)
        )


def _repeats(raw: bytes) -> bool:
    """Whether an entry comes twice in a destination list."""
    entries = decode_destinations(raw)
    return len(set(entries)) != len(entries)
