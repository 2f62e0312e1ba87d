"""Join control in an overlay: at each of its places, with what it costs and where it ends (draft 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.defences import Defences, preset
from p2psip_min.devices import Device
from p2psip_min.enrollment.configuration import parse
from p2psip_min.enrollment.joincontrol import JoinControl, Place
from p2psip_min.errors import JoinDeferred, JoinReason, JoinRefused
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.procedures.join import become_member
from p2psip_min.wire.messages import ErrorCode, JoinReq, MessageCode, UpdateReq
from tests.crafting import Hand, close_all, small, trace_of

PLACES = ["join-control-server", "join-control-neighbors", "join-control-bootstrap", "join-control"]


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def guarded(*names: str, peers: int = 8, base: Defences | None = None, **settings: Any) -> Overlay:
    """An overlay with these defences and no others."""
    return small(peers, defences=(base or Defences()).having(*names), servers=1, **settings)


def refused(overlay: Overlay, device: Device) -> JoinRefused:
    """Why a device does not get in."""
    with pytest.raises(JoinRefused) as caught:
        overlay.run(device.join())
    return caught.value


def restart(overlay: Overlay, device: Device) -> None:
    """Join and leave."""
    overlay.run(device.join())
    overlay.run(device.leave())
    overlay.advance(2.0)


@pytest.mark.parametrize("links", ["plain", "tls"])
@pytest.mark.parametrize("name", PLACES)
def test_who_comes_too_often_is_a_client_for_a_while_and_a_peer_again(name: str, links: str) -> None:
    overlay = guarded(name, links=links)
    device = Device(overlay, "carol")
    restart(overlay, device)
    restart(overlay, device)
    put_off = refused(overlay, device)
    assert isinstance(put_off, JoinDeferred)
    assert put_off.reason is JoinReason.TOO_OFTEN
    assert 200.0 < put_off.until - overlay.now <= 300.0
    assert overlay.run(device.come()) is False
    assert overlay.lookup("carol", ResourceID.of("x")) in overlay.nodes
    overlay.run(device.leave())
    overlay.advance(put_off.until - overlay.now + 60.0)
    assert overlay.run(device.come()) is True


@pytest.mark.parametrize("name", PLACES)
def test_others_are_not_put_off_by_it(name: str) -> None:
    overlay = guarded(name)
    carol = Device(overlay, "carol")
    restart(overlay, carol)
    restart(overlay, carol)
    refused(overlay, carol)
    for user in ("dave", "erin", "frank"):
        assert overlay.run(Device(overlay, user).come())


@pytest.mark.parametrize("name", [*PLACES, "probation"])
def test_whoever_may_wait_waits(name: str) -> None:
    overlay = small(3, defences=replace(Defences().having(name)), grown=True)
    overlay.add_peer("carol")
    assert len(overlay.peers()) == 4


def test_the_configuration_names_who_gives_permits() -> None:
    for name, count in (("join-control", 3), ("join-control-bootstrap", 1), ("join-control-server", 1)):
        overlay = guarded(name)
        configuration = overlay.provider.configuration
        bootstraps = tuple(node.node_id for node in overlay.peers()[:3])
        named = configuration.join_controls
        assert named == (overlay.provider.signer.node_ids if name.endswith("server") else bootstraps[:count])
        read = parse(configuration.document, overlay.name)
        assert getattr(read, "join_controls", None) == named
    assert guarded("join-control-neighbors").provider.configuration.join_controls == ()
    assert guarded().provider.configuration.join_controls == ()


def test_permits_are_asked_of_the_bootstrap_peer_that_has_the_track() -> None:
    overlay = guarded("join-control", peers=12)
    asked = set()
    for number in range(6):
        device = Device(overlay, f"user{number}")
        overlay.run(device.join())
        first = next(trace_of(overlay).select(events.MessageSent, node=device.node_id, code=MessageCode.JOIN_REQ))
        answers = trace_of(overlay).select(
            events.MessageSent, transaction_id=first.transaction_id, code=MessageCode.JOIN_ANS
        )
        asked |= {event.node for event in answers}
    assert len(asked) > 1
    assert asked <= set(overlay.provider.configuration.join_controls)


class Stubborn:
    """What a node does that keeps to no rule: it is tried by hand."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        for number in range(20):
            self.node = overlay.new_peer(f"mallory{number}")
            self.admitting = overlay.root(self.node.peer.topology.admitting_key())
            if self.admitting.node_id not in overlay.provider.configuration.join_controls:
                break
        overlay.run(self.node.peer.links.connect(None, self.admitting.address))
        self.hand = Hand(overlay, self.node.name)

    def join(self, permit: bytes = b"") -> bytes:
        """The error that a Join with this permit gets from the admitting peer."""
        (answer,) = self.hand.ask(self.admitting, JoinReq(self.node.node_id, permit))
        assert answer.body.error_code == ErrorCode.FORBIDDEN
        info: bytes = answer.body.error_info
        return info


@pytest.mark.parametrize("name", ["join-control-server", "join-control-bootstrap", "join-control"])
def test_without_a_permit_the_admitting_peer_says_no(name: str) -> None:
    overlay = guarded(name, peers=12)
    stubborn = Stubborn(overlay)
    for permit in (b"", b"nonsense"):
        assert stubborn.join(permit) == JoinReason.NO_PERMIT.encode()


def test_a_permit_of_a_peer_that_gives_none_is_worth_nothing() -> None:
    from p2psip_min.enrollment.joincontrol import state
    from p2psip_min.wire.codec import encode

    overlay = guarded("join-control", peers=12)
    stubborn = Stubborn(overlay)
    own = stubborn.node.peer.parts.identity
    permit = encode(state(own, own.node_id, overlay.surroundings.overlay, overlay.now + 100.0))
    assert stubborn.join(permit) == JoinReason.NO_PERMIT.encode()


def test_where_the_server_is_off_nobody_gets_in() -> None:
    overlay = guarded("join-control-server")
    device = Device(overlay, "carol")
    overlay.run(device.enroll())
    overlay.servers_off()
    assert refused(overlay, device).reason is JoinReason.NO_PERMIT
    overlay.servers_on()
    overlay.run(device.join())


def test_where_the_bootstrap_server_is_down_nobody_gets_in() -> None:
    overlay = guarded("join-control-bootstrap")
    device = Device(overlay, "carol")
    overlay.run(device.enroll())
    overlay.crash("p00")
    overlay.advance(10.0)
    assert refused(overlay, device).reason is JoinReason.NO_PERMIT


def sneak(overlay: Overlay, name: str) -> int:
    """Have a node take its place by mere Updates, without a Join; returns how many peers have it in their tables."""
    node = overlay.node(name)
    for other in overlay.peers():
        overlay.run(procedures.attach(node.peer, (other.node_id,), next_hop=None)) if node.peer.links.connected(
            other.node_id
        ) else overlay.run(node.peer.links.connect(None, other.address))
    overlay.driver.call(lambda: become_member(node.peer, b"", settled=True))
    for other in overlay.peers():
        if other is not node:
            body = UpdateReq(node.peer.topology.make_neighbor_update(overlay.now))
            overlay.driver.call(lambda other=other, body=body: node.peer.tell(other.node_id, body))  # type: ignore[misc]
    overlay.advance(3.0)
    return sum(node.node_id in other.peer.topology.table() for other in overlay.peers())


def test_a_permit_does_not_keep_out_who_skips_the_join_but_neighbors_do() -> None:
    for name, kept_out in (("join-control", False), ("join-control-neighbors", True)):
        overlay = guarded(name)
        device = Device(overlay, "mallory")
        restart(overlay, device)
        restart(overlay, device)
        refused(overlay, device)
        assert device._papers is not None
        overlay.install(device._papers[1], "mallory", device._papers[0])
        assert (sneak(overlay, "mallory") == 0) is kept_out


# --- probation and the black list -------------------------------------------------------------------------------------


def test_a_newcomer_is_a_client_at_first() -> None:
    overlay = guarded("probation")
    device = Device(overlay, "carol")
    put_off = refused(overlay, device)
    assert isinstance(put_off, JoinDeferred)
    assert put_off.reason is JoinReason.PROBATION
    assert overlay.run(device.come()) is False
    overlay.advance(put_off.until - overlay.now)
    assert overlay.run(device.come()) is True


def test_probation_is_served_at_each_place() -> None:
    for place in PLACES:
        overlay = guarded(place, "probation")
        device = Device(overlay, "carol")
        assert overlay.run(device.come()) is False
        overlay.advance(61.0)
        assert overlay.run(device.come()) is True


@pytest.mark.parametrize("signed", [(), ("message-signature",)])
@pytest.mark.parametrize("place", PLACES)
def test_members_from_before_are_no_newcomers(place: str, signed: tuple[str, ...]) -> None:
    overlay = guarded(place, "probation", *signed)
    device = Device.of(overlay, overlay.peers()[-1])
    overlay.run(device.leave())
    overlay.advance(2.0)
    overlay.run(device.join())
    assert overlay.run(Device(overlay, "carol").come()) is False


def test_a_newcomer_is_a_client_until_it_may_join() -> None:
    overlay = guarded("probation")
    device = Device(overlay, "carol")
    began = overlay.now
    overlay.run(device.join_in_time())
    assert device.is_peer
    assert 60.0 <= overlay.now - began < 70.0
    (served,) = trace_of(overlay).select(events.ClientAttached, node=device.node_id)
    assert served.t < began + 5.0


def banned(*names: str, **settings: Any) -> tuple[Overlay, Device]:
    """An overlay that has just put mallory's Node-ID on the list; she is out."""
    overlay = guarded(*names, peers=8, **settings)
    device = Device(overlay, "mallory")
    restart(overlay, device)
    overlay.revoke("mallory")
    overlay.advance(5.0)
    return overlay, device


@pytest.mark.parametrize(
    "names", [("black-list",), ("black-list", "join-control"), ("black-list", "join-control-server")]
)
def test_whom_the_list_names_does_not_come_in_again(names: tuple[str, ...]) -> None:
    overlay, device = banned(*names)
    assert refused(overlay, device).reason is JoinReason.BLACK_LISTED
    overlay.install(device._papers[1], "mallory", device._papers[0])  # type: ignore[index]
    assert sneak(overlay, "mallory") == 0


def test_a_list_that_nobody_reads_keeps_nobody_out() -> None:
    overlay, device = banned()
    overlay.run(device.join())
    assert device.is_peer


def test_its_owner_comes_in_under_another_name() -> None:
    overlay, _ = banned("black-list")
    overlay.run(Device(overlay, "mallory2").join())


def test_everything_at_once_lets_an_honest_user_in() -> None:
    overlay = small(8, defences=preset("hardened"), links="plain", servers=1)
    overlay.add_peer("carol")
    assert overlay.node("carol").peer.joined


def test_a_number_sets_how_often() -> None:
    rule = JoinControl(Place.NEIGHBORS, 5)
    overlay = small(6, defences=replace(Defences(), join_control=rule))
    device = Device(overlay, "carol")
    for _ in range(5):
        restart(overlay, device)
    assert refused(overlay, device).reason is JoinReason.TOO_OFTEN
