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
