"""A peer that leaves while a neighbor lies dead unnoticed: the others keep their links with it until it is gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import trace as events
from p2psip_min.ids import NodeID
from tests.crafting import close_all, small, trace_of


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def test_nobody_drops_a_leaver_that_still_waits_for_a_dead_neighbor() -> None:
    overlay = small(12, links="tls")
    overlay.advance(700.0)  # Updates have opened the links
    leaver = overlay.peers()[5]
    dead = overlay.node(leaver.peer.topology.neighbors()[0])
    overlay.crash(dead.name)
    overlay.leave(leaver.name)
    overlay.advance(5.0)
    trace = trace_of(overlay)
    (left,) = trace.select(events.NodeLeft, node=leaver.node_id)
    began = min(event.t for event in trace.select(events.NodeCrashed, node=dead.node_id))
    assert left.t - began > 5.0  # it did wait
    closed = [
        event
        for event in trace.select(events.LinkClosed)
        if NodeID(event.remote) == leaver.node_id and event.node != dead.node_id
    ]
    assert closed
    assert all(event.t >= left.t for event in closed)


def test_an_update_that_comes_after_the_good_bye_brings_nobody_back() -> None:
    """The leaver sent it before; who takes it among its spare peers has no link left to notice the mistake by."""
    overlay = small(40, links="plain")
    overlay.advance(700.0)
    leaver = overlay.peers()[7]
    update = leaver.peer.topology.make_neighbor_update(overlay.now)
    others = [node for node in overlay.peers() if node is not leaver]
    overlay.leave(leaver.name)
    late = [node for node in others if node.peer.links.connected(leaver.node_id)]
    for node in late:
        node.peer.topology.on_update(leaver.node_id, update, overlay.now)
    spare = [node for node in late if leaver.node_id not in node.peer.topology.table()]
    assert spare
    overlay.advance(5.0)
    assert not [node for node in spare if leaver.node_id in node.peer.topology.linked()]
    # As an entry it keeps its link, and the first message on it finds out.
    kept = [node for node in others if leaver.node_id in node.peer.topology.linked()]
    assert all(node.peer.links.connected(leaver.node_id) for node in kept)
    overlay.advance(1300.0)
    assert not [node for node in others if leaver.node_id in node.peer.topology.neighbors()]
