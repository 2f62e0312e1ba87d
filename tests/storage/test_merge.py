"""Copies that differ: after a partition, on hand-overs, from outdated holders (RFC 6940 §7.4.1.1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import StoreReason
from p2psip_min.storage.policies import AnyOrder, NoRecordSignature, RisingStorageTime, StoreRules
from p2psip_min.storage.validation import Accepted
from p2psip_min.storage.values import absent
from p2psip_min.wire.data import FetchKindResponse, SingleValue, StoredData, StoredDataSpecifier
from p2psip_min.wire.kinds import DataModel
from p2psip_min.wire.messages import ErrorCode, FetchAns, FetchReq

OPEN = NoRecordSignature()
MERGING = StoreRules(order=RisingStorageTime())


def state(peer: Any) -> dict[tuple[int, bytes], StoredData]:
    return {(one.kind, one.key): one.stored for one in peer.store.records()}


def everything(peer: Any, now: float = 0.0) -> FetchAns:
    kinds = (StoredDataSpecifier(peer.world.note), StoredDataSpecifier(peer.world.book, 0, None, ()))
    return peer.store.fetch(FetchReq(peer.world.alice, kinds), now).answer


def adopt(peer: Any, answer: FetchAns, now: float = 0.0) -> Any:
    return peer.store.adopt(peer.world.alice, answer, certificates=peer.world.certificates(now), now=now)


def send(source: Any, target: Any, now: float = 0.0) -> list[Any]:
    parts = source.store.export(source.world.alice, 1, now)
    return [target.put(groups=part.request.kind_data, replica=1, now=now) for part in parts]


def test_an_outdated_copy_does_not_roll_back_and_its_sender_learns(world: Any) -> None:
    behind, ahead = world.peer(), world.peer()
    behind.put(world.seal(b"old", at=1.0))
    ahead.put(world.seal(b"new", at=2.0))
    (outcome,) = send(behind, ahead)
    assert (outcome.reason, outcome.code) == (StoreReason.DATA_TOO_OLD, ErrorCode.DATA_TOO_OLD)
    adopted = adopt(behind, everything(ahead))
    assert (adopted.changed, adopted.covers, adopted.refused) == (True, True, ())
    assert state(behind) == state(ahead)


def test_where_any_order_goes_an_outdated_copy_wins(world: Any) -> None:
    rules = world.rules(order=AnyOrder())
    behind, ahead = world.peer(rules), world.peer(rules)
    behind.put(world.seal(b"old", at=1.0))
    ahead.put(world.seal(b"new", at=2.0))
    (outcome,) = send(behind, ahead)
    assert isinstance(outcome, Accepted)
    assert ahead.contents() == [b"old"]


def test_adopting_takes_the_younger_of_each_and_a_fitting_counter(world: Any) -> None:
    here, there = world.peer(), world.peer()
    for at, (mine, his) in enumerate([(here, there), (there, here)]):
        key = bytes([at])
        mine.put(world.seal(b"young", kind=world.book, key=key, at=9.0), kind=world.book)
        his.put(world.seal(b"old", kind=world.book, key=key, at=1.0), kind=world.book)
    there.put(world.seal(b"third", kind=world.book, key=b"k", at=5.0), kind=world.book)
    adopted = adopt(here, everything(there))
    assert (adopted.changed, adopted.covers) == (True, False)
    assert [type(event).__name__ for event in adopted.events] == ["RecordReplaced", "RecordStored"]
    assert here.contents(world.book) == [b"young", b"young", b"third"]
    assert here.store.generation(world.alice, world.book) == 3
    assert not adopt(here, everything(there)).changed


def test_adopting_believes_nobody(world: Any) -> None:
    here = world.peer(max_lifetime=3600)
    here.put(world.seal(b"true", at=1.0))
    good = world.seal(b"x", at=5.0)
    cases = {
        StoreReason.BAD_SIGNATURE: StoredData(good.storage_time + 1, 3600, good.value, good.signature),
        StoreReason.UNSIGNED: world.seal(b"x", at=5.0, policy=OPEN),
        StoreReason.ACCESS_DENIED: world.seal(b"x", at=5.0, by="bob"),
        StoreReason.CERTIFICATE_REFUSED: world.seal(b"x", at=5.0, by="stranger"),
        StoreReason.TOO_LARGE: world.seal(b"x" * 101, at=5.0),
        StoreReason.LIFETIME: StoredData(good.storage_time, 3601, good.value, good.signature),
        StoreReason.INVALID_VALUE: world.seal(SingleValue(False, b"content"), at=5.0),
        StoreReason.MODEL_MISMATCH: world.seal(b"x", kind=world.book, key=b"k"),
    }
    for reason, stored in cases.items():
        adopted = adopt(here, FetchAns((FetchKindResponse(world.note, 9, (stored,)),)))
        assert [one[2] for one in adopted.refused] == [reason]
        assert not adopted.changed
    assert here.contents() == [b"true"]
    nothing = FetchAns((FetchKindResponse(world.note, 0, (absent(DataModel.SINGLE, b""),)),))
    unknown = FetchAns((FetchKindResponse(0xF0000099, 1, (), b"raw"),))
    assert adopt(here, nothing).refused == adopt(here, unknown).refused == ()


def test_adopting_keeps_to_the_count(world: Any) -> None:
    here = world.peer()
    values = tuple(world.seal(b"x", kind=world.book, key=bytes([i])) for i in range(4))
    adopted = adopt(here, FetchAns((FetchKindResponse(world.book, 1, values),)))
    assert adopted.refused == ((world.book, b"\3", StoreReason.TOO_MANY),)


@pytest.mark.parametrize("first", [0, 1])
def test_equal_times_are_settled_the_same_way_everywhere(world: Any, first: int) -> None:
    peers = world.peer(MERGING), world.peer(MERGING)
    for peer, text in zip(peers, (b"a", b"b"), strict=True):
        peer.put(world.seal(text, policy=OPEN))
    one, other = peers[first], peers[1 - first]
    send(one, other)
    adopt(one, everything(other))
    assert one.contents() == other.contents() == [b"b"]


def test_of_equal_times_the_tombstone_stays(world: Any) -> None:
    here, there = world.peer(MERGING), world.peer(MERGING)
    here.put(world.seal(b"x", policy=OPEN))
    there.put(world.seal(None, policy=OPEN))
    assert adopt(here, everything(there)).changed
    assert here.contents() == []
    assert not adopt(there, everything(here)).changed


VALUES = st.lists(
    st.tuples(st.sampled_from([b"a", b"b"]), st.integers(0, 3), st.sampled_from([b"x", b"y", None])), max_size=4
)


def fill(world: Any, writes: list[tuple[bytes, int, bytes | None]]) -> Any:
    peer = world.peer(MERGING)
    for key, at, text in writes:
        peer.put(world.seal(text, kind=world.book, key=key, at=float(at), policy=OPEN), kind=world.book)
    return peer


@given(VALUES, VALUES, VALUES)
def test_merging_does_not_depend_on_the_order(world: Any, one: Any, two: Any, three: Any) -> None:
    ab_c, c_ba = fill(world, one), fill(world, three)
    for source in (two, three):
        adopt(ab_c, everything(fill(world, source)))
    for source in (two, one):
        adopt(c_ba, everything(fill(world, source)))
    assert state(ab_c) == state(c_ba)


@given(VALUES, VALUES)
def test_merging_never_goes_back_and_settles(world: Any, ours: Any, theirs: Any) -> None:
    here, there = fill(world, ours), fill(world, theirs)
    before = {key: stored.storage_time for key, stored in state(here).items()}
    for _ in range(2):
        for outcome in send(there, here):
            assert isinstance(outcome, Accepted) or outcome.reason is StoreReason.DATA_TOO_OLD
        assert all(state(here)[key].storage_time >= time for key, time in before.items())
        adopt(there, everything(here))
    outcomes = send(there, here)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert state(here) == state(there)
    assert all(isinstance(outcome, Accepted) and not outcome.changed for outcome in send(here, there))
