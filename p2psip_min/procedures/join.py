"""Joining: the nine steps of RFC 6940 §10.5, from both sides."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from p2psip_min import trace as events
from p2psip_min.errors import (
    ErrorAnswer,
    JoinDeferred,
    JoinReason,
    JoinRefused,
    LinkRefused,
    RemoteFault,
    RequestTimedOut,
)
from p2psip_min.exchange import Received
from p2psip_min.ids import Destination, NodeID
from p2psip_min.peer import Peer
from p2psip_min.procedures.admission import check_permit, deferral, get_permit, give_permit, reason_of
from p2psip_min.procedures.attach import attach
from p2psip_min.procedures.entrance import UPDATE_WAIT, entrances
from p2psip_min.procedures.maintain import keep_asking, maintain, react, remember, verified
from p2psip_min.procedures.replicate import hand_over_to
from p2psip_min.procedures.standing import confirm
from p2psip_min.routing.entrance import Entrance
from p2psip_min.transport.network import Address
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.messages import ErrorCode, JoinAns, JoinReq, UpdateReq

JOIN_TRIES = 5
"""How often a node goes through its bootstrap nodes before it gives up."""

RETRY_PAUSE = 4.0
"""Seconds before the next try, and up to as many more by chance, so that two who met do not meet again."""


async def join(peer: Peer, bootstraps: Sequence[Address]) -> NodeID:
    """Become a peer of the overlay; returns the admitting peer, raises JoinRefused."""
    reason = JoinReason.NO_BOOTSTRAP
    peer.entrances = tuple(bootstraps)
    for attempt in range(JOIN_TRIES):
        if attempt:
            await asyncio.sleep(RETRY_PAUSE * (1 + peer.rng.random()))
        async for entrance in entrances(peer, bootstraps):
            try:
                return await _join_through(peer, entrance)
            except LinkRefused:
                continue  # what another one has answered says more
            except RequestTimedOut:
                reason = JoinReason.TIMED_OUT
            except JoinRefused as refused:
                if refused.reason is JoinReason.NODE_ID_TAKEN or isinstance(refused, JoinDeferred):
                    return _refused(peer, refused)
                reason = JoinReason(refused.reason)
            except ErrorAnswer as error:
                if (put_off := deferral(peer, error.info)) is not None:
                    return _refused(peer, put_off)
                reason = reason_of(error)
    return _refused(peer, JoinRefused(reason))


async def join_in_time(peer: Peer, bootstraps: Sequence[Address]) -> NodeID:
    """Join, and where the overlay says not yet, wait until it lets us; raises JoinRefused."""
    while True:
        try:
            return await join(peer, bootstraps)
        except JoinDeferred as deferred:
            await asyncio.sleep(max(0.0, deferred.until - peer.now()))


def _refused(peer: Peer, refused: JoinRefused) -> NodeID:
    peer.emit(events.JoinRejected(peer.now(), peer.node_id, 0, refused.reason))
    raise refused


async def _join_through(peer: Peer, entrance: Entrance) -> NodeID:
    bootstrap = await peer.links.connect(None, entrance.address)  # step 1
    if bootstrap == peer.node_id:
        raise JoinRefused(JoinReason.NODE_ID_TAKEN)
    permit = await get_permit(peer, bootstrap)
    started = peer.now()
    place: Destination = entrance.admitting or peer.topology.admitting_key()
    way = (place,) if place == bootstrap else (bootstrap, place)
    admitting = await attach(peer, way, send_update=True, next_hop=bootstrap)
    if admitting == peer.node_id:
        raise JoinRefused(JoinReason.NODE_ID_TAKEN)
    if entrance.admitting not in (None, admitting):
        raise JoinRefused(JoinReason.MISLED)
    await confirm(peer, admitting, MessageCode.JOIN_REQ)
    await peer.update_from(admitting, started, UPDATE_WAIT)  # step 2: its routing table

    neighbors, resources = peer.topology.attach_targets()  # step 3: the future neighbors and fingers
    await asyncio.gather(
        *(_attach_quietly(peer, (admitting, node), admitting) for node in neighbors if node != admitting),
        # Who answers for a key is a peer: its own Update would tell a finger's owner nothing that it needs.
        *(_attach_quietly(peer, (resource,), admitting, send_update=False) for resource in resources),
    )

    started = math.nextafter(peer.now(), math.inf)  # the Update of step 2 may have come this very moment
    await peer.request((admitting,), JoinReq(peer.node_id, permit), next_hop=admitting)  # step 5
    await peer.update_from(admitting, started, UPDATE_WAIT)  # steps 6 and 7: its stores, then its Update
    become_member(peer, admitting)
    return admitting


def become_member(peer: Peer, admitting: bytes, *, settled: bool = False) -> None:
    """From now on the node is in the ring: it tells its neighbors (step 9) and looks after its tables.

    In a settled overlay everybody knows already; a node that is not ``maintained`` does nothing unasked.
    """
    peer.joined = True
    peer.joined_at = peer.now()
    peer.permit = (b"", 0.0)
    peer.emit(events.NodeJoined(peer.now(), peer.node_id, 0, admitting))
    for neighbor in peer.topology.neighbors():
        remember(peer, neighbor)
    if not settled:
        react(peer, peer.topology.announce_self())
    if peer.maintained:
        peer.spawn(maintain(peer), "maintain")
    if peer.defences.refresh.every:
        peer.spawn(keep_asking(peer, peer.defences.refresh.every), "ask for tables")


async def _attach_quietly(
    peer: Peer, destinations: tuple[Destination, ...], through: NodeID, *, send_update: bool = True
) -> None:
    try:
        remote = await attach(peer, destinations, send_update=send_update, next_hop=through)
    except (RemoteFault, LinkRefused):
        return  # it may have gone meanwhile; stabilisation finds another
    if await verified(peer, remote):
        react(peer, peer.topology.contacted(remote))  # step 4


def on_join(peer: Peer, received: Received) -> JoinAns | None:
    """Admit a node whose Node-ID, signature and link agree (RFC 6940 §6.4.2.1); silence is the answer to others."""
    joining = NodeID(received.body.joining_peer_id)
    if joining != received.signer:
        return None
    if not received.body.overlay_specific_data and peer.node_id in peer.configuration.join_controls:
        return give_permit(peer, received)
    if received.previous_hop != joining:
        return None
    if not peer.joined or peer.leaving or not peer.topology.responsible(joining):
        raise ErrorAnswer(ErrorCode.FORBIDDEN, b"not the admitting peer")
    check_permit(peer, joining, received.body.overlay_specific_data)
    if peer.admitting is not None and peer.admitting != joining:
        raise ErrorAnswer(ErrorCode.IN_PROGRESS, b"admitting another")
    peer.admitting = joining
    peer.spawn(_admit(peer, joining), "admit")
    return JoinAns()


async def _admit(peer: Peer, joining: NodeID) -> None:
    try:
        if not await verified(peer, joining):
            return
        await hand_over_to(peer, joining)  # step 6
        changes = peer.topology.admit(joining, peer.now())
        body = UpdateReq(peer.topology.make_full_update(peer.now()))
        await peer.request((joining,), body, next_hop=joining)  # step 7
        react(peer, changes)  # step 8
        await hand_over_to(peer, joining)  # what was stored here while step 6 ran
    except RemoteFault:
        react(peer, peer.topology.remove(joining, peer.now()))
    finally:
        peer.admitting = None
