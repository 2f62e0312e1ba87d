"""Whose calls a phone takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min.application import sip
from p2psip_min.attacks.stolen import StolenName
from p2psip_min.defences import Defences
from p2psip_min.defences.application import AnyCaller, CallersDevice, UniqueNames
from p2psip_min.errors import CallReason, NotFound
from p2psip_min.overlay import Overlay
from tests.crafting import close_all, small

ALICE, OTHER = "alice@example.org", "alice@example.net"


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def test_a_certificate_must_be_the_callers() -> None:
    assert CallersDevice().refusal(ALICE, ALICE, {}) is None
    for user in ("", OTHER):
        assert CallersDevice().refusal(ALICE, user, {}) is CallReason.NOT_THE_CALLERS


def test_a_name_belongs_to_who_called_first_under_it() -> None:
    names: dict[str, str] = {}
    assert UniqueNames().refusal(ALICE, "", names) is None
    assert UniqueNames().refusal(ALICE, OTHER, names) is None
    assert UniqueNames().refusal(OTHER, OTHER, names) is CallReason.NAME_IN_USE
    assert AnyCaller().refusal(OTHER, "", names) is None


@pytest.mark.parametrize(
    ("header", "aor"),
    [("<sip:a@b.org>;tag=1", "a@b.org"), ('"A" <sip:a@b.org;x=y>', "a@b.org"), ("tel:112", ""), ("", "")],
)
def test_who_calls_stands_in_the_from_header(header: str, aor: str) -> None:
    assert sip.caller(sip.SipMessage(method="INVITE", uri="sip:c@d", headers=(("From", header),))) == aor


def friends(*names: str) -> Overlay:
    """Alice, bob and mallory, with these defences."""
    overlay = small(6, clients=("alice", "bob", "mallory"), defences=Defences().having(*names))
    for user in ("alice", "bob"):
        overlay.register(user)
    return overlay


@pytest.mark.parametrize("name", ["caller-auth", "unique-names"])
def test_an_honest_call_is_taken(name: str) -> None:
    overlay = friends(name)
    assert overlay.call("alice", "bob") == overlay.node("bob").node_id
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id


def test_a_call_in_anothers_name_is_refused_and_says_why() -> None:
    overlay = friends("caller-auth")
    overlay.phone("mallory").aor = overlay.aor("alice")
    with pytest.raises(NotFound, match=f"403 {CallReason.NOT_THE_CALLERS.value}"):
        overlay.call("mallory", "bob")


def test_a_thief_registers_and_calls_with_her_own_phone_and_nothing_else() -> None:
    overlay = friends()
    stolen = StolenName(overlay.aor("alice"), [overlay.aor("bob")], at=1.0)
    overlay.make_hostile("mallory", stolen.equip)
    overlay.advance(20.0)
    assert stolen.taken == [overlay.aor("bob")]
    routes = overlay.resolve("bob", "alice")
    assert any(overlay.node("mallory").node_id in route for route in routes)


def test_a_thief_without_a_phone_does_nothing() -> None:
    overlay = small(4)
    stolen = StolenName("alice@example.org", ["bob@example.org"], at=1.0)
    overlay.make_hostile("p00", stolen.equip)
    overlay.advance(5.0)
    assert stolen.taken == []
