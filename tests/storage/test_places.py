"""Salted places: a record lies at several places that follow from its name, each signed and held on its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.defences import preset
from p2psip_min.errors import ErrorAnswer, NotFound, StoreReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.access import Claim, permitted, salted
from p2psip_min.storage.policies import RisingStorageTime
from p2psip_min.storage.reader import Answer, Reader
from p2psip_min.storage.redundancy import OnePlace, SaltedPlaces
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import IANA_KINDS, TURN_SERVICE, AccessPolicy, KindSpec, TurnServer
from tests.crafting import close_all, small, trace_of

NODE = NodeID(b"n" * 16)
USER = "alice@overlay.example"
OWN: dict[AccessPolicy, tuple[bytes, bytes]] = {
    AccessPolicy.USER_MATCH: (ResourceID.of(USER), b""),
    AccessPolicy.NODE_MATCH: (ResourceID.of(NODE), b""),
    AccessPolicy.USER_NODE_MATCH: (ResourceID.of(USER), NODE),
    AccessPolicy.NODE_MULTIPLE: (ResourceID.of(NODE + b"\x01"), b""),
}
"""Where each policy lets the user write, and under which key."""


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def spec_of(policy: AccessPolicy) -> KindSpec:
    return next(spec for spec in IANA_KINDS.values() if spec.access is policy)


def test_places_are_a_record_s_own_and_those_of_its_salts() -> None:
    resource = ResourceID.of(USER)
    assert OnePlace().of(resource) == (resource,) == SaltedPlaces(0).of(resource)
    places = SaltedPlaces(3).of(resource)
    assert places == tuple(salted(resource, salt) for salt in range(4))
    assert len(set(places)) == 4


@pytest.mark.parametrize("policy", OWN)
def test_an_owner_may_write_at_as_many_salted_places_as_there_are_and_nobody_else(policy: AccessPolicy) -> None:
    own, key = OWN[policy]

    def allowed(salts: int, salt: int, user: str = USER, node: NodeID = NODE) -> bool:
        return permitted(Claim(salted(ResourceID(own), salt), spec_of(policy), key, user, node, salts))

    assert [allowed(0, salt) for salt in range(4)] == [True, False, False, False]
    assert [allowed(2, salt) for salt in range(4)] == [True, True, True, False]
    other = NodeID(b"m" * 16)
    assert not any(allowed(2, salt, "mallory@overlay.example", other) for salt in range(4))


def test_a_value_is_signed_for_the_place_where_it_lies(world: Any) -> None:
    rules = world.rules(order=RisingStorageTime(), places=SaltedPlaces(2))
    place = salted(world.alice, 1)
    fits = world.peer(rules).put(world.seal(b"x", resource=place), resource=place)
    assert fits.changed
    moved = world.peer(rules).put(world.seal(b"x"), resource=place)
    assert moved.reason is StoreReason.BAD_SIGNATURE
    denied = world.peer().put(world.seal(b"x", resource=place), resource=place)
    assert denied.reason is StoreReason.ACCESS_DENIED


def test_a_reader_takes_the_youngest_of_all_places_and_calls_no_equal_version_outvoted(world: Any) -> None:
    class Nothing:
        def newest(self, resource: bytes, kind: int, key: bytes) -> int:
            return 0

        def note(self, resource: bytes, kind: int, key: bytes, storage_time: int) -> None:
            return

    reader = Reader(NODE, world.rules(places=SaltedPlaces(2)), Nothing())

    def answer(salt: int, value: bytes, at: float) -> Answer:
        place = salted(world.alice, salt)
        return Answer(NODE, [world.seal(value, at=at, resource=place)], world.certificates(0.0), place)

    alike = reader.read(world.alice, world.kinds[world.note], [answer(salt, b"new", 5.0) for salt in range(3)], 6.0)
    assert [value.stored.value.value for value in alike.values] == [b"new"]
    assert not alike.refused
    rolled = reader.read(world.alice, world.kinds[world.note], [answer(0, b"old", 1.0), answer(1, b"new", 5.0)], 6.0)
    assert [value.stored.value.value for value in rolled.values] == [b"new"]
    assert len(rolled.refused) == 1


def entry(number: int) -> tuple[SingleValue]:
    return (SingleValue(True, encode(TurnServer(number, IpAddressPort("10.0.0.1", 3478)))),)


@pytest.mark.parametrize("name", ["none", "reload"])
def test_a_record_outlives_the_responsible_peers_of_all_places_but_one(name: str) -> None:
    overlay = small(24, defences=preset(name).having("salted-places").without("replicas"))
    reader = overlay.peers()[17]
    for owner in overlay.peers():
        resource = overlay.place_of(owner.name, TURN_SERVICE)
        places = SaltedPlaces(2).of(resource)
        roots = [overlay.root(place) for place in places]
        if len({node.name for node in (*roots, owner, reader)}) == 5:
            break
    overlay.run(procedures.store(owner.peer, resource, TURN_SERVICE, entry(1)))
    assert {event.resource for event in trace_of(overlay).select(events.StoreAcknowledged)} == set(places)
    for root in roots[:-1]:
        overlay.make_hostile(root.name, RecordDiscard().equip)
        (value,) = overlay.run(procedures.fetch(reader.peer, resource, TURN_SERVICE))
        assert value.stored.value == entry(1)[0]
    overlay.make_hostile(roots[-1].name, RecordDiscard().equip)
    with pytest.raises(NotFound):
        overlay.run(procedures.fetch(reader.peer, resource, TURN_SERVICE))


def test_a_store_that_no_place_takes_fails_with_the_first_reason() -> None:
    overlay = small(8, defences=preset("reload").having("salted-places"))
    mallory, victim = overlay.peers()[0], overlay.peers()[5]
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.store(mallory.peer, overlay.place_of(victim.name, TURN_SERVICE), TURN_SERVICE, entry(1)))
    assert {event.reason for event in trace_of(overlay).select(events.StoreRejected)} == {StoreReason.ACCESS_DENIED}
