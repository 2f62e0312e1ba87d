"""Which bootstrap nodes a joining node goes through, and whose word counts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.ids import ID_LENGTH, NodeID
from p2psip_min.routing.entrance import Compared, Entrance, InTurn, KnownPeers, SameAgain, best
from p2psip_min.routing.topology.chord import Chord
from tests.routing.fullmesh import FullMesh

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
