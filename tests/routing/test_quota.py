"""Counting what others ask for, and covering what one asks for (draft 7.2.11, 11.6)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.defences import preset
from p2psip_min.errors import DropReason, ErrorAnswer
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.cover import CoverQueries, NoCover
from p2psip_min.routing.quota import QueryQuota, Tally
from p2psip_min.trace import MessageDelivered, MessageDropped
from p2psip_min.wire.data import StoredDataSpecifier
from p2psip_min.wire.kinds import TURN_SERVICE
from p2psip_min.wire.messages import FetchReq, MessageCode, PingReq
from tests.crafting import close_all, small, trace_of

ME, OTHER = NodeID(b"\x01" * 16), NodeID(b"\x02" * 16)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


# --- quota ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from([ME, OTHER]), st.binary(max_size=1), st.floats(0, 5)), max_size=60))
def test_nobody_asks_for_more_names_than_allowed_in_any_while(asks: list[tuple[NodeID, bytes, float]]) -> None:
    tally, now = Tally(3, 10.0), 0.0
    admitted: list[tuple[float, NodeID, bytes]] = []
    for asker, name, wait in asks:
        now += wait
        known = {each for at, who, each in admitted if who == asker and at + 10.0 > now}
        assert tally.admits(asker, name, now) == (name in known or len(known) < 3)
        if name not in known and len(known) < 3:
            admitted.append((now, asker, name))


def metered(**settings: Any) -> Any:
    return small(8, clients=("alice",), defences=preset("none").having("query-quota"), **settings)


def ask(overlay: Any, who: str, number: int) -> Any:
    place = ResourceID.of(f"name {number}")
    return overlay.run(overlay.node(who).peer.request((place,), FetchReq(place, (StoredDataSpecifier(TURN_SERVICE),))))


def test_the_seventh_record_in_a_minute_is_refused_and_the_next_minute_is_a_new_one() -> None:
    overlay = metered()
    for number in range(6):
        ask(overlay, "alice", number)
    ask(overlay, "alice", 3)
    with pytest.raises(ErrorAnswer, match="too many records"):
        ask(overlay, "alice", 6)
    (dropped,) = trace_of(overlay).select(MessageDropped, reason=DropReason.OVER_QUOTA)
    assert dropped.node == overlay.node("alice").peer.topology.table()[0]
    overlay.advance(60)
    ask(overlay, "alice", 6)


def test_a_peer_is_counted_for_what_it_begins_and_not_for_what_it_passes_on() -> None:
    overlay = small(8, neighbors=3, fingers=4, clients=("alice",), defences=preset("none").having("query-quota"))
    refused = 0
    for number in range(60):
        try:
            ask(overlay, overlay.peers()[0].name, number)
        except ErrorAnswer:
            refused += 1
    assert refused > 0
    for client in ("one", "two", "three"):
        overlay.add_client(client, at=overlay.peers()[3].name)
        for number in range(6):
            ask(overlay, client, number)


def test_other_requests_are_not_counted() -> None:
    overlay = metered()
    alice = overlay.node("alice").peer
    for number in range(12):
        overlay.run(alice.request((ResourceID.of(f"name {number}"),), PingReq()))
    assert sum(1 for _ in trace_of(overlay).select(MessageDelivered, code=int(MessageCode.PING_REQ))) >= 12


def test_what_can_not_be_read_goes_where_it_always_went() -> None:
    taken: list[bytes] = []
    gate = QueryQuota().gate(lambda remote, data: taken.append(data), lambda *_: None, tuple, lambda: 0.0)
    gate(ME, b"no message")
    assert taken == [b"no message"]


# --- cover ------------------------------------------------------------------------------------------------------------

NAMES = tuple(f"user{number}@example.org" for number in range(8))


@given(st.sampled_from(NAMES), st.binary(min_size=16, max_size=16))
def test_a_cover_is_the_same_each_time_and_never_what_it_covers(wanted: str, secret: bytes) -> None:
    policy = CoverQueries()
    cover = policy.names(wanted, NAMES, secret)
    assert len(set(cover)) == 3
    assert wanted not in cover
    assert set(cover) <= set(NAMES)
    assert policy.names(wanted, NAMES[::-1], secret) == cover


def test_covers_differ_between_callers_and_between_names() -> None:
    covers = {CoverQueries().names(name, NAMES, bytes((secret,)) * 16) for name in NAMES for secret in range(4)}
    assert len(covers) > 8
    assert CoverQueries(9).names(NAMES[0], NAMES, b"") == tuple(
        sorted(NAMES[1:], key=CoverQueries(9).names(NAMES[0], NAMES, b"").index)
    )


def test_moments_lie_within_the_spread() -> None:
    dice = random.Random(1)
    moments = [CoverQueries().moment(dice) for _ in range(200)]
    assert 0.0 <= min(moments) < 0.1 < 0.9 < max(moments) < 1.0
    assert NoCover().moment(dice) == 0.0
    assert NoCover().names(NAMES[0], NAMES, b"") == ()


@pytest.mark.parametrize(("name", "attaches"), [("message-signature", 1), ("cover-queries", 4)])
def test_a_call_is_one_of_four_and_rings_once(name: str, attaches: int) -> None:
    users = ("alice", "bob", "carol", "dave", "erin")
    overlay = small(8, clients=users, defences=preset("none").having(name))
    for user in users:
        overlay.register(user)
        overlay.phone(user).directory = tuple(overlay.aor(other) for other in users if other != user)
    overlay.call("bob", "alice")
    overlay.advance(5)
    asked = {event.node for event in trace_of(overlay).select(MessageDelivered, code=int(MessageCode.APP_ATTACH_REQ))}
    assert len(asked) == attaches
    assert [len(overlay.phone(user).calls) for user in users] == [1, 0, 0, 0, 0]


def test_a_phone_without_a_directory_has_nothing_to_cover_with() -> None:
    overlay = small(4, clients=("alice", "bob"), defences=preset("none").having("cover-queries"))
    overlay.register("alice")
    began = overlay.now
    overlay.call("bob", "alice")
    assert overlay.now - began < 2.0
