"""Attackers on the way: what they swallow, whom they name, and what they let pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import trace as events
from p2psip_min.attacks.discarding import AnswerDiscard, QueryDiscard, RequestDiscard
from p2psip_min.attacks.misleading import Capture, DeadReferral
from p2psip_min.errors import DropReason, ErrorAnswer, RequestTimedOut
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node
from p2psip_min.wire.messages import MessageCode, PingReq, RouteQueryReq
from tests.crafting import close_all, trace_of
from tests.defences.test_ways import long_way


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def test_dropped_requests_do_not_arrive() -> None:
    overlay, reader, mallory, key = long_way()
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    with pytest.raises(RequestTimedOut):
        overlay.lookup(reader.name, key)
    trace = trace_of(overlay)
    dropped = list(trace.select(events.MessageDropped, node=mallory.node_id))
    assert {(event.reason, event.code) for event in dropped} == {(DropReason.DISCARDED, MessageCode.PING_REQ)}
    assert not list(trace.select(events.MessageDelivered, node=overlay.root(key).node_id))


def test_requests_whose_answers_are_dropped_arrive() -> None:
    overlay, reader, mallory, key = long_way()
    overlay.make_hostile(mallory.name, AnswerDiscard().equip)
    with pytest.raises(RequestTimedOut):
        overlay.lookup(reader.name, key)
    trace = trace_of(overlay)
    arrived = list(trace.select(events.MessageDelivered, node=overlay.root(key).node_id))
    dropped = list(trace.select(events.MessageDropped, node=mallory.node_id))
    assert len(arrived) == len(dropped) == 5
    assert {event.code for event in dropped} == {MessageCode.PING_ANS}


@pytest.mark.parametrize("attack", [RequestDiscard, AnswerDiscard, QueryDiscard])
def test_who_swallows_others_messages_has_its_own(attack: type[RequestDiscard]) -> None:
    overlay, reader, mallory, key = long_way()
    overlay.make_hostile(mallory.name, attack().equip)
    assert overlay.lookup(mallory.name, key) == overlay.root(key).node_id
    answer = overlay.run(reader.peer.request((mallory.node_id,), PingReq(), next_hop=None))
    assert answer.signer == mallory.node_id


def named(asker: Node, by: Node, key: ResourceID) -> NodeID:
    """Whom ``by`` names when it is asked."""
    answer = asker.peer.request((by.node_id,), RouteQueryReq(False, key))
    found: NodeID = asker.peer.loop.run_until_complete(answer).body.next_peer
    return found


def test_who_does_not_hear_queries_hears_pings() -> None:
    overlay, reader, mallory, key = long_way()
    overlay.make_hostile(mallory.name, QueryDiscard().equip)
    with pytest.raises(RequestTimedOut):
        overlay.run(reader.peer.request((mallory.node_id,), RouteQueryReq(False, key)))
    overlay.run(reader.peer.request((mallory.node_id,), PingReq()))


def test_names_of_nobody_are_different_ones_and_just_before_the_key() -> None:
    overlay, reader, mallory, key = long_way("several-next-hops")
    overlay.make_hostile(mallory.name, DeadReferral().equip)
    answer = overlay.run(reader.peer.request((mallory.node_id,), RouteQueryReq(False, key)))
    assert answer.body.next_peer not in overlay.nodes
    assert answer.body.next_peer == NodeID.from_int(int.from_bytes(key, "big") - 1)
    assert overlay.lookup(reader.name, key) == overlay.root(key).node_id, "its own messages go by the true tables"


def test_a_colluder_answers_for_what_is_not_its_own() -> None:
    overlay, reader, mallory, key = long_way()
    root = overlay.root(key)
    friend = next(
        overlay.node(node) for node in mallory.peer.topology.table() if node not in (root.node_id, reader.node_id)
    )
    for node in (mallory, friend):
        overlay.make_hostile(node.name, Capture().equip)
    assert overlay.lookup(reader.name, key) in (mallory.node_id, friend.node_id)
    asked = overlay.run(reader.peer.request((mallory.node_id,), RouteQueryReq(False, key)))
    assert asked.body.next_peer in (mallory.node_id, friend.node_id)
    assert not friend.peer.store.holds(key)


def test_who_captures_keys_lets_messages_for_nodes_pass() -> None:
    overlay, reader, mallory, key = long_way()
    root = overlay.root(key)
    overlay.make_hostile(mallory.name, Capture().equip)
    try:
        answer = overlay.run(reader.peer.request((mallory.node_id, root.node_id), PingReq()))
    except ErrorAnswer as error:
        raise AssertionError("a message for a node is none for a key") from error
    assert answer.signer == root.node_id
