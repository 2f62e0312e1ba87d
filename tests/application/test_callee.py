"""Which device is called: by its owner's signature on the contact, and by its own on the answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min.application import sip
from p2psip_min.attacks.answering import FalseContact
from p2psip_min.defences import Defences
from p2psip_min.defences.application import AnyContact, AnyDevice, OwnersDevice, WellFormedContact
from p2psip_min.errors import CallReason, CallRefused, DropReason, NotFound, RequestTimedOut
from p2psip_min.ids import NodeID, OpaqueID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.procedures import app_attach
from p2psip_min.trace import CallFailed, CallSetUp, MessageDropped
from tests.crafting import close_all, small, trace_of

HERE, THERE = NodeID(b"h" * 16), NodeID(b"t" * 16)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


class Case:
    """Bob's way to alice's record passes mallory, who has a phone; so does his call, if ``both``."""

    def __init__(self, *defences: str, routing: str = "recursive", both: bool = False) -> None:
        overlay = self.overlay = small(
            32, clients=("alice", "bob", "carol"), routing=routing, defences=Defences().having(*defences)
        )
        self.mallory = self._cast(both)
        overlay.register("alice")
        self.phone = overlay.give_phone(self.mallory.name)

    def _cast(self, both: bool) -> Node:
        overlay, place = self.overlay, ResourceID.of(self.overlay.aor("alice"))
        for home in overlay.peers():
            for there in overlay.peers():
                way = overlay.route(home.name, place)[:-1]
                call = overlay.route(home.name, ResourceID(there.node_id))[:-1]
                found = [node for node in way if node in call or not both]
                # Alice lives beyond mallory, and neither her peer nor bob's is mallory.
                if found and there not in (home, found[-1]) and (both or found[-1] not in call):
                    overlay.attach_client("bob", home.name)
                    overlay.attach_client("alice", there.name)
                    return found[-1]
        raise AssertionError("nobody is on both ways")

    def turn(self) -> Case:
        self.overlay.make_hostile(self.mallory.name, FalseContact().equip)
        return self

    def call(self) -> NodeID:
        return self.overlay.call("bob", "alice")


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_undefended_bob_calls_mallory(routing: str) -> None:
    case = Case(routing=routing).turn()
    assert case.call() == case.mallory.node_id
    assert len(case.phone.calls) == 1
    assert case.overlay.phone("alice").calls == []


@pytest.mark.parametrize("defences", [("contact-syntax",), ("record-signature",), ("validation",)])
def test_a_well_formed_contact_signed_by_anybody_is_a_contact(defences: tuple[str, ...]) -> None:
    case = Case(*defences).turn()
    assert case.call() == case.mallory.node_id


def test_an_owner_signed_contact_keeps_out_false_ones() -> None:
    case = Case("record-signature", "access-control").turn()
    with pytest.raises(NotFound):
        case.call()
    assert case.phone.calls == []


def test_an_owner_signed_contact_does_not_help_where_mallory_takes_the_call_itself() -> None:
    case = Case("record-signature", "access-control", both=True)
    case.overlay.register("alice")
    case.overlay.resolve("bob", "alice")
    attack = FalseContact()
    case.overlay.make_hostile(case.mallory.name, attack.equip)
    # Bob knows the true contact, and calls it.
    route = case.overlay.phone("alice")._route()
    bob = case.overlay.node("bob")
    answer, address = case.overlay.run(app_attach(bob.peer, route, 5060, bob.address))
    assert answer.signer == case.overlay.node("alice").node_id, "it goes by her name"
    assert address == case.phone.address


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_another_users_device_is_not_called(routing: str) -> None:
    case = Case("callee-auth", routing=routing).turn()
    with pytest.raises(CallRefused) as refused:
        case.call()
    assert refused.value.reason is CallReason.NOT_THE_OWNERS
    assert case.phone.calls == []
    (failed,) = trace_of(case.overlay).select(CallFailed)
    assert failed.reason == CallReason.NOT_THE_OWNERS.value


def test_who_takes_a_call_in_anothers_place_cannot_sign_for_it() -> None:
    case = Case("callee-auth", both=True)
    case.turn()
    bob = case.overlay.node("bob")
    with pytest.raises(RequestTimedOut):
        case.overlay.run(app_attach(bob.peer, case.overlay.phone("alice")._route(), 5060, bob.address))
    dropped = trace_of(case.overlay).select(MessageDropped, node=bob.node_id, reason=DropReason.WRONG_RESPONDER)
    assert any(dropped)


def test_the_right_device_is_called_and_nothing_else_is_signed() -> None:
    case = Case("callee-auth")
    assert case.call() == case.overlay.node("alice").node_id
    (setup,) = trace_of(case.overlay).select(CallSetUp)
    assert setup.remote == case.overlay.node("alice").node_id
    assert case.overlay.node("bob").peer.surroundings.defences.message_authentication.signed is False


def test_a_redirection_counts_only_if_who_is_called_has_signed_it() -> None:
    unsigned = Case("callee-auth").overlay
    for overlay, works in ((unsigned, False), (Case("callee-auth", "record-signature").overlay, True)):
        overlay.register("carol")
        overlay.run(overlay.phone("alice").unregister())
        overlay.run(overlay.phone("alice").forward_to(overlay.aor("carol")))
        if works:
            assert overlay.call("bob", "carol") == overlay.node("carol").node_id
        with_bob = overlay.phone("bob")
        if works:
            with pytest.raises(NotFound, match="404"):
                overlay.run(with_bob.call(overlay.aor("alice")))  # carol's phone has another name
        else:
            with pytest.raises(CallRefused):
                overlay.run(with_bob.call(overlay.aor("alice")))


def test_a_false_device_passes_over_what_is_no_call() -> None:
    case = Case().turn()
    case.phone.links.on_message(HERE, b"nonsense")
    hello = sip.request("OPTIONS", "sip:x@y", sender="a@b", to="x@y", call_id="12345678", branch="1", contact="<sip:a>")
    case.phone.links.on_message(HERE, hello.encode())
    assert case.phone.calls == []


# --- the rules --------------------------------------------------------------------------------------------------------


class Certificate:
    """What is read of one."""

    def __init__(self, user: str) -> None:
        self.user = user


def test_a_device_is_its_users() -> None:
    rule = OwnersDevice()
    assert rule.refusal("alice@x", Certificate("alice@x")) is None
    assert rule.refusal("alice@x", Certificate("alice@y")) is CallReason.NOT_THE_OWNERS
    assert rule.refusal("alice@x", None) is CallReason.NOT_THE_OWNERS
    assert AnyDevice().refusal("alice@x", None) is None


@pytest.mark.parametrize(
    ("route", "fine"),
    [
        ((HERE,), True),
        ((HERE, THERE), True),
        ((), False),
        ((HERE, HERE), False),
        ((ResourceID(b"r" * 16),), False),
        ((HERE, OpaqueID(b"x")), False),
        (tuple(NodeID(bytes((n,)) * 16) for n in range(1, 6)), False),
    ],
)
def test_a_contact_is_a_short_list_of_different_nodes(route: tuple[NodeID, ...], fine: bool) -> None:
    assert WellFormedContact().refusal(route) == (None if fine else CallReason.BAD_CONTACT)
    assert AnyContact().refusal(route) is None


def test_a_contact_that_is_none_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    overlay: Overlay = small(8, clients=("alice", "bob"), defences=Defences().having("contact-syntax"))
    alice = overlay.node("alice")
    monkeypatch.setattr(alice.phone, "_route", lambda: (alice.node_id, alice.node_id))
    overlay.register("alice")
    with pytest.raises(CallRefused, match=CallReason.BAD_CONTACT.value):
        overlay.call("bob", "alice")
