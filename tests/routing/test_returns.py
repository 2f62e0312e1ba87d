"""Answers that come straight: who may ask for it, and what forwarders and others make of it."""

from __future__ import annotations

import pytest

from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Forward
from p2psip_min.routing.returns import (
    BackTheWay,
    StraightOnRetry,
    asks_straight,
    expects_no_answer,
    straight_to,
    straightened,
)
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.watch import Watch, WatchingForwarder
from p2psip_min.wire.header import add_options, encode_destination, open_envelope
from p2psip_min.wire.options import EXTENSIVE_ROUTING_MODE, ForwardingOption, alternate, encode_options
from tests.routing.test_forwarding import ANSWER, FAR, ME, OVERLAY, PREVIOUS, RING, STRANGER, message

ASKER, PLACE = NodeID(bytes(15) + b"\x07"), ("192.0.2.1", 6084)


@pytest.mark.parametrize("tls", [True, False])
def test_who_asks_for_a_straight_answer_is_answered_straight(tls: bool) -> None:
    option = asks_straight(ASKER, PLACE, tls=tls)
    assert straight_to(option, ASKER) == PLACE
    assert straight_to(alternate(2) + option, ASKER) == PLACE


def test_nobody_can_have_answers_sent_to_others() -> None:
    assert straight_to(asks_straight(STRANGER, PLACE, tls=True), ASKER) is None


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x02\x04\x01\x06\xc0\x00\x02\x01\x17\xc4\x12\x01\x10" + ASKER])
def test_what_cannot_be_read_or_asks_for_a_relay_counts_for_nothing(value: bytes) -> None:
    option = encode_options((ForwardingOption(EXTENSIVE_ROUTING_MODE, 0, value),))
    assert straight_to(option, ASKER) is None


def test_an_answer_is_addressed_to_who_asked_and_nobody_else() -> None:
    data = straightened(message(PREVIOUS, STRANGER, ASKER, code=ANSWER).data, ASKER)
    envelope = open_envelope(data)
    assert (envelope.via, envelope.destinations) == (b"", encode_destination(ASKER))
    assert data[envelope.body_offset :] == message(ASKER, code=ANSWER).data[-8:]


def test_no_way_is_watched_over_which_no_answer_will_come() -> None:
    chord = Chord(ME)
    chord.settle(RING)
    forwarder = WatchingForwarder(ME, OVERLAY, chord, chord.table().__contains__, watch=Watch(60.0))
    plain = message(FAR).data
    straight = open_envelope(add_options(plain, asks_straight(ASKER, PLACE, tls=True)))
    assert expects_no_answer(straight.options)
    assert not expects_no_answer(alternate(1))
    assert isinstance(forwarder.decide(straight, PREVIOUS, 0.0), Forward)
    assert not forwarder.watch.asked


def test_straight_answers_are_asked_for_when_the_usual_one_did_not_come() -> None:
    assert [BackTheWay().straight(attempt) for attempt in (1, 2, 5)] == [False] * 3
    assert [StraightOnRetry().straight(attempt) for attempt in (1, 2, 5)] == [False, True, True]
