"""What a store gives back: Fetch, Stat, Find, expiry, copies (RFC 6940 §7.4.2-7.4.4)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min import trace
from p2psip_min.errors import StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.storage.policies import NoRecordSignature, RisingStorageTime, StoreRules
from p2psip_min.storage.store import Found
from p2psip_min.storage.validation import Accepted, Rejected
from p2psip_min.wire.data import ArrayRange, StoredDataSpecifier, StoreKindData
from p2psip_min.wire.messages import ErrorCode, FetchReq, FindReq, StatReq
from p2psip_min.wire.security import UNSIGNED

NEVER_SEEN = 0xF0000099
OPEN = NoRecordSignature()
UNGUARDED = StoreRules()


# --- Fetch and Stat ---------------------------------------------------------------------------------------------------


def test_fetch_brings_values_and_the_certificates_behind_them(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"mine", kind=world.book, key=b"a"), kind=world.book)
    phone = world.seal(b"also mine", by="alice's phone", kind=world.book, key=b"b")
    peer.put(phone, kind=world.book)
    found = peer.store.fetch(FetchReq(world.alice, (StoredDataSpecifier(world.book, 0, None, ()),)), 0.0)
    assert isinstance(found, Found)
    assert [one.value.value for one in found.answer.kind_responses[0].values] == [b"mine", b"also mine"]
    assert set(found.certificates) == {world.owners[name].certificate for name in ("alice", "alice's phone")}


def test_fetch_answers_each_kind_once_also_without_values(world: Any) -> None:
    peer = world.peer()
    asked = (StoredDataSpecifier(world.note), StoredDataSpecifier(world.book, 0, None, (b"k",)))
    found = peer.store.fetch(FetchReq(world.alice, asked), 0.0)
    note, book = found.answer.kind_responses
    for response, kind in ((note, world.note), (book, world.book)):
        (nothing,) = response.values
        assert (response.kind, response.generation, nothing.value.exists) == (kind, 0, False)
        assert nothing.signature == UNSIGNED
    assert book.values[0].value.key == b"k"


def test_a_current_generation_gets_no_values(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"x"))
    assert peer.get(generation=1).values == ()
    assert peer.get(generation=1).generation == 1
    assert len(peer.get(generation=2).values) == 1


def test_fetch_refuses_unknown_kinds_with_their_list(world: Any) -> None:
    asked = (StoredDataSpecifier(world.note), StoredDataSpecifier(NEVER_SEEN))
    for outcome in (
        world.peer().store.fetch(FetchReq(world.alice, asked), 0.0),
        world.peer().store.stat(StatReq(world.alice, asked), 0.0),
    ):
        assert isinstance(outcome, Rejected)
        assert (outcome.reason, outcome.code) == (StoreReason.UNKNOWN_KIND, ErrorCode.UNKNOWN_KIND)
        assert outcome.info == bytes.fromhex("04f0000099")


def test_keys_asked_for_twice_are_answered_once(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"x", kind=world.book, key=b"k"), kind=world.book)
    values = peer.get(world.book, keys=(b"k", b"gone", b"k")).values
    assert [(one.value.key, one.value.exists) for one in values] == [(b"k", True), (b"gone", False)]


@pytest.mark.parametrize(
    ("ranges", "indices"),
    [
        ([(0, -1)], [0, 1, 2, 3]),
        ([(1, 2)], [1, 2]),
        ([(-1, -1)], [3]),
        ([(3, 3), (0, 0)], [3, 0]),
        ([(2, 5)], [2, 3, 4, 5]),
        ([(0, 2_000_000_000)], [0, 1, 3]),
        ([(9, -1)], []),
        ([], []),
        ([(2, 1)], None),
        ([(0, 2), (2, 3)], None),
    ],
)
def test_array_ranges(world: Any, ranges: list[tuple[int, int]], indices: list[int] | None) -> None:
    peer = world.peer()
    entries = [world.seal(b"x", kind=world.list, key=index.to_bytes(4, "big")) for index in (0, 1, 3)]
    peer.put(*entries, kind=world.list)
    asked = tuple(ArrayRange(first, last) for first, last in ranges)
    answer = peer.get(world.list, indices=asked)
    if indices is None:
        assert (answer.reason, answer.code) == (StoreReason.INVALID_VALUE, ErrorCode.INVALID_MESSAGE)
    else:
        assert [one.value.index for one in answer.values] == indices
        assert all(one.value.exists == (one.value.index in (0, 1, 3)) for one in answer.values)


def test_stat_tells_size_and_digest_and_whether_it_exists(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"hello"))
    asked = (StoredDataSpecifier(world.note), StoredDataSpecifier(world.list, 0, (ArrayRange(0, 0),)))
    note, nothing = peer.store.stat(StatReq(world.alice, asked), 100.0).kind_responses
    (meta,) = note.values
    assert (note.generation, meta.lifetime) == (1, 3500)
    assert meta.metadata.hash_value == hashlib.sha256(b"\0\0\0\5hello").digest()
    assert (meta.metadata.exists, meta.metadata.value_length) == (True, 5)
    assert not nothing.values[0].metadata.exists


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.binary(max_size=8)), min_size=1, max_size=8))
def test_fetch_gives_what_was_stored_last(world: Any, writes: list[tuple[bytes, bytes]]) -> None:
    peer = world.peer(UNGUARDED)
    expected: dict[bytes, bytes] = {}
    for place, (key, text) in enumerate(writes):
        stored = world.seal(text, kind=world.book, key=key, at=float(place), policy=OPEN)
        assert isinstance(peer.put(stored, kind=world.book, now=float(place)), Accepted)
        expected[key] = text
    answer = peer.get(world.book, now=float(len(writes)))
    assert {one.value.key: one.value.value for one in answer.values} == expected
    assert answer.generation == len(writes)


# --- Find -------------------------------------------------------------------------------------------------------------


def test_find_walks_clockwise(world: Any) -> None:
    peer = world.peer(UNGUARDED)
    places = [ResourceID(bytes([place]) * 16) for place in (10, 200)]
    for place in places:
        peer.put(world.seal(b"x", policy=OPEN), resource=place)

    def nearest(place: int, now: float = 0.0) -> Any:
        request = FindReq(ResourceID(bytes([place]) * 16), (world.note, NEVER_SEEN))
        answer = peer.store.find(request, responsible=True, now=now)
        assert answer.results[1].closest is None
        return answer.results[0].closest

    assert [nearest(place) for place in (5, 10, 11, 201)] == [places[0], places[0], places[1], places[0]]
    assert nearest(5, now=3600.0) is None


def test_find_refuses_others_places_and_repeated_kinds(world: Any) -> None:
    store = world.peer().store
    assert store.find(FindReq(world.alice, (1,)), responsible=False, now=0.0).reason is StoreReason.NOT_RESPONSIBLE
    assert store.find(FindReq(world.alice, (1, 1)), responsible=True, now=0.0).reason is StoreReason.REPEATED_KIND


# --- time -------------------------------------------------------------------------------------------------------------


def test_what_is_over_is_absent_at_once_and_gone_when_told(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"x", lifetime=10), now=5.0)
    assert peer.store.next_expiry() == 15.0
    assert peer.get(now=14.5).values[0].lifetime == 1
    assert not peer.get(now=15.0).values[0].value.exists
    assert peer.store.expire(14.9) == []
    (event,) = peer.store.expire(15.0)
    assert isinstance(event, trace.RecordExpired)
    assert (len(peer.store), peer.store.next_expiry(), peer.store.generation(world.alice, world.note)) == (0, None, 0)


def test_a_replaced_value_does_not_take_its_successor_along(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"short", lifetime=10))
    peer.put(world.seal(b"long", at=1.0, lifetime=100), now=1.0)
    assert peer.store.next_expiry() == 101.0
    assert peer.store.expire(50.0) == []
    assert peer.contents(now=50.0) == [b"long"]


def test_a_store_reports_what_expired_before_it(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"old", at=5.0, lifetime=10))
    outcome = peer.put(world.seal(b"older but alone", at=4.0), now=10.0)
    assert [type(event).__name__ for event in outcome.events] == ["RecordExpired", "RecordStored"]


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(1, 30)), max_size=8), st.integers(0, 60))
def test_only_what_is_alive_is_served_and_the_rest_expires_once(
    world: Any, writes: list[tuple[bytes, int]], later: int
) -> None:
    peer = world.peer(UNGUARDED)
    alive: dict[bytes, float] = {}
    expired = 0
    for now, (key, lifetime) in enumerate(writes):
        stored = world.seal(b"x", kind=world.book, key=key, at=float(now), lifetime=lifetime, policy=OPEN)
        outcome = peer.put(stored, kind=world.book, now=float(now))
        expired += sum(isinstance(event, trace.RecordExpired) for event in outcome.events)
        over = [one for one, end in alive.items() if end <= now]
        for one in over:
            del alive[one]
            expired -= 1
        alive[key] = now + lifetime
    now = float(len(writes) + later)
    served = {one.value.key for one in peer.get(world.book, now).values}
    assert served == {key for key, end in alive.items() if end > now}
    assert peer.store.next_expiry() == min(alive.values(), default=None)
    expired += len(peer.store.expire(now)) - sum(end <= now for end in alive.values())
    assert expired == 0
    assert peer.store.expire(now) == []


# --- copies -----------------------------------------------------------------------------------------------------------


def test_copies_go_with_signature_and_generation_and_a_shorter_life(world: Any) -> None:
    peer, copy = world.peer(), world.peer()
    original = world.seal(b"x", lifetime=100)
    peer.put(original)
    (export,) = peer.store.export(world.alice, 2, 30.5)
    assert (export.request.replica_number, export.certificates) == (2, (world.owners["alice"].certificate,))
    (sent,) = export.request.kind_data[0].values
    assert (sent.lifetime, sent.storage_time, sent.signature) == (69, original.storage_time, original.signature)
    outcome = copy.put(groups=export.request.kind_data, replica=2, now=31.0)
    assert isinstance(outcome, Accepted)
    assert outcome.covers
    assert copy.store.next_expiry() == 100.0
    again = copy.put(groups=export.request.kind_data, replica=2, now=32.0)
    assert (again.changed, again.events, again.covers) == (False, [], True)
    assert [(one.replica, one.signer, one.generation) for one in copy.store.records()] == [
        (2, "alice@overlay.example", 1)
    ]


def test_what_is_about_to_end_is_not_copied(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"x", lifetime=10))
    assert peer.store.export(world.alice, 1, 9.5) == ()
    assert peer.store.export(ResourceID.of("nothing"), 1, 0.0) == ()


def test_a_sender_who_lacks_something_does_not_cover(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"mine", kind=world.book, key=b"mine"), kind=world.book)
    outcome = peer.put(world.seal(b"his", kind=world.book, key=b"his"), kind=world.book, replica=1)
    assert (outcome.changed, outcome.covers) == (True, False)


@pytest.mark.parametrize("limit", [1, 1000, 1500, 100_000])
def test_large_resources_go_in_parts(world: Any, limit: int) -> None:
    peer, copy = world.peer(), world.peer()
    for place, name in enumerate(["alice", "alice's phone", "alice"]):
        stored = world.seal(b"x" * 100, by=name, kind=world.book, key=bytes([place]))
        peer.put(stored, kind=world.book)
    peer.put(world.seal(b"note"))
    parts = peer.store.export(world.alice, 1, 0.0, limit=limit)
    assert (len(parts) == 1) == (limit > 2000)
    for part in reversed(parts):
        assert isinstance(copy.put(groups=part.request.kind_data, replica=1), Accepted)
        assert {held.signature.identity for group in part.request.kind_data for held in group.values} == {
            world.identity(owner) for owner in world.owners.values() if owner.certificate in part.certificates
        }
    theirs, ours = list(copy.store.records()), list(peer.store.records())
    assert [(one.kind, one.key, one.stored, one.generation) for one in theirs] == [
        (one.kind, one.key, one.stored, one.generation) for one in ours
    ]


def test_dropping_tells_each_kind(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"x"))
    peer.put(world.seal(b"y", kind=world.book, key=b"k"), kind=world.book)
    assert [event.kind for event in peer.store.drop(world.alice, 1.0)] == [world.note, world.book]
    assert (len(peer.store), peer.store.next_expiry(), peer.store.drop(world.alice, 2.0)) == (0, None, [])
    assert not peer.store.holds(world.alice)


# --- a request that is refused ----------------------------------------------------------------------------------------

GROUP = st.tuples(
    st.sampled_from(["note", "book", "list"]),
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3), st.sampled_from([0, 5, 200])), max_size=3),
    st.integers(0, 2),
)


@given(st.lists(st.tuples(st.lists(GROUP, max_size=3), st.integers(0, 1)), min_size=1, max_size=6))
def test_a_refused_request_changes_nothing(
    world: Any, requests: list[tuple[list[tuple[str, list[tuple[int, bool, int, int]], int]], int]]
) -> None:
    peer = world.peer(StoreRules(order=RisingStorageTime()))
    for groups, replica in requests:
        before = list(peer.store.records())
        data = tuple(
            StoreKindData(
                kind := getattr(world, name),
                generation,
                tuple(
                    world.seal(
                        b"v" * size if exists else None,
                        kind=kind,
                        key=b"" if name == "note" else bytes((0, 0, 0, place)),
                        at=float(at),
                        policy=OPEN,
                    )
                    for place, exists, at, size in values
                ),
            )
            for name, values, generation in groups
        )
        outcome = peer.put(groups=data, replica=replica)
        after = list(peer.store.records())
        if isinstance(outcome, Rejected):
            assert after == before
            assert len(outcome.events) == 1
        else:
            held = {(one.kind, one.key): one.stored for one in after}
            for group in data:
                for stored in group.values:
                    key = b"" if group.kind == world.note else getattr(stored.value, "key", None)
                    key = stored.value.index.to_bytes(4, "big") if key is None else key
                    assert held[group.kind, key].storage_time >= stored.storage_time
            assert outcome.changed == (after != before)
