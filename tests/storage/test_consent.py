"""Whether a record may lead to somebody who did not write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.clock import milliseconds
from p2psip_min.defences import preset
from p2psip_min.errors import ErrorAnswer, NotFound, StoreReason
from p2psip_min.exchange import Reply
from p2psip_min.handlers import CLIENT_HANDLERS
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.storage.consent import leads
from p2psip_min.storage.policies import OwnerSignature
from p2psip_min.storage.replication import HAND_OVER
from p2psip_min.trace import MessageDelivered, StoreRejected
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry, FetchKindResponse, SingleValue, StoredDataSpecifier, StoreKindData
from p2psip_min.wire.kinds import CONSENT, SIP_REGISTRATION, TURN_SERVICE, SipRegistration, SipRegistrationType
from p2psip_min.wire.messages import FetchAns, FetchReq, MessageCode, StoreReq
from tests.crafting import close_all, small, trace_of

ME, OTHER = NodeID(b"m" * 16), NodeID(b"o" * 16)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def world(*names: str) -> Overlay:
    """Bob has registered."""
    overlay = small(8, clients=("alice", "bob", "mallory"), defences=preset("none").having("contact-consent", *names))
    overlay.register("bob")
    return overlay


def way_to(overlay: Overlay, user: str) -> tuple[NodeID, ...]:
    """Over which peer a client is reached, and its Node-ID."""
    peer = overlay.node(user).peer
    return (peer.topology.table()[0], peer.node_id)


def lead_to(overlay: Overlay, user: str, *route: NodeID) -> None:
    """Have the name of ``user`` lead over a route."""
    peer = overlay.node(user).peer
    value = encode(SipRegistration(SipRegistrationType.ROUTE, "", "", route))
    entry = DictionaryEntry(bytes(peer.node_id), True, value)
    overlay.run(procedures.store(peer, ResourceID.of(overlay.aor(user)), SIP_REGISTRATION, (entry,)))


def refusals(overlay: Overlay) -> list[str]:
    return [event.reason for event in trace_of(overlay).select(StoreRejected)]


# --- where a value leads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registration", "found"),
    [
        (SipRegistration(1, "bob@x"), ("bob@x",)),
        (SipRegistration(2, "", "", (ME,)), ()),
        (SipRegistration(2, "", "", (OTHER, ME)), ()),
        (SipRegistration(2, "", "", (OTHER,)), ((OTHER,),)),
        (SipRegistration(2, "", "", (ME, OTHER)), ((ME, OTHER),)),
    ],
)
def test_what_a_registration_leads_to(registration: SipRegistration, found: Any) -> None:
    assert leads(SIP_REGISTRATION, encode(registration), ME) == found


def test_other_values_lead_nowhere() -> None:
    assert leads(SIP_REGISTRATION, b"unreadable", ME) == ()
    assert leads(TURN_SERVICE, encode(SipRegistration(1, "bob@x")), ME) == ()


# --- asking -----------------------------------------------------------------------------------------------------------


def test_one_s_own_phone_is_not_asked() -> None:
    overlay = world()
    overlay.register("alice")
    assert not [each for each in trace_of(overlay).select(MessageDelivered) if each.code == MessageCode.FETCH_REQ]


@pytest.mark.parametrize("names", [(), ("replicas", "write-quorum"), ("salted-places",), ("message-signature",)])
def test_a_victim_is_asked_and_has_not_agreed(names: tuple[str, ...]) -> None:
    overlay = world(*names)
    with pytest.raises(ErrorAnswer):
        lead_to(overlay, "mallory", *way_to(overlay, "bob"))
    assert set(refusals(overlay)) == {StoreReason.NO_CONSENT}
    with pytest.raises(NotFound):
        overlay.resolve("alice", "mallory")


@pytest.mark.parametrize("names", [(), ("salted-places",), ("replicas", "write-quorum")])
def test_who_has_agreed_is_led_to_and_answers(names: tuple[str, ...]) -> None:
    overlay = world(*names)
    overlay.phone("bob").agree_to(overlay.aor("alice"))
    lead_to(overlay, "alice", *way_to(overlay, "bob"))
    assert overlay.call("mallory", "alice") == overlay.node("bob").node_id


def test_a_name_that_leads_to_a_name_needs_the_consent_of_its_phones() -> None:
    overlay = world()
    with pytest.raises(ErrorAnswer):
        overlay.run(overlay.phone("mallory").forward_to(overlay.aor("bob")))
    with pytest.raises(ErrorAnswer):
        overlay.run(overlay.phone("mallory").forward_to("nobody@nowhere"))
    assert refusals(overlay) == [StoreReason.NO_CONSENT] * 2
    overlay.phone("bob").agree_to(overlay.aor("mallory"))
    overlay.run(overlay.phone("mallory").forward_to(overlay.aor("bob")))


def test_a_stranger_s_copy_that_comes_home_is_asked_about_too() -> None:
    overlay = world()
    mallory, bob = overlay.node("mallory").peer, overlay.node("bob").peer
    place = ResourceID.of(overlay.aor("mallory"))
    value = encode(SipRegistration(SipRegistrationType.ROUTE, "", "", way_to(overlay, "bob")))
    entry, own = DictionaryEntry(bytes(mallory.node_id), True, value), mallory.parts.identity
    stored = OwnerSignature().seal(
        own.private_key, mallory.identity, place, SIP_REGISTRATION, milliseconds(overlay.now), 3600, entry
    )
    body = StoreReq(place, HAND_OVER, (StoreKindData(SIP_REGISTRATION, 1, (stored,)),))

    def bring() -> None:
        overlay.run(mallory.request((place,), body, certificates=(own.certificate,)))

    with pytest.raises(ErrorAnswer):
        bring()
    assert refusals(overlay) == [StoreReason.NO_CONSENT]
    bob.agreed[place] = None
    bring()
    assert overlay.resolve("alice", "mallory")


def test_who_is_not_there_has_not_agreed() -> None:
    overlay = world()
    overlay.phone("bob").agree_to(overlay.aor("alice"))
    overlay.crash("bob")
    with pytest.raises(ErrorAnswer):
        lead_to(overlay, "alice", *way_to(overlay, "bob"))
    with pytest.raises(ErrorAnswer):
        lead_to(overlay, "alice", NodeID(b"x" * 16))
    with pytest.raises(ErrorAnswer):
        lead_to(overlay, "alice", ResourceID.of("bob"))  # type: ignore[arg-type]
    assert refusals(overlay) == [StoreReason.NO_CONSENT] * 3


def test_what_would_be_refused_anyhow_is_asked_about_nobody() -> None:
    overlay = world("access-control")
    peer = overlay.node("mallory").peer
    before = len(overlay.trace)
    entry = DictionaryEntry(b"key", True, encode(SipRegistration(1, overlay.aor("bob"))))
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.store(peer, ResourceID.of(overlay.aor("alice")), SIP_REGISTRATION, (entry,)))
    fetches = trace_of(overlay).select(MessageDelivered, since=before, code=int(MessageCode.FETCH_REQ))
    assert (refusals(overlay), list(fetches)) == ([StoreReason.ACCESS_DENIED], [])


# --- answering --------------------------------------------------------------------------------------------------------


def word(overlay: Overlay, by: str, place: ResourceID, *, at: float, exists: bool = True) -> Any:
    """A handler that gives somebody's word, made at some moment."""
    own = overlay.node(by).peer
    stored = OwnerSignature().seal(
        own.parts.identity.private_key, own.identity, place, CONSENT, milliseconds(at), 60, SingleValue(exists, b"")
    )
    reply = Reply(FetchAns((FetchKindResponse(CONSENT, 1, (stored,)),)), (own.parts.identity.certificate,))
    return lambda peer, received: reply


@pytest.mark.parametrize(
    ("by", "name", "age", "exists", "counts"),
    [
        ("bob", "mallory", 0.0, True, True),
        ("mallory", "mallory", 0.0, True, False),
        ("bob", "alice", 0.0, True, False),
        ("bob", "mallory", 100.0, True, False),
        ("bob", "mallory", 0.0, False, False),
    ],
)
def test_a_word_counts_that_its_contact_has_just_signed_for_this_name(
    by: str, name: str, age: float, exists: bool, counts: bool
) -> None:
    overlay = world()
    overlay.advance(200.0)
    bob = overlay.node("bob").peer
    handler = word(overlay, by, ResourceID.of(overlay.aor(name)), at=overlay.now - age, exists=exists)
    bob.handlers = {**CLIENT_HANDLERS, MessageCode.FETCH_REQ: handler}
    if counts:
        lead_to(overlay, "mallory", *way_to(overlay, "bob"))
    else:
        with pytest.raises(ErrorAnswer):
            lead_to(overlay, "mallory", *way_to(overlay, "bob"))


def test_a_client_answers_this_question_and_no_other() -> None:
    overlay = world()
    alice = overlay.node("alice").peer
    place = ResourceID.of(overlay.aor("mallory"))

    def ask(kind: int) -> Any:
        return overlay.run(alice.request(way_to(overlay, "bob"), FetchReq(place, (StoredDataSpecifier(kind),)))).body

    with pytest.raises(ErrorAnswer):
        ask(TURN_SERVICE)
    (response,) = ask(CONSENT).kind_responses
    assert not response.values[0].value.exists
    overlay.phone("bob").agree_to(overlay.aor("mallory"))
    (response,) = ask(CONSENT).kind_responses
    assert response.values[0].value.exists
