"""Which bootstrap nodes a joining node goes through, and whose word counts."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.ids import ID_LENGTH, NodeID
from p2psip_min.routing.entrance import (
    Compared,
    DensityTest,
    Entrance,
    InTurn,
    KnownPeers,
    NoDensityTest,
    SameAgain,
    best,
)
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.topology.fullmesh import FullMesh

RINGS = 300
IDS = st.binary(min_size=ID_LENGTH, max_size=ID_LENGTH).map(NodeID)
ADDRESSES = [(f"10.0.0.{number}", 6084) for number in range(1, 5)]


def test_the_policies_choose_in_their_way() -> None:
    assert list(InTurn().choose(ADDRESSES)) == ADDRESSES
    assert list(Compared(2).choose(ADDRESSES)) == ADDRESSES
    assert list(SameAgain().choose(ADDRESSES)) == ADDRESSES[:1]
    assert (InTurn().compared, SameAgain().compared, Compared(2).compared) == (1, 1, 2)


def test_known_peers_come_first_the_youngest_before_all_and_each_once() -> None:
    known = [("10.1.0.1", 1), ADDRESSES[0], ("10.1.0.2", 1), ("10.1.0.3", 1)]
    assert KnownPeers(0).add(known, ADDRESSES) == ADDRESSES
    assert KnownPeers(2).add(known, ADDRESSES) == [("10.1.0.3", 1), ("10.1.0.2", 1), *ADDRESSES]
    assert KnownPeers(9).add(known, ADDRESSES)[:3] == [("10.1.0.3", 1), ("10.1.0.2", 1), ("10.1.0.1", 1)]


@given(st.lists(IDS, min_size=1, max_size=6), IDS)
def test_one_true_answer_among_any_number_of_others_wins(named: list[NodeID], key: NodeID) -> None:
    for topology in (Chord(key), FullMesh(key)):
        opinions = [Entrance(("10.0.0.1", number), node) for number, node in enumerate(named)]
        found = best(opinions, topology.closer, key)
        assert sorted(found, key=lambda each: each.address) == opinions
        for one, other in pairwise(found):
            assert one.admitting is not None
            assert other.admitting is not None
            assert not topology.closer(other.admitting, one.admitting, key)


def test_equal_answers_keep_their_order() -> None:
    key = NodeID(bytes(16))
    opinions = [Entrance(address, NodeID(b"\x07" * 16)) for address in ADDRESSES]
    assert best(opinions, Chord(key).closer, key) == opinions
    assert best([], Chord(key).closer, key) == []


# --- how crowded a place is -------------------------------------------------------------------------------------------


def estimate(ring: list[NodeID], node: NodeID) -> float:
    """How many peers the overlay seems to have, by the table of one of its peers."""
    topology = Chord(node)
    topology.settle(ring)
    return topology.crowding(node, topology.make_full_update(0.0))


def rates(factor: float, attackers: int) -> tuple[float, float]:
    """How often a right place is suspected, and how often a corner of so many of 32 peers is not."""
    dice, test = random.Random(5), DensityTest(factor)
    suspected = missed = 0
    for _ in range(RINGS):
        ring = sorted(NodeID.from_int(dice.getrandbits(128)) for _ in range(32))
        elsewhere = [estimate(ring, node) for node in dice.sample(ring, 3)]
        suspected += test.objects(estimate(ring, dice.choice(ring)), elsewhere)
        corner = sorted(dice.sample(ring, attackers))
        missed += not test.objects(estimate(corner, corner[0]), elsewhere)
    return suspected / RINGS, missed / RINGS


def test_false_alarms_are_rare_and_a_few_attackers_are_never_missed() -> None:
    suspected, missed = rates(3.0, 4)
    assert suspected < 0.02
    assert missed == 0.0


def test_a_sharper_test_suspects_more_and_many_attackers_pass_a_dull_one() -> None:
    assert 0.02 < rates(2.0, 4)[0] < 0.1
    assert 0.05 < rates(3.0, 8)[1] < 0.25
    assert rates(3.0, 16)[1] > 0.6


def test_the_size_of_a_small_ring_is_counted_and_that_of_a_large_one_guessed() -> None:
    dice = random.Random(6)
    for size in (1, 2, 5):
        ring = sorted(NodeID.from_int(dice.getrandbits(128)) for _ in range(size))
        assert [estimate(ring, node) for node in ring] == [size] * size
    ring = sorted(NodeID.from_int(dice.getrandbits(128)) for _ in range(200))
    guesses = sorted(estimate(ring, node) for node in ring)
    assert 120 < guesses[100] < 300
    mesh = FullMesh(ring[0])
    mesh.settle(ring)
    assert mesh.crowding(ring[0], mesh.make_full_update(0.0)) == 200


def test_what_cannot_be_compared_is_not_objected_to() -> None:
    assert not DensityTest().objects(1.0, [])
    assert not NoDensityTest().objects(1.0, [1000.0])
    assert DensityTest(3.0).objects(1.0, [2.0, 4.0, 100.0])
    assert not DensityTest(3.0).objects(1.0, [2.0, 3.0, 100.0])
