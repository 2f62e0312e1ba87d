"""The checks over snapshots: each finds what it is for, and is silent about a right overlay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.invariants import (
    Snapshot,
    at_least_one_ring,
    at_most_one_ring,
    best_successors,
    connected_appendages,
    finger_violations,
    ideal_ring,
    one_live_successor,
    ordered_lists,
    ordered_ring,
    placement,
    principals,
    ring_holders,
    rings,
    zave,
)


def node(place: int) -> NodeID:
    """A Node-ID that begins with ``place``."""
    return NodeID.from_int(place << 120)


def successors_only(lists: dict[int, list[int]]) -> Snapshot:
    """A snapshot from small numbers, without predecessors."""
    return {node(place): ((), tuple(node(other) for other in after)) for place, after in lists.items()}


def ideal(members: list[NodeID], width: int = 3) -> Snapshot:
    """The snapshot of a ring at rest."""
    count = len(members)
    reach = range(1, min(width, count - 1) + 1)
    return {
        member: (
            tuple(members[(at - step) % count] for step in reach),
            tuple(members[(at + step) % count] for step in reach),
        )
        for at, member in enumerate(members)
    }


@given(st.lists(st.integers(0, 255), min_size=1, max_size=12, unique=True))
def test_a_ring_at_rest_violates_nothing(places: list[int]) -> None:
    snapshot = ideal([node(place) for place in sorted(places)])
    assert zave(snapshot) == []
    assert ideal_ring(snapshot) == []
    assert principals(snapshot) == tuple(sorted(snapshot))
    assert rings(snapshot) == [tuple(sorted(snapshot))]


def test_nobody_is_no_ring_and_breaks_none() -> None:
    assert zave({}) == []
    assert ideal_ring({}) == []


def test_the_dead_in_a_list_are_passed_over() -> None:
    snapshot = successors_only({1: [2, 3], 3: [4, 1]})
    assert best_successors(snapshot) == {node(1): node(3), node(3): node(1)}
    assert zave(snapshot) == []


def test_a_member_without_a_living_successor_is_named() -> None:
    snapshot = successors_only({1: [2], 3: [1]})
    assert one_live_successor(snapshot) == ["01000000 has no living successor"]
    assert at_least_one_ring(snapshot) == ["there is no ring"]
    assert connected_appendages(snapshot) == ["01000000 does not reach a ring", "03000000 does not reach a ring"]


def test_two_rings_are_one_too_many() -> None:
    snapshot = successors_only({1: [3], 3: [1], 2: [4], 4: [2]})
    assert at_most_one_ring(snapshot) == ["there are 2 rings: 01000000 03000000 / 02000000 04000000"]
    assert ordered_ring(snapshot) == []


def test_a_ring_that_goes_around_twice_is_not_in_order() -> None:
    snapshot = successors_only({1: [3], 3: [2], 2: [4], 4: [1]})
    assert at_most_one_ring(snapshot) == []
    assert ordered_ring(snapshot) == ["the ring 01000000 03000000 02000000 04000000 is not in order"]


def test_appendages_are_allowed_when_they_lead_into_the_ring() -> None:
    snapshot = successors_only({1: [3], 2: [3], 3: [4], 4: [1]})
    assert rings(snapshot) == [(node(1), node(3), node(4))]
    assert zave(snapshot) == []
    assert principals(snapshot) == (node(1), node(3), node(4))


@pytest.mark.parametrize("after", [[3, 2], [2, 2], [1, 2], [2, 3, 1]])
def test_a_list_goes_outwards(after: list[int]) -> None:
    snapshot = {**successors_only({2: [3, 1], 3: [1, 2]}), **successors_only({1: after})}
    assert ordered_lists(snapshot) == ["the successors of 01000000 are not in order"]
    mirrored = {node(1): (tuple(node(5 - place) for place in after), ())} if after[0] != 1 else {}
    if mirrored and 1 not in after:
        assert ordered_lists({node(4): next(iter(mirrored.values()))}) == [
            "the predecessors of 04000000 are not in order"
        ]


def test_wrong_neighbors_are_named_with_the_right_ones() -> None:
    snapshot = dict(ideal([node(place) for place in (1, 2, 3, 4, 5)], 2))
    snapshot[node(1)] = (snapshot[node(1)][0], (node(3), node(4)))
    assert ideal_ring(snapshot, 2) == ["the successors of 01000000 are 03000000 04000000, not 02000000 03000000"]
    snapshot[node(1)] = ((), (node(2), node(3), node(4)))
    assert ideal_ring(snapshot, 2) == ["the predecessors of 01000000 are nobody, not 05000000 04000000"]


def test_longer_successor_lists_are_checked_to_their_end() -> None:
    members = [node(place) for place in range(1, 9)]
    snapshot = {member: (lists[0][:2], lists[1]) for member, lists in ideal(members, 5).items()}
    assert ideal_ring(snapshot, 2, successors=5) == []
    assert len(ideal_ring(snapshot, 3, successors=5)) == 8


def test_fingers_are_alive_and_in_their_range() -> None:
    half, quarter = NodeID.from_int(1 << 127), NodeID.from_int(1 << 126)
    zero = NodeID.from_int(0)
    fingers = {zero: {1: half, 2: quarter}, half: {}, quarter: {}}
    assert finger_violations(fingers) == []
    fingers[zero] = {1: quarter, 2: quarter}
    assert finger_violations(fingers) == ["finger 1 of 00000000, 40000000, is outside its range"]
    fingers[zero] = {1: NodeID.from_int((1 << 127) + 1)}
    assert finger_violations(fingers) == ["finger 1 of 00000000, 80000000, is dead"]


def test_records_belong_to_the_owner_and_its_successors() -> None:
    members = [node(place) for place in (10, 20, 30, 40)]
    resource = ResourceID(node(35))
    assert ring_holders(members, resource) == (node(40), node(10), node(20))
    assert ring_holders(members[:1], resource) == (node(10),)
    held: dict[NodeID, list[bytes]] = {member: [] for member in members}
    for member in (40, 10, 20):
        held[node(member)] = [resource]
    assert placement(held, [resource]) == []
    held[node(30)] = [resource]
    held[node(10)] = held[node(40)] = []
    assert placement(held, [resource]) == [
        "23000000 is missing at the responsible peer, 28000000",
        "23000000 is missing at replica 1, 0a000000",
        "23000000 is also at 1e000000",
    ]
    assert len(placement(held, [resource], strangers=True)) == 2
    assert placement(held, [resource], replicas=0, strangers=True) == [
        "23000000 is missing at the responsible peer, 28000000"
    ]
