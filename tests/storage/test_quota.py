"""How much one identity may publish: where its account says so, or where one storing peer counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min import procedures
from p2psip_min.defences import preset
from p2psip_min.errors import ErrorAnswer, StoreReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.storage.access import Claim, place_of
from p2psip_min.storage.policies import NoRecordSignature, StoreRules
from p2psip_min.storage.quota import KeyQuota, PeerQuota, PublicationAccount, at_home, entry_key, exceeded
from p2psip_min.storage.validation import Accepted
from p2psip_min.trace import MessageDelivered, RecordStored, StoreRejected
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import PUBLICATIONS, SIP_REGISTRATION, AccessPolicy, DataModel, KindSpec
from p2psip_min.wire.messages import MessageCode
from tests.crafting import close_all, small, trace_of

NOTICE = KindSpec(0xF0000022, "NOTICE", DataModel.DICTIONARY, AccessPolicy.NODE_ID_MATCH, 8, 100)
USER, NODE = "alice@overlay.example", NodeID(b"n" * 16)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def open_overlay(*names: str, limit: int = 3, **settings: Any) -> Overlay:
    defences = preset("none").having(*names, quota=PublicationAccount(limit))
    return small(8, clients=("alice", "bob"), kinds=(NOTICE,), defences=defences, **settings)


def publish(overlay: Overlay, user: str, name: str, lifetime: int = 3600) -> None:
    peer = overlay.node(user).peer
    entry = DictionaryEntry(bytes(peer.node_id), True, b"text")
    overlay.run(procedures.store(peer, ResourceID.of(name), NOTICE.id, (entry,), lifetime=lifetime))


def refusals(overlay: Overlay) -> list[str]:
    return [event.reason for event in trace_of(overlay).select(StoreRejected)]


# --- where nothing is counted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("access", "name", "home"),
    [
        (AccessPolicy.USER_MATCH, USER, True),
        (AccessPolicy.USER_MATCH, "other", False),
        (AccessPolicy.USER_NODE_MATCH, USER, True),
        (AccessPolicy.NODE_MATCH, NODE, True),
        (AccessPolicy.NODE_MULTIPLE, NODE + b"\x01", True),
        (AccessPolicy.NODE_MULTIPLE, NODE + b"\x09", False),
        (AccessPolicy.NODE_ID_MATCH, USER, False),
    ],
)
def test_home_is_where_ones_own_names_lead(access: AccessPolicy, name: bytes | str, home: bool) -> None:
    spec = KindSpec(7, "SEVEN", DataModel.DICTIONARY, access, 3, 100, 3)
    assert at_home(Claim(ResourceID.of(name), spec, NODE, USER, NODE)) is home


def test_a_registration_costs_no_entry() -> None:
    overlay = open_overlay()
    overlay.register("alice")
    stored = {event.kind for event in trace_of(overlay).select(RecordStored)}
    assert stored == {SIP_REGISTRATION}


# --- an account -------------------------------------------------------------------------------------------------------


def test_an_object_is_entered_before_it_is_stored() -> None:
    overlay = open_overlay()
    publish(overlay, "alice", "one")
    first, second = trace_of(overlay).select(RecordStored)
    node = bytes(overlay.node("alice").node_id)
    assert (first.kind, first.resource) == (PUBLICATIONS, place_of(overlay.aor("alice")))
    assert first.key == entry_key(ResourceID.of("one"), NOTICE.id, node)
    assert (second.kind, second.resource, second.value) == (NOTICE.id, ResourceID.of("one"), b"text")


def test_a_full_account_takes_no_more_and_another_s_is_his_own() -> None:
    overlay = open_overlay(limit=3)
    for name in ("one", "two", "three", "two"):
        publish(overlay, "alice", name)
    with pytest.raises(ErrorAnswer):
        publish(overlay, "alice", "four")
    assert refusals(overlay) == [StoreReason.TOO_MANY]
    publish(overlay, "bob", "four")


def test_room_comes_back_when_objects_are_over() -> None:
    overlay = open_overlay(limit=1)
    publish(overlay, "alice", "one", lifetime=100)
    overlay.advance(150.0)
    with pytest.raises(ErrorAnswer):
        publish(overlay, "alice", "two", lifetime=100)
    overlay.advance(30.0)
    publish(overlay, "alice", "two", lifetime=100)


def test_removing_an_entry_makes_no_room_before_its_time() -> None:
    overlay = open_overlay(limit=1)
    peer = overlay.node("alice").peer
    publish(overlay, "alice", "one", lifetime=100)
    gone = DictionaryEntry(entry_key(ResourceID.of("one"), NOTICE.id, bytes(peer.node_id)), False, b"")
    account = place_of(overlay.aor("alice"))
    overlay.run(procedures.store(peer, account, PUBLICATIONS, (gone,), lifetime=200))
    peer.entered.clear()
    with pytest.raises(ErrorAnswer):
        publish(overlay, "alice", "two", lifetime=100)
    assert refusals(overlay) == [StoreReason.TOO_MANY]


@pytest.mark.parametrize(("entered", "reason"), [(None, "one"), (10, "one"), (200, None)])
def test_what_is_not_entered_for_long_enough_is_not_stored(entered: int | None, reason: str | None) -> None:
    overlay = open_overlay()
    peer, place = overlay.node("alice").peer, ResourceID.of("one")
    key = entry_key(place, NOTICE.id, bytes(peer.node_id))
    if entered:
        entry = DictionaryEntry(key, True, b"")
        overlay.run(procedures.store(peer, place_of(overlay.aor("alice")), PUBLICATIONS, (entry,), lifetime=entered))
    peer.entered[key] = 1e9  # she says that she has done it
    if reason is None:
        publish(overlay, "alice", "one", lifetime=100)
    else:
        with pytest.raises(ErrorAnswer):
            publish(overlay, "alice", "one", lifetime=100)
        assert refusals(overlay) == [StoreReason.NOT_BOOKED]


def test_nobody_fills_the_account_of_another() -> None:
    overlay = open_overlay()
    peer = overlay.node("bob").peer
    entry = DictionaryEntry(b"key", True, b"")
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.store(peer, place_of(overlay.aor("alice")), PUBLICATIONS, (entry,)))
    assert refusals(overlay) == [StoreReason.ACCESS_DENIED]


@pytest.mark.parametrize("names", [("salted-places",), ("replicas", "write-quorum"), ("value-encryption",)])
def test_accounts_work_beside_other_defences(names: tuple[str, ...]) -> None:
    overlay = open_overlay(*names)
    for name in ("one", "two", "three"):
        publish(overlay, "alice", name)
    with pytest.raises(ErrorAnswer):
        publish(overlay, "alice", "four")


def test_the_account_is_asked_for_originals_only() -> None:
    overlay = open_overlay("replicas")
    publish(overlay, "alice", "one")
    overlay.advance(5.0)
    fetches = [event for event in trace_of(overlay).select(MessageDelivered) if event.code == MessageCode.FETCH_REQ]
    assert len(fetches) == 1
    assert sum(event.kind == NOTICE.id for event in trace_of(overlay).select(RecordStored)) == 3


# --- one storing peer -------------------------------------------------------------------------------------------------


def test_a_peer_counts_what_it_holds_itself(world: Any) -> None:
    peer = world.peer(StoreRules(quota=PeerQuota(2)))

    def put(name: str, by: str, at: float = 0.0) -> Any:
        place, key = ResourceID.of(name), world.owners[by].node_id
        stored = world.seal(b"x", by=by, kind=world.directory, resource=place, key=key, at=at)
        return peer.put(stored, kind=world.directory, resource=place)

    assert [isinstance(put(name, "alice"), Accepted) for name in ("one", "two", "two")] == [True] * 3
    assert put("three", "alice").reason is StoreReason.OVER_QUOTA
    assert isinstance(put("three", "bob"), Accepted)
    assert isinstance(put("one", "alice", at=5.0), Accepted)
    unsigned = world.seal(b"x", policy=NoRecordSignature())
    assert peer.put(unsigned).reason is StoreReason.UNSIGNED


# --- one key ----------------------------------------------------------------------------------------------------------


def test_one_identity_has_its_share_of_a_place_that_is_not_its_own(world: Any) -> None:
    peer = world.peer(StoreRules(key_quota=KeyQuota(2)))
    place = ResourceID.of("offer")

    def put(number: int, by: str, at: float = 0.0, replica: int = 0) -> Any:
        key = world.owners[by].node_id + bytes(number)
        stored = world.seal(b"x", by=by, kind=world.directory, resource=place, key=key, at=at)
        return peer.put(stored, kind=world.directory, resource=place, replica=replica)

    assert [isinstance(put(number, "alice"), Accepted) for number in (0, 1)] == [True] * 2
    assert put(2, "alice").reason is StoreReason.OVER_SHARE
    assert isinstance(put(1, "alice", at=5.0), Accepted)
    assert isinstance(put(0, "bob"), Accepted)
    unsigned = world.seal(b"x", policy=NoRecordSignature())
    assert peer.put(unsigned).reason is StoreReason.UNSIGNED


def test_under_its_own_name_an_identity_has_all_that_the_kind_allows() -> None:
    defences = preset("none").having("key-quota")
    overlay = small(8, clients=("alice", "bob"), defences=defences)
    alice = overlay.node("alice").peer
    for number in range(8):
        entry = DictionaryEntry(bytes(alice.node_id) + bytes(number), True, b"here")
        overlay.run(procedures.store(alice, place_of(overlay.aor("alice")), SIP_REGISTRATION, (entry,)))
    assert refusals(overlay) == []


@given(st.lists(st.sampled_from("ab")), st.lists(st.sampled_from("ab")), st.integers(0, 5))
def test_a_limit_is_exceeded_by_somebody_with_something_new(come: list[str], held: list[str], n: int) -> None:
    expected = any(come.count(user) and come.count(user) + held.count(user) > n for user in "ab")
    assert exceeded(n, come, held) is expected
