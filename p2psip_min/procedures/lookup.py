"""Finding the peer responsible for a key: recursively by routing, or iteratively by RouteQuery (§6.2, §6.4.2.4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from p2psip_min import trace as events
from p2psip_min.errors import ErrorAnswer, LinkRefused, Malformed, RemoteFault, RequestTimedOut
from p2psip_min.exchange import Received
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures.attach import attach
from p2psip_min.procedures.custody import cleared, look_into
from p2psip_min.procedures.diagnose import diagnose
from p2psip_min.procedures.several import at_once
from p2psip_min.procedures.standing import confirm
from p2psip_min.procedures.survey import proven
from p2psip_min.routing.iterative import Ask, Lost, Walk
from p2psip_min.wire.header import decode_destinations
from p2psip_min.wire.message import OTHER_NEXT_HOPS, Message
from p2psip_min.wire.messages import ErrorCode, PingReq, RouteQueryReq


@dataclass(frozen=True, slots=True)
class Located:
    """Who is responsible for a key, and the peers that were asked on the way, in order."""

    responder: NodeID
    path: tuple[NodeID, ...]


async def locate(peer: Peer, key: ResourceID) -> Located:
    """Walk to the peer responsible for ``key`` by RouteQuery, linking with each step (iterative routing).

    A step that fails is gone around. Where several walks go at once each takes a way of its own, and who has the best
    claim of those that they find counts. Raises RequestTimedOut when nobody is left to ask.
    """
    if not peer.is_client and peer.topology.responsible(key):
        return Located(peer.node_id, ())
    paths = peer.defences.paths
    walks = [Walk(peer.topology, key, progress=peer.defences.progress, way=way) for way in range(paths.ways)]
    found = await at_once(peer, [_walk(peer, key, walk) for walk in walks], paths.patience)
    return paths.best(found, lambda one, other: peer.topology.closer(one.responder, other.responder, key))


async def _walk(peer: Peer, key: ResourceID, walk: Walk) -> Located:
    step = walk.begin()
    while isinstance(step, Ask):
        try:
            async with asyncio.timeout(peer.defences.referral.patience):
                if step.via is not None and not peer.links.connected(step.node):
                    await attach(peer, (step.via, step.node), next_hop=step.via)
                query = RouteQueryReq(False, key)
                received = await peer.request((step.node,), query, next_hop=step.node, ways=(walk.way,))
            named = named_in(received.message)
        except (RemoteFault, LinkRefused, Malformed, TimeoutError):
            step = walk.failed(step.node)
        else:
            step = walk.answered(step.node, named)
    if isinstance(step, Lost):
        raise RequestTimedOut(step.reason.value)
    return Located(step.node, step.path)


def named_in(answer: Message) -> tuple[NodeID, ...]:
    """The next hops that an answer to RouteQuery names, the best first."""
    others = [extension.contents for extension in answer.extensions if extension.type == OTHER_NEXT_HOPS]
    named = (answer.body.next_peer, *(node for raw in others for node in decode_destinations(raw)))
    return tuple(dict.fromkeys(node for node in named if isinstance(node, NodeID)))


async def ask(peer: Peer, resource: ResourceID, body: Any, *, certificates: tuple[bytes, ...] = ()) -> Received:
    """Send ``body`` to the peer responsible for ``resource``, by the overlay's routing style."""
    if not peer.iterative:
        received = await _by_routing(peer, resource, body, certificates)
        # Answers come back the way the request went, and every hop takes one off the ttl.
        hops = peer.initial_ttl - received.envelope.ttl
    else:
        found = await locate(peer, resource)
        last = None if found.responder == peer.node_id else found.responder
        received = await peer.request((resource,), body, next_hop=last, certificates=certificates)
        hops = len(found.path)
    if peer.defences.root_proof.witnesses and received.signer != peer.node_id:
        received = await proven(peer, resource, body, received, certificates)
    await confirm(peer, received.signer, body.code)
    peer.emit(
        events.LookupCompleted(
            peer.now(), peer.node_id, received.envelope.transaction_id, resource, received.signer, hops
        )
    )
    return received


async def _by_routing(peer: Peer, resource: ResourceID, body: Any, certificates: tuple[bytes, ...]) -> Received:
    """Let the peers on the way pass the request on; where it gets no answer, find the end of the way and ask there."""
    ways = range(peer.defences.paths.ways)
    try:
        return await peer.request((resource,), body, certificates=certificates, ways=ways)
    except ErrorAnswer as refused:
        # A no may be to what somebody on the way has made of the request.
        if peer.passages is not None and refused.code == ErrorCode.FORBIDDEN:
            await look_into(peer, refused.transaction_id, resource)
        raise
    except RequestTimedOut as lost:
        if peer.passages is not None and await cleared(peer, lost.transaction_id, resource):
            return await peer.request((resource,), body, certificates=certificates, ways=ways)
        if not peer.defences.diagnosis.follows_up:
            raise
        found = await diagnose(peer, resource, body)
        if found.responder is None:
            raise
        return await peer.request((resource,), body, next_hop=found.responder, certificates=certificates)


async def ping(peer: Peer, destination: Destination) -> NodeID:
    """Ping a node, or whoever is responsible for a resource; returns who answered."""
    if isinstance(destination, ResourceID):
        return (await ask(peer, destination, PingReq())).signer
    return (await peer.request((destination,), PingReq())).signer
