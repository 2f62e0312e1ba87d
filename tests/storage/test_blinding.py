"""Blinded names: who was told the secret registers, calls and is called; who was not finds nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.defences import preset
from p2psip_min.errors import NotFound
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.procedures import store
from p2psip_min.storage.blinding import BlindedNames, PlainNames
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import BLINDED_REGISTRATION, SIP_REGISTRATION, SipRegistration, SipRegistrationType

NAMES = st.text(min_size=1, max_size=20)
SECRETS = st.binary(min_size=16, max_size=16)


@given(NAMES, NAMES, SECRETS, SECRETS)
def test_a_place_follows_from_name_and_secret_and_from_neither_alone(a: str, b: str, one: bytes, two: bytes) -> None:
    place = BlindedNames().place
    assert place(a, one)[1] == BLINDED_REGISTRATION
    assert (place(a, one) == place(b, one)) == (a == b)
    assert (place(a, one) == place(a, two)) == (one == two)
    assert place(a, one)[0] != ResourceID.of(a)
    assert place(a, b"") == PlainNames().place(a, one) == (ResourceID.of(a), SIP_REGISTRATION)


def test_a_place_in_bytes() -> None:
    assert BlindedNames().place("alice@x", bytes(16))[0].hex() == "d0c7681b01e61a1a0cbfe60611215862"


@pytest.fixture(params=["none", "reload", "hardened"])
def overlay(request: pytest.FixtureRequest) -> Iterator[Overlay]:
    defences = preset(request.param).having("blinded-names")
    with Overlay(peers=8, clients=("alice", "bob", "carol"), defences=defences, links="plain", seed=3) as made:
        yield made


def test_friends_call_and_strangers_find_nothing(overlay: Overlay) -> None:
    overlay.allow("alice", "bob")
    overlay.register("alice")
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id
    with pytest.raises(NotFound):
        overlay.resolve("carol", "alice")
    held = {record.resource for kept in overlay.records().values() for record in kept if record.kind != 0xF0000031}
    assert ResourceID.of(overlay.aor("alice")) not in held


def test_who_names_nobody_is_found_by_everybody(overlay: Overlay) -> None:
    overlay.register("alice")
    assert overlay.call("carol", "alice") == overlay.node("alice").node_id


def test_who_is_struck_off_finds_nothing_that_is_new(overlay: Overlay) -> None:
    overlay.allow("alice", "bob", "carol")
    before = overlay.phone("carol").secrets[overlay.aor("alice")]
    overlay.allow("alice", "bob")
    assert overlay.phone("bob").secrets[overlay.aor("alice")] != before
    overlay.register("alice")
    with pytest.raises(NotFound):
        overlay.resolve("carol", "alice")


def test_who_signs_off_is_gone(overlay: Overlay) -> None:
    overlay.allow("alice", "bob")
    overlay.register("alice")
    overlay.run(overlay.phone("alice").unregister())
    with pytest.raises(NotFound):
        overlay.resolve("bob", "alice")


def test_a_contact_can_not_register_for_the_owner() -> None:
    defences = preset("reload").having("blinded-names")
    with Overlay(peers=8, clients=("alice", "bob", "carol"), defences=defences, links="plain", seed=3) as overlay:
        overlay.allow("alice", "bob", "carol")
        overlay.register("alice")
        carol = overlay.node("carol").peer
        secret = overlay.phone("carol").secrets[overlay.aor("alice")]
        place, kind = BlindedNames().place(overlay.aor("alice"), secret)
        value = encode(SipRegistration(SipRegistrationType.ROUTE, destination_list=(carol.node_id,)))
        overlay.run(store(carol, place, kind, (DictionaryEntry(bytes(carol.node_id), True, value),)))
        assert [route[-1] for route in overlay.resolve("bob", "alice")] == [overlay.node("alice").node_id]
