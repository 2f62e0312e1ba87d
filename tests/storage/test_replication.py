"""Who sends which copies to whom: placement after any change (RFC 6940 §10.4, §10.7.3)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.ids import NodeID, ResourceID, in_interval
from p2psip_min.storage.copies import Copies
from p2psip_min.storage.replication import (
    GIVE_UP,
    HAND_OVER,
    HOLD_DOWN,
    GiveUp,
    Transfer,
    Why,
    duties,
    for_joining,
    for_leaving,
)


def node(place: int) -> NodeID:
    return NodeID(bytes([place]) * 16)


def resource(place: int) -> ResourceID:
    return ResourceID(bytes([place]) * 16)


class Ring:
    """What one node knows of a ring of one-byte places: all its members."""

    def __init__(self, here: int, members: Iterable[int]) -> None:
        self.node_id = node(here)
        self.members = sorted({here, *members})
        self.here = here

    def holders(self, key: bytes, count: int) -> list[NodeID]:
        at = bisect_left(self.members, key[0])
        return [node(self.members[(at + i) % len(self.members)]) for i in range(min(count + 1, len(self.members)))]

    def responsible(self, key: bytes) -> bool:
        return self.owner(key) == self.node_id

    def owner(self, key: bytes) -> NodeID:
        return self.holders(key, 0)[0]

    def holds(self, key: bytes, count: int) -> bool:
        return self.node_id in self.holders(key, count)

    def replicas(self, key: bytes, count: int) -> tuple[NodeID, ...]:
        at = self.members.index(self.here)
        after = self.members[at + 1 :] + self.members[:at]
        return tuple(node(place) for place in after[:count])


class Overlay:
    """Nodes that carry their duties out at once; each holds a version of each of its resources."""

    def __init__(self, members: Iterable[int], count: int) -> None:
        self.count = count
        self.held: dict[int, dict[ResourceID, int]] = {place: {} for place in members}
        self.copies = {place: Copies() for place in self.held}
        self.sent = 0

    def ring(self, place: int) -> Ring:
        return Ring(place, self.held)

    def store(self, what: ResourceID, version: int) -> None:
        owner = self.ring(min(self.held)).owner(what)[0]
        self.held[owner][what] = version
        self.copies[owner].stored(what)

    def carry_out(self, place: int, duty: Transfer) -> None:
        self.sent += 1
        what, to, here = duty.resource, duty.to[0], self.held[place]
        theirs = self.held[to].get(what)
        if theirs is not None and theirs > here[what]:  # Error_Data_Too_Old: adopt theirs
            here[what] = theirs
            self.copies[place].stored(what)
            return
        if theirs != here[what]:
            self.held[to][what] = here[what]
            self.copies[to].stored(what, node(place))
        if duty.replica_number == GIVE_UP:
            self.copies[to].doubt(what, node(place))
        else:
            self.copies[to].acknowledged(what, node(place))
        self.copies[place].acknowledged(what, duty.to)

    def settle(self) -> None:
        """Everybody looks after its copies until nobody has anything left to do."""
        for _ in range(20):
            before = self.sent
            for place in sorted(self.held):
                for what in sorted(self.held[place]):
                    for duty in duties(what, self.ring(place), self.copies[place], self.count):
                        if isinstance(duty, Transfer):
                            self.carry_out(place, duty)
                            continue
                        given = Transfer(resource=what, to=duty.to, replica_number=GIVE_UP, why=Why.LEAVING)
                        self.copies[place].doubt(what, duty.to)
                        self.carry_out(place, given)
                        if not self.copies[place].missing(what, duty.to):
                            del self.held[place][what]
                            self.copies[place].forget(what)
            if self.sent == before:
                return
        raise AssertionError("never at rest")

    def join(self, place: int, *, admitted: bool) -> None:
        admitting = self.ring(min(self.held)).owner(node(place))[0]
        self.held[place], self.copies[place] = {}, Copies()
        if admitted:
            before = Ring(admitting, set(self.held) - {place})
            for duty in for_joining(
                self.held[admitting],
                node(place),
                lambda what: before.responsible(what) and in_interval(what, node(admitting), node(place)),
                self.copies[admitting],
            ):
                self.carry_out(admitting, duty)

    def leave(self, place: int) -> None:
        for duty in for_leaving(self.held[place], self.ring(place), self.copies[place], self.count):
            self.carry_out(place, duty)
        self.crash(place)

    def crash(self, place: int) -> None:
        del self.held[place], self.copies[place]
        for copies in self.copies.values():
            copies.forget_holder(node(place))

    def placement(self) -> dict[ResourceID, set[int]]:
        found: dict[ResourceID, set[int]] = {}
        for place, held in self.held.items():
            for what in held:
                found.setdefault(what, set()).add(place)
        return found

    def wanted(self, what: ResourceID) -> set[int]:
        return {holder[0] for holder in self.ring(min(self.held)).holders(what, self.count)}


PLACES = st.integers(0, 60)


@given(
    st.sets(PLACES, min_size=2, max_size=10),
    st.sets(PLACES, min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from(["join", "enter", "leave", "crash"]), PLACES), max_size=8),
    st.integers(0, 3),
    st.booleans(),
)
def test_any_change_leads_to_the_right_placement(
    members: set[int], places: set[int], changes: list[tuple[str, int]], count: int, at_once: bool
) -> None:
    overlay = Overlay(members, count)
    for place in places:
        overlay.store(resource(place), 1)
    overlay.settle()
    for change, place in changes:
        if change in ("join", "enter") and place not in overlay.held:
            overlay.join(place, admitted=change == "join")
        elif change in ("leave", "crash") and place in overlay.held and len(overlay.held) > 1:
            getattr(overlay, change)(place)
        if not at_once:
            overlay.settle()
    surviving = set(overlay.placement())
    overlay.settle()
    assert set(overlay.placement()) == surviving
    for what, holders in overlay.placement().items():
        assert holders == overlay.wanted(what)
    if count >= 2 and not at_once:
        assert surviving == {resource(place) for place in places}  # one at a time loses nothing


@given(
    st.sets(PLACES, min_size=2, max_size=8),
    st.lists(st.tuples(PLACES, st.integers(1, 5)), min_size=1, max_size=6),
    st.integers(0, 2),
)
def test_differing_copies_end_with_the_youngest_everywhere(
    members: set[int], versions: list[tuple[int, int]], count: int
) -> None:
    overlay = Overlay(members, count)
    what, newest, nodes = resource(30), 0, sorted(members)
    for place, version in versions:
        overlay.held[nodes[place % len(nodes)]][what] = version
    newest = max(held[what] for held in overlay.held.values() if what in held)
    overlay.settle()
    assert {place: held[what] for place, held in overlay.held.items() if what in held} == {
        place: newest for place in overlay.wanted(what)
    }


def test_at_rest_nothing_is_sent() -> None:
    overlay = Overlay({10, 20, 30, 40}, 2)
    overlay.store(resource(15), 1)
    overlay.settle()
    before = overlay.sent
    overlay.settle()
    assert (before, overlay.sent) == (2, 2)


def test_a_holder_that_comes_back_is_given_everything_again() -> None:
    overlay = Overlay({10, 20, 30, 40}, 2)
    overlay.store(resource(15), 1)
    overlay.settle()
    overlay.crash(30)
    overlay.join(30, admitted=False)
    overlay.settle()
    assert overlay.placement() == {resource(15): {20, 30, 40}}


# --- each duty --------------------------------------------------------------------------------------------------------


def test_the_responsible_peer_sees_to_its_replicas() -> None:
    copies = Copies()
    copies.acknowledged(resource(15), node(30))
    (duty,) = duties(resource(15), Ring(20, {10, 30, 40, 50}), copies, 2)
    assert duty == Transfer(resource=resource(15), to=node(40), replica_number=2, why=Why.REPLICA)
    copies.acknowledged(resource(15), node(40))
    assert duties(resource(15), Ring(20, {10, 30, 40, 50}), copies, 2) == ()


def test_a_replica_waits_before_it_tells_the_responsible_peer() -> None:
    copies = Copies()
    (duty,) = duties(resource(15), Ring(30, {10, 20, 40}), copies, 2)
    assert duty == Transfer(resource=resource(15), to=node(20), replica_number=HAND_OVER, why=Why.ROOT, delay=HOLD_DOWN)
    copies.stored(resource(15), node(20))
    assert duties(resource(15), Ring(30, {10, 20, 40}), copies, 2) == ()


def test_who_is_neither_hands_over_before_it_forgets() -> None:
    copies, ring = Copies(), Ring(50, {10, 20, 30, 40})
    for _ in range(2):
        assert duties(resource(15), ring, copies, 2) == (GiveUp(resource=resource(15), to=node(20)),)
        copies.acknowledged(resource(15), node(20))  # it may be cut off meanwhile, or count on us


def test_alone_there_is_nothing_to_do() -> None:
    assert duties(resource(15), Ring(20, ()), Copies(), 2) == ()


@pytest.mark.parametrize(("count", "numbers"), [(0, [GIVE_UP]), (2, [GIVE_UP, 1, 2])])
def test_who_leaves_provides_for_its_heirs(count: int, numbers: list[int]) -> None:
    ring = Ring(20, {10, 30, 40, 50})
    transfers = for_leaving([resource(15), resource(5)], ring, Copies(), count)
    own = [(duty.to[0], duty.replica_number) for duty in transfers if duty.resource == resource(15)]
    assert own == list(zip((30, 40, 50), numbers, strict=False))
    copied = [(duty.to[0], duty.replica_number) for duty in transfers if duty.resource == resource(5)]
    assert copied == [(place, GIVE_UP) for place in (30, 40)[:count]], "its responsible peer may be dead unnoticed"


def test_the_ledger() -> None:
    copies = Copies()
    assert copies.missing(b"r", node(1))
    copies.stored(b"r", node(1))
    copies.acknowledged(b"r", node(2))
    assert [copies.missing(b"r", node(place)) for place in (1, 2, 3)] == [False, False, True]
    copies.stored(b"r")
    assert copies.missing(b"r", node(1))
    copies.acknowledged(b"r", node(1))
    copies.forget_holder(node(1))
    assert copies.missing(b"r", node(1))
    copies.acknowledged(b"r", node(1))
    copies.forget(b"r")
    assert copies.missing(b"r", node(1))


def test_an_acknowledgement_counts_for_the_state_that_was_sent() -> None:
    copies = Copies()
    copies.stored(b"r")
    sent = copies.state(b"r", node(1))
    copies.stored(b"r")
    copies.acknowledged(b"r", node(1), sent)
    assert copies.missing(b"r", node(1))
    copies.acknowledged(b"r", node(1), copies.state(b"r", node(1)))
    assert not copies.missing(b"r", node(1))
    copies.forget(b"r")
    copies.stored(b"r")
    assert copies.state(b"r", node(1)) > sent


def test_a_doubt_strikes_what_one_holder_acknowledges_of_earlier_copies() -> None:
    copies = Copies()
    copies.stored(b"r")
    sent = {place: copies.state(b"r", node(place)) for place in (1, 2)}
    copies.acknowledged(b"r", node(1), sent[1])
    copies.doubt(b"r", node(1))
    for place in (1, 2):
        copies.acknowledged(b"r", node(place), sent[place])
    assert [copies.missing(b"r", node(place)) for place in (1, 2)] == [True, False]
    copies.acknowledged(b"r", node(1), copies.state(b"r", node(1)))
    assert not copies.missing(b"r", node(1))
    nothing = copies.state(b"other", node(1))
    copies.doubt(b"other", node(1))
    assert copies.state(b"other", node(1)) == nothing, "about what is not held there is no doubt"
