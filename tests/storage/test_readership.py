"""Who may read a record: the owner's list, and who goes by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import procedures
from p2psip_min.attacks.reading import RestrictedRead
from p2psip_min.defences import preset
from p2psip_min.errors import ErrorAnswer, NotFound, StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.storage.readership import list_key, may_read
from p2psip_min.storage.selection import whole
from p2psip_min.trace import RecordStored, StoreRejected
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.encrypted import encrypted_kind
from p2psip_min.wire.kinds import IANA_KINDS, OUR_KINDS, READERS, SIP_REGISTRATION, TURN_SERVICE, TurnServer
from p2psip_min.wire.messages import ErrorCode, StatReq
from tests.crafting import close_all, small, trace_of

ALICE, BOB, CAROL = "alice@x", "bob@x", "carol@x"


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def restricted(*names: str, on: str = "readers-list") -> Overlay:
    """Alice has registered for bob alone."""
    overlay = small(8, clients=("alice", "bob", "carol"), defences=preset("none").having(on, *names))
    overlay.allow("alice", "bob")
    overlay.register("alice")
    return overlay


# --- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "user", "allowed"),
    [
        (7, BOB, True),
        (7, ALICE, True),
        (7, CAROL, False),
        (7, "", False),
        (8, CAROL, True),
        (encrypted_kind(7), CAROL, False),
        (encrypted_kind(7), BOB, True),
    ],
)
def test_the_listed_and_who_listed_them_read(kind: int, user: str, allowed: bool) -> None:
    assert may_read({list_key(7, BOB): ALICE}, kind, user) is allowed


def test_nobody_listed_is_everybody() -> None:
    assert may_read({}, 7, CAROL)
    assert may_read({list_key(7, BOB): ALICE}, 9, "")


# --- storing peers that go by it --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [(), ("replicas", "write-quorum", "read-quorum"), ("salted-places",), ("value-encryption",)]
)
def test_a_listed_reader_reads_and_a_stranger_does_not(names: tuple[str, ...]) -> None:
    overlay = restricted(*names)
    assert overlay.resolve("bob", "alice") == overlay.resolve("alice", "alice")
    with pytest.raises((ErrorAnswer, NotFound)):
        overlay.resolve("carol", "alice")


def test_a_stranger_is_told_so_and_gets_no_metadata_either() -> None:
    overlay = restricted()
    carol, place = overlay.node("carol").peer, ResourceID.of(overlay.aor("alice"))
    with pytest.raises(ErrorAnswer) as refused:
        overlay.run(procedures.fetch(carol, place, SIP_REGISTRATION))
    assert (refused.value.code, refused.value.info) == (ErrorCode.FORBIDDEN, StoreReason.READER_DENIED.value.encode())
    with pytest.raises(ErrorAnswer):
        overlay.run(carol.request((place,), StatReq(place, (whole(IANA_KINDS[SIP_REGISTRATION]),))))
    overlay.run(carol.request((place,), StatReq(place, (whole(OUR_KINDS[READERS]),))))


def test_readers_come_and_go_with_the_next_store() -> None:
    overlay = restricted()
    overlay.allow("alice", "carol")
    overlay.register("alice")
    assert overlay.resolve("carol", "alice")
    with pytest.raises(ErrorAnswer):
        overlay.resolve("bob", "alice")
    overlay.allow("alice")
    overlay.register("alice")
    assert overlay.resolve("carol", "alice") == overlay.resolve("bob", "alice")


def test_the_list_is_stored_once_for_as_long_as_it_is_needed() -> None:
    overlay = restricted()
    overlay.register("alice")
    lists = [event for event in trace_of(overlay).select(RecordStored) if event.kind == READERS]
    assert len(lists) == 1


def test_nobody_lists_himself_beside_the_record_of_another() -> None:
    overlay = restricted()
    place, carol = ResourceID.of(overlay.aor("alice")), overlay.node("carol").peer
    entry = DictionaryEntry(list_key(SIP_REGISTRATION, overlay.aor("carol")), True, b"")
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.store(carol, place, READERS, (entry,)))
    gone = DictionaryEntry(list_key(SIP_REGISTRATION, overlay.aor("bob")), False, b"")
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.store(carol, place, READERS, (gone,), lifetime=9999))
    assert {event.reason for event in trace_of(overlay).select(StoreRejected)} == {StoreReason.ACCESS_DENIED}


def test_a_list_lies_at_each_place_that_is_its_owner_s() -> None:
    overlay = restricted()
    overlay.allow("p01", "bob")
    value = encode(TurnServer(1, IpAddressPort("10.0.0.1", 3478)))
    overlay.put("p01", TURN_SERVICE, value)
    assert overlay.get("bob", "p01", TURN_SERVICE) == (value,)
    with pytest.raises(ErrorAnswer):
        overlay.get("carol", "p01", TURN_SERVICE)


def test_copies_move_between_holders_though_they_are_not_listed() -> None:
    overlay = restricted("replicas", "rising-time")
    overlay.advance(5.0)
    root = overlay.root(ResourceID.of(overlay.aor("alice")))
    overlay.leave(root.name)
    overlay.advance(60.0)
    assert overlay.resolve("bob", "alice")
    with pytest.raises(ErrorAnswer):
        overlay.resolve("carol", "alice")


# --- clients that look ------------------------------------------------------------------------------------------------


def test_a_client_that_looks_shows_strangers_nothing_and_stops_nobody() -> None:
    overlay = restricted(on="client-read-check")
    assert overlay.resolve("bob", "alice") == overlay.resolve("alice", "alice")
    with pytest.raises(NotFound):
        overlay.resolve("carol", "alice")
    place = ResourceID.of(overlay.aor("alice"))
    attack = RestrictedRead(0.0, (place,), SIP_REGISTRATION)
    overlay.make_hostile("carol", attack.equip)
    overlay.advance(5.0)
    assert any(bytes(overlay.node("alice").node_id) in value for value in attack.got[place])


@pytest.mark.parametrize(("on", "values"), [("readers-list", 0), ("value-encryption", 1)])
def test_a_client_without_scruples_gets_nothing_or_what_it_cannot_open(on: str, values: int) -> None:
    overlay = restricted(on=on)
    place = ResourceID.of(overlay.aor("alice"))
    attack = RestrictedRead(0.0, (place,), SIP_REGISTRATION)
    overlay.make_hostile("carol", attack.equip)
    overlay.advance(5.0)
    assert len(attack.got[place]) == values
    assert not any(bytes(overlay.node("alice").node_id) in value for value in attack.got[place])
