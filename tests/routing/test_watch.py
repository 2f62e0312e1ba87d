"""Watching next hops: what counts as silence, what it leads to, and that it is never more than a suspicion."""

from __future__ import annotations

import pytest

from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Forward
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.watch import (
    IN_A_ROW,
    MEMORY,
    PATIENCE,
    HopWatch,
    NoWatch,
    RateOfAll,
    RateWatch,
    Watch,
    WatchingForwarder,
)
from p2psip_min.routing.ways import choices
from tests.routing.test_forwarding import ANSWER, FAR, ME, OVERLAY, PREVIOUS, RING, message, node

KEY, OTHER = b"key", b"other key"
ONE, TWO = node(1), node(2)


def given(watch: Watch, transaction_id: int, hop: NodeID, now: float, key: bytes = KEY) -> bool:
    """Note that a request went to ``hop``."""
    return watch.sent(transaction_id, key, Forward(hop, b""), None, now)


def test_what_comes_again_goes_elsewhere_and_so_does_what_follows_for_a_while() -> None:
    watch = Watch(60.0)
    assert list(watch.avoided(1, KEY, 0.0)) == []
    assert given(watch, 1, ONE, 0.0)
    assert list(watch.avoided(1, KEY, 3.0)) == [ONE]
    assert not given(watch, 1, TWO, 3.0)
    assert list(watch.avoided(1, KEY, 6.0)) == [ONE, TWO]
    assert list(watch.avoided(2, KEY, 62.0)) == [ONE, TWO]
    assert list(watch.avoided(2, KEY, 63.0)) == [TWO]
    assert list(watch.avoided(2, KEY, 66.0)) == []
    assert list(watch.avoided(2, OTHER, 6.0)) == []


def test_a_copy_at_once_is_no_sign_of_silence() -> None:
    watch = Watch(60.0)
    given(watch, 1, ONE, 0.0)
    assert list(watch.avoided(1, KEY, 0.1)) == []


def test_an_answer_clears_its_hop() -> None:
    watch = Watch(60.0)
    given(watch, 1, ONE, 0.0)
    watch.avoided(1, KEY, 3.0)
    given(watch, 2, ONE, 3.0)
    watch.answered(2, ONE)
    assert list(watch.avoided(3, KEY, 4.0)) == []


def test_an_answer_over_another_hop_clears_nobody() -> None:
    watch = Watch(60.0)
    given(watch, 1, ONE, 0.0)
    watch.avoided(1, KEY, 3.0)
    given(watch, 1, TWO, 3.0)
    watch.answered(1, TWO)
    assert list(watch.avoided(2, KEY, 4.0)) == [ONE]


def test_who_is_silent_for_several_keys_in_a_row_is_gone_around_for_all() -> None:
    watch = Watch(60.0)
    for number in range(IN_A_ROW):
        assert list(watch.avoided(99, OTHER, 0.0)) == []
        given(watch, number, ONE, 0.0, b"%d" % number)
        watch.avoided(number, b"%d" % number, 3.0)
    assert list(watch.avoided(99, OTHER, 3.0)) == [ONE]
    given(watch, 100, ONE, 4.0, OTHER)
    watch.answered(100, ONE)
    assert list(watch.avoided(101, b"one more", 5.0)) == []


def test_silence_for_one_key_again_and_again_is_no_silence_for_all() -> None:
    watch = Watch(60.0)
    for number in range(3 * IN_A_ROW):
        given(watch, number, ONE, 4.0 * number)
        watch.avoided(number, KEY, 4.0 * number + 3.0)
    assert list(watch.avoided(99, OTHER, 40.0)) == []


def test_the_rate_of_all_hides_one_key() -> None:
    watch = RateWatch(60.0, share=0.5)
    for number in range(10):
        given(watch, number, ONE, 0.0, b"%d" % number)
    for attempt in range(1, 5):
        assert list(watch.avoided(0, b"0", 3.0 * attempt)) == []
    for number in range(1, 6):
        watch.avoided(number, b"%d" % number, 3.0)
    assert list(watch.avoided(0, b"0", 15.0)) == [ONE]


def test_memory_is_bounded() -> None:
    watch = Watch(60.0)
    for number in range(2 * MEMORY):
        given(watch, number, node(number % 250), 0.0, b"%d" % number)
        watch.avoided(number, b"%d" % number, 3.0)
    assert len(watch.asked) == len(watch.silent) == MEMORY


def test_each_node_has_a_memory_of_its_own() -> None:
    assert NoWatch().start() is None
    assert HopWatch(5.0).start() is not HopWatch(5.0).start()
    assert isinstance(RateOfAll(0.25).start(), RateWatch)


# --- the forwarder ----------------------------------------------------------------------------------------------------


@pytest.fixture
def forwarder() -> WatchingForwarder:
    chord = Chord(ME)
    chord.settle(RING)
    made = WatchingForwarder(ME, OVERLAY, chord, chord.table().__contains__, watch=Watch(60.0))
    made.expected = []  # type: ignore[attr-defined]
    made.expect = lambda transaction_id, seconds: made.expected.append(seconds)  # type: ignore[attr-defined]
    return made


def hop_of(forwarder: WatchingForwarder, now: float, **fields: int) -> NodeID:
    decision = forwarder.decide(message(FAR, **fields), PREVIOUS, now)
    assert isinstance(decision, Forward)
    return decision.next_hop


def test_what_is_not_answered_is_passed_on_once_more_elsewhere(forwarder: WatchingForwarder) -> None:
    first = hop_of(forwarder, 0.0)
    found = forwarder.again(7, 2.0)
    assert found is not None
    previous_hop, forward = found
    assert previous_hop == PREVIOUS
    assert [first, forward.next_hop] == choices(forwarder.topology, FAR, 2)
    assert hop_of(forwarder, 3.0, transaction_id=8) == forward.next_hop


def test_what_was_answered_is_not(forwarder: WatchingForwarder) -> None:
    first = hop_of(forwarder, 0.0)
    forwarder.decide(message(PREVIOUS, code=ANSWER), first, 0.5)
    assert forwarder.again(7, 2.0) is None
    assert hop_of(forwarder, 3.0, transaction_id=8) == first


def test_where_there_is_no_other_way_the_silent_one_is_taken(forwarder: WatchingForwarder) -> None:
    for attempt in range(20):
        hop_of(forwarder, 3.0 * attempt)
    assert forwarder.again(7, 100.0) is None
    assert hop_of(forwarder, 101.0) in choices(forwarder.topology, FAR, 9)


def test_the_farther_a_request_has_come_the_sooner_it_is_looked_after(forwarder: WatchingForwarder) -> None:
    for hops in range(7):
        forwarder.decide(message(FAR, via=(node(1),) * hops, transaction_id=hops), PREVIOUS, 0.0)
    assert forwarder.expected == [*PATIENCE[1:], *[PATIENCE[-1]] * 3]  # type: ignore[attr-defined]
    assert sorted(PATIENCE, reverse=True) == list(PATIENCE)


def test_our_own_answers_are_no_receipts(forwarder: WatchingForwarder) -> None:
    hop_of(forwarder, 0.0)
    forwarder.decide(message(PREVIOUS, code=ANSWER), None, 0.5)
    assert 7 in forwarder.watch.asked
