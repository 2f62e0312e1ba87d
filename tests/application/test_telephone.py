"""The phone in the overlay: registrations, forwarding, calls and what becomes of bad ones (RFC 7904)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.errors import ErrorAnswer, NotFound, RemoteFault
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import SIP_REGISTRATION, SipRegistration, SipRegistrationType


@pytest.fixture
def overlay() -> Iterator[Overlay]:
    with Overlay(peers=8, users=("carol",), clients=("alice", "bob"), links="plain", seed=5) as made:
        yield made


def test_a_registered_user_is_found_and_called(overlay: Overlay) -> None:
    overlay.register("alice")
    alice, bob = overlay.node("alice"), overlay.node("bob")
    assert overlay.call("bob", "alice") == alice.node_id
    overlay.advance(1.0)
    assert [caller for caller, _ in overlay.phone("alice").calls] == [bob.node_id]
    (registered,) = overlay.trace.select(events.Registered)
    (resolved,) = overlay.trace.select(events.Resolved)
    (called,) = overlay.trace.select(events.CallSetUp)
    assert registered.contact == resolved.contact
    assert (called.node, called.remote) == (bob.node_id, alice.node_id)


def test_a_peer_is_a_phone_too(overlay: Overlay) -> None:
    overlay.register("carol")
    overlay.register("alice")
    assert overlay.call("alice", "carol") == overlay.node("carol").node_id
    assert overlay.call("carol", "alice") == overlay.node("alice").node_id
    assert overlay.resolve("bob", "carol") == ((overlay.node("carol").node_id,),)


def test_a_client_that_moves_registers_anew(overlay: Overlay) -> None:
    overlay.register("alice")
    (before,) = overlay.resolve("bob", "alice")
    elsewhere = next(node for node in overlay.peers() if node.node_id != before[0])
    overlay.attach_client("alice", elsewhere.name)
    overlay.register("alice")
    assert overlay.resolve("bob", "alice") == ((elsewhere.node_id, overlay.node("alice").node_id),)
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id


def test_who_is_not_registered_is_not_found(overlay: Overlay) -> None:
    with pytest.raises(NotFound):
        overlay.call("bob", "alice")
    (failed,) = overlay.trace.select(events.CallFailed)
    assert failed.aor == overlay.aor("alice")
    overlay.register("alice")
    overlay.run(overlay.phone("alice").unregister())
    with pytest.raises(NotFound):
        overlay.resolve("bob", "alice")


def test_a_forwarded_call_reaches_the_other_user(overlay: Overlay) -> None:
    overlay.register("carol")
    overlay.run(overlay.phone("alice").forward_to(overlay.aor("carol")))
    assert overlay.resolve("bob", "alice") == ((overlay.node("carol").node_id,),)


def test_forwarding_in_a_circle_comes_to_an_end(overlay: Overlay) -> None:
    overlay.run(overlay.phone("alice").forward_to(overlay.aor("carol")))
    overlay.run(overlay.phone("carol").forward_to(overlay.aor("alice")))
    with pytest.raises(NotFound):
        overlay.resolve("bob", "alice")


def test_nobody_registers_for_another(overlay: Overlay) -> None:
    mallory = overlay.node("bob")
    entry = DictionaryEntry(bytes(mallory.node_id), True, b"\x01\x00\x04\x00\x02me")
    place = ResourceID.of(overlay.aor("alice"))
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.store(mallory.peer, place, SIP_REGISTRATION, (entry,)))
    (rejected,) = overlay.trace.select(events.StoreRejected)
    assert rejected.resource == place


def test_a_phone_refuses_calls_for_somebody_else(overlay: Overlay) -> None:
    # Carol is free to say that she is reached where alice is (RFC 7904 §8.2); alice's phone knows better.
    overlay.register("alice")
    (route,) = overlay.resolve("bob", "alice")
    carol = overlay.node("carol")
    value = encode(SipRegistration(SipRegistrationType.ROUTE, destination_list=route))
    overlay.put("carol", SIP_REGISTRATION, value)
    with pytest.raises(NotFound, match="404"):
        overlay.call("bob", "carol")
    assert not list(overlay.trace.select(events.CallSetUp))
    assert overlay.get("bob", "carol", SIP_REGISTRATION) == (value,)
    assert carol.alive


def test_a_route_to_nobody_fails_until_the_user_registers_anew(overlay: Overlay) -> None:
    overlay.register("carol")
    nowhere = SipRegistration(SipRegistrationType.ROUTE, destination_list=(NodeID(b"\x01" * 16),))
    entry = DictionaryEntry(bytes(overlay.node("carol").node_id), True, encode(nowhere))
    carol = overlay.node("carol").peer
    overlay.run(procedures.store(carol, ResourceID.of(overlay.aor("carol")), SIP_REGISTRATION, (entry,)))
    with pytest.raises(RemoteFault):
        overlay.call("bob", "carol")
    overlay.register("carol")
    assert overlay.call("bob", "carol") == carol.node_id


def test_a_phone_that_has_gone_does_not_answer(overlay: Overlay) -> None:
    overlay.register("alice")
    overlay.crash("alice")
    with pytest.raises(RemoteFault):
        overlay.call("bob", "alice")
    (failed,) = overlay.trace.select(events.CallFailed)
    assert failed.reason


def test_rubbish_on_the_phone_line_ends_it(overlay: Overlay) -> None:
    overlay.register("alice")
    overlay.call("bob", "alice")
    alice, bob = overlay.node("alice"), overlay.phone("bob")
    bob.links.send(alice.node_id, b"INVITE sip:alice\r\n\r\n")
    overlay.advance(1.0)
    assert bob.peer.node_id not in overlay.phone("alice").links.table
    assert alice.alive


def test_only_users_have_phones(overlay: Overlay) -> None:
    with pytest.raises(KeyError, match="no phone"):
        overlay.phone("p01")
