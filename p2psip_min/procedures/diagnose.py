"""Following up a request that got no answer, by PathTrack and probes (RFC 7851 §4.3, §6)."""

from __future__ import annotations

import asyncio
from typing import Any

from p2psip_min import trace as events
from p2psip_min.clock import milliseconds
from p2psip_min.errors import ErrorAnswer, LinkRefused, RemoteFault
from p2psip_min.exchange import Received
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures.attach import attach
from p2psip_min.routing.diagnosis import WAYS, Diagnosis, Finding, Trial, judged
from p2psip_min.routing.iterative import Ask, Found, Walk
from p2psip_min.routing.ways import next_hop_on
from p2psip_min.wire.messages import (
    DiagnosticInfo,
    DiagnosticsRequest,
    DiagnosticsResponse,
    ErrorCode,
    PathTrackAns,
    PathTrackReq,
    PingReq,
    StoreReq,
)
from p2psip_min.wire.options import wanted_way

STEP_WAIT = 7.0
"""Seconds that each peer is given to answer, and each request to come through: time to be sent a third time."""

EXPIRATION = 60.0
"""Seconds after which a diagnostic message is too old to be answered (RFC 7851 §5.1: 1 to 600)."""


async def diagnose(peer: Peer, resource: ResourceID, body: Any = None) -> Diagnosis:
    """Find out where requests for ``resource`` get lost; ``body`` is the one to try with, a Ping if there is none.

    A store is not tried again: a Ping goes in its place. Whom to suspect is also in the trace.
    """
    first = found = await _follow(peer, resource, 0)
    if first.responder is not None:
        trial = Trial(first.path)
        probe = PingReq() if body is None or isinstance(body, StoreReq) else body
        for node in trial:
            trial.tried(node, await _tried(peer, resource, probe, node, first.responder))
        suspicion = trial.suspicion
    else:
        suspicion = judged(first, await _looked_for(peer, first))
        for way in range(1, WAYS):
            found = await _follow(peer, resource, way)
            if found.responder is not None:
                break
    if suspicion is not None:
        peer.emit(events.SuspectNamed(peer.now(), peer.node_id, 0, suspicion.suspect, suspicion.reason))
    return Diagnosis(found.path, found.responder, suspicion)


async def _looked_for(peer: Peer, broken: Finding) -> list[Finding]:
    """The other ways to whom the last one on a way named, until one of them ends with it."""
    others: list[Finding] = []
    if broken.named is not None:
        for way in range(1, WAYS):
            others.append(await _follow(peer, ResourceID(broken.named), way))
            if others[-1].responder == broken.named:
                break
    return others


async def _follow(peer: Peer, resource: ResourceID, way: int) -> Finding:
    """Ask for a way step by step until it ends, or breaks off."""
    walk = Walk(peer.topology, resource, way=way)
    step = walk.begin()
    path: tuple[NodeID, ...] = ()
    while isinstance(step, Ask):
        if step.via is not None and not await reached(peer, step.node, step.via):
            return Finding(path, named=step.node)
        path = (*path, step.node)
        named = await _told(peer, resource, step.node, way)
        if named is None:
            return Finding(path)
        step = walk.answered(step.node, (named,))
        if isinstance(step, Ask) and step.via is None:
            break  # it leads back: to somebody on the way, or to us
    return Finding(path, responder=step.node if isinstance(step, Found) else None)


async def reached(peer: Peer, node: NodeID, via: NodeID) -> bool:
    """Whether there is a link with ``node``, or ``via``, who named it, can help to one."""
    if peer.links.connected(node):
        return True
    try:
        async with asyncio.timeout(STEP_WAIT):
            await attach(peer, (via, node), next_hop=via)
    except (RemoteFault, LinkRefused, TimeoutError):
        return False
    return True


async def _told(peer: Peer, resource: ResourceID, node: NodeID, way: int) -> NodeID | None:
    """Whom ``node`` would pass requests for ``resource`` on to; None when it does not say in time."""
    now = peer.now()
    asked = PathTrackReq(resource, DiagnosticsRequest(milliseconds(now + EXPIRATION), milliseconds(now), 0))
    try:
        async with asyncio.timeout(STEP_WAIT):
            named = (await peer.request((node,), asked, next_hop=node, ways=(way,))).body.next_hop
    except (RemoteFault, TimeoutError):
        return None
    return named if isinstance(named, NodeID) else None


async def _tried(peer: Peer, resource: ResourceID, body: Any, node: NodeID, end: NodeID) -> NodeID | None:
    """Who answers a request that is given straight to ``node``; None when nobody does in time."""
    try:
        async with asyncio.timeout(STEP_WAIT):
            return (await peer.request((resource,), body, next_hop=node)).signer
    except ErrorAnswer:
        return end  # a no is an answer, and as far as one can tell it is from the end
    except (RemoteFault, TimeoutError):
        return None


def on_path_track(peer: Peer, received: Received) -> PathTrackAns:
    """Name the next hop to a destination, and tell when the question came and how far it had to go (RFC 7851 §6.3).

    Facts about this node are told to nobody, for no configuration of ours authorises anybody (RFC 7851 §7).
    """
    asked: PathTrackReq = received.body
    now = peer.now()
    if asked.request.expiration <= milliseconds(now):
        raise ErrorAnswer(ErrorCode.MESSAGE_EXPIRED, b"expired")
    if asked.request.dm_flags or asked.request.extensions:
        raise ErrorAnswer(ErrorCode.FORBIDDEN, b"no diagnostic kind is open to anybody")
    if not peer.joined:
        raise ErrorAnswer(ErrorCode.NOT_FOUND, b"not a peer")
    next_hop = next_hop_on(peer.topology, asked.destination, wanted_way(received.envelope.options)) or peer.node_id
    return PathTrackAns(next_hop, times(peer, received))


def times(peer: Peer, received: Received, diagnostics: tuple[DiagnosticInfo, ...] = ()) -> DiagnosticsResponse:
    """When the question came and how far it had to go, and what else is told."""
    initiated, now = received.body.request.timestamp_initiated, peer.now()
    return DiagnosticsResponse(
        milliseconds(now + EXPIRATION), initiated, milliseconds(now), received.envelope.ttl, diagnostics
    )
