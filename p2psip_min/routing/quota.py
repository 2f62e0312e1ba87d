"""How many different records somebody may ask for in a while, as the peer sees it through which he asks (draft 11.6).

A peer counts for each link: all that a node asks which is nobody's peer, and of its fellow peers what they begin
themselves. It slows a harvest down. Whoever asks through many peers, or each responsible peer itself, is counted by
none of them for the whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.errors import DropReason, Malformed
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Drop
from p2psip_min.wire.codes import ErrorCode, MessageCode
from p2psip_min.wire.header import Envelope, open_envelope

QUERIES = frozenset({MessageCode.FETCH_REQ, MessageCode.STAT_REQ, MessageCode.FIND_REQ})
"""Requests that tell something about a record."""

ENTRY = 19
"""Bytes of a Resource-ID in a list."""

Take = Callable[[NodeID, bytes], None]
"""Takes a message off a link."""

OVER_QUOTA = Drop(DropReason.OVER_QUOTA, ErrorCode.FORBIDDEN)


class Tally:
    """Who asked for which records in the last ``seconds``; at most ``names`` each."""

    __slots__ = ("_asked", "_names", "_order", "_seconds")

    def __init__(self, names: int, seconds: float) -> None:
        self._names = names
        self._seconds = seconds
        self._asked: dict[NodeID, dict[bytes, None]] = {}
        self._order: deque[tuple[float, NodeID, bytes]] = deque()

    def admits(self, asker: NodeID, name: bytes, now: float) -> bool:
        """Whether ``asker`` may ask for ``name``; asking again for the same costs nothing."""
        while self._order and self._order[0][0] <= now:
            _, gone, old = self._order.popleft()
            self._asked[gone].pop(old, None)
        asked = self._asked.setdefault(asker, {})
        if name in asked:
            return True
        if len(asked) >= self._names:
            return False
        asked[name] = None
        self._order.append((now + self._seconds, asker, name))
        return True


class QuotaPolicy(Protocol):
    """Whether peers count what others ask for."""

    def gate(
        self,
        take: Take,
        refuse: Callable[[Envelope, NodeID, Drop], None],
        peers: Callable[[], tuple[NodeID, ...]],
        now: Callable[[], float],
    ) -> Take: ...


@dataclass(frozen=True, slots=True)
class NoQuota:
    """Everybody asks as much as he likes."""

    def gate(
        self,
        take: Take,
        refuse: Callable[[Envelope, NodeID, Drop], None],
        peers: Callable[[], tuple[NodeID, ...]],
        now: Callable[[], float],
    ) -> Take:
        """What takes messages off the links: nothing stands before it."""
        return take


@dataclass(frozen=True, slots=True)
class QueryQuota:
    """At most ``names`` different records in ``seconds`` over one link."""

    names: int = 6
    seconds: float = 60.0

    def gate(
        self,
        take: Take,
        refuse: Callable[[Envelope, NodeID, Drop], None],
        peers: Callable[[], tuple[NodeID, ...]],
        now: Callable[[], float],
    ) -> Take:
        """What takes messages off the links: it counts, and refuses what is too much."""
        tally = Tally(self.names, self.seconds)

        def counted(remote: NodeID, data: bytes) -> None:
            envelope = _query(data)
            begun = envelope is not None and (not envelope.via or remote not in peers())
            if envelope is None or not begun or tally.admits(remote, envelope.destinations[-ENTRY:], now()):
                take(remote, data)
            else:
                refuse(envelope, remote, OVER_QUOTA)

        return counted


def _query(data: bytes) -> Envelope | None:
    try:
        envelope = open_envelope(data)
    except Malformed:
        return None
    return envelope if envelope.code in QUERIES else None
