"""The rules of CHORD-RELOAD's tables (RFC 6940 §10)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import Malformed
from p2psip_min.ids import INVALID, WILDCARD, NodeID, ResourceID, distance, in_interval, to_int
from p2psip_min.invariants import ideal_ring
from p2psip_min.routing.topology.chord import DISBELIEF, MEMORY, PATIENCE, SPARES, Chord
from p2psip_min.wire.chord import ChordLeaveData, ChordLeaveType, ChordUpdate, ChordUpdateType
from p2psip_min.wire.codec import decode, encode
from tests.routing.topology_suite import make_ids, make_keys

places = st.integers(0, 2**128 - 1)
node_ids = places.map(NodeID.from_int)


def node(place: int) -> NodeID:
    """A Node-ID that begins with ``place``, 0 to 255."""
    return NodeID.from_int(place << 120)


def at(me: int, *others: int, **sizes: int) -> Chord:
    """The table of node ``me`` that has heard the Updates of ``others``."""
    chord = Chord(node(me), **sizes)
    for other in others:
        chord.on_update(node(other), ready(), 0.0)
    return chord


def ready() -> bytes:
    """An Update without lists."""
    return encode(ChordUpdate(1, ChordUpdateType.PEER_READY))


def lists(predecessors: tuple[int, ...], successors: tuple[int, ...]) -> bytes:
    """An Update with the neighbor table."""
    sides = tuple(map(node, predecessors)), tuple(map(node, successors))
    return encode(ChordUpdate(1, ChordUpdateType.NEIGHBORS, *sides))


def sides(chord: Chord) -> tuple[list[int], list[int]]:
    """The first bytes of predecessors and successors."""
    predecessors, successors = chord.snapshot()
    return [one[0] for one in predecessors], [one[0] for one in successors]


# --- tables -------------------------------------------------------------------------------------------------------


def test_neighbors_are_the_nearest_on_each_side() -> None:
    chord = at(100, 10, 90, 95, 99, 101, 110, 120, 200)
    assert sides(chord) == ([99, 95, 90], [101, 110, 120])
    assert [one[0] for one in chord.neighbors()] == [101, 99, 110, 95, 120, 90]


@given(node_ids, node_ids, node_ids)
def test_the_better_claim_is_the_shorter_way_clockwise(one: NodeID, other: NodeID, key: NodeID) -> None:
    for key_ in (key, one, other):
        assert Chord.closer(one, other, key_) == (distance(key_, one) < distance(key_, other))


def test_in_a_small_ring_both_sides_name_everybody() -> None:
    chord = at(100, 10, 200)
    assert sides(chord) == ([10, 200], [200, 10])
    assert chord.neighbors() == (node(200), node(10))


def test_the_lists_can_be_longer() -> None:
    chord = at(0, *range(1, 200, 4), neighbors=5, successors=20)
    predecessors, successors = chord.snapshot()
    assert (len(predecessors), len(successors)) == (5, 20)


@pytest.mark.parametrize("sizes", [{"neighbors": 0}, {"neighbors": 65}, {"successors": 0}, {"fingers": 129}])
def test_sizes_have_limits(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="neighbors"):
        Chord(node(1), **sizes)


@given(node_ids, st.sets(node_ids, min_size=1, max_size=30), node_ids)
def test_next_hop_is_the_last_entry_before_the_key(me: NodeID, others: set[NodeID], key: NodeID) -> None:
    chord = Chord(me)
    for other in sorted(others):
        chord.on_update(other, ready(), 0.0)
    table = chord.table()
    hop = chord.next_hop(key)
    assert (hop is None) == chord.responsible(key)
    if table:
        predecessor = max(table, key=lambda one: distance(me, one))
        assert chord.responsible(key) == in_interval(key, predecessor, me)
    if hop is not None:
        between = [one for one in table if 0 < distance(me, one) <= distance(me, key)]
        assert hop == (max if between else min)(between or table, key=lambda one: distance(me, one))


@given(node_ids, st.sets(node_ids, min_size=2, max_size=12), node_ids, st.data())
def test_what_is_excluded_is_no_next_hop(me: NodeID, others: set[NodeID], key: NodeID, data: st.DataObject) -> None:
    chord = Chord(me)
    for other in sorted(others):
        chord.on_update(other, ready(), 0.0)
    excluded = data.draw(st.sets(st.sampled_from(sorted(others))))
    hop = chord.next_hop(key, excluded)
    assert hop not in excluded
    if chord.responsible(key) or set(chord.table()) <= excluded:
        assert hop is None
    else:
        assert hop in chord.table()


@given(node_ids, st.sets(node_ids, min_size=1, max_size=40))
def test_fingers_are_the_first_peers_in_their_ranges(me: NodeID, others: set[NodeID]) -> None:
    chord = Chord(me)
    for other in sorted(others):
        chord.on_update(other, ready(), 0.0)
    known = sorted(chord.linked(), key=lambda one: distance(me, one))
    for i in range(1, 17):
        inside = [one for one in known if 2 ** (128 - i) <= distance(me, one) < 2 ** (129 - i)]
        assert chord.fingers().get(i) == (inside[0] if inside else None)
    assert set(chord.table()) == {*chord.neighbors(), *chord.fingers().values()}


def test_the_finger_table_grows_to_128_entries() -> None:
    me = NodeID.from_int(0)
    chord = Chord(me, fingers=128)
    for i in range(1, 129):
        chord.on_update(NodeID.from_int(1 << (128 - i)), ready(), 0.0)
    assert list(chord.fingers()) == list(range(1, 129))


def test_substitutes_are_kept_but_not_without_bound() -> None:
    others = [one for one in make_ids(400, 11) if one[0] >= 0xF0 or one[0] < 0x80]
    others += [NodeID.from_int((0xF0 << 120) + n) for n in range(1, 3 * SPARES)]
    chord = Chord(node(0x80))
    for other in others:
        chord.on_update(other, ready(), 0.0)
        assert len(chord.linked()) <= len(chord.table()) + 1 + SPARES
    alone = Chord(node(0x80))
    alone.settle(sorted({*others, node(0x80)}))
    assert chord.snapshot() == alone.snapshot()


# --- learning -----------------------------------------------------------------------------------------------------


def test_only_its_own_update_makes_a_node_an_entry() -> None:
    chord = at(100)
    changes = chord.on_update(node(120), lists((100, 90), (130, 140, 150)), 0.0)
    assert chord.table() == (node(120),)
    assert changes.gained == (node(120),)
    assert [one[0] for one in changes.candidates] == [130, 140, 90, 150]


def test_candidates_are_only_those_that_would_be_neighbors() -> None:
    chord = at(100, 90, 95, 99, 101, 105, 110)
    changes = chord.on_update(node(110), lists((106, 105, 101), (111, 112, 113)), 0.0)
    assert changes.candidates == (node(106),)


def test_a_list_that_leaves_a_living_node_out_does_not_take_it_out() -> None:
    chord = at(100, 90, 95, 99, 101, 105, 110)
    before = chord.snapshot()
    changes = chord.on_update(node(101), lists((100, 99, 95), (110, 120, 130)), 0.0)
    assert chord.snapshot() == before
    assert not changes.neighbors_changed


def test_a_failed_node_does_not_come_back_by_hearsay() -> None:
    chord = at(100, 90, 101, 105)
    assert chord.remove(node(101), 10.0).lost == (node(101),)
    stale = lists((101, 100, 90), (110,))
    assert node(101) not in chord.on_update(node(105), stale, 11.0).candidates
    assert node(101) in chord.on_update(node(105), stale, 10.0 + DISBELIEF).candidates
    assert chord.table() == (node(90), node(105))


def test_a_failed_node_comes_back_by_its_own_word() -> None:
    chord = at(100, 90, 101, 105)
    chord.remove(node(101), 10.0)
    assert chord.on_update(node(101), ready(), 11.0).gained == (node(101),)


def test_the_memory_of_failures_is_bounded() -> None:
    chord = at(100, 90)
    first = node(101)
    chord.remove(first, 0.0)
    for n in range(MEMORY):
        chord.unreachable(NodeID.from_int(n), 1.0)
    assert first in chord.on_update(node(90), lists((), (101,)), 2.0).candidates


def test_a_long_list_is_read_to_the_end_and_remembered_in_part() -> None:
    chord = at(100)
    update = encode(ChordUpdate(1, ChordUpdateType.NEIGHBORS, (), tuple(make_ids(2000, 12))))
    assert len(chord.on_update(node(1), update, 0.0).candidates) <= 6


def test_losing_a_neighbor_brings_in_the_best_known() -> None:
    chord = at(100, 90, 95, 99, 101, 105, 110, 200)
    changes = chord.remove(node(101), 1.0)
    assert sides(chord) == ([99, 95, 90], [105, 110, 200])
    assert changes.lost == (node(101),)
    assert changes.gained == (node(200),)
    assert not changes.responsibility_changed


def test_losing_the_predecessor_changes_our_range() -> None:
    chord = at(100, 90, 99, 101)
    assert not chord.responsible(node(95))
    assert chord.remove(node(99), 1.0).responsibility_changed
    assert chord.responsible(node(95))


def test_who_cannot_exist_is_no_candidate() -> None:
    chord = at(250, 240)
    named = encode(ChordUpdate(1, ChordUpdateType.NEIGHBORS, (INVALID, WILDCARD), (WILDCARD, node(1), INVALID)))
    assert chord.on_update(node(240), named, 0.0).candidates == (node(1),)


def test_an_unreachable_candidate_makes_room_for_the_next() -> None:
    chord = at(100, 101, 102, 103)
    changes = chord.on_update(node(103), lists((), (10, 20, 30, 40, 50)), 0.0)
    assert [one[0] for one in changes.candidates] == [50, 40, 30]
    assert [one[0] for one in chord.unreachable(node(50), 1.0).candidates] == [40, 30, 20]


def test_an_update_that_names_ourselves_is_no_news() -> None:
    chord = at(100, 90)
    assert chord.on_update(node(90), lists((100,), (100,)), 0.0).candidates == ()
    assert chord.on_update(node(100), lists((90,), (90,)), 0.0).gained == ()
    assert chord.table() == (node(90),)


@pytest.mark.parametrize("update", [b"", b"\0\0\0\1\4", b"\0\0\0\1\2\0\1\0", ready() + b"\0"])
def test_other_bytes_are_malformed_and_change_nothing(update: bytes) -> None:
    chord = at(100, 90)
    before = chord.table()
    with pytest.raises(Malformed):
        chord.on_update(node(101), update, 0.0)
    with pytest.raises(Malformed):
        chord.on_leave(node(90), update, 0.0)
    assert chord.table() == before


# --- corrections --------------------------------------------------------------------------------------------------


def test_a_sender_that_lacks_us_is_told() -> None:
    chord = at(100, 90, 95, 99, 101, 105, 110)
    chord.announce_self()
    changes = chord.on_update(node(101), lists((99, 95, 90), (105, 110, 120)), 0.0)
    assert changes.tell == (node(101),)
    assert chord.on_update(node(101), lists((99, 95, 90), (105, 110, 120)), PATIENCE / 2).tell == ()
    assert chord.on_update(node(101), lists((99, 95, 90), (105, 110, 120)), PATIENCE).tell == (node(101),)


def test_a_neighbor_that_the_sender_lacks_is_looked_after() -> None:
    chord = at(100, 90, 95, 99, 101, 105, 110)
    chord.announce_self()
    changes = chord.on_update(node(101), lists((100, 99, 95), (110, 120, 130)), 0.0)
    assert changes.tell == (node(101), node(105))


def test_who_has_the_right_lists_is_not_told() -> None:
    ring = make_ids(20, 13)
    tables = {}
    for one in ring:
        tables[one] = Chord(one)
        tables[one].settle(ring)
    for one in ring:
        for other in tables[one].neighbors():
            changes = tables[other].on_update(one, tables[one].make_full_update(1.0), 1.0)
            assert (changes.tell, changes.candidates, changes.neighbors_changed) == ((), (), False)


def test_who_has_not_joined_corrects_nobody() -> None:
    chord = at(100, 90, 101)
    assert chord.on_update(node(101), lists((90,), (90,)), 0.0).tell == ()


# --- what is sent -------------------------------------------------------------------------------------------------


def test_a_change_is_told_to_those_for_whom_it_is_news() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130)
    chord.announce_self()
    changes = chord.on_update(node(115), ready(), 1.0)
    # 80 has 90, 100 and 110 after it: 115 is out of its sight. That 130 has left our table is nobody's business.
    assert {one[0] for one, _ in chord.updates_for(changes, 1.0)} == {90, 110, 115, 120}


def test_a_failure_is_told_to_those_who_may_not_know() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130, 200)
    chord.on_update(node(110), lists((100, 90, 80), (120, 130, 140)), 1.0)
    chord.on_update(node(90), lists((80, 70, 60), (100, 110, 130)), 1.0)
    changes = chord.remove(node(120), 2.0)
    assert {one[0] for one, _ in chord.updates_for(changes, 2.0)} == {110, 130, 200}


def test_who_is_known_to_know_is_not_told() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130)
    chord.announce_self()
    changes = chord.on_update(node(115), lists((110, 100, 90), (120, 130, 140)), 1.0)
    assert {one[0] for one, _ in chord.updates_for(changes, 1.0)} == {115}


def test_a_joining_node_announces_itself_to_all_neighbors() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130, 200)
    changes = chord.announce_self()
    updates = chord.updates_for(changes, 5.0)
    assert {one for one, _ in updates} == set(chord.neighbors())
    body = decode(ChordUpdate, updates[0][1])
    assert (body.type, body.uptime) == (ChordUpdateType.NEIGHBORS, 5)
    assert (body.predecessors, body.successors) == chord.snapshot()


def test_nothing_new_is_told_to_nobody() -> None:
    chord = at(100, 90)
    assert chord.updates_for(chord.on_update(node(90), ready(), 1.0), 1.0) == []


def test_periodic_updates_reach_the_whole_table() -> None:
    chord = Chord(make_ids(100, 14)[0])
    chord.settle(make_ids(100, 14))
    updates = dict(chord.periodic_updates(7.0))
    assert set(updates) == set(chord.table())
    kinds = {one: decode(ChordUpdate, body).type for one, body in updates.items()}
    assert {one for one, kind in kinds.items() if kind == ChordUpdateType.NEIGHBORS} == set(chord.neighbors())


def test_a_full_update_has_the_fingers_in_ascending_order() -> None:
    ring = make_ids(100, 14)
    chord = Chord(ring[50], started=3.0)
    chord.settle(ring)
    body = decode(ChordUpdate, chord.make_full_update(10.5))
    assert body.type == ChordUpdateType.FULL
    assert body.uptime == 7
    assert body.fingers == tuple(sorted(set(chord.fingers().values())))


# --- joining and leaving ------------------------------------------------------------------------------------------


def test_the_admitting_peer_is_responsible_for_the_next_key() -> None:
    assert Chord(NodeID(b"\xff" * 16)).admitting_key() == bytes(16)
    assert at(3).admitting_key() == ResourceID(NodeID.from_int((3 << 120) + 1))


def test_a_joining_node_attaches_to_neighbors_and_searches_the_rest() -> None:
    ring = make_ids(60, 15)
    me = NodeID.from_int(to_int(ring[30]) - 5)
    admitting = Chord(ring[30])
    admitting.settle(ring)
    joining = Chord(me)
    joining.on_update(ring[30], admitting.make_full_update(0.0), 0.0)
    neighbors, searched = joining.attach_targets()
    assert {*neighbors, ring[30]} == {*ring[27:30], *ring[30:33]}
    reach = distance(me, ring[32])
    wanted = [1 << (128 - i) for i in range(1, 17) if 1 << (128 - i) > reach]
    assert [distance(me, place) for place in searched] == wanted


def test_in_a_tiny_overlay_nothing_is_searched() -> None:
    admitting = at(100, 50)
    joining = Chord(node(80))
    joining.on_update(node(100), admitting.make_full_update(0.0), 0.0)
    assert joining.attach_targets() == ((node(50),), ())


def test_the_admitting_peer_hands_over_what_lies_before_the_joining_one() -> None:
    chord = at(100, 50, 150)
    joining = node(80)
    for place in range(0, 256, 5):
        assert chord.would_own(joining, node(place)) == (50 < place <= 80)
    changes = chord.admit(joining, 0.0)
    assert changes.responsibility_changed
    assert chord.snapshot()[0][0] == joining


def test_a_joining_node_enters_whom_it_has_attached_to() -> None:
    """Found by the ring machine: a node that joined knowing only its admitting peer took half the ring for its own,
    admitted another into it, and when the first left, the two were a ring of their own."""
    joining = at(10, 20)
    assert joining.responsible(node(30))
    joining.contacted(node(50))
    assert not joining.responsible(node(30))
    joining.announce_self()
    assert not joining.contacted(node(60)).neighbors_changed


def test_a_leave_brings_what_the_receiver_does_not_know() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130)
    to_successor = decode(ChordLeaveData, chord.make_leave_data(node(110)))
    assert (to_successor.type, to_successor.nodes) == (ChordLeaveType.FROM_PRED, chord.snapshot()[0])
    to_predecessor = decode(ChordLeaveData, chord.make_leave_data(node(90)))
    assert (to_predecessor.type, to_predecessor.nodes) == (ChordLeaveType.FROM_SUCC, chord.snapshot()[1])


def test_after_a_leave_its_far_neighbors_are_candidates() -> None:
    chord = at(90, 60, 70, 80, 100, 110, 120)
    data = encode(ChordLeaveData(ChordLeaveType.FROM_SUCC, (node(110), node(120), node(130))))
    changes = chord.on_leave(node(100), data, 0.0)
    assert changes.lost == (node(100),)
    assert changes.candidates == (node(130),)
    assert node(100) not in chord.table()
    stranger = chord.on_leave(node(7), encode(ChordLeaveData(ChordLeaveType.FROM_SUCC, (node(91),))), 0.0)
    assert stranger.candidates == ()


def test_missing_fingers_are_searched_at_random_places_of_their_range() -> None:
    ring = make_ids(40, 16)
    chord = Chord(ring[0])
    for other in ring[1:4]:
        chord.on_update(other, ready(), 0.0)
    dice = random.Random(1)
    found = [chord.finger_to_refresh(dice) for _ in range(200)]
    indices = [129 - distance(ring[0], place).bit_length() for place in found if place is not None]
    assert indices.count(1) > indices.count(2) > indices.count(3) > 0
    assert len(set(found)) > 100


def test_when_every_range_has_its_finger_nothing_is_searched() -> None:
    chord = Chord(NodeID.from_int(0))
    for i in range(1, 17):
        chord.on_update(NodeID.from_int(1 << (128 - i)), ready(), 0.0)
    for i in range(1, 4):
        chord.on_update(NodeID.from_int(-i), ready(), 0.0)
    assert [chord.finger_to_refresh(random.Random(n)) for n in range(20)] == [None] * 20


# --- who holds what -----------------------------------------------------------------------------------------------


def test_holders_are_the_owner_and_its_two_successors() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130)
    for place in range(0, 256, 5):
        assert chord.holds(node(place), 2) == (70 < place <= 100)
        assert chord.holds(node(place), 0) == chord.responsible(node(place)) == (90 < place <= 100)
    assert chord.replicas(node(95), 2) == (node(110), node(120))
    assert chord.owner(node(105)) == node(110)
    assert chord.owner(node(131)) == node(70)
    assert chord.owner(node(95)) == node(100)


def test_the_next_holder_owns_the_key_behind_the_last() -> None:
    chord = at(100, 90)
    key = ResourceID(node(5))
    assert chord.next_holder(key, ()) == key
    assert chord.next_holder(key, (node(7), node(9))) == ResourceID(NodeID.from_int((9 << 120) + 1))


def test_an_answer_from_behind_a_neighbor_is_not_plausible() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130)
    assert chord.plausible_responder(node(110), node(105))
    assert chord.plausible_responder(node(107), node(105))
    assert not chord.plausible_responder(node(120), node(105))
    assert not chord.plausible_responder(node(110), node(95))
    assert chord.plausible_responder(node(200), node(150))


def test_copies_come_from_those_who_are_or_would_be_neighbors() -> None:
    chord = at(100, 70, 80, 90, 110, 120, 130)
    assert chord.plausible_source(node(80))
    assert chord.plausible_source(node(85))
    assert not chord.plausible_source(node(60))
    assert not chord.plausible_source(node(100))


# --- settled rings ------------------------------------------------------------------------------------------------


@given(st.sets(node_ids, min_size=1, max_size=20))
def test_a_settled_ring_is_ideal(members: set[NodeID]) -> None:
    ring = sorted(members)
    tables = {one: Chord(one) for one in ring}
    for table in tables.values():
        table.settle(ring)
    assert ideal_ring({one: table.snapshot() for one, table in tables.items()}) == []


@pytest.mark.parametrize(("choice", "wanted"), [("first", 5.65), ("random", 5.41)])
def test_mean_hops_over_20_settled_rings_of_1000(choice: str, wanted: float) -> None:
    hops = lookups = 0
    for seed in range(20):
        ring = make_ids(1000, 100 + seed)
        dice = random.Random(seed)
        choose = None if choice == "first" else lambda inside, dice=dice: inside[int(dice.random() * len(inside))]
        tables = {one: Chord(one) for one in ring}
        for table in tables.values():
            table.settle(ring, choose)
        for n, key in enumerate(make_keys(1000, 200 + seed)):
            here = ring[n]
            while (following := tables[here].next_hop(key)) is not None:
                here, hops = following, hops + 1
            lookups += 1
    assert hops / lookups == pytest.approx(wanted, abs=0.05)
