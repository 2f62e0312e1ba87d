"""Whom a node tries to link with because others named it, and what that costs when they lie (RFC 6940 §10.6, §10.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from p2psip_min.ids import NodeID
from p2psip_min.overlay import Overlay
from p2psip_min.routing.topology.chord import DISBELIEF, Chord
from p2psip_min.trace import MessageSent
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.chord import ChordUpdate, ChordUpdateType
from p2psip_min.wire.codec import encode
from p2psip_min.wire.messages import AttachReq, IceCandidate, MessageCode, OverlayLinkType, UpdateReq
from tests.crafting import Hand, close_all, small, trace_of
from tests.routing.test_chord import at, lists, node, ready
from tests.routing.topology_suite import make_ids

ALLOWED = 12
"""Two neighbor tables of three and three."""


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def naming(*nodes: NodeID) -> bytes:
    """An Update with these successors."""
    return encode(ChordUpdate(1, ChordUpdateType.NEIGHBORS, (), nodes))


def attempts(chord: Chord, candidates: tuple[NodeID, ...], now: float) -> int:
    """How many Attaches it takes until no candidate is left, when none of them answers."""
    tried: set[NodeID] = set()
    while candidates:
        tried.add(candidates[0])
        candidates = chord.unreachable(candidates[0], now).candidates
    return len(tried)


def attaches(overlay: Overlay, **wanted: Any) -> set[int]:
    """The transactions of all Attaches sent."""
    sent = trace_of(overlay).select(MessageSent, code=MessageCode.ATTACH_REQ, **wanted)
    return {event.transaction_id for event in sent}


def test_who_invents_neighbors_has_little_credit() -> None:
    chord = at(100, 101, 102)
    first = chord.on_update(node(101), naming(*make_ids(250, 21)), 1.0)
    assert attempts(chord, first.candidates, 1.0) == ALLOWED
    assert chord.on_update(node(101), naming(*make_ids(250, 22)), 2.0).candidates == ()
    # Another sender is still believed, and the first one again when the failures are forgotten.
    assert chord.on_update(node(102), lists((), (103,)), 3.0).candidates == (node(103),)
    chord.on_update(node(103), ready(), 4.0)
    later = chord.on_update(node(101), naming(*make_ids(250, 23)), 1.0 + DISBELIEF)
    assert 0 < attempts(chord, later.candidates, 1.0 + DISBELIEF) <= ALLOWED


def test_who_names_nodes_that_answer_keeps_its_credit() -> None:
    chord = at(200, 199)
    for place in range(100, 100 + 3 * ALLOWED):
        assert node(place) in chord.on_update(node(199), lists((), (place,)), 1.0).candidates
        chord.on_update(node(place), ready(), 1.0)


def test_a_flood_of_invented_neighbors_costs_few_attaches() -> None:
    overlay = small(16)
    attacker = overlay.peers()[0]
    victim = overlay.node(attacker.peer.topology.neighbors()[0])
    hand = Hand(overlay, attacker.name)
    for seed in (31, 32):
        hand.ask(victim, UpdateReq(naming(*make_ids(250, seed))))
    overlay.advance(100)
    assert 0 < len(attaches(overlay, node=victim.node_id)) <= ALLOWED


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_a_client_that_is_named_as_a_neighbor_is_tried_once(links: str) -> None:
    overlay = small(4, links=links)
    attacker, victim, *_ = overlay.peers()
    client = overlay.add_client("alice", at=attacker.name)
    hand = Hand(overlay, attacker.name)
    before = attaches(overlay, node=victim.node_id)
    for _ in range(4):
        hand.ask(victim, UpdateReq(naming(client.node_id)), wait=20.0)
    assert len(attaches(overlay, node=victim.node_id) - before) == 1
    assert client.node_id not in victim.peer.topology.table()
    assert not victim.peer.courting


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_an_attach_does_not_move_a_linked_peer(links: str) -> None:
    overlay = small(4, links=links)
    attacker, victim, *_ = overlay.peers()
    hand = Hand(overlay, attacker.name)
    kind = OverlayLinkType.TLS_TCP_FH_NO_ICE if links == "tls" else OverlayLinkType.DTLS_UDP_SR_NO_ICE
    elsewhere = IceCandidate(IpAddressPort("10.9.9.9", 6084), kind, b"1", 1)
    overlay.lookup(attacker.name, overlay.place_of(victim.name, 3))  # links are up
    hand.ask(victim, AttachReq(b"abcd", b"secret", b"passive", (elsewhere,), False))
    assert attacker.node_id in victim.peer.links.table
    assert victim.peer.links.book[attacker.node_id] == attacker.address
