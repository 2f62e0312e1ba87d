"""What a reader believes, and why not (RFC 6940 §7.4.2.2, draft 11.5)."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min import trace
from p2psip_min.clock import milliseconds
from p2psip_min.errors import ReadReason, StoreReason
from p2psip_min.ids import NodeID
from p2psip_min.storage.encryption import ForReaders
from p2psip_min.storage.policies import Forgetful, NoRecordSignature, OwnerSignature, Remembers, StoreRules
from p2psip_min.storage.reader import Answer, Reader, Reading
from p2psip_min.storage.values import absent
from p2psip_min.wire.data import SingleValue, StoredData
from p2psip_min.wire.encrypted import encrypted_kind
from p2psip_min.wire.kinds import SIP_REGISTRATION, DataModel

HOLDERS = tuple(NodeID(bytes([place]) * 16) for place in (7, 8, 9))
DAY = 86_400.0
TWIN = encrypted_kind(0xF0000001)


class Desk:
    """A reader, and how to show it answers in short."""

    def __init__(self, world: Any, signature: Any = None, memory: Any = None, **options: Any) -> None:
        self.world = world
        self.node_id = NodeID(b"r" * 16)
        rules = world.rules() if signature is None else StoreRules(record_signature=signature)
        self.reader = Reader(self.node_id, rules, (memory or Forgetful()).start(), **options)

    def read(
        self, *answers: StoredData | list[StoredData], kind: int | None = None, now: float = 0.0, missing: str = ""
    ) -> Reading:
        shown = [
            Answer(holder, values if isinstance(values, list) else [values], self.world.certificates(now, missing))
            for holder, values in zip(HOLDERS, answers, strict=False)
        ]
        return self.reader.read(self.world.alice, self.world.kinds[kind or self.world.note], shown, now, 42)


def refused(reading: Reading, reason: ReadReason) -> None:
    assert [one.reason for one in reading.refused] == [reason]
    (event,) = [event for event in reading.events if isinstance(event, trace.ValueRejected)]
    assert event.reason == reason


def test_a_value_is_read_and_told(world: Any) -> None:
    desk = Desk(world)
    reading = desk.read(world.seal(b"hello", at=3.0))
    (value,) = reading.values
    assert (value.key, value.stored.value.value, value.signer) == (b"", b"hello", "alice@overlay.example")
    assert reading.events == [
        trace.ValueRead(
            0.0, desk.node_id, 42, world.alice, world.note, b"", milliseconds(3), "alice@overlay.example", True,
            b"hello",
        )
    ]  # fmt: skip
    assert not reading.partial
    assert reading.existing == reading.values


def test_a_tombstone_is_read_but_does_not_exist(world: Any) -> None:
    reading = Desk(world).read(world.seal(None))
    assert (len(reading.values), reading.existing) == (1, ())


def test_an_absence_is_one_holders_word(world: Any) -> None:
    for policy in (OwnerSignature(), NoRecordSignature()):
        reading = Desk(world, policy).read(absent(DataModel.SINGLE, b""))
        assert (reading.values, reading.refused, reading.events) == ((), (), [])


# --- one test for each ReadReason -------------------------------------------------------------------------------------


def test_unsigned(world: Any) -> None:
    unsigned = world.seal(b"x", policy=NoRecordSignature())
    reading = Desk(world).read(unsigned)
    refused(reading, ReadReason.UNSIGNED)
    assert reading.partial
    assert [one.signer for one in Desk(world, NoRecordSignature()).read(unsigned).values] == [""]


def test_bad_signature(world: Any) -> None:
    good = world.seal(b"mine")
    changed = StoredData(good.storage_time, good.lifetime, SingleValue(True, b"his"), good.signature)
    refused(Desk(world).read(changed), ReadReason.BAD_SIGNATURE)


def test_unknown_signer(world: Any) -> None:
    refused(Desk(world).read(world.seal(b"x"), missing="alice"), ReadReason.UNKNOWN_SIGNER)


def test_certificate_refused(world: Any) -> None:
    refused(Desk(world).read(world.seal(b"x", by="stranger")), ReadReason.CERTIFICATE_REFUSED)
    record = world.seal(b"x", by="alice until 100", at=50.0)
    assert Desk(world).read(record, now=99.0).values
    refused(Desk(world).read(record, now=100.0), ReadReason.CERTIFICATE_REFUSED)


def test_access_denied(world: Any) -> None:
    refused(Desk(world).read(world.seal(b"x", by="bob")), ReadReason.ACCESS_DENIED)


def test_others_part(world: Any) -> None:
    other = world.owners["alice's phone"].node_id
    across = world.seal(b"", kind=SIP_REGISTRATION, key=other)
    refused(Desk(world).read(across, kind=SIP_REGISTRATION), ReadReason.OTHERS_PART)


def test_not_granted_is_told_by_its_reason() -> None:
    assert ReadReason.NOT_GRANTED.value == StoreReason.NOT_GRANTED.value  # see test_delegation


def test_rolled_back(world: Any) -> None:
    old, new = world.seal(b"old", at=1.0), world.seal(b"new", at=2.0)
    desk = Desk(world, memory=Remembers())
    assert desk.read(old).values
    assert desk.read(new).values
    refused(desk.read(old), ReadReason.ROLLED_BACK)
    assert desk.read(new).values
    forgetful = Desk(world)
    assert forgetful.read(new).values
    assert forgetful.read(old).values


def test_outvoted(world: Any) -> None:
    old, new = world.seal(b"old", at=1.0), world.seal(b"new", at=2.0)
    reading = Desk(world).read(old, new)
    refused(reading, ReadReason.OUTVOTED)
    assert [one.stored.value.value for one in reading.values] == [b"new"]
    assert reading.refused[0].holder == HOLDERS[0]
    assert not reading.partial
    assert not Desk(world).read(new, new, absent(DataModel.SINGLE, b"")).refused


def test_a_forged_newer_value_outvotes_nobody(world: Any) -> None:
    forged = world.seal(b"forged", at=9.0, by="bob")
    reading = Desk(world).read(world.seal(b"true", at=1.0), forged)
    refused(reading, ReadReason.ACCESS_DENIED)
    assert [one.stored.value.value for one in reading.values] == [b"true"]


@pytest.mark.parametrize(("lifetime", "now"), [(0, 0.0), (3600, DAY + 60.001)])
def test_expired(world: Any, lifetime: int, now: float) -> None:
    desk = Desk(world, max_lifetime=int(DAY))
    refused(desk.read(world.seal(b"x", lifetime=lifetime), now=now), ReadReason.EXPIRED)
    assert desk.read(world.seal(b"x", lifetime=1), now=DAY + 60.0).values


def test_invalid_value(world: Any) -> None:
    refused(Desk(world).read(world.seal(b"x", kind=world.book, key=b"k")), ReadReason.INVALID_VALUE)
    refused(Desk(world).read(world.seal(SingleValue(False, b"content"))), ReadReason.INVALID_VALUE)
    bad = world.seal(b"no registration", kind=SIP_REGISTRATION, key=world.owners["alice"].node_id)
    refused(Desk(world).read(bad, kind=SIP_REGISTRATION), ReadReason.INVALID_VALUE)


def test_every_reason_has_a_test() -> None:
    source = Path(__file__).read_text()
    assert [reason.name for reason in ReadReason if f"ReadReason.{reason.name}" not in source] == []


def test_not_for_me(world: Any) -> None:
    encryption = ForReaders()
    twins = replace(world, kinds=encryption.registry(world.kinds.values()))
    plain = SingleValue(True, b"for bob")
    bob = [world.owners["bob"].certificate]
    sealed = twins.seal(encryption.encrypt(world.alice, TWIN, plain, bob, random.Random(1)), kind=TWIN)
    for reader, found in (("alice", ()), ("bob", (plain,))):
        key = world.owners[reader].private_key
        reading = Desk(twins, encryption=encryption, private_key=key).read(sealed, kind=TWIN)
        assert tuple(value.stored.value for value in reading.values) == found
    refused(Desk(twins, encryption=encryption).read(sealed, kind=TWIN), ReadReason.NOT_FOR_ME)


# --- several answers --------------------------------------------------------------------------------------------------

ANSWER = st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.integers(1, 4)), max_size=3)


@given(st.lists(ANSWER, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_the_youngest_wins_whoever_shows_it(world: Any, answers: list[list[tuple[bytes, int]]], dice: Any) -> None:
    shown = [
        [
            world.seal(bytes([at]), kind=world.book, key=key, at=float(at), policy=NoRecordSignature())
            for key, at in answer
        ]
        for answer in answers
    ]
    newest: dict[bytes, int] = {}
    for key, at in sorted(one for answer in answers for one in answer):
        newest[key] = at
    mixed = list(shown)
    dice.shuffle(mixed)
    for order in (shown, mixed):
        reading = Desk(world, NoRecordSignature()).read(*order, kind=world.book)
        assert {one.key: one.stored.value.value for one in reading.values} == {
            key: bytes([at]) for key, at in newest.items()
        }
        assert len(reading.refused) == sum(at < newest[key] for answer in answers for key, at in answer)
