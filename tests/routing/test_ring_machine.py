"""Joins, failures, leaves and stabilisation in any order: is it one ring, always, and the ideal one at rest?

What P. Zave's proof asks for is kept: the start is r+1 members or more; afterwards nobody goes whose going leaves less
than r+1 members that no list passes over, or a member without a living successor, in its list or among the r that in
truth follow it, while the news of who died or came may be under way.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from p2psip_min.ids import NodeID
from p2psip_min.invariants import finger_violations, ideal_ring, one_live_successor, principals, zave
from p2psip_min.routing.topology.chord import Chord
from tests.routing.village import Village

R = 3
MOST = 16

ids = st.integers(1, 255).map(lambda place: NodeID.from_int((place << 120) + place))
picks = st.integers(0, 10_000)


class Ring(RuleBasedStateMachine):
    @initialize(start=st.lists(ids, min_size=R + 1, max_size=8, unique=True))
    def begin(self, start: list[NodeID]) -> None:
        self.village = Village(Chord)
        ring = sorted(start)
        for node in ring:
            self.village.nodes[node] = Chord(node)
            self.village.nodes[node].settle(ring)
            self.village.members[node] = None
        self.used = set(start)
        self.ghosts: set[NodeID] = set()

    def pick(self, number: int) -> NodeID:
        members = sorted(self.village.members)
        return members[number % len(members)]

    def may_go(self, node: NodeID) -> bool:
        left = {other: lists for other, lists in self.village.snapshot().items() if other != node}
        if len(principals(left)) <= R or one_live_successor(left):
            return False
        if not self.village.queue:
            listed = {other for lists in left.values() for side in lists for other in side}
            self.ghosts &= listed
        ring = sorted({*self.village.nodes, *self.ghosts})
        after = {other: [ring[(at + step) % len(ring)] for step in range(1, R + 1)] for at, other in enumerate(ring)}
        return all(any(successor in left for successor in after[other]) for other in left)

    @precondition(lambda self: len(self.village.nodes) < MOST)
    @rule(node=ids, number=picks)
    def begin_join(self, node: NodeID, number: int) -> None:
        if node not in self.used:
            self.used.add(node)
            self.village.begin_join(node, self.pick(number))

    @precondition(lambda self: self.village.joining)
    @rule(number=picks)
    def finish_join(self, number: int) -> None:
        joining = sorted(self.village.joining)
        self.village.finish_join(joining[number % len(joining)])

    @rule(number=picks)
    def fail(self, number: int) -> None:
        if self.may_go(node := self.pick(number)):
            self.ghosts.add(node)
            self.village.fail(node)

    @rule(number=picks)
    def leave(self, number: int) -> None:
        if self.may_go(node := self.pick(number)):
            self.ghosts.add(node)
            self.village.leave(node)

    @rule(number=picks)
    def stabilize(self, number: int) -> None:
        self.village.now += 30.0
        self.village.stabilize(self.pick(number))

    @rule(count=st.integers(1, 40))
    def deliver(self, count: int) -> None:
        self.village.deliver_some(count)

    @invariant()
    def one_ordered_ring(self) -> None:
        if hasattr(self, "village"):
            assert zave(self.village.snapshot()) == []

    def teardown(self) -> None:
        if not hasattr(self, "village"):
            return
        village = self.village
        for node in sorted(village.joining):
            village.finish_join(node)
        village.settle_down()
        for _ in range(4):
            village.round()
        assert zave(village.snapshot()) == []
        assert ideal_ring(village.snapshot()) == []
        assert finger_violations({node: village.nodes[node].fingers() for node in village.members}) == []


TestRing = Ring.TestCase
TestRing.settings = settings(max_examples=60, stateful_step_count=40)
