"""Devices: a node that comes and goes on one machine, under one identity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from p2psip_min import trace as events
from p2psip_min.devices import Device
from p2psip_min.errors import JoinReason, JoinRefused, LinkRefused, LocalProtocolError, TrustedBase
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.seams import Coalition, PeerParts
from tests.crafting import close_all, small, trace_of


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def comes_and_goes(overlay: Overlay, device: Device, times: int) -> None:
    """Join and leave so many times."""
    for _ in range(times):
        overlay.run(device.join())
        assert device.is_peer
        overlay.run(device.leave())
        overlay.advance(2.0)
        assert not device.is_peer


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_a_device_comes_back_as_the_same_node_at_the_same_address(links: str) -> None:
    overlay = small(6, links=links, servers=1)
    device = Device(overlay, "carol")
    assert device.node_id is None
    comes_and_goes(overlay, device, 2)
    overlay.run(device.join())
    joined = list(trace_of(overlay).select(events.NodeJoined, node=device.node_id))
    granted = list(trace_of(overlay).select(events.EnrollmentGranted, node_id=device.node_id))
    assert (len(joined), len(granted)) == (3, 1)
    assert overlay.node("carol") is device.node
    assert overlay.lookup("p00", ResourceID(overlay.node("carol").node_id)) == device.node_id


def test_coming_back_takes_no_longer_than_coming() -> None:
    overlay = small(8)
    device = Device(overlay, "carol")
    comes_and_goes(overlay, device, 1)
    began = overlay.now
    overlay.run(device.join())
    assert overlay.now - began < 5.0


def test_a_node_that_comes_back_repeats_no_transaction() -> None:
    overlay = small(4)
    device = Device(overlay, "carol")
    comes_and_goes(overlay, device, 2)
    requests = [event for event in trace_of(overlay).select(events.MessageSent, node=device.node_id) if event.code & 1]
    again = list(trace_of(overlay).select(events.RequestRetransmitted, node=device.node_id))
    assert len({event.transaction_id for event in requests}) == len(requests) - len(again)


def test_a_settled_peer_has_a_device_too() -> None:
    overlay = small(6)
    node = overlay.peers()[4]
    device = Device.of(overlay, node)
    overlay.run(device.leave())
    overlay.run(device.join())
    assert device.node is not None
    assert (device.node.node_id, device.node.address) == (node.node_id, node.address)
    assert device.node is not node


def test_a_device_may_be_a_client_and_a_peer_later() -> None:
    overlay = small(4)
    device = Device(overlay, "carol")
    overlay.run(device.attach())
    assert device.node is not None
    assert (device.node.is_client, device.is_peer) == (True, False)
    assert overlay.lookup("carol", ResourceID.of("x")) in overlay.nodes
    overlay.run(device.join())
    assert (device.node.is_client, device.is_peer) == (False, True)


def test_what_does_not_run_can_not_leave() -> None:
    overlay = small(4)
    device = Device(overlay, "carol")
    with pytest.raises(LocalProtocolError, match="nothing runs on carol"):
        overlay.run(device.leave())
    overlay.run(device.join())
    overlay.driver.call(device.crash)
    with pytest.raises(LocalProtocolError):
        overlay.driver.call(device.crash)
    assert any(trace_of(overlay).select(events.NodeCrashed, node=device.node_id))


def test_nobody_lets_a_device_in_where_nobody_is() -> None:
    overlay = small(3)
    for node in overlay.peers():
        overlay.crash(node.name)
    device = Device(overlay, "carol")
    with pytest.raises(JoinRefused) as caught:
        overlay.run(device.join())
    assert caught.value.reason is JoinReason.NO_BOOTSTRAP
    with pytest.raises(LinkRefused):
        overlay.run(device.attach())
    assert not device.is_peer


def test_an_owner_may_run_what_he_likes_where_the_base_allows_it() -> None:
    seen: list[PeerParts] = []

    def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
        seen.append(parts)
        return replace(parts)

    overlay = small(4)
    overlay.run(Device(overlay, "mallory", equip=equip, label="strange").join())
    assert len(seen) == 1
    assert list(overlay.roles.hostile.values()) == ["strange"]
    trusted = small(4, base="trusted")
    with pytest.raises(TrustedBase):
        trusted.run(Device(trusted, "mallory", equip=equip).join())
