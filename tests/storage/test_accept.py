"""The storing peer's checklist: what it takes, what it refuses and why (RFC 6940 §7.4.1.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from p2psip_min import trace
from p2psip_min.clock import milliseconds
from p2psip_min.errors import StoreReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.access import AccessControl, OneList, OwnPart
from p2psip_min.storage.policies import (
    GenerationCounter,
    NoRecordSignature,
    RisingStorageTime,
    StoreRules,
    TimestampWindow,
    TransactionMemory,
)
from p2psip_min.storage.validation import ERROR_OF, Accepted, Rejected
from p2psip_min.storage.values import ReaderValidates, Unvalidated
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import APPEND, ArrayEntry, DictionaryEntry, SingleValue, StoredData, StoreKindData
from p2psip_min.wire.kinds import CERTIFICATE_BY_USER, SIP_REGISTRATION, SipRegistration, encode_sip_registration
from p2psip_min.wire.messages import ErrorCode, StoreAns

NEVER_SEEN = 0xF0000099
REGISTRATION = encode_sip_registration(SipRegistration(1, "bob@overlay.example"))


def refused(outcome: Any, reason: StoreReason, code: ErrorCode) -> Rejected:
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.code) == (reason, code)
    assert [event.reason for event in outcome.events if isinstance(event, trace.StoreRejected)] == [reason]
    return outcome


def test_a_store_is_carried_out_and_answered(world: Any) -> None:
    peer = world.peer()
    copies = (NodeID(b"1" * 16), NodeID(b"2" * 16))
    outcome = peer.put(world.seal(b"hello"), replicas=copies)
    assert isinstance(outcome, Accepted)
    assert outcome.changed
    assert not outcome.repeated
    assert [(one.kind, one.generation_counter, one.replicas) for one in outcome.answer.kind_responses] == [
        (world.note, 1, copies)
    ]
    assert peer.contents() == [b"hello"]
    assert outcome.events == [
        trace.RecordStored(
            0.0, peer.store.node_id, 1, world.alice, world.note, b"", milliseconds(0), "alice@overlay.example", 0,
            b"hello",
        )
    ]  # fmt: skip


def test_events_tell_replacement_and_removal(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"one", at=1.0), now=1.0)
    (replaced,) = peer.put(world.seal(b"two", at=2.0), now=2.0).events
    (removed,) = peer.put(world.seal(None, at=3.0), now=3.0).events
    assert isinstance(replaced, trace.RecordReplaced)
    assert (replaced.storage_time, replaced.replaced, replaced.value) == (milliseconds(2), milliseconds(1), b"two")
    assert isinstance(removed, trace.RecordRemoved)
    assert (removed.storage_time, removed.replaced) == (milliseconds(3), milliseconds(2))
    assert peer.contents(now=3.0) == []
    assert peer.get(now=3.0).generation == 3


# --- one test for each StoreReason ------------------------------------------------------------------------------------


def test_not_responsible(world: Any) -> None:
    outcome = world.peer().put(world.seal(b"x"), responsible=False)
    refused(outcome, StoreReason.NOT_RESPONSIBLE, ErrorCode.FORBIDDEN)


def test_not_a_replica(world: Any) -> None:
    peer = world.peer()
    refused(peer.put(world.seal(b"x"), replica=1, plausible=False), StoreReason.NOT_A_REPLICA, ErrorCode.FORBIDDEN)
    assert isinstance(peer.put(world.seal(b"x"), replica=1, responsible=False), Accepted)


def test_unknown_kind_names_them_all(world: Any) -> None:
    groups = (
        StoreKindData(world.note, 0, (world.seal(b"x"),)),
        StoreKindData(NEVER_SEEN, 0, (), b"raw"),
        StoreKindData(NEVER_SEEN + 1, 0, (), b"raw"),
    )
    outcome = refused(world.peer().put(groups=groups), StoreReason.UNKNOWN_KIND, ErrorCode.UNKNOWN_KIND)
    assert outcome.info == bytes.fromhex("08f0000099f000009a")


def test_repeated_kind(world: Any) -> None:
    group = StoreKindData(world.note, 0, (world.seal(b"x"),))
    refused(world.peer().put(groups=(group, group)), StoreReason.REPEATED_KIND, ErrorCode.INVALID_MESSAGE)


@pytest.mark.parametrize(
    "group",
    [
        lambda world: StoreKindData(world.note, 0, (world.seal(DictionaryEntry(b"k", True, b"x")),)),
        lambda world: StoreKindData(world.note, 0, (), b"undecoded"),
    ],
)
def test_model_mismatch(world: Any, group: Any) -> None:
    outcome = world.peer().put(groups=(group(world),))
    refused(outcome, StoreReason.MODEL_MISMATCH, ErrorCode.INVALID_MESSAGE)


def test_invalid_value(world: Any) -> None:
    peer = world.peer()
    alice = world.owners["alice"].node_id
    bad = world.seal(b"no registration", kind=SIP_REGISTRATION, key=alice)
    refused(peer.put(bad, kind=SIP_REGISTRATION), StoreReason.INVALID_VALUE, ErrorCode.INVALID_MESSAGE)
    good = world.seal(REGISTRATION, kind=SIP_REGISTRATION, key=alice)
    assert isinstance(peer.put(good, kind=SIP_REGISTRATION), Accepted)
    no_certificate = world.seal(b"no certificate", kind=CERTIFICATE_BY_USER)
    refused(peer.put(no_certificate, kind=CERTIFICATE_BY_USER), StoreReason.INVALID_VALUE, ErrorCode.INVALID_MESSAGE)
    certificate = world.seal(world.owners["alice"].certificate, kind=CERTIFICATE_BY_USER)
    assert isinstance(peer.put(certificate, kind=CERTIFICATE_BY_USER), Accepted)


def test_a_tombstone_has_no_content(world: Any) -> None:
    outcome = world.peer().put(world.seal(SingleValue(False, b"hidden")))
    refused(outcome, StoreReason.INVALID_VALUE, ErrorCode.INVALID_MESSAGE)


def test_a_copy_says_its_index(world: Any) -> None:
    entry = world.seal(ArrayEntry(APPEND, True, b"x"), kind=world.list)
    outcome = world.peer().put(entry, kind=world.list, replica=1)
    refused(outcome, StoreReason.INVALID_VALUE, ErrorCode.INVALID_MESSAGE)


def test_unsigned(world: Any) -> None:
    unsigned = world.seal(b"x", policy=NoRecordSignature())
    refused(world.peer().put(unsigned), StoreReason.UNSIGNED, ErrorCode.FORBIDDEN)


def test_bad_signature(world: Any) -> None:
    good = world.seal(b"mine")
    changed = StoredData(good.storage_time, good.lifetime, SingleValue(True, b"his"), good.signature)
    refused(world.peer().put(changed), StoreReason.BAD_SIGNATURE, ErrorCode.FORBIDDEN)


@pytest.mark.parametrize("other", [{"kind": 0xF0000002}, {"at": 1.0}, {"resource": ResourceID.of("elsewhere")}])
def test_a_signature_holds_for_one_place_and_time_only(world: Any, other: dict[str, Any]) -> None:
    made = world.seal(SingleValue(True, b"x"), **other)
    moved = StoredData(milliseconds(0), 3600, SingleValue(True, b"x"), made.signature)
    refused(world.peer().put(moved), StoreReason.BAD_SIGNATURE, ErrorCode.FORBIDDEN)


def test_unknown_signer(world: Any) -> None:
    outcome = world.peer().put(world.seal(b"x"), missing=("alice",))
    refused(outcome, StoreReason.UNKNOWN_SIGNER, ErrorCode.FORBIDDEN)


def test_certificate_refused(world: Any) -> None:
    peer = world.peer()
    forged = world.seal(b"x", by="stranger")
    refused(peer.put(forged), StoreReason.CERTIFICATE_REFUSED, ErrorCode.FORBIDDEN)
    late = world.seal(b"x", by="alice until 100", at=99.0)
    assert isinstance(peer.put(late, now=99.0), Accepted)
    refused(peer.put(late, now=100.0), StoreReason.CERTIFICATE_REFUSED, ErrorCode.FORBIDDEN)


def test_access_denied(world: Any) -> None:
    refused(world.peer().put(world.seal(b"x", by="bob")), StoreReason.ACCESS_DENIED, ErrorCode.FORBIDDEN)


def test_requester_denied(world: Any) -> None:
    peer = world.peer()
    refused(peer.put(world.seal(b"x"), sender="bob", signed=True), StoreReason.REQUESTER_DENIED, ErrorCode.FORBIDDEN)
    # Copies come from peers, and an overlay without message signatures knows no requester.
    assert isinstance(peer.put(world.seal(b"x"), sender="bob", signed=True, replica=1), Accepted)
    assert isinstance(peer.put(world.seal(b"y", at=1.0), sender="bob", signed=False), Accepted)


def test_others_part(world: Any) -> None:
    other = world.owners["alice's phone"].node_id
    across = world.seal(REGISTRATION, kind=SIP_REGISTRATION, key=other)
    refused(world.peer().put(across, kind=SIP_REGISTRATION), StoreReason.OTHERS_PART, ErrorCode.FORBIDDEN)


@pytest.mark.parametrize("guard", [{"access": AccessControl()}, {"parts": OwnPart()}, {"parts": OneList()}])
def test_each_guard_alone_has_values_signed(world: Any, guard: dict[str, Any]) -> None:
    assert isinstance(world.peer(StoreRules()).put(world.seal(b"x", by="bob"), sender="bob", signed=True), Accepted)
    peer = world.peer(StoreRules(**guard))
    unsigned = world.seal(b"x", policy=NoRecordSignature())
    refused(peer.put(unsigned), StoreReason.UNSIGNED, ErrorCode.FORBIDDEN)
    assert isinstance(peer.put(world.seal(b"x")), Accepted)


@pytest.mark.parametrize("validation", [Unvalidated(), ReaderValidates()])
def test_without_validation_a_storing_peer_holds_anything(world: Any, validation: Any) -> None:
    peer = world.peer(StoreRules(validation=validation))
    for value in (b"no registration", b"x" * 2000):
        bad = world.seal(value, kind=SIP_REGISTRATION, key=world.owners["alice"].node_id, lifetime=2**32 - 1)
        assert isinstance(peer.put(bad, kind=SIP_REGISTRATION), Accepted)
    assert isinstance(peer.put(world.seal(SingleValue(False, b"content"), lifetime=0)), Accepted)


def test_generation_too_low_tells_the_right_counter(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"1", at=1.0))
    peer.put(world.seal(b"2", at=2.0), generation=1)
    outcome = refused(
        peer.put(world.seal(b"3", at=3.0), generation=1),
        StoreReason.GENERATION_TOO_LOW,
        ErrorCode.GENERATION_COUNTER_TOO_LOW,
    )
    (response,) = decode(StoreAns, outcome.info).kind_responses
    assert (response.kind, response.generation_counter, response.replicas) == (world.note, 2, ())


def test_generation_too_high(world: Any) -> None:
    outcome = world.peer().put(world.seal(b"1"), generation=7)
    refused(outcome, StoreReason.GENERATION_TOO_HIGH, ErrorCode.GENERATION_COUNTER_TOO_LOW)
    (response,) = decode(StoreAns, outcome.info).kind_responses
    assert response.generation_counter == 0


def test_generation_required(world: Any) -> None:
    peer = world.peer(StoreRules(version=GenerationCounter()))
    assert isinstance(peer.put(world.seal(b"1", at=1.0)), Accepted)
    refused(peer.put(world.seal(b"2", at=2.0)), StoreReason.GENERATION_REQUIRED, ErrorCode.GENERATION_COUNTER_TOO_LOW)
    assert isinstance(peer.put(world.seal(b"2", at=2.0), generation=1), Accepted)


def test_a_copy_needs_a_generation_and_brings_it(world: Any) -> None:
    peer = world.peer()
    refused(
        peer.put(world.seal(b"x"), replica=1, generation=0),
        StoreReason.GENERATION_REQUIRED,
        ErrorCode.GENERATION_COUNTER_TOO_LOW,
    )
    peer.put(world.seal(b"x"), replica=1, generation=9)
    assert peer.store.generation(world.alice, world.note) == 9


def test_no_copy_uses_up_the_generations(world: Any) -> None:
    """Nobody signs the counter, so whoever may send copies could otherwise stop the owner from ever writing again."""
    peer = world.peer()
    peer.put(world.seal(b"x"))
    refused(
        peer.put(world.seal(b"x"), replica=1, generation=(1 << 64) - 1),
        StoreReason.GENERATION_TOO_HIGH,
        ErrorCode.GENERATION_COUNTER_TOO_LOW,
    )
    assert peer.store.generation(world.alice, world.note) == 1
    assert isinstance(peer.put(world.seal(b"x"), replica=1, generation=1 << 63), Accepted)
    assert isinstance(peer.put(world.seal(b"y", at=1.0)), Accepted)
    assert peer.store.generation(world.alice, world.note) == (1 << 63) + 1


@pytest.mark.parametrize("at", [9.999, 10.0])
def test_data_too_old(world: Any, at: float) -> None:
    peer = world.peer()
    peer.put(world.seal(b"first", at=10.0))
    refused(peer.put(world.seal(b"second", at=at)), StoreReason.DATA_TOO_OLD, ErrorCode.DATA_TOO_OLD)
    peer.put(world.seal(None, at=11.0))
    refused(peer.put(world.seal(b"third", at=11.0)), StoreReason.DATA_TOO_OLD, ErrorCode.DATA_TOO_OLD)


def test_stale_and_future_timestamps(world: Any) -> None:
    peer = world.peer(StoreRules(timestamp=TimestampWindow(60.0)))
    refused(peer.put(world.seal(b"x"), now=60.001), StoreReason.STALE_TIMESTAMP, ErrorCode.DATA_TOO_OLD)
    refused(peer.put(world.seal(b"x", at=60.001)), StoreReason.FUTURE_TIMESTAMP, ErrorCode.FORBIDDEN)
    assert isinstance(peer.put(world.seal(b"x"), now=60.0), Accepted)
    assert isinstance(peer.put(world.seal(b"y"), now=600.0, replica=1), Accepted)  # a copy is old by nature


def test_too_large(world: Any) -> None:
    peer = world.peer()
    refused(peer.put(world.seal(b"x" * 101)), StoreReason.TOO_LARGE, ErrorCode.DATA_TOO_LARGE)
    assert isinstance(peer.put(world.seal(b"x" * 100)), Accepted)


def test_too_many(world: Any) -> None:
    peer = world.peer()
    entries = [world.seal(b"x", kind=world.book, key=bytes([i])) for i in range(4)]
    refused(peer.put(*entries, kind=world.book), StoreReason.TOO_MANY, ErrorCode.DATA_TOO_LARGE)
    assert isinstance(peer.put(*entries[:3], kind=world.book), Accepted)
    refused(peer.put(entries[3], kind=world.book), StoreReason.TOO_MANY, ErrorCode.DATA_TOO_LARGE)
    again = world.seal(b"y", kind=world.book, key=b"\0", at=1.0)
    assert isinstance(peer.put(again, kind=world.book), Accepted)


def test_nothing_comes_after_the_last_index(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(ArrayEntry(APPEND - 1, True, b"last"), kind=world.list), kind=world.list)
    outcome = peer.put(world.seal(ArrayEntry(APPEND, True, b"x"), kind=world.list), kind=world.list)
    refused(outcome, StoreReason.TOO_MANY, ErrorCode.DATA_TOO_LARGE)


@pytest.mark.parametrize("lifetime", [0, 1001])
def test_lifetime(world: Any, lifetime: int) -> None:
    peer = world.peer(max_lifetime=1000)
    refused(peer.put(world.seal(b"x", lifetime=lifetime)), StoreReason.LIFETIME, ErrorCode.INVALID_MESSAGE)
    assert isinstance(peer.put(world.seal(b"x", lifetime=1000)), Accepted)


def test_tombstone_too_short(world: Any) -> None:
    peer = world.peer()
    peer.put(world.seal(b"x", lifetime=100))
    early = world.seal(None, at=40.0, lifetime=59)
    refused(peer.put(early, now=40.0), StoreReason.TOMBSTONE_TOO_SHORT, ErrorCode.INVALID_MESSAGE)
    assert isinstance(peer.put(world.seal(None, at=40.0, lifetime=60), now=40.0), Accepted)


def test_every_reason_has_an_error_and_a_test() -> None:
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert set(ERROR_OF) == set(StoreReason)
    assert [reason.name for reason in StoreReason if f"StoreReason.{reason.name}" not in source] == []


# --- models -----------------------------------------------------------------------------------------------------------


def test_append_finds_the_end_and_verifies(world: Any) -> None:
    peer = world.peer()
    appended = [world.seal(ArrayEntry(APPEND, True, text), kind=world.list) for text in (b"a", b"b")]
    assert isinstance(peer.put(*appended, kind=world.list), Accepted)
    third = world.seal(ArrayEntry(APPEND, True, b"c"), kind=world.list)
    assert isinstance(peer.put(third, kind=world.list), Accepted)
    copies = peer.store.export(world.alice, 1, 0.0)[0].request.kind_data[0].values
    assert [(one.value.index, one.value.value) for one in copies] == [(0, b"a"), (1, b"b"), (2, b"c")]
    assert isinstance(world.peer().put(*copies, kind=world.list, replica=1), Accepted)


def test_values_of_one_request_are_processed_in_turn(world: Any) -> None:
    peer = world.peer()
    one, two = (world.seal(text, kind=world.book, key=b"k", at=at) for text, at in ((b"one", 1.0), (b"two", 2.0)))
    refused(peer.put(two, one, kind=world.book), StoreReason.DATA_TOO_OLD, ErrorCode.DATA_TOO_OLD)
    outcome = peer.put(one, two, kind=world.book)
    assert [type(event).__name__ for event in outcome.events] == ["RecordStored", "RecordReplaced"]
    assert peer.contents(world.book) == [b"two"]


def test_a_refused_kind_undoes_the_others(world: Any) -> None:
    peer = world.peer()
    groups = (
        StoreKindData(world.note, 0, (world.seal(b"fine"),)),
        StoreKindData(world.book, 0, (world.seal(b"x" * 101, kind=world.book, key=b"k"),)),
    )
    outcome = refused(peer.put(groups=groups), StoreReason.TOO_LARGE, ErrorCode.DATA_TOO_LARGE)
    assert outcome.kind == world.book
    assert len(peer.store) == 0


def test_a_store_of_nothing_changes_nothing(world: Any) -> None:
    peer = world.peer()
    outcome = peer.put()
    assert isinstance(outcome, Accepted)
    assert (outcome.changed, outcome.responses[0].generation_counter, len(peer.store)) == (False, 0, 0)


# --- requests that come again, and old ones (RP-2) --------------------------------------------------------------------


def test_a_repeated_request_is_answered_from_memory(world: Any) -> None:
    peer = world.peer(world.rules(order=RisingStorageTime(), memory=TransactionMemory(15.0)))
    first = peer.put(world.seal(b"x"), transaction=7)
    again = peer.put(world.seal(b"x"), transaction=7, now=14.9)
    assert (again.responses, again.events, again.changed, again.repeated) == (first.responses, [], False, True)
    refused(peer.put(world.seal(b"x"), transaction=7, now=15.0), StoreReason.DATA_TOO_OLD, ErrorCode.DATA_TOO_OLD)


def test_memory_tells_senders_and_transactions_apart(world: Any) -> None:
    peer = world.peer(StoreRules(memory=TransactionMemory(15.0)))
    peer.put(world.seal(b"x"), transaction=7)
    assert not peer.put(world.seal(b"y", at=1.0), transaction=8).repeated
    assert not peer.put(world.seal(b"z", at=2.0), transaction=7, sender="bob").repeated


def test_a_refusal_is_judged_anew(world: Any) -> None:
    peer = world.peer(StoreRules(memory=TransactionMemory(15.0)))
    refused(
        peer.put(world.seal(b"x"), transaction=7, responsible=False), StoreReason.NOT_RESPONSIBLE, ErrorCode.FORBIDDEN
    )
    assert isinstance(peer.put(world.seal(b"x"), transaction=7), Accepted)


def test_a_replayed_store_wins_under_signatures_alone(world: Any) -> None:
    peer = world.peer(world.rules())
    old = world.seal(b"old")
    peer.put(old, signed=True)
    peer.put(world.seal(b"new", at=30.0), now=30.0, signed=True)
    outcome = peer.put(old, now=38.4, signed=True, transaction=1)
    (event,) = outcome.events
    assert event.storage_time < event.replaced
    assert peer.contents(now=38.4) == [b"old"]


@pytest.mark.parametrize(
    ("defence", "now", "reason"),
    [
        ({"timestamp": TimestampWindow(60.0)}, 38.4, None),
        ({"timestamp": TimestampWindow(60.0)}, 60.1, StoreReason.STALE_TIMESTAMP),
        ({"order": RisingStorageTime()}, 38.4, StoreReason.DATA_TOO_OLD),
        ({"version": GenerationCounter()}, 38.4, StoreReason.GENERATION_REQUIRED),
    ],
)
def test_what_each_defence_makes_of_a_replay(
    world: Any, defence: dict[str, Any], now: float, reason: StoreReason | None
) -> None:
    peer = world.peer(world.rules(**defence))
    claim = peer.store.rules.version.claim
    old = world.seal(b"old")
    peer.put(old, generation=claim(0))
    peer.put(world.seal(b"new", at=30.0), now=30.0, generation=claim(1))
    outcome = peer.put(old, now=now, generation=claim(0))
    if reason is None:
        assert peer.contents(now=now) == [b"old"]
    else:
        assert outcome.reason is reason
        assert peer.contents(now=now) == [b"new"]
