"""Clients that write where, or what, they should not: what they do where nobody guards, and how little they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from p2psip_min.attacks.initiative import Initiative
from p2psip_min.attacks.writing import InvalidStore, Junk, RecordOverwrite, RecordPollution
from p2psip_min.defences import preset
from p2psip_min.errors import StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.trace import StoreRejected
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import SIP_REGISTRATION
from tests.crafting import close_all, small, trace_of


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def world(*defences: str) -> tuple[Overlay, ResourceID]:
    """Alice has registered; mallory is a client as well."""
    overlay = small(8, clients=("alice", "bob", "mallory"), defences=preset("none").having(*defences))
    overlay.register("alice")
    return overlay, ResourceID.of(overlay.aor("alice"))


def loose(overlay: Overlay, attack: Initiative) -> Any:
    """Let mallory begin, and wait until she is done."""
    overlay.make_hostile("mallory", attack.equip)
    overlay.advance(10.0)
    return attack


def held(overlay: Overlay, place: ResourceID) -> dict[bytes, bytes]:
    """What lies at a place, by key."""
    records = [record for kept in overlay.records().values() for record in kept if record.resource == place]
    return {record.key: record.stored.value.value for record in records}


def refusals(overlay: Overlay) -> set[str]:
    """Why stores were refused, but for the copies of a stranger."""
    reasons = {event.reason for event in trace_of(overlay).select(StoreRejected)}
    return reasons - {StoreReason.NOT_A_REPLICA}


def test_an_overwriter_replaces_the_entries_of_others_and_leaves_its_own() -> None:
    overlay, place = world()
    mallory = overlay.node("mallory").node_id
    overlay.run(overlay.phone("alice").forward_to("x@y"))
    attack = loose(overlay, RecordOverwrite(0.0, (place,), SIP_REGISTRATION, b"false"))
    assert held(overlay, place) == {bytes(overlay.node("alice").node_id): b"false"}
    again = loose(overlay, RecordPollution(overlay.now, (place,), SIP_REGISTRATION, (b"mine",)))
    loose(overlay, RecordOverwrite(overlay.now, (place,), SIP_REGISTRATION, b"falser"))
    assert held(overlay, place) == {bytes(overlay.node("alice").node_id): b"falser", bytes(mallory): b"mine"}
    assert (attack.accepted, attack.refused, again.accepted) == (1, 0, 1)


@pytest.mark.parametrize("preset_name", ["none", "reload"])
def test_an_overwriter_waits_for_its_moment(preset_name: str) -> None:
    overlay = small(8, clients=("alice", "mallory"), defences=preset_name)
    attack = RecordOverwrite(overlay.now + 30.0, (ResourceID.of(overlay.aor("alice")),), SIP_REGISTRATION, b"false")
    overlay.make_hostile("mallory", attack.equip)
    overlay.register("alice")
    overlay.advance(20.0)
    assert (attack.accepted, attack.refused) == (0, 0)
    overlay.advance(20.0)
    assert attack.accepted + attack.refused == 1


def test_false_entries_lie_beside_the_true_one_under_any_key() -> None:
    overlay, place = world()
    true = held(overlay, place)
    attack = loose(overlay, RecordPollution(0.0, (place,), SIP_REGISTRATION, (b"1", b"2", b"3")))
    mallory = bytes(overlay.node("mallory").node_id)
    assert held(overlay, place) == true | {mallory + bytes(number): b"%d" % (number + 1) for number in range(3)}
    assert attack.accepted == 3


def test_a_valid_signature_does_not_say_whose_record_it_is() -> None:
    overlay, place = world("record-signature")
    loose(overlay, RecordOverwrite(0.0, (place,), SIP_REGISTRATION, b"false"))
    (record,) = [each for kept in overlay.records().values() for each in kept if each.resource == place]
    assert (record.stored.value.value, record.signer) == (b"false", overlay.aor("mallory"))


@pytest.mark.parametrize(
    ("defence", "refused", "reason"),
    [
        ("access-control", 4, StoreReason.ACCESS_DENIED),
        ("own-part", 3, StoreReason.OTHERS_PART),
        ("one-list", 1, StoreReason.OTHERS_PART),
    ],
)
def test_what_each_guard_refuses(defence: str, refused: int, reason: StoreReason) -> None:
    overlay, place = world(defence)
    overwrite = loose(overlay, RecordOverwrite(0.0, (place,), SIP_REGISTRATION, b"false"))
    pollute = loose(overlay, RecordPollution(0.0, (place,), SIP_REGISTRATION, (b"1", b"2", b"3")))
    assert overwrite.refused + pollute.refused == refused
    assert refusals(overlay) == {reason}


def test_junk_is_stored_and_passed_over_by_readers_or_refused() -> None:
    for defence, accepted, values in (("", 1, 2), ("reader-validation", 1, 1), ("validation", 0, 1)):
        overlay, _ = world(*([defence] if defence else []))
        place = ResourceID.of(overlay.aor("mallory"))
        overlay.run(overlay.phone("mallory").register())
        entry = DictionaryEntry(b"key", True, b"junk")
        attack = loose(overlay, InvalidStore(0.0, (Junk(place, SIP_REGISTRATION, entry),)))
        assert attack.accepted == accepted
        assert len(overlay.get("bob", "mallory", SIP_REGISTRATION)) == values


def test_nobody_is_asked_by_an_attack_that_finds_nothing() -> None:
    overlay, _ = world()
    nowhere = ResourceID.of("nowhere")
    attack = loose(overlay, RecordOverwrite(0.0, (nowhere,), SIP_REGISTRATION, b"false"))
    assert (attack.accepted, attack.refused) == (0, 0)
