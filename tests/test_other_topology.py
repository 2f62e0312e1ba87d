"""Security does not depend on the overlay algorithm (draft Req. 4): the same tests on the ring and on two others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.errors import ErrorAnswer, LinkReason, LinkRefused, NotFound, ReadReason, StoreReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.routing.topology.buckets import Buckets
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.topology.fullmesh import FullMesh
from p2psip_min.seams import Coalition, PeerParts
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry, FetchKindResponse
from p2psip_min.wire.kinds import SIP_REGISTRATION, TURN_SERVICE, SipRegistration, SipRegistrationType, TurnServer
from p2psip_min.wire.messages import MessageCode, StoreKindData, StoreReq

PLUGINS = {"ring": Chord, "full mesh": FullMesh, "buckets": Buckets}


@pytest.fixture(params=PLUGINS)
def overlay(request: pytest.FixtureRequest) -> Iterator[Overlay]:
    with Overlay(
        peers=10, clients=("alice", "bob", "mallory"), links="plain", seed=3, topology=PLUGINS[request.param]
    ) as made:
        yield made


def holders(overlay: Overlay, place: ResourceID) -> list[NodeID]:
    return [node for node, held in overlay.records().items() if any(each.resource == place for each in held)]


def best(overlay: Overlay, place: ResourceID, count: int = 3) -> list[NodeID]:
    """The responsible peer and its replicas, by everybody's own tables."""
    root = overlay.root(place)
    return sorted((root.node_id, *root.peer.topology.replicas(place, count - 1)))


def test_users_register_and_call(overlay: Overlay) -> None:
    overlay.register("alice")
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id


def test_a_store_has_two_replicas_and_they_are_repaired(overlay: Overlay) -> None:
    overlay.register("alice")
    overlay.advance(5.0)
    place = overlay.place_of("alice", SIP_REGISTRATION)
    assert holders(overlay, place) == best(overlay, place)
    overlay.crash(overlay.root(place).name)
    overlay.advance(1300.0)
    assert holders(overlay, place) == best(overlay, place)
    assert overlay.resolve("bob", "alice")


def test_joins_and_leaves_move_the_records_along(overlay: Overlay) -> None:
    places = {}
    for number, node in enumerate(overlay.peers(), 1):
        overlay.put(node.name, TURN_SERVICE, encode(TurnServer(1, IpAddressPort("192.0.2.1", number))), lifetime=86_400)
        places[node.name] = overlay.place_of(node.name, TURN_SERVICE)
    overlay.add_peer("dora")
    overlay.advance(700.0)
    assert all(holders(overlay, place) == best(overlay, place) for place in places.values())
    overlay.leave(overlay.root(places["p03"]).name)
    overlay.advance(700.0)
    assert all(holders(overlay, place) == best(overlay, place) for place in places.values())


def test_nobody_writes_in_anothers_place(overlay: Overlay) -> None:
    mallory, place = overlay.node("mallory"), overlay.place_of("alice", SIP_REGISTRATION)
    value = encode(SipRegistration(SipRegistrationType.URI, "mallory@example.org"))
    entry = DictionaryEntry(bytes(mallory.node_id), True, value)
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.store(mallory.peer, place, SIP_REGISTRATION, (entry,)))
    (rejected,) = overlay.trace.select(events.StoreRejected)
    assert rejected.reason == StoreReason.ACCESS_DENIED
    assert holders(overlay, place) == []


def test_a_replayed_store_is_too_old(overlay: Overlay) -> None:
    overlay.register("alice")
    place = overlay.place_of("alice", SIP_REGISTRATION)
    old = next(each.stored for each in overlay.root(place).peer.store.records() if each.resource == place)
    overlay.advance(1.0)
    overlay.run(overlay.phone("alice").forward_to("carol@example.org"))
    replayed = StoreReq(place, 0, (StoreKindData(SIP_REGISTRATION, 0, (old,)),))
    certificate = overlay.node("alice").peer.parts.identity.certificate
    with pytest.raises(ErrorAnswer):
        overlay.run(overlay.node("mallory").peer.request((place,), replayed, certificates=(certificate,)))
    (rejected,) = overlay.trace.select(events.StoreRejected)
    assert rejected.reason in (StoreReason.DATA_TOO_OLD, StoreReason.REQUESTER_DENIED)


def changed(response: FetchKindResponse) -> FetchKindResponse:
    values = (replace(each, value=replace(each.value, value=each.value.value + b"!")) for each in response.values)
    return FetchKindResponse(response.kind, response.generation, tuple(values))


class Lies:
    """A store whose holder changes what it hands out."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def fetch(self, request: Any, now: float) -> Any:
        found = self._inner.fetch(request, now)
        responses = tuple(changed(each) for each in found.answer.kind_responses)
        return replace(found, answer=replace(found.answer, kind_responses=responses))


def test_readers_believe_no_changed_value(overlay: Overlay) -> None:
    overlay.register("alice")

    def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
        return replace(parts, store=Lies(parts.store))

    overlay.make_hostile(overlay.root(overlay.place_of("alice", SIP_REGISTRATION)).name, equip)
    with pytest.raises(NotFound):
        overlay.resolve("bob", "alice")
    assert {event.reason for event in overlay.trace.select(events.ValueRejected)} <= {
        ReadReason.BAD_SIGNATURE,
        ReadReason.INVALID_VALUE,
    }


@pytest.mark.parametrize("plugin", PLUGINS)
def test_who_is_revoked_is_out(plugin: str) -> None:
    with Overlay(peers=8, links="tls", seed=3, topology=PLUGINS[plugin]) as overlay:
        victim, other = overlay.peers()[2], overlay.peers()[5]
        overlay.revoke(victim.name)
        overlay.advance(10.0)
        honest = [node for node in overlay.peers() if node is not victim]
        assert overlay.followers() == honest
        assert all(victim.node_id not in node.peer.topology.table() for node in honest)
        with pytest.raises(LinkRefused) as refused:
            overlay.run(victim.peer.links.connect(other.node_id, other.address))
        assert refused.value.reason is LinkReason.REVOKED


def test_the_ring_and_the_buckets_forward_and_the_mesh_does_not() -> None:
    forwarded = {}
    for name, plugin in PLUGINS.items():
        with Overlay(peers=24, links="plain", seed=3, topology=plugin) as overlay:
            for number in range(20):
                key = ResourceID.of(f"key {number}")
                assert overlay.lookup("p00", key) == overlay.root(key).node_id
            forwarded[name] = [
                event for event in overlay.trace.select(events.MessageForwarded) if event.code == MessageCode.PING_REQ
            ]
    assert forwarded["ring"]
    assert forwarded["buckets"]
    assert not forwarded["full mesh"]
