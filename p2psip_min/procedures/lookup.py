"""Finding the peer responsible for a key: recursively by routing, or iteratively by RouteQuery (§6.2, §6.4.2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from p2psip_min import trace as events
from p2psip_min.errors import LinkRefused, RequestTimedOut
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.peer import Peer, Received
from p2psip_min.procedures.attach import attach
from p2psip_min.wire.messages import PingReq, RouteQueryReq

MAX_STEPS = 64
"""Steps after which an iterative lookup gives up: far more than any honest ring takes."""


@dataclass(frozen=True, slots=True)
class Located:
    """Who is responsible for a key, and the peers that were asked on the way, in order."""

    responder: NodeID
    path: tuple[NodeID, ...]


async def locate(peer: Peer, key: ResourceID) -> Located:
    """Walk to the peer responsible for ``key`` by RouteQuery, linking with each step (iterative routing).

    Raises RequestTimedOut when a step leads nowhere; the step that failed is the last of the path so far.
    """
    if not peer.is_client and peer.topology.responsible(key):
        return Located(peer.node_id, ())
    step = peer.topology.next_hop(key)
    if step is None:
        raise RequestTimedOut("nobody to ask")
    path: list[NodeID] = []
    while len(path) < MAX_STEPS:
        path.append(step)
        received = await peer.request((step,), RouteQueryReq(False, key), next_hop=step)
        following: NodeID = received.body.next_peer
        if following == step:
            return Located(step, tuple(path))
        if following == peer.node_id or following in path:
            raise RequestTimedOut("the walk came back to where it had been")
        if not peer.links.connected(following):
            try:
                await attach(peer, (step, following), next_hop=step)
            except LinkRefused as error:
                raise RequestTimedOut(f"no link to the next step: {error}") from None
        step = following
    raise RequestTimedOut(f"no end after {MAX_STEPS} steps")


async def ask(peer: Peer, resource: ResourceID, body: Any) -> Received:
    """Send ``body`` to the peer responsible for ``resource``, by the overlay's routing style."""
    if not peer.iterative:
        received = await peer.request((resource,), body)
        # Answers come back the way the request went, and every hop takes one off the ttl.
        hops = peer.configuration.initial_ttl - received.envelope.ttl
    else:
        found = await locate(peer, resource)
        last = None if found.responder == peer.node_id else found.responder
        received = await peer.request((resource,), body, next_hop=last)
        hops = len(found.path)
    peer.emit(
        events.LookupCompleted(
            peer.now(), peer.node_id, received.envelope.transaction_id, resource, received.signer, hops
        )
    )
    return received


async def ping(peer: Peer, destination: Destination) -> NodeID:
    """Ping a node, or whoever is responsible for a resource; returns who answered."""
    if isinstance(destination, ResourceID):
        return (await ask(peer, destination, PingReq())).signer
    return (await peer.request((destination,), PingReq())).signer
