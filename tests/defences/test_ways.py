"""Retries on other ways, and several ways at once: what they bring, what they cost, and what they cannot go around."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.discarding import AnswerDiscard, RequestDiscard
from p2psip_min.defences import Defences
from p2psip_min.errors import ErrorAnswer, RequestTimedOut
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.procedures.lookup import ask
from p2psip_min.routing.policies import DisjointPaths, OnePath, OtherWay, SameWay
from p2psip_min.routing.returns import asks_straight
from p2psip_min.routing.watch import IN_A_ROW, PATIENCE
from p2psip_min.wire.messages import MessageCode, PingReq, ProbeReq
from tests.crafting import Hand, Silent, close_all, equip_forwarding, small, trace_of


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def long_way(*names: str, routing: str = "recursive", links: str = "plain") -> tuple[Overlay, Node, Node, ResourceID]:
    """An overlay with these defences, and in it who looks for a key over whom."""
    overlay = small(24, defences=Defences().having(*names), routing=routing, links=links)
    for number in range(100):
        key = ResourceID.of(f"key {number}")
        for node in overlay.peers():
            if len(overlay.route(node.name, key)) >= 3:
                return overlay, node, overlay.route(node.name, key)[-2], key
    raise AssertionError("all ways are short")


@pytest.mark.parametrize("attack", [RequestDiscard, AnswerDiscard])
@pytest.mark.parametrize("name", ["other-way", "disjoint-paths"])
def test_who_swallows_is_gone_around(name: str, attack: type[RequestDiscard | AnswerDiscard]) -> None:
    overlay, reader, mallory, key = long_way(name)
    overlay.make_hostile(mallory.name, attack().equip)
    assert overlay.lookup(reader.name, key) == overlay.root(key).node_id


@pytest.mark.parametrize("name", ["same-way", "message-signature"])
def test_trying_the_same_way_again_does_not_help(name: str) -> None:
    overlay, reader, mallory, key = long_way(name)
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    with pytest.raises(RequestTimedOut, match=f"in {overlay.defences.retry.sends} tries"):
        overlay.lookup(reader.name, key)
    assert overlay.now == 3.0 * overlay.defences.retry.sends


def test_another_way_is_taken_only_when_the_first_fails() -> None:
    overlay, reader, _, key = long_way("other-way")
    overlay.lookup(reader.name, key)
    requests = [event for event in trace_of(overlay).select(events.MessageSent, code=int(MessageCode.PING_REQ))]
    assert len(requests) == 1


def test_ways_at_once_part_at_the_first_hop_and_cost_as_many_messages() -> None:
    overlay, reader, _, key = long_way("disjoint-paths")
    overlay.lookup(reader.name, key)
    sent = list(trace_of(overlay).select(events.MessageSent, node=reader.node_id, code=int(MessageCode.PING_REQ)))
    assert len(sent) == 3
    assert len({event.next_hop for event in sent}) == 3
    assert len({event.transaction_id for event in sent}) == 1
    assert overlay.now < 1.5


def test_one_answer_is_enough_after_a_while() -> None:
    overlay, reader, mallory, key = long_way("disjoint-paths")
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    overlay.lookup(reader.name, key)
    assert 2.0 <= overlay.now < 3.0


def test_a_silent_root_is_no_matter_of_ways() -> None:
    overlay, reader, _, key = long_way("disjoint-paths", "other-way")
    overlay.make_hostile(overlay.root(key).name, equip_forwarding(lambda inner: Silent(inner, 99)))
    with pytest.raises(RequestTimedOut):
        overlay.lookup(reader.name, key)


def test_errors_come_on_all_ways_too() -> None:
    overlay, reader, _, key = long_way("disjoint-paths")
    root = overlay.root(key)
    root.peer.handlers = {}
    with pytest.raises(ErrorAnswer, match="no such method"):
        overlay.run(ask(reader.peer, key, ProbeReq(())))


def test_stores_on_several_ways_store_once() -> None:
    with Overlay(
        peers=16, clients=("alice",), links="plain", seed=3, defences=Defences().having("disjoint-paths", "rising-time")
    ) as overlay:
        overlay.register("alice")
        overlay.register("alice")
        stored = trace_of(overlay).select(events.RecordStored, replica=0)
        assert sum(1 for _ in stored) == 1


def test_a_client_has_its_peers_ways() -> None:
    overlay, reader, mallory, key = long_way("disjoint-paths")
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    overlay.add_client("alice", at=reader.name, credential=overlay.provider.enroll("alice", overlay.now))
    assert overlay.run(procedures.ping(overlay.node("alice").peer, key)) == overlay.root(key).node_id


def test_a_watched_hop_is_gone_around_by_who_is_next_to_it_before_anybody_else() -> None:
    overlay, reader, mallory, key = long_way("hop-watch")
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    way = [reader, *overlay.route(reader.name, key)]
    before = way[way.index(mallory) - 1]
    overlay.lookup(reader.name, key)
    assert overlay.now < PATIENCE[0] + 0.5
    trace = trace_of(overlay)
    twice = [event.node for event in trace.select(events.MessageForwarded, code=int(MessageCode.PING_REQ))]
    assert [node for node in dict.fromkeys(twice) if twice.count(node) > 1] == [before.node_id]
    assert not list(trace.select(events.RequestRetransmitted))
    before_second = overlay.now
    overlay.lookup(reader.name, key)
    assert overlay.now - before_second < 1.0, "and remembered"


def test_a_watch_that_was_replaced_looks_after_nothing() -> None:
    overlay, reader, mallory, key = long_way("hop-watch")
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    overlay.lookup(reader.name, key)
    overlay.advance(10.0)
    assert not list(trace_of(overlay).select(events.MessageForwarded, node=mallory.node_id))


def test_nobody_is_suspected_in_an_honest_overlay_that_loses_packets() -> None:
    overlay = small(24, defences=Defences().having("hop-watch"))
    overlay.network.loss = 0.1
    for number in range(60):
        node = overlay.peers()[number % 24]
        overlay.lookup(node.name, ResourceID.of(f"key {number}"))
    watches = [node.peer.parts.forwarding.watch for node in overlay.peers()]
    requests = sum(watch.requests for watch in watches)
    assert requests > 100
    assert sum(watch.silences for watch in watches) <= requests * 0.1
    assert not any(keys >= IN_A_ROW for watch in watches for keys in watch.in_a_row.values())


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_a_straight_answer_passes_nobody(links: str) -> None:
    overlay, reader, mallory, key = long_way("direct-response", links=links)
    overlay.make_hostile(mallory.name, AnswerDiscard().equip)
    root = overlay.root(key)
    assert overlay.lookup(reader.name, key) == root.node_id
    answers = list(trace_of(overlay).select(events.MessageSent, node=root.node_id, code=int(MessageCode.PING_ANS)))
    assert [event.next_hop == reader.node_id for event in answers] == [False, True]


def test_who_does_not_know_of_straight_answers_gives_none() -> None:
    overlay, reader, _, key = long_way()
    root = overlay.root(key)
    option = asks_straight(reader.node_id, ("192.0.2.66", 6084), tls=False)
    hand = Hand(overlay, reader.name)
    data = hand.message((key,), PingReq(), transaction_id=77, options=option)
    overlay.driver.call(lambda: reader.peer.originate(data, 77))
    overlay.advance(2.0)
    (answer,) = trace_of(overlay).select(events.MessageSent, node=root.node_id, code=int(MessageCode.PING_ANS))
    assert answer.next_hop != reader.node_id
    assert root.peer.links.book.get(reader.node_id) != ("192.0.2.66", 6084)


def test_a_straight_answer_does_not_bring_a_request_through() -> None:
    overlay, reader, mallory, key = long_way("direct-response")
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    with pytest.raises(RequestTimedOut):
        overlay.lookup(reader.name, key)


def test_an_answer_that_is_remembered_goes_straight_too() -> None:
    overlay, reader, mallory, key = long_way("direct-response")
    overlay.make_hostile(mallory.name, AnswerDiscard().equip)
    assert overlay.run(procedures.attach(reader.peer, (key,))) == overlay.root(key).node_id


# --- the values -------------------------------------------------------------------------------------------------------


def test_the_ways_of_each_send() -> None:
    assert [SameWay().way(attempt) for attempt in (1, 2, 5)] == [0, 0, 0]
    assert [OtherWay().way(attempt) for attempt in (1, 2, 5)] == [0, 1, 4]
    assert (SameWay().sends, OtherWay().sends) == (5, 5)


def test_the_best_of_several_answers_is_the_one_that_none_beats() -> None:
    assert DisjointPaths(3).best([5, 3, 4], lambda one, other: one < other) == 3
    assert DisjointPaths(3).best([2, 2.0], lambda one, other: one < other) == 2
    assert OnePath().best([7], lambda one, other: False) == 7


def test_only_what_asks_for_other_ways_makes_forwarders_look_for_them() -> None:
    assert not Defences().other_ways
    assert not Defences().having("same-way").other_ways
    assert Defences().having("other-way").other_ways
    assert Defences().having("disjoint-paths").other_ways
