"""Who is responsible for a key, by the signed word of those who live around it (draft 5.2, second issue).

A peer on the way can answer for any key, and nothing in the answer says that it may. But the key's neighborhood knows
who lives there: each of its peers states whom it knows, under its signature, to whoever asks over a link of his own.
The requester walks to the key by itself, asks those that are nearest on the way and the one that has the best claim of
all that were named, and stops when nobody is left to ask who would be either.

One liar can leave a name out, or name others; the names that it leaves out stand in its neighbors' statements, and
those that it invents answer to nobody. So the outcome is wrong only where all who know the responsible peer lie: with
three witnesses for about one key in three hundred where a tenth of the peers lie together, for one in thirty where a
quarter does. Where nobody lies no true root is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.ids import NodeID
from p2psip_min.routing.iterative import Ask
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.wire.codes import MessageCode

MAX_QUESTIONS = 32
"""Nodes that are asked at most: a liar may name as many as it likes."""


class RootProofPolicy(Protocol):
    """How many of those around a key must be heard before a responder is believed; 0: its own word will do."""

    @property
    def witnesses(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AnyResponder:
    """Whoever answers for a key is believed to be responsible for it."""

    witnesses = 0


@dataclass(frozen=True, slots=True)
class NeighborStatements:
    """The ``witnesses`` nearest to the key on the way state whom they know, and none of those has a better claim."""

    witnesses: int = 3
    signed_codes = (MessageCode.PROBE_ANS,)
    """What is signed for it, also where other messages are not."""


Better = Callable[[bytes, bytes, bytes], bool]
"""Whether one node beats another for a key."""


class Survey:
    """One look around ``key``, by the node of ``topology``, that begins with the nodes of ``known``."""

    def __init__(self, topology: TopologyPlugin, key: bytes, known: Iterable[NodeID], *, witnesses: int) -> None:
        self.key = key
        self._topology = topology
        self._witnesses = witnesses
        self._namers: dict[NodeID, list[NodeID | None]] = {}
        self._heard: dict[NodeID, None] = {}
        self._left = MAX_QUESTIONS
        for node in known:
            self._name(node, None)

    def questions(self) -> list[Ask]:
        """Whom to ask now, and who can introduce each (None: we know it ourselves); none when enough is known."""
        wanted = dict.fromkeys((*self._nearest(), *self.root_set(1)))
        left = [node for node in wanted if node not in self._heard][: self._left]
        self._left -= len(left)
        return [Ask(node, self._namers[node][0]) for node in left]

    def stated(self, node: NodeID, named: Iterable[NodeID]) -> None:
        """``node`` has signed that it knows these."""
        self._heard[node] = None
        for other in named:
            self._name(other, node)

    def failed(self, node: NodeID) -> None:
        """``node`` could not be reached, or said nothing that counts; perhaps another one can introduce it."""
        self._namers[node].pop(0)

    @property
    def heard(self) -> tuple[NodeID, ...]:
        """Who has stated whom it knows, over a link of ours."""
        return tuple(self._heard)

    @property
    def named(self) -> tuple[NodeID, ...]:
        """Everybody that somebody has named, or that we knew; it may be that nobody is them."""
        return tuple(self._namers)

    def owner(self) -> NodeID | None:
        """The best claim of those who were heard; None when nobody was."""
        return _first(self._heard, self._topology.closer, self.key)

    def root_set(self, count: int) -> list[NodeID]:
        """The ``count`` best claims of those who are not known to be out of reach, the best first."""
        return self._best(count, self._topology.closer)

    def _nearest(self) -> list[NodeID]:
        return self._best(self._witnesses, self._topology.nearer)

    def _best(self, count: int, better: Better) -> list[NodeID]:
        left = [node for node, namers in self._namers.items() if namers]
        found: list[NodeID] = []
        while left and len(found) < count:
            best = _first(left, better, self.key)
            assert best is not None
            left.remove(best)
            found.append(best)
        return found

    def _name(self, node: NodeID, namer: NodeID | None) -> None:
        if node != self._topology.node_id and namer not in (namers := self._namers.setdefault(node, [])):
            namers.append(namer)


def _first(nodes: Iterable[NodeID], better: Better, key: bytes) -> NodeID | None:
    """The one that no other beats."""
    best: NodeID | None = None
    for node in nodes:
        if best is None or better(node, best, key):
            best = node
    return best
