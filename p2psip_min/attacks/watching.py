"""Attacks on who talks to whom: nobody is harmed, somebody only looks on (draft 7.2.11).

Watchers know the names of those whom they watch, and so where their records lie. What they see comes to pairs, "this
one looked for that one"; ``guess`` makes the best of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from p2psip_min.application import sip
from p2psip_min.attacks.transport import open_packet
from p2psip_min.errors import Malformed
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Deliver
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.transport.network import Address
from p2psip_min.wire.header import Envelope, first_destination
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


QUIET = 2.0
"""Seconds without a packet after which one that goes between two machines begins a call."""


@dataclass(slots=True)
class LineWatcher:
    """PR-1, on a trusted base: an outsider on the clients' lines, who sees all that comes and goes there.

    A call goes from phone to phone. Where it is in clear he reads who calls whom; where it is not he sees which
    machines meet. ``hosts`` are the clients' machines, ``records`` where what they registered lies.
    """

    hosts: Mapping[str, bytes]
    records: Mapping[bytes, bytes]
    read: list[Seen] = field(default_factory=list)
    met: list[Seen] = field(default_factory=list)
    last: dict[frozenset[bytes], float] = field(default_factory=dict)

    def tap(self, now: float, source: Address, destination: Address, packet: bytes) -> None:
        """Look at one packet."""
        caller, callee = self.hosts.get(source[0]), self.hosts.get(destination[0])
        if caller is None or callee is None:
            return
        if _rings(packet):
            self.read.append((caller, self.records[callee]))
        both = frozenset((caller, callee))
        if now - self.last.get(both, -QUIET) >= QUIET:
            self.met.append((caller, self.records[callee]))
        self.last[both] = now

    def seen(self) -> list[Seen]:
        """What was read; where that is nothing, who met whom."""
        return self.read or self.met


def _rings(packet: bytes) -> bool:
    """Whether it is an INVITE in clear, and one that is meant."""
    opened = open_packet(packet)
    try:
        message = sip.decode(opened.message) if opened is not None else None
    except Malformed:
        return False
    return message is not None and message.method == "INVITE" and not message.header(sip.COVER)
