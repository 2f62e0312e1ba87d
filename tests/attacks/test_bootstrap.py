"""Bootstrap nodes that lie to those who join through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.bootstrap import Corner, FakeOverlay, WrongPeers
from p2psip_min.defences import Defences
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.errors import JoinReason, JoinRefused, LinkReason, RootReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.invariants import ideal_ring
from p2psip_min.overlay import Node, Overlay
from p2psip_min.routing.entrance import DensityTest
from p2psip_min.routing.forwarding import Decision, Deliver
from p2psip_min.seams import Forwarding
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.message import decode_message
from p2psip_min.wire.messages import AttachAns, MessageCode
from p2psip_min.wire.security import UNSIGNED, SecurityBlock, encode_security
from tests.crafting import Hand, close_all, equip_forwarding, small, trace_of


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def misled(*names: str, peers: int = 16) -> tuple[Overlay, WrongPeers]:
    """An overlay whose first bootstrap node hands out wrong peers."""
    overlay = small(peers, defences=Defences().having(*names))
    attack = WrongPeers()
    overlay.make_hostile("p00", attack.equip)
    return overlay, attack


def test_a_newcomer_is_sent_to_a_peer_that_can_not_admit_it() -> None:
    overlay, attack = misled()
    node = overlay.new_peer("carol")
    with pytest.raises(JoinRefused) as caught:
        overlay.run(procedures.join(node.peer, [overlay.node("p00").address]))
    assert caught.value.reason is JoinReason.FORBIDDEN
    assert list(attack.misled) == [node.node_id]
    assert not overlay.nodes[attack.misled[node.node_id]].peer.topology.responsible(node.node_id)


def test_members_are_served_as_they_should_be() -> None:
    overlay, attack = misled()
    overlay.make_hostile("p01", WrongPeers().equip)
    for node in overlay.peers():
        overlay.run(procedures.stabilize(node.peer))
        assert overlay.lookup(node.name, node.peer.topology.admitting_key()) in overlay.nodes
    overlay.add_client("alice", at="p00")
    overlay.register("alice")
    assert attack.misled == {}


def test_the_next_bootstrap_node_helps_but_only_at_the_second_try() -> None:
    overlay, _ = misled()
    node = overlay.new_peer("carol")
    overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes))
    asked = list(trace_of(overlay).select(events.MessageSent, node=node.node_id, code=MessageCode.JOIN_REQ))
    assert len(asked) == 2


def test_compared_bootstrap_nodes_lead_right_at_once() -> None:
    overlay, _ = misled("compared-bootstraps")
    node = overlay.new_peer("carol")
    admitting = overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes))
    asked = list(trace_of(overlay).select(events.MessageSent, node=node.node_id, code=MessageCode.JOIN_REQ))
    assert [event.next_hop for event in asked] == [admitting]


def test_two_liars_of_three_do_not_win_over_the_one_who_is_right() -> None:
    overlay, _ = misled("compared-bootstraps")
    overlay.make_hostile("p01", WrongPeers().equip)
    node = overlay.new_peer("carol")
    overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes))
    asked = list(trace_of(overlay).select(events.MessageSent, node=node.node_id, code=MessageCode.JOIN_REQ))
    assert len(asked) == 1


def test_silent_bootstrap_nodes_are_passed_over() -> None:
    overlay = small(8, defences=Defences().having("compared-bootstraps"))
    overlay.crash("p00")
    overlay.crash("p01")
    overlay.advance(10.0)
    node = overlay.new_peer("carol")
    overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes))
    for name in ("p02", "p03", "p04", "p05", "p06", "p07"):
        overlay.crash(name)
    lost = overlay.new_peer("dave")
    with pytest.raises(JoinRefused) as caught:
        overlay.run(procedures.join(lost.peer, lost.peer.configuration.bootstrap_nodes))
    assert caught.value.reason is JoinReason.NO_BOOTSTRAP


@dataclass(slots=True)
class Greedy:
    """Takes every Attach for its own."""

    inner: Forwarding

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if envelope.code == MessageCode.ATTACH_REQ and previous_hop is not None:
            return Deliver()
        return self.inner.decide(envelope, previous_hop, now)


def test_whoever_answers_in_the_place_of_the_peer_that_was_named_is_not_asked_to_admit() -> None:
    overlay = small(8, defences=Defences().having("compared-bootstraps"))
    overlay.make_hostile("p00", equip_forwarding(Greedy))
    node = overlay.new_peer("carol")
    assert overlay.root(node.peer.topology.admitting_key()).name != "p00"
    with pytest.raises(JoinRefused) as caught:
        overlay.run(procedures.join(node.peer, [overlay.node("p00").address]))
    assert caught.value.reason is JoinReason.MISLED


# --- another overlay of the same name ---------------------------------------------------------------------------------


def elsewhere(*names: str) -> tuple[Overlay, set[NodeID]]:
    """An overlay whose first bootstrap node sends newcomers to another one, and the peers of that."""
    overlay = small(12, defences=Defences().having(*names))
    fakes = overlay.counterfeit(6)
    overlay.make_hostile("p00", FakeOverlay(fakes[0].node_id, fakes[0].address).equip)
    return overlay, {node.node_id for node in fakes}


def test_a_newcomer_ends_in_another_overlay_and_finds_everything_there() -> None:
    overlay, fakes = elsewhere()
    node = overlay.new_peer("carol")
    assert overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes)) in fakes
    assert set(node.peer.topology.table()) <= fakes
    for name in ("x", "y", "z"):
        assert overlay.lookup("carol", ResourceID.of(name)) in fakes | {node.node_id}


def test_the_overlays_own_authority_keeps_a_newcomer_out_of_another_one() -> None:
    overlay, fakes = elsewhere("overlay-authority")
    node = overlay.new_peer("carol")
    assert overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes)) not in fakes
    overlay.advance(10.0)
    assert not fakes & set(node.peer.topology.table())
    assert not fakes & set(node.peer.links.book)
    refused = {event.remote: event.reason for event in trace_of(overlay).select(events.LinkRejected, node=node.node_id)}
    assert fakes & refused.keys()
    assert set(refused.values()) == {LinkReason.UNKNOWN_CA}


def test_any_certificate_is_what_a_fake_overlay_has_too() -> None:
    overlay, fakes = elsewhere("any-certificate")
    node = overlay.new_peer("carol")
    assert overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes)) in fakes


@pytest.mark.parametrize("name", ["overlay-authority", "any-certificate"])
def test_answers_to_an_attach_are_signed_where_nothing_else_is(name: str) -> None:
    overlay = small(6, defences=Defences().having(name))
    overlay.run(procedures.join(overlay.new_peer("carol").peer, [overlay.node("p00").address]))
    signed = {
        event.code
        for event in trace_of(overlay).select(events.MessageSent)
        if decode_message(event.message, overlay.surroundings.kinds).security.certificates
    }
    assert signed == {MessageCode.ATTACH_ANS}


def test_where_there_is_only_another_overlay_a_newcomer_stays_outside() -> None:
    overlay, _ = elsewhere("overlay-authority")
    node = overlay.new_peer("carol")
    with pytest.raises(JoinRefused):
        overlay.run(procedures.join(node.peer, [overlay.node("p00").address]))
    assert not node.peer.topology.table()


def test_what_an_introduction_must_prove() -> None:
    overlay = small(4, defences=Defences().having("overlay-authority"))
    first, second, judge, *_ = overlay.peers()
    mine, other = first.peer.parts.identity, second.peer.parts.identity

    def verdict(credential: Credential, claimed: Node, security: bytes | None = None) -> LinkReason | None:
        """What the judge says to an Attach answer in the name of ``claimed``."""
        body = AttachAns(b"abcd", b"x" * 22, b"active", (), False)
        data = Hand(overlay, first.name, credential).message((judge.node_id,), body, security=security)
        return judge.peer.stranger(decode_message(data, overlay.surroundings.kinds), claimed.node_id)

    assert verdict(mine, first) is None
    assert verdict(mine, first, encode_security(SecurityBlock((), UNSIGNED))) is LinkReason.NO_CERTIFICATE
    assert verdict(other, first) is LinkReason.WRONG_NODE_ID
    assert verdict(replace(other, private_key=mine.private_key), second) is LinkReason.NOT_PROVEN


# --- a corner of the right overlay ------------------------------------------------------------------------------------


def cornered(*names: str, **settings: Any) -> tuple[Overlay, set[NodeID]]:
    """An overlay of 24 whose first bootstrap node has three accomplices, and these four."""
    overlay = small(24, defences=Defences().having(*names), **settings)
    attack = Corner()
    for name in ("p00", "p08", "p14", "p20"):
        overlay.make_hostile(name, attack.equip)
    return overlay, set(overlay.coalition.members)


def share(overlay: Overlay, corner: set[NodeID]) -> float:
    """Have carol join, and say how much of her table the corner has."""
    node = overlay.new_peer("carol")
    overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes))
    overlay.advance(3.0)
    table = node.peer.topology.table()
    return sum(each in corner for each in table) / len(table)


def test_a_guest_sees_nobody_but_the_accomplices_and_is_known_to_nobody_else() -> None:
    overlay, corner = cornered()
    assert share(overlay, corner) == 1.0
    carol = overlay.node("carol").node_id
    assert not any(carol in node.peer.topology.table() for node in overlay.peers() if node.name != "carol")


def test_members_see_the_overlay_as_it_is() -> None:
    overlay, _ = cornered()
    members = overlay.peers()
    roots = {node.name: overlay.root(node.peer.topology.admitting_key()).node_id for node in members}
    assert share(overlay, set()) == 0.0
    for node in members:
        assert overlay.lookup(node.name, node.peer.topology.admitting_key()) == roots[node.name]


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_whoever_learns_from_many_is_not_cornered(seed: int) -> None:
    overlay, corner = cornered("disjoint-ways", seed=seed)
    assert share(overlay, corner) < 0.5


def test_a_certificate_of_the_right_overlay_is_what_accomplices_have() -> None:
    assert share(*cornered("overlay-authority")) == 1.0


@pytest.mark.parametrize("name", ["disjoint-ways", "density-test", "compared-bootstraps"])
def test_looking_first_keeps_nobody_out(name: str) -> None:
    overlay = small(12, defences=Defences().having(name))
    for user in ("carol", "dave", "erin"):
        node = overlay.new_peer(user)
        assert overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes)) in overlay.nodes
        overlay.advance(2.0)
    assert len(overlay.peers()) == 15
    assert ideal_ring(overlay.snapshot()) == []


def test_a_place_that_is_empty_by_chance_is_taken_in_the_end() -> None:
    overlay = small(12, defences=replace(Defences(), density=DensityTest(0.001, 3)))
    node = overlay.new_peer("carol")
    assert overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes)) in overlay.nodes
    doubts = list(trace_of(overlay).select(events.ResponderRejected, node=node.node_id))
    assert doubts
    assert {doubt.reason for doubt in doubts} == {RootReason.TOO_EMPTY}


def test_the_first_of_all_has_nobody_to_compare() -> None:
    overlay = small(1, defences=Defences().having("disjoint-ways", "density-test"))
    for user in ("carol", "dave"):
        node = overlay.new_peer(user)
        overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes))
    overlay.advance(3.0)
    assert ideal_ring(overlay.snapshot()) == []


def test_the_same_again_is_the_same_again() -> None:
    overlay, attack = misled("retry")
    node = overlay.new_peer("carol")
    with pytest.raises(JoinRefused):
        overlay.run(procedures.join(node.peer, node.peer.configuration.bootstrap_nodes))
    assert list(attack.misled) == [node.node_id]
