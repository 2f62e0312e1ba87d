"""Who led a request astray, read from the way that it has come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from p2psip_min import trace as events
from p2psip_min.attacks.forwarding import WrongHop
from p2psip_min.defences import Defences
from p2psip_min.errors import DropReason, ErrorAnswer, Malformed
from p2psip_min.ids import NodeID, OpaqueID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.routing.forwarding import Forward, Forwarder
from p2psip_min.routing.iterative import Ask, Found, Walk
from p2psip_min.routing.progress import AnyHop, EachHopNearer, strays
from p2psip_min.routing.topology.buckets import Buckets
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.wire.header import encode_destinations
from tests.routing.test_forwarding import OVERLAY, message
from tests.routing.topology_suite import make_ids, make_keys

CHECK = EachHopNearer()
RING = make_ids(60, 31)


def ring(factory: Any) -> dict[NodeID, Any]:
    """A settled overlay."""
    made = {one: factory(one) for one in RING}
    for table in made.values():
        table.settle(RING)
    return made


def way(made: dict[NodeID, Any], start: NodeID, key: bytes) -> list[NodeID]:
    """From ``start`` to whoever is responsible, both included."""
    nodes = [start]
    while (following := made[nodes[-1]].next_hop(key)) is not None:
        nodes.append(following)
    return nodes


@pytest.mark.parametrize("factory", [Chord, Buckets])
def test_on_an_honest_way_nobody_strays_and_nothing_goes_another_way(factory: Any) -> None:
    made = ring(factory)
    for start, key in zip(RING, make_keys(60, 32), strict=True):
        nodes = way(made, start, key)
        assert strays(made[start], key, nodes[:-1]) == ()
        for at in range(2, len(nodes) - 1):
            via = encode_destinations(nodes[: at - 1])
            assert CHECK.astray(made[nodes[at]], key, via, nodes[at - 1]) == ()


@pytest.mark.parametrize("factory", [Chord, Buckets])
def test_who_sends_a_request_back_or_in_a_circle_strays(factory: Any) -> None:
    made = ring(factory)
    long = [
        nodes for start, key in zip(RING, make_keys(60, 33), strict=True) if len(nodes := way(made, start, key)) > 4
    ]
    assert long or factory is Buckets
    for start, key in zip(RING, make_keys(60, 33), strict=True):
        nodes = way(made, start, key)
        if len(nodes) < 4:
            continue
        one, two, three = nodes[:3]
        back = CHECK.astray(made[two], key, encode_destinations([one, two]), three)
        assert back == (three,), "from three back to two"
        circle = CHECK.astray(made[two], key, encode_destinations([one, two, three]), one)
        assert circle == (three,), "who closes the circle, and not who was given it"


def test_the_requester_and_what_comes_at_first_hand_are_not_judged() -> None:
    chord = ring(Chord)[RING[0]]
    assert CHECK.astray(chord, RING[5], b"", RING[9]) == ()
    assert CHECK.astray(chord, RING[5], encode_destinations([RING[9]]), None) == ()
    assert CHECK.astray(chord, RING[5], encode_destinations([RING[4]]), RING[59]) == ()


def test_what_cannot_be_read_is_malformed_and_opaque_ids_are_nobodys_step() -> None:
    chord = ring(Chord)[RING[0]]
    with pytest.raises(Malformed):
        CHECK.astray(chord, RING[5], b"\x01\x10short", RING[9])
    CHECK.astray(chord, RING[5], encode_destinations([RING[1], OpaqueID(b"x")]), RING[59])


def forwarder(place: int, progress: Any) -> Forwarder:
    """The forwarder of one node of the ring."""
    chord = Chord(RING[place])
    chord.settle(RING)
    linked = {*chord.table()}
    return Forwarder(RING[place], OVERLAY, chord, linked.__contains__, progress=progress)


@pytest.mark.parametrize("target", [ResourceID(RING[30]), NodeID(RING[30])])
def test_a_forwarder_goes_around_who_sent_a_request_back(target: Any) -> None:
    plain, checking = (forwarder(10, progress) for progress in (AnyHop(), CHECK))
    stray = plain.topology.next_hop(target)
    assert stray is not None
    returned = message(target, via=(RING[2], RING[10]))
    loops, goes_on = (each.decide(returned, stray, 0.0) for each in (plain, checking))
    assert isinstance(loops, Forward)
    assert isinstance(goes_on, Forward)
    assert loops.next_hop == stray
    assert goes_on.next_hop != stray
    assert checking.topology.nearer(goes_on.next_hop, RING[10], target)
    fresh = message(target, via=(RING[2],))
    for each in (plain, checking):
        first = each.decide(fresh, RING[5], 0.0)
        assert isinstance(first, Forward)
        assert first.next_hop == stray


def test_a_walk_leaves_who_names_a_farther_node_that_is_not_the_end() -> None:
    made = ring(Chord)
    key = ResourceID(RING[40])
    start = made[RING[1]]
    walks = [Walk(start, key, progress=progress) for progress in (AnyHop(), CHECK)]
    believed, left = [], []
    for walk, steps in zip(walks, (believed, left), strict=True):
        first = walk.begin()
        assert isinstance(first, Ask)
        astray = walk.answered(first.node, (RING[0],))
        assert astray == Ask(RING[0], first.node)
        steps.append(walk.answered(RING[0], (RING[3],)))
    assert believed == [Ask(RING[3], RING[0])]
    (again,) = left
    assert isinstance(again, Ask)
    assert again.via is None, "it begins anew by its own table"


def test_the_last_step_may_pass_the_key() -> None:
    made = ring(Chord)
    for start, key in zip(RING, make_keys(60, 34), strict=True):
        if made[start].responsible(key):
            continue
        walk = Walk(made[start], key, progress=CHECK)
        step = walk.begin()
        while isinstance(step, Ask):
            step = walk.answered(step.node, (made[step.node].next_hop(key) or step.node,))
        assert isinstance(step, Found)
        assert made[step.node].responsible(key)
        assert [start, *step.path] == way(made, start, key)


@pytest.mark.parametrize(("names", "arrives"), [((), False), (("short-ttl",), False), (("progress-check",), True)])
def test_a_short_ttl_ends_the_circles_and_brings_nothing_there(names: tuple[str, ...], arrives: bool) -> None:
    with Overlay(peers=16, seed=3, defences=Defences().having(*names), servers=0, maintenance=False) as overlay:
        place = ResourceID.of(overlay.aor("alice"))
        start = next(node for node in overlay.peers() if len(overlay.route(node.name, place)) > 2)
        overlay.make_hostile(overlay.route(start.name, place)[0].name, WrongHop().equip)
        if arrives:
            assert overlay.lookup(start.name, place) == overlay.root(place).node_id
        else:
            with pytest.raises(ErrorAnswer, match="ttl exceeded"):
                overlay.lookup(start.name, place)
        assert isinstance(overlay.trace, events.Trace)
        dead = list(overlay.trace.select(events.MessageDropped, reason=DropReason.TTL_EXCEEDED))
        assert bool(dead) != arrives


def test_a_hop_limit_never_exceeds_the_configurations() -> None:
    with Overlay(peers=2, seed=3, servers=0, defences=Defences().having("short-ttl")) as overlay:
        peer = overlay.peers()[0].peer
        assert peer.initial_ttl == 20
        peer.follow(replace(peer.configuration, initial_ttl=9))
        assert peer.initial_ttl == 9
