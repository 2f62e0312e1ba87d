"""Walking to a key by RouteQuery: whom to ask next, and when to stop (RFC 6940 §6.4.2.4, §10.8).

The requester asks each step itself, so it sees every claim: a step that names itself is the end, one that names
nobody new has led nowhere, and, where progress is checked, so has one that names somebody farther away who is not the
end. A failed step is answered by starting again elsewhere, never by asking it twice.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from p2psip_min.ids import NodeID
from p2psip_min.routing.progress import AnyHop, ProgressPolicy
from p2psip_min.routing.topology.base import TopologyPlugin

MAX_STEPS = 64
"""Steps after which a walk ends: far more than an honest overlay takes."""


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


class Walk:
    """One lookup of ``key`` from the node of ``topology``, which is not responsible for it itself."""

    def __init__(
        self,
        topology: TopologyPlugin,
        key: bytes,
        *,
        max_steps: int = MAX_STEPS,
        progress: ProgressPolicy = AnyHop(),
    ) -> None:
        self.key = key
        self._topology = topology
        self._max_steps = max_steps
        self._progress = progress
        self._asked: dict[NodeID, None] = {}
        self._path: list[NodeID] = []

    @property
    def steps(self) -> int:
        """How many nodes were asked so far, on all ways."""
        return len(self._asked)

    def begin(self) -> Step:
        """The first step, and the first of each new way: the best entry of our own table that was not asked yet."""
        self._path.clear()
        node = self._topology.next_hop(self.key, self._asked)
        return Lost(WalkReason.NOBODY, ()) if node is None else self._ask(node, None)

    def answered(self, node: NodeID, named: NodeID) -> Step:
        """``node`` would pass the key on to ``named``."""
        if named == node:
            return Found(node, tuple(self._path))
        if named in self._asked or named == self._topology.node_id:
            return self.begin()  # it leads back: a loop, by error or on purpose
        if len(self._path) > 1 and not self._progress.in_order(self._topology, self.key, self._path[-2], node):
            return self.begin()  # it is not responsible, and not nearer than who named it
        return self._ask(named, node)

    def failed(self, node: NodeID) -> Step:
        """``node`` did not answer, or could not be reached."""
        return self.begin()

    def _ask(self, node: NodeID, via: NodeID | None) -> Step:
        if len(self._asked) >= self._max_steps:
            return Lost(WalkReason.TOO_LONG, tuple(self._path))
        self._asked[node] = None
        self._path.append(node)
        return Ask(node, via)
