"""Walking to a key by asking each step (RFC 6940 §10.8)."""

from __future__ import annotations

from p2psip_min.ids import NodeID
from p2psip_min.routing.iterative import Ask, Found, Lost, Walk, WalkReason
from p2psip_min.routing.topology.chord import Chord
from tests.routing.topology_suite import make_ids, make_keys

RING = make_ids(200, 21)


def tables() -> dict[NodeID, Chord]:
    """A settled ring."""
    ring = {one: Chord(one) for one in RING}
    for table in ring.values():
        table.settle(RING)
    return ring


def walk_through(ring: dict[NodeID, Chord], walk: Walk, dead: tuple[NodeID, ...] = ()) -> Found | Lost:
    """Ask those in ``ring`` who are not ``dead`` until the walk ends."""
    step = walk.begin()
    while isinstance(step, Ask):
        if step.node in dead:
            step = walk.failed(step.node)
        else:
            step = walk.answered(step.node, (ring[step.node].next_hop(walk.key) or step.node,))
    return step


def test_a_walk_ends_where_routing_ends() -> None:
    ring = tables()
    for start, key in zip(RING, make_keys(200, 22), strict=True):
        if ring[start].responsible(key):
            continue
        walk = Walk(ring[start], key)
        found = walk_through(ring, walk)
        assert isinstance(found, Found)
        assert ring[found.node].responsible(key)
        assert found.path[-1] == found.node
        assert walk.steps == len(found.path)
        way, here = [], start
        while (following := ring[here].next_hop(key)) is not None:
            here = following
            way.append(here)
        assert list(found.path) == way


def test_each_step_is_introduced_by_the_one_before() -> None:
    ring = tables()
    walk = Walk(ring[RING[0]], RING[100])
    step = walk.begin()
    assert isinstance(step, Ask)
    assert step.via is None
    following = walk.answered(step.node, (RING[90],))
    assert following == Ask(RING[90], step.node)


def test_a_dead_step_is_gone_around() -> None:
    ring = tables()
    lost = 0
    for start, key in zip(RING[:60], make_keys(60, 23), strict=True):
        if ring[start].responsible(key):
            continue
        plain = walk_through(ring, Walk(ring[start], key))
        assert isinstance(plain, Found)
        if len(plain.path) < 2:
            continue
        dead = plain.path[0]
        walk = Walk(ring[start], key)
        found = walk_through(ring, walk, (dead,))
        if isinstance(found, Lost):
            lost += 1
        else:
            assert found.node == plain.node
            assert dead not in found.path
    assert lost <= 2  # all ways end at the key's predecessor: when it is the dead one, only repair helps


def test_a_loop_is_left() -> None:
    ring = tables()
    key = RING[100]
    walk = Walk(ring[RING[0]], key)
    first = walk.begin()
    assert isinstance(first, Ask)
    second = walk.answered(first.node, (RING[50],))
    assert isinstance(second, Ask)
    third = walk.answered(second.node, (first.node,))
    assert isinstance(third, Ask)
    assert third.via is None
    assert third.node not in (first.node, second.node)
    back = walk.answered(third.node, (RING[0],))
    assert isinstance(back, Ask)
    assert back.via is None


def test_a_walk_without_an_end_is_given_up() -> None:
    ring = tables()
    walk = Walk(ring[RING[0]], RING[100], max_steps=10)
    step = walk.begin()
    for n in range(10):
        assert isinstance(step, Ask)
        step = walk.answered(step.node, (RING[120 + n],))
    assert isinstance(step, Lost)
    assert step.reason == WalkReason.TOO_LONG
    assert len(step.path) == 10


def test_when_nobody_answers_nobody_is_left() -> None:
    ring = tables()
    table = ring[RING[0]].table()
    walk = Walk(ring[RING[0]], RING[100])
    step = walk_through(ring, walk, tuple(RING))
    assert step == Lost(WalkReason.NOBODY, ())
    assert walk.steps == len(table)


# --- several next hops named ------------------------------------------------------------------------------------------


def begun(way: int = 0) -> tuple[Walk, NodeID]:
    """A walk from the first node of the ring, and whom it asks first."""
    walk = Walk(tables()[RING[0]], RING[100], way=way)
    step = walk.begin()
    assert isinstance(step, Ask)
    return walk, step.node


def test_who_does_not_answer_makes_room_for_the_next_one_named() -> None:
    walk, first = begun()
    assert walk.answered(first, (RING[90], RING[92], RING[94])) == Ask(RING[90], first)
    assert walk.failed(RING[90]) == Ask(RING[92], first)
    assert walk.answered(RING[92], (RING[92],)) == Found(RING[92], (first, RING[92]))


def test_who_names_two_that_do_not_answer_is_believed_no_more() -> None:
    walk, first = begun()
    walk.answered(first, (RING[90], RING[92]))
    assert walk.answered(RING[90], (RING[95], RING[96], RING[97])) == Ask(RING[95], RING[90])
    assert walk.failed(RING[95]) == Ask(RING[96], RING[90])
    assert walk.failed(RING[96]) == Ask(RING[92], first)
    assert walk.answered(RING[92], (RING[92],)) == Found(RING[92], (first, RING[92]))


def test_when_nobody_named_is_left_the_walk_begins_elsewhere() -> None:
    walk, first = begun()
    walk.answered(first, (RING[90],))
    step = walk.failed(RING[90])
    assert isinstance(step, Ask)
    assert step.via is None
    assert step.node not in (first, RING[90])


def test_walks_on_different_ways_begin_with_different_nodes() -> None:
    firsts = [begun(way)[1] for way in range(3)]
    assert len(set(firsts)) == 3
