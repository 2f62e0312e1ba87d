"""Clients with more than their share: what each does, and how little it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from p2psip_min.attacks.flooding import NameSquat, Spam, VictimsContact
from p2psip_min.defences import preset
from p2psip_min.errors import ErrorAnswer, StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.storage.quota import PublicationAccount
from p2psip_min.trace import StoreRejected
from p2psip_min.wire.kinds import SIP_REGISTRATION, AccessPolicy, DataModel, KindSpec
from tests.crafting import close_all, small, trace_of

NOTICE = KindSpec(0xF0000022, "NOTICE", DataModel.DICTIONARY, AccessPolicy.NODE_ID_MATCH, 8, 100)
PLACES = [ResourceID.of(f"offer {number}") for number in range(40)]


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def world(*names: str, **values: Any) -> Overlay:
    return small(
        8, clients=("alice", "bob", "mallory"), kinds=(NOTICE,), defences=preset("none").having(*names, **values)
    )


def loose(overlay: Overlay, attack: Any) -> Any:
    overlay.make_hostile("mallory", attack.equip)
    overlay.advance(60.0)
    return attack


def refusals(overlay: Overlay) -> set[str]:
    """Why stores were refused, but for the copies of a stranger."""
    reasons = {event.reason for event in trace_of(overlay).select(StoreRejected)}
    return reasons - {StoreReason.NOT_A_REPLICA}


def test_spam_is_published_where_nobody_counts() -> None:
    overlay = world()
    attack = loose(overlay, Spam(0.0, PLACES, NOTICE.id, b"buy"))
    assert (attack.published, attack.refused) == (40, 0)
    held = [record for kept in overlay.records().values() for record in kept if record.kind == NOTICE.id]
    assert len({record.resource for record in held}) == 40


def test_spam_fills_its_own_account_and_comes_no_further() -> None:
    overlay = world(quota=PublicationAccount(5))
    attack = loose(overlay, Spam(0.0, PLACES, NOTICE.id, b"buy"))
    assert attack.published == 5
    assert refusals(overlay) == {StoreReason.NOT_BOOKED, StoreReason.TOO_MANY}


def test_spam_that_is_spread_over_keys_passes_by_a_quota_of_each_peer() -> None:
    spread, crowded = world("peer-quota"), world("peer-quota")
    assert loose(spread, Spam(0.0, PLACES, NOTICE.id, b"buy")).published >= 32
    names = [ResourceID.of(f"more {n}") for n in range(400)]
    here = [place for place in names if crowded.root(place) is crowded.root(names[0])][:30]
    assert loose(crowded, Spam(0.0, here, NOTICE.id, b"buy")).published == 16
    assert refusals(crowded) == {StoreReason.OVER_QUOTA}


def test_a_squatter_fills_a_name_until_its_holder_finds_no_room() -> None:
    overlay = world()
    place = ResourceID.of(overlay.aor("alice"))
    attack = loose(overlay, NameSquat(0.0, (place,), SIP_REGISTRATION, b"x", 20))
    assert (attack.accepted, attack.refused) == (16, 1)
    with pytest.raises(ErrorAnswer):
        overlay.register("alice")


def test_first_come_first_served_serves_the_squatter() -> None:
    overlay = world("first-come")
    place = ResourceID.of(overlay.aor("alice"))
    attack = loose(overlay, NameSquat(0.0, (place,), SIP_REGISTRATION, b"x", 20))
    assert attack.accepted == 4
    with pytest.raises(ErrorAnswer):
        overlay.register("alice")
    overlay.register("bob")
    overlay.register("bob")


def test_a_victim_s_contact_is_what_the_victim_has_registered() -> None:
    overlay = world()
    overlay.register("bob")
    own = ResourceID.of(overlay.aor("mallory"))
    attack = loose(overlay, VictimsContact(0.0, ResourceID.of(overlay.aor("bob")), own, SIP_REGISTRATION))
    assert attack.accepted == 1
    assert overlay.resolve("alice", "mallory") == overlay.resolve("alice", "bob")


def test_without_a_victim_nothing_is_registered() -> None:
    overlay = world()
    nowhere, own = ResourceID.of("nowhere"), ResourceID.of(overlay.aor("mallory"))
    assert loose(overlay, VictimsContact(0.0, nowhere, own, SIP_REGISTRATION)).accepted == 0
