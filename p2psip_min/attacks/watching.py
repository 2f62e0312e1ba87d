"""Attacks on who talks to whom: nobody is harmed, somebody only looks on (draft 7.2.11).

Watchers know the names of those whom they watch, and so where their records lie. What they see comes to pairs, "this
one looked for that one"; ``guess`` makes the best of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from p2psip_min.attacks.transport import TLS_RECORDS, open_packet
from p2psip_min.errors import Malformed
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.forwarding import Decision, Deliver
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.transport.network import Address
from p2psip_min.wire.header import Envelope, first_destination, open_envelope
from p2psip_min.wire.kinds import IANA_KINDS
from p2psip_min.wire.message import decode_message
from p2psip_min.wire.messages import MessageCode

Seen = tuple[bytes, bytes]
"""Who looked for whose record."""

RESOURCE = 16
"""Bytes of a Resource-ID."""


def guess(seen: Iterable[Seen]) -> dict[bytes, bytes]:
    """Whose record each watched one looks for most, the first of several; nothing for those who were not seen."""
    counts: dict[bytes, Counter[bytes]] = {}
    for who, whose in seen:
        counts.setdefault(who, Counter())[whose] += 1
    return {who: counted.most_common(1)[0][0] for who, counted in counts.items()}


@dataclass(slots=True)
class Watcher:
    """PR-1, on an untrusted base: a peer notes who fetches the records that it is responsible for."""

    breaks: ClassVar[tuple[str, ...]] = ()
    """It keeps every clause: nobody notices a watcher."""
    seen: list[Seen] = field(default_factory=list)

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding, and share what is seen."""
        self.seen = coalition.notes.setdefault("lookups", self.seen)
        return replace(parts, forwarding=_Noting(parts.forwarding, self.seen))


@dataclass(slots=True)
class _Noting:
    """Forwards as it should, and takes notes."""

    inner: Forwarding
    seen: list[Seen]

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if envelope.code == MessageCode.FETCH_REQ and previous_hop is not None and isinstance(decision, Deliver):
            who = first_destination(envelope.via)[0] if envelope.via else previous_hop
            self.seen.append((bytes(who), envelope.destinations[-RESOURCE:]))
        return decision


QUIET, SOON = 4.0, 4.0
"""Seconds without a packet after which a line is busy anew; seconds within which a callee's line follows a caller's."""


@dataclass(slots=True)
class LineWatcher:
    """PR-1, on a trusted base: an outsider on the lines between clients and their peers.

    Where messages are in clear he reads what is looked for. Where they are not he sees which line begins to be busy,
    and which other one begins a moment later. ``lines`` are the clients' addresses, ``records`` where theirs lie.
    """

    lines: Mapping[Address, bytes]
    records: Mapping[bytes, bytes]
    read: list[Seen] = field(default_factory=list)
    busy: list[tuple[float, bytes, bool]] = field(default_factory=list)
    last: dict[bytes, float] = field(default_factory=dict)

    def tap(self, now: float, source: Address, destination: Address, packet: bytes) -> None:
        """Look at one packet."""
        who = self.lines[source if source in self.lines else destination]
        if packet and packet[0] in TLS_RECORDS:
            if now - self.last.get(who, -QUIET) >= QUIET:
                self.busy.append((now, who, source in self.lines))
            self.last[who] = now
        elif source in self.lines and (opened := open_packet(packet)) is not None:
            self.read.extend((who, key) for key in _looked_for(opened.message))

    def seen(self) -> list[Seen]:
        """What was read; where that is nothing, which lines followed which."""
        if self.read:
            return self.read
        return [
            (caller, self.records[callee])
            for begun, caller, out in self.busy
            if out
            for at, callee, calls in self.busy
            if begun < at <= begun + SOON and not calls and callee != caller
        ]


def _looked_for(message: bytes) -> list[bytes]:
    try:
        envelope = open_envelope(message)
        if envelope.code == MessageCode.FETCH_REQ:
            return [envelope.destinations[-RESOURCE:]]
        if envelope.code == MessageCode.ROUTE_QUERY_REQ:
            destination = decode_message(envelope, IANA_KINDS).body.destination
            return [bytes(destination)] if isinstance(destination, ResourceID) else []
    except Malformed:
        pass
    return []
