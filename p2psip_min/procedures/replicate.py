"""Copies: to replicas after a store, to new holders after a change, to heirs on leaving (RFC 6940 §10.4, §10.7.3).

``peer.copies`` remembers who acknowledged what, so that a change of the neighbor table moves only what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from p2psip_min.errors import ErrorAnswer, RemoteFault, RequestTimedOut, StoreReason
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.storage.replication import GIVE_UP, Duty, GiveUp, Transfer, duties, for_joining, for_leaving
from p2psip_min.storage.selection import whole
from p2psip_min.wire.messages import ErrorCode, FetchReq

if TYPE_CHECKING:
    from p2psip_min.exchange import Received
    from p2psip_min.peer import Peer


def copy_out(peer: Peer, resource: ResourceID, holder: NodeID, replica_number: int) -> None:
    """Send a copy without waiting for it."""
    peer.spawn(_copy_quietly(peer, resource, holder, replica_number), "copy")


async def _copy_quietly(
    peer: Peer, resource: ResourceID, holder: NodeID, replica_number: int, *, routed: bool = False
) -> None:
    try:
        await send_copy(peer, resource, holder, replica_number, routed=routed)
    except RemoteFault:
        return  # the next look at the copies tries again


async def send_copy(
    peer: Peer, resource: ResourceID, holder: NodeID, replica_number: int, *, routed: bool = False
) -> bool:
    """Store a copy at ``holder``; when it has something younger, take that over (§7.4.1.1, healing).

    ``routed``: whoever is responsible gets it; from afar we may be wrong about who that is, and ``holder`` is a guess.
    It may take from a stranger only what it lacks: then what it has is looked at. Returns whether it knows now what is
    held here, or takes us for a stranger.
    """
    state = peer.copies.state(resource, holder)
    way: tuple[Destination, ...] = (resource,) if routed else (holder,)
    next_hop = None if routed else holder
    for export in peer.store.export(resource, replica_number, peer.now()):
        try:
            await peer.request(way, export.request, next_hop=next_hop, certificates=export.certificates)
        except ErrorAnswer as error:
            stranger = routed and error.info == StoreReason.NOT_A_REPLICA.encode()
            if not stranger and error.code not in (ErrorCode.DATA_TOO_OLD, ErrorCode.GENERATION_COUNTER_TOO_LOW):
                raise
            everything = tuple(whole(spec) for spec in peer.surroundings.kinds.values())
            received = await peer.request(way, FetchReq(resource, everything), next_hop=next_hop)
            _adopt(peer, resource, holder, received)
            return stranger
    peer.copies.acknowledged(resource, holder, state)
    return True


def _adopt(peer: Peer, resource: ResourceID, holder: NodeID, received: Received) -> None:
    bucket = received.message.security.certificates
    adopted = peer.store.adopt(
        resource,
        received.body,
        certificates=lambda identity: peer.certificate_for(identity, bucket),
        now=peer.now(),
    )
    for event in adopted.events:
        peer.emit(event)
    if adopted.changed:
        peer.copies.stored(resource, holder if adopted.covers else None)
        peer.unchecked = True  # what it lacks of ours is still to be sent
    elif adopted.covers:
        peer.copies.acknowledged(resource, holder)


def look_after_copies(peer: Peer) -> None:
    """Have every copy checked, when no hold-down is on; one check at a time."""
    if peer.copying is not None:
        peer.unchecked = True
    elif peer.joined and not peer.leaving:
        peer.copying = peer.spawn(_check_copies(peer), "check copies")


async def _check_copies(peer: Peer) -> None:
    count = peer.defences.copies
    try:
        if (wait := peer.hold_copies_until - peer.now()) > 0:
            await asyncio.sleep(wait)
        peer.unchecked = False
        later: list[Transfer] = []
        silent: dict[NodeID, None] = {}
        for resource in peer.store.resources():
            peer.copies.only(resource, _concerned(peer, resource, count))
            later += await _do(peer, duties(resource, peer.topology, peer.copies, count), silent)
        if later:
            await asyncio.sleep(max(duty.delay for duty in later))
            for duty in later:
                await _do(peer, duties(duty.resource, peer.topology, peer.copies, count), silent, delayed=True)
    finally:
        peer.copying = None
    if peer.unchecked:
        look_after_copies(peer)


def _concerned(peer: Peer, resource: ResourceID, count: int) -> tuple[NodeID, ...]:
    """Whose copies matter to this node: the replicas', or the responsible peer's."""
    topology = peer.topology
    return topology.replicas(resource, count) if topology.responsible(resource) else (topology.owner(resource),)


async def _do(
    peer: Peer, found: Iterable[Duty], silent: dict[NodeID, None], *, delayed: bool = False
) -> list[Transfer]:
    """Carry out what is due now; returns what is to be looked at again later. Who was ``silent`` is not asked twice."""
    later: list[Transfer] = []
    for duty in found:
        if isinstance(duty, GiveUp):
            if duty.to not in silent and await _taken(peer, duty, silent):
                for event in peer.store.drop(duty.resource, peer.now()):
                    peer.emit(event)
                peer.copies.forget(duty.resource)
        elif duty.delay and not delayed:
            later.append(duty)
        elif peer.links.connected(duty.to):
            await _copy_quietly(peer, duty.resource, duty.to, duty.replica_number)
    return later


async def _taken(peer: Peer, duty: GiveUp, silent: dict[NodeID, None]) -> bool:
    """Whether the responsible peer has our copy, nobody has sent us one meanwhile, and it is still not ours to hold."""
    peer.giving_up = duty.resource
    peer.copies.doubt(duty.resource, duty.to)  # what it has acknowledged before does not count
    try:
        known = await send_copy(peer, duty.resource, duty.to, GIVE_UP, routed=True)
    except RemoteFault as fault:
        if isinstance(fault, RequestTimedOut):
            silent[duty.to] = None
        return False  # the next look tries again
    finally:
        still, peer.giving_up = peer.giving_up == duty.resource, None
    missing = peer.copies.missing(duty.resource, duty.to)
    ours = duty not in duties(duty.resource, peer.topology, peer.copies, peer.defences.copies)
    return known and still and not missing and not ours


async def hand_over_to(peer: Peer, joining: NodeID) -> None:
    """Give a joining node what it will be responsible for (§10.5, step 6); raises RemoteFault when it can't take it."""
    for duty in for_joining(
        peer.store.resources(), joining, lambda resource: _takes_over(peer, joining, resource), peer.copies
    ):
        await send_copy(peer, duty.resource, duty.to, duty.replica_number)


def _takes_over(peer: Peer, joining: NodeID, resource: ResourceID) -> bool:
    return peer.topology.would_own(joining, resource) or peer.topology.owner(resource) == joining


async def hand_over_all(peer: Peer) -> None:
    """Before leaving, give what we are responsible for to those who will hold it."""
    count = peer.defences.copies
    for duty in for_leaving(peer.store.resources(), peer.topology, peer.copies, count):
        await _copy_quietly(peer, duty.resource, duty.to, duty.replica_number)


def handed_over(peer: Peer) -> bool:
    """Whether somebody else is known to hold each resource that is here; so is a node that never met anybody."""
    count = peer.defences.copies
    heirs = peer.topology.replicas
    return not peer.acquaintances or all(
        any(not peer.copies.missing(resource, heir) for heir in heirs(resource, count + 1))
        for resource in peer.store.resources()
    )
