"""Walking to a key by RouteQuery: whom to ask next, and when to stop (RFC 6940 §6.4.2.4, §10.8).

The requester asks each step itself, so it sees every claim: a step that names itself is the end, one that names
nobody new has led nowhere, and, where progress is checked, so has one that names somebody farther away who is not the
end. A failed step is answered by asking somebody else who was named, or by starting again elsewhere, never by asking
it twice.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from p2psip_min.ids import NodeID
from p2psip_min.routing.progress import AnyHop, ProgressPolicy
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.routing.ways import next_hop_on

MAX_STEPS = 64
"""Steps after which a walk ends: far more than an honest overlay takes."""


BELIEF = 2
"""How many of those that a node names may fail to answer before the others are not asked any more."""


class WalkReason(enum.StrEnum):
    """Why a walk ended without finding anybody."""

    NOBODY = "nobody left to ask"
    TOO_LONG = "too many steps"


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a RouteQuery for the key to ``node``; ``via`` named it and can introduce it, None: we know it ourselves."""

    node: NodeID
    via: NodeID | None


@dataclass(frozen=True, slots=True)
class Found:
    """``node`` says that it is responsible; ``path`` is the way to it, the node included, ourselves not."""

    node: NodeID
    path: tuple[NodeID, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The walk is over and nobody was found; ``path`` is the last way that was tried."""

    reason: WalkReason
    path: tuple[NodeID, ...]


Step = Ask | Found | Lost


@dataclass(slots=True)
class _Named:
    """Whom one node named, and how many of them did not answer."""

    by: NodeID
    nodes: Sequence[NodeID]
    dead: int = 0


class Walk:
    """One lookup of ``key`` from the node of ``topology``, which is not responsible for it itself.

    ``way`` says which choice is wanted where there are several.
    """

    def __init__(
        self,
        topology: TopologyPlugin,
        key: bytes,
        *,
        max_steps: int = MAX_STEPS,
        progress: ProgressPolicy = AnyHop(),
        way: int = 0,
    ) -> None:
        self.key = key
        self.way = way
        self._topology = topology
        self._max_steps = max_steps
        self._progress = progress
        self._asked: dict[NodeID, None] = {}
        self._path: list[NodeID] = []
        self._named: list[_Named] = []

    @property
    def steps(self) -> int:
        """How many nodes were asked so far, on all ways."""
        return len(self._asked)

    def begin(self) -> Step:
        """The first step, and the first of each new way: the best entry of our own table that was not asked yet."""
        self._path.clear()
        node = next_hop_on(self._topology, self.key, self.way, self._asked)
        return Lost(WalkReason.NOBODY, ()) if node is None else self._ask(node, None)

    def answered(self, node: NodeID, named: Sequence[NodeID]) -> Step:
        """``node`` would pass the key on to the first of ``named``, or else to the next."""
        if named[0] == node:
            return Found(node, tuple(self._path))
        if len(self._path) > 1 and not self._progress.in_order(self._topology, self.key, self._path[-2], node):
            return self._next()  # it is not responsible, and not nearer than who named it
        self._named.append(_Named(node, named))
        return self._next()

    def failed(self, node: NodeID) -> Step:
        """``node`` did not answer, or could not be reached."""
        if self._named and node in self._named[-1].nodes:
            self._named[-1].dead += 1
        return self._next()

    def _next(self) -> Step:
        """Whom the last one named that was not asked yet, else whom the one before it named, else a new way."""
        while self._named:
            last = self._named[-1]
            if last.dead < BELIEF:
                for node in last.nodes:
                    if node not in self._asked and node != self._topology.node_id:
                        del self._path[self._path.index(last.by) + 1 :]
                        return self._ask(node, last.by)
            self._named.pop()  # all of it leads back, a loop by error or on purpose; or nowhere
        return self.begin()

    def _ask(self, node: NodeID, via: NodeID | None) -> Step:
        if len(self._asked) >= self._max_steps:
            return Lost(WalkReason.TOO_LONG, tuple(self._path))
        self._asked[node] = None
        self._path.append(node)
        return Ask(node, via)
