"""Finding the peer responsible for a key: recursively by routing, or iteratively by RouteQuery (§6.2, §6.4.2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from p2psip_min import trace as events
from p2psip_min.errors import LinkRefused, RemoteFault, RequestTimedOut
from p2psip_min.exchange import Received
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures.attach import attach
from p2psip_min.routing.iterative import Ask, Lost, Walk
from p2psip_min.wire.messages import PingReq, RouteQueryReq


@dataclass(frozen=True, slots=True)
class Located:
    """Who is responsible for a key, and the peers that were asked on the way, in order."""

    responder: NodeID
    path: tuple[NodeID, ...]


async def locate(peer: Peer, key: ResourceID) -> Located:
    """Walk to the peer responsible for ``key`` by RouteQuery, linking with each step (iterative routing).

    A step that fails is gone around; raises RequestTimedOut when nobody is left to ask.
    """
    if not peer.is_client and peer.topology.responsible(key):
        return Located(peer.node_id, ())
    walk = Walk(peer.topology, key, progress=peer.defences.progress)
    step = walk.begin()
    while isinstance(step, Ask):
        try:
            if step.via is not None and not peer.links.connected(step.node):
                await attach(peer, (step.via, step.node), next_hop=step.via)
            received = await peer.request((step.node,), RouteQueryReq(False, key), next_hop=step.node)
        except (RemoteFault, LinkRefused):
            step = walk.failed(step.node)
        else:
            step = walk.answered(step.node, received.body.next_peer)
    if isinstance(step, Lost):
        raise RequestTimedOut(step.reason.value)
    return Located(step.node, step.path)


async def ask(peer: Peer, resource: ResourceID, body: Any, *, certificates: tuple[bytes, ...] = ()) -> Received:
    """Send ``body`` to the peer responsible for ``resource``, by the overlay's routing style."""
    if not peer.iterative:
        received = await peer.request((resource,), body, certificates=certificates, ways=peer.defences.paths.ways)
        # Answers come back the way the request went, and every hop takes one off the ttl.
        hops = peer.initial_ttl - received.envelope.ttl
    else:
        found = await locate(peer, resource)
        last = None if found.responder == peer.node_id else found.responder
        received = await peer.request((resource,), body, next_hop=last, certificates=certificates)
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
