"""The policies one by one, and each beside its null object."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from p2psip_min.clock import milliseconds
from p2psip_min.defences import CATALOGUE, Defences
from p2psip_min.errors import StoreReason
from p2psip_min.ids import NodeID
from p2psip_min.storage.policies import (
    AnyOrder,
    Forgetful,
    GenerationCounter,
    NoMemory,
    NoRecordSignature,
    NoTimestamp,
    NoVersion,
    OwnerSignature,
    Remembers,
    RisingStorageTime,
    TimestampWindow,
    TransactionMemory,
)
from p2psip_min.storage.redundancy import NoReplicas, ReadQuorum, RootOnly, Successors
from p2psip_min.wire.security import UNSIGNED

PEERS = tuple(NodeID(bytes([place]) * 16) for place in (1, 2, 3))


@pytest.mark.parametrize(
    ("policy", "claimed", "held", "reason"),
    [
        (NoVersion(), 0, 0, None),
        (NoVersion(), 0, 4, None),
        (NoVersion(), 4, 4, None),
        (NoVersion(), 3, 4, StoreReason.GENERATION_TOO_LOW),
        (NoVersion(), 5, 4, StoreReason.GENERATION_TOO_HIGH),
        (GenerationCounter(), 0, 0, None),
        (GenerationCounter(), 0, 4, StoreReason.GENERATION_REQUIRED),
        (GenerationCounter(), 4, 4, None),
        (GenerationCounter(), 3, 4, StoreReason.GENERATION_TOO_LOW),
        (GenerationCounter(), 5, 4, StoreReason.GENERATION_TOO_HIGH),
        (GenerationCounter(), 1, 0, StoreReason.GENERATION_TOO_HIGH),
    ],
)
def test_versions(policy: Any, claimed: int, held: int, reason: StoreReason | None) -> None:
    assert policy.verdict(claimed, held) is reason
    assert policy.verdict(policy.claim(held), held) is None


def test_orders() -> None:
    assert [AnyOrder().too_old(new, 5) for new in (4, 5, 6)] == [False, False, False]
    assert [RisingStorageTime().too_old(new, 5) for new in (4, 5, 6)] == [True, True, False]


def test_time_stamps() -> None:
    stamps = [milliseconds(at) for at in (39.999, 40.0, 100.0, 160.0, 160.001)]
    assert [TimestampWindow(60.0).verdict(stamp, 100.0) for stamp in stamps] == [
        StoreReason.STALE_TIMESTAMP, None, None, None, StoreReason.FUTURE_TIMESTAMP,
    ]  # fmt: skip
    assert [NoTimestamp().verdict(stamp, 100.0) for stamp in stamps] == [None] * 5


def test_transaction_memories() -> None:
    recent, nothing = TransactionMemory(15.0).start(), NoMemory().start()
    for memory in (recent, nothing):
        memory.keep(b"alice", 1, "first", 0.0)
        memory.keep(b"alice", 1, "second", 10.0)
        memory.keep(b"alice", 2, "third", 10.0)
    assert [recent.recall(b"alice", 1, now) for now in (14.9, 15.0)] == ["first", None]
    assert recent.recall(b"alice", 2, 24.9) == "third"
    assert recent.recall(b"bob", 2, 24.9) is None
    assert nothing.recall(b"alice", 1, 0.0) is None


def test_replicas() -> None:
    assert (NoReplicas().choose(PEERS), NoReplicas().copies) == ((), 0)
    assert (Successors(2).choose(PEERS), Successors(2).copies) == (PEERS[:2], 2)
    assert Successors(2).choose(PEERS[:1]) == PEERS[:1]


def test_reads() -> None:
    assert (RootOnly().asked, RootOnly().needed) == (1, 1)
    assert (ReadQuorum(2).asked, ReadQuorum(2).needed) == (3, 2)


def test_reader_memories() -> None:
    remembers, forgets = Remembers().start(), Forgetful().start()
    for memory in (remembers, forgets):
        memory.note(b"r", 1, b"k", 7)
        memory.note(b"r", 1, b"k", 5)
    assert (remembers.newest(b"r", 1, b"k"), remembers.newest(b"r", 2, b"k")) == (7, 0)
    assert forgets.newest(b"r", 1, b"k") == 0


def test_sealing_signs_or_does_not(world: Any) -> None:
    signed, unsigned = world.seal(b"x"), world.seal(b"x", policy=NoRecordSignature())
    assert unsigned.signature == UNSIGNED
    assert (signed.storage_time, signed.lifetime, signed.value) == (
        unsigned.storage_time, unsigned.lifetime, unsigned.value,
    )  # fmt: skip
    look_up = world.certificates(0.0)
    assert NoRecordSignature().authenticate(world.alice, world.note, unsigned, look_up) is None
    assert NoRecordSignature().authenticate(world.alice, world.note, signed, look_up) is None
    signer = OwnerSignature().authenticate(world.alice, world.note, signed, look_up)
    assert signer == world.certificate("alice")


def test_policies_are_values_that_the_catalogue_can_compare() -> None:
    for item in CATALOGUE:
        assert item.on != item.off
        assert getattr(Defences(), item.field) == item.off
        fields = [each.name for each in dataclasses.fields(item.on)]
        assert hash(item.on) == hash(type(item.on)(*[getattr(item.on, name) for name in fields]))
