"""Values for chosen readers: who can open them, where, and what others see (draft 7.2.11, Req. 11)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.defences import preset
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.errors import ErrorAnswer, LocalProtocolError, Malformed, NotFound, ReadReason
from p2psip_min.ids import ResourceID
from p2psip_min.procedures.records import store
from p2psip_min.storage.encryption import ForReaders, InClear
from p2psip_min.trace import ValueRejected
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.data import ArrayEntry, DictionaryEntry, SingleValue
from p2psip_min.wire.encrypted import MOST_READERS, OVERHEAD, EncryptedValue, encrypted_kind, plain_kind
from p2psip_min.wire.kinds import IANA_KINDS, SIP_REGISTRATION, TURN_SERVICE
from tests.crafting import close_all, small, trace_of

ON = ForReaders()
PLACE = ResourceID.of("alice@overlay.example")
KIND = encrypted_kind(SIP_REGISTRATION)
VALUES = (SingleValue(True, b"secret"), ArrayEntry(7, True, b"secret"), DictionaryEntry(b"key", True, b"secret"))


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def shut(world: Any, *readers: str, value: Any = VALUES[2], seed: int = 1) -> Any:
    certificates = [world.owners[reader].certificate for reader in readers]
    return ON.encrypt(PLACE, KIND, value, certificates, random.Random(seed))


def opened(world: Any, reader: str, value: Any, place: bytes = PLACE, kind: int = KIND) -> Any:
    return ON.decrypt(place, kind, value, world.owners[reader].private_key)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_every_named_reader_opens_it_and_nobody_else(world: Any, value: Any) -> None:
    names = sorted(world.owners)
    sealed = shut(world, *names[:-1], value=value)
    assert b"secret" not in sealed.value
    assert [opened(world, name, sealed) for name in names[:-1]] == [value] * (len(names) - 1)
    assert opened(world, names[-1], sealed) is ReadReason.NOT_FOR_ME
    assert ON.decrypt(PLACE, KIND, sealed, None) is ReadReason.NOT_FOR_ME


def test_an_appended_value_opens_at_whatever_index_it_gets(world: Any) -> None:
    sealed = shut(world, "alice", value=ArrayEntry(0xFFFFFFFF, True, b"secret"))
    assert opened(world, "alice", replace(sealed, index=3)) == ArrayEntry(3, True, b"secret")


def test_it_opens_nowhere_else(world: Any) -> None:
    sealed = shut(world, "alice")
    elsewhere = (
        opened(world, "alice", sealed, ResourceID.of("bob@overlay.example")),
        opened(world, "alice", sealed, kind=encrypted_kind(TURN_SERVICE)),
        opened(world, "alice", replace(sealed, key=b"other")),
    )
    assert set(elsewhere) == {ReadReason.NOT_FOR_ME}


def test_who_cannot_read_learns_neither_the_readers_nor_their_order(world: Any) -> None:
    one, other = (decode(EncryptedValue, shut(world, *names).value) for names in (("alice", "bob"), ("bob", "alice")))
    assert one == other
    again = decode(EncryptedValue, shut(world, "alice", "bob", seed=2).value)
    assert not {one.slots[at : at + 8] for at in (0, 32)} & {again.slots[at : at + 8] for at in (0, 32)}


def test_a_value_that_was_changed_is_refused(world: Any) -> None:
    sealed = shut(world, "alice")
    inner = decode(EncryptedValue, sealed.value)
    wrong = (
        b"",
        b"not one",
        encode(replace(inner, ephemeral=b"\x02" + bytes(32))),
        encode(replace(inner, ephemeral=b"")),
        encode(replace(inner, slots=inner.slots[:-1])),
        encode(replace(inner, slots=inner.slots[:-1] + bytes((inner.slots[-1] ^ 1,)))),
        encode(replace(inner, ciphertext=inner.ciphertext[:-1] + bytes((inner.ciphertext[-1] ^ 1,)))),
        encode(replace(inner, ciphertext=b"")),
    )
    found = [opened(world, "alice", replace(sealed, value=value)) for value in wrong]
    assert found[2] in (ReadReason.INVALID_VALUE, ReadReason.NOT_FOR_ME)
    assert set(found) - {ReadReason.NOT_FOR_ME} == {ReadReason.INVALID_VALUE}
    assert found[5:7] == [ReadReason.INVALID_VALUE] * 2


@given(st.binary(max_size=200))
def test_no_bytes_break_a_reader(data: bytes) -> None:
    found = ON.decrypt(PLACE, KIND, SingleValue(True, data), derive_key(1, "reader"))
    assert found in (ReadReason.INVALID_VALUE, ReadReason.NOT_FOR_ME)


def test_tombstones_and_public_values_stay_as_they_are(world: Any) -> None:
    gone = DictionaryEntry(b"key", False, b"")
    assert shut(world, "alice", value=gone) == gone
    assert shut(world) == VALUES[2]
    assert opened(world, "bob", gone) == gone
    assert ON.decrypt(PLACE, SIP_REGISTRATION, VALUES[2], None) == VALUES[2]


def test_off_takes_the_same_path_and_changes_nothing(world: Any) -> None:
    off = InClear()
    readers = [world.owners["alice"].certificate]
    assert off.kinds(1) == (1,)
    assert off.kind_for(1, readers) == 1
    assert off.encrypt(PLACE, 1, VALUES[2], readers, random.Random(1)) == VALUES[2]
    assert off.decrypt(PLACE, 1, VALUES[2], None) == VALUES[2]
    assert list(off.registry(IANA_KINDS.values())) == list(IANA_KINDS)


def test_readers_are_few_and_have_keys_that_can_be_used(world: Any) -> None:
    alice = world.owners["alice"].certificate
    longest = ON.encrypt(PLACE, KIND, VALUES[2], [alice] * MOST_READERS, random.Random(1))
    assert len(longest.value) <= len(VALUES[2].value) + OVERHEAD
    for readers, why in (([alice] * (MOST_READERS + 1), "at most"), ([b"no certificate"], "is none")):
        with pytest.raises(LocalProtocolError, match=why):
            ON.encrypt(PLACE, KIND, VALUES[2], readers, random.Random(1))


def test_a_reader_needs_a_key_on_our_curve() -> None:
    key, name, when = ec.derive_private_key(7, ec.SECP384R1()), x509.Name([]), datetime(2026, 1, 1, tzinfo=UTC)
    other = x509.CertificateBuilder(name, name, key.public_key(), 7, when, when).sign(key, SHA256())
    with pytest.raises(LocalProtocolError, match="no P-256 key"):
        ON.encrypt(PLACE, KIND, VALUES[2], [other.public_bytes(Encoding.DER)], random.Random(1))


@pytest.mark.parametrize("kind", [*IANA_KINDS, 0xF0000001, 0xF07FFFFF])
def test_a_kind_and_its_twin_name_each_other(kind: int) -> None:
    twin = encrypted_kind(kind)
    assert 0xF0000001 <= twin <= 0xFFFFFFFE
    assert (plain_kind(twin), plain_kind(kind)) == (kind, 0)


def test_a_kind_without_room_for_a_twin_is_known_and_stays_plain() -> None:
    assert encrypted_kind(0x12345678) == 0
    assert ON.kinds(0x12345678) == (0x12345678,)
    with pytest.raises(LocalProtocolError, match="leaves no room"):
        ON.kind_for(0x12345678, [b"somebody"])
    odd = replace(IANA_KINDS[SIP_REGISTRATION], id=0x12345678)
    assert list(ON.registry([odd])) == [0x12345678]
    once = ON.registry(IANA_KINDS.values())
    assert list(ON.registry(once.values())) == list(once)
    assert len(once) == 2 * len(IANA_KINDS)


# --- in an overlay ----------------------------------------------------------------------------------------------------


def held_by_anybody(overlay: Any) -> bytes:
    return b"".join(record.stored.value.value for records in overlay.records().values() for record in records)


def private(**settings: Any) -> Any:
    """Alice lets bob read, and carol is not named."""
    overlay = small(
        8,
        clients=("alice", "bob", "carol"),
        defences=preset("none").having("value-encryption", "validation"),
        **settings,
    )
    overlay.allow("alice", "bob")
    return overlay


def test_a_named_reader_calls_and_others_find_nothing() -> None:
    overlay = private()
    overlay.register("alice")
    assert overlay.node("alice").node_id not in held_by_anybody(overlay)
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id
    assert overlay.resolve("alice", "alice")
    with pytest.raises(NotFound):
        overlay.resolve("carol", "alice")
    (event,) = trace_of(overlay).select(ValueRejected)
    assert (event.node, event.reason) == (overlay.node("carol").node_id, ReadReason.NOT_FOR_ME)


def test_who_names_nobody_is_read_by_everybody() -> None:
    overlay = private()
    overlay.register("bob")
    assert overlay.resolve("carol", "bob") == overlay.resolve("alice", "bob")


def test_what_was_public_is_taken_back_when_readers_are_named() -> None:
    overlay = private()
    overlay.allow("alice")
    overlay.register("alice")
    assert overlay.resolve("carol", "alice")
    overlay.allow("alice", "bob")
    overlay.register("alice")
    assert overlay.node("alice").node_id not in held_by_anybody(overlay)
    assert overlay.resolve("bob", "alice")
    with pytest.raises(NotFound):
        overlay.resolve("carol", "alice")
    overlay.allow("alice")
    overlay.register("alice")
    assert overlay.resolve("carol", "alice") == overlay.resolve("bob", "alice")


def test_an_encrypted_registration_is_unregistered_like_any_other() -> None:
    overlay = private()
    overlay.register("alice")
    overlay.run(overlay.phone("alice").unregister())
    with pytest.raises(NotFound):
        overlay.resolve("bob", "alice")


def test_a_storing_peer_refuses_what_is_no_encrypted_value() -> None:
    overlay = private()
    alice = overlay.node("alice").peer
    alice.readers = {}
    entry = DictionaryEntry(bytes(alice.node_id), True, b"no such thing")
    with pytest.raises(ErrorAnswer):
        overlay.run(store(alice, ResourceID.of(overlay.aor("alice")), KIND, (entry,)))


def test_an_encrypted_value_of_something_else_is_not_believed() -> None:
    overlay = private()
    alice, bob = overlay.node("alice").peer, overlay.node("bob").peer
    readers = (bob.parts.identity.certificate,)
    place = ResourceID.of(overlay.aor("alice"))
    entry = ON.encrypt(place, KIND, DictionaryEntry(bytes(alice.node_id), True, b"?"), readers, alice.rng)
    alice.readers = {}
    overlay.run(store(alice, place, KIND, (entry,)))
    with pytest.raises(NotFound):
        overlay.resolve("bob", "alice")
    assert [event.reason for event in trace_of(overlay).select(ValueRejected)] == [ReadReason.INVALID_VALUE]


def test_malformed_bytes_are_malformed() -> None:
    with pytest.raises(Malformed):
        decode(EncryptedValue, b"\x01")
