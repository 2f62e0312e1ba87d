"""Keeping the tables right: reacting to changes, periodic stabilisation, failures, partitions (RFC 6940 §10.7)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from p2psip_min import trace as events
from p2psip_min.errors import ErrorAnswer, JoinReason, LinkReason, LinkRefused, Malformed, RemoteFault, RequestTimedOut
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.procedures.admission import may_return, note_departure
from p2psip_min.procedures.attach import attach
from p2psip_min.procedures.replicate import look_after_copies
from p2psip_min.storage.replication import HOLD_DOWN
from p2psip_min.transport.network import Address
from p2psip_min.wire.messages import ErrorCode, LeaveAns, PingReq, RouteQueryReq, UpdateAns, UpdateReq

if TYPE_CHECKING:
    from p2psip_min.exchange import Received
    from p2psip_min.peer import Peer
    from p2psip_min.routing.topology.base import Changes
    from p2psip_min.transport.link import OverlayLink

SETTLE = 0.1
"""Seconds for which changes of the neighbor table are gathered before they are announced in one Update."""

ANNOUNCEMENT = 1.0
"""Seconds in which a linked node that others name as our neighbor is given the chance to say so itself."""

COURT = "attach to neighbor"
"""What the task is called that attaches to a better neighbor."""

INTRODUCTION = 15.0
"""Seconds in which a node that we attached to must send the Update that we asked it for; clients never do."""

ACQUAINTANCES = 24
"""How many former neighbors a node remembers to find the overlay again, beside the bootstrap nodes (RFC 6940 §11.4)."""

PARTING = 1.0
"""Seconds after a good-bye for which the link stays, so that the answer arrives."""

PROBES = 3
"""How many nodes outside the table are asked in one look for another part of the overlay."""

FEW = 3
"""With no more others in its table, a node goes back to where it was told to join: they may know nobody else either."""

LONELY = 30.0
"""Seconds between two looks when all successors or all predecessors are gone (§10.7.1: behave as if joining)."""


def react(peer: Peer, changes: Changes, learned_from: NodeID | None = None) -> None:
    """Carry out what the topology decided: attach to better neighbors, tell the others, move copies."""
    for candidate in changes.candidates:
        if candidate not in peer.courting:
            peer.courting[candidate] = None
            peer.spawn(_court(peer, candidate, learned_from), COURT)
    for node in changes.tell:
        peer.tell(node, UpdateReq(peer.topology.make_neighbor_update(peer.now())))
    for node in changes.gained:
        remember(peer, node)
    if changes.neighbors_changed:
        peer.emit(events.NeighborsChanged(peer.now(), peer.node_id, 0, *peer.topology.snapshot()))
    if not (changes.neighbors_changed or changes.responsibility_changed):
        return
    peer.unannounced = changes if peer.unannounced is None else peer.unannounced.merged(changes)
    if peer.announcing is None and peer.joined:
        peer.announcing = peer.loop.call_later(SETTLE, _announce, peer)


def _announce(peer: Peer) -> None:
    changes, peer.unannounced, peer.announcing = peer.unannounced, None, None
    if changes is None or not peer.alive or not peer.joined or peer.leaving:
        return
    for remote, body in peer.topology.updates_for(changes, peer.now()):
        peer.tell(remote, UpdateReq(body))
    look_after_copies(peer)


async def _court(peer: Peer, candidate: NodeID, learned_from: NodeID | None) -> None:
    """Attach to a node that should be a neighbor, through the peer that named it (§10.6)."""
    try:
        if peer.links.connected(candidate):  # it has attached to us: then it is joining, and will announce itself
            await asyncio.sleep(ANNOUNCEMENT)
            if candidate in peer.topology.table():
                return
        through = learned_from if learned_from is not None and peer.links.connected(learned_from) else None
        destinations = (candidate,) if through is None else (through, candidate)
        started = peer.now()
        await attach(peer, destinations, send_update=True, next_hop=through)
        await peer.update_from(candidate, started, INTRODUCTION)
    except (RemoteFault, LinkRefused):
        react(peer, peer.topology.unreachable(candidate, peer.now()))
    finally:
        peer.courting.pop(candidate, None)


def on_update(peer: Peer, received: Received) -> UpdateAns | None:
    """Learn from a linked peer's tables; an Update that came over somebody else's link is ignored (§6.4.2.3)."""
    sender = received.signer
    if received.previous_hop != sender:
        return None
    if sender not in peer.topology.table() and not may_return(peer, sender):
        raise ErrorAnswer(ErrorCode.FORBIDDEN, JoinReason.TOO_OFTEN.encode())
    met = sender in peer.introduced or not peer.defences.introduction.certified
    if peer.joined or (met and not peer.wary):
        _take_update(peer, received)
    else:  # its answer to our Attach may be on its way, or we have a look first
        peer.hear_later(sender, lambda: _take_update(peer, received))
        peer.crowding[sender] = peer.topology.crowding(sender, received.body.overlay_specific_data)
        peer.heard_update(sender)
    return UpdateAns()


def _take_update(peer: Peer, received: Received) -> None:
    sender = received.signer
    if sender not in peer.topology.table():
        if not peer.defences.table_writes.admits(sender in peer.attached):
            raise ErrorAnswer(ErrorCode.FORBIDDEN, b"not attached")
        if peer.defences.entries.spacings and sender not in peer.verified:
            peer.spawn(_take_verified(peer, received), "verify")
            return
    changes = peer.topology.on_update(sender, received.body.overlay_specific_data, peer.now())
    peer.heard_update(sender)
    react(peer, changes, sender)


async def _take_verified(peer: Peer, received: Received) -> None:
    """Take the Update once its sender has shown that it is who it says."""
    with suppress(RemoteFault, Malformed):
        if await verified(peer, received.signer):
            _take_update(peer, received)


async def verified(peer: Peer, node: NodeID) -> bool:
    """Whether ``node`` may become an entry: it has answered under its own name, and is plausible where it is."""
    spacings = peer.defences.entries.spacings
    if not spacings or node in peer.verified:
        return True
    if not peer.topology.plausible_entry(node, spacings):
        return False
    try:
        await peer.request((node,), PingReq(), next_hop=node)
    except RemoteFault:
        return False
    peer.verified[node] = None
    return True


def on_leave(peer: Peer, received: Received) -> LeaveAns | None:
    """A neighbor says good-bye: replace it as if it had failed, but it did not (§10.9)."""
    leaving = NodeID(received.body.leaving_peer_id)
    if leaving != received.signer or received.previous_hop != leaving:
        return None
    peer.copies.forget_holder(leaving)
    peer.verified.pop(leaving, None)
    peer.acquaintances.pop(leaving, None)
    note_departure(peer, leaving)
    react(peer, peer.topology.on_leave(leaving, received.body.overlay_specific_data, peer.now()), leaving)
    peer.loop.call_later(PARTING, _part, peer, leaving, peer.links.table.get(leaving))
    return LeaveAns()


def _part(peer: Peer, gone: NodeID, link: OverlayLink | None) -> None:
    """Let go of the link with a peer that has left: datagrams have no end that closes it, and it may come back.

    A stream has one, and the leaving peer needs its links until the last neighbor has heard its good-bye.
    """
    if link is None or link.protocol != "plain" or not peer.alive:
        return
    if peer.links.table.get(gone) is link and gone not in peer.topology.table():
        peer.links.forget(gone)
        # An Update that it sent before may have come after its good-bye: without a link nobody would ever notice.
        react(peer, peer.topology.remove(gone, peer.now()))


def link_failed(peer: Peer, remote: NodeID, reason: LinkReason) -> None:
    """A link is gone: so is the peer, as far as we can know (§10.7.1); who closed it on purpose did not die."""
    if not peer.alive:
        return
    peer.copies.forget_holder(remote)
    peer.verified.pop(remote, None)
    near = remote in peer.topology.neighbors()
    if remote in peer.topology.table():
        note_departure(peer, remote)
    if reason is not LinkReason.CLOSED and remote in peer.topology.table():
        peer.emit(events.NeighborFailed(peer.now(), peer.node_id, 0, remote))
        if near:
            peer.hold_copies_until = peer.now() + HOLD_DOWN
    react(peer, peer.topology.remove(remote, peer.now()))
    if near:
        look_after_copies(peer)


def remember(peer: Peer, node: NodeID) -> None:
    """Keep in mind where a neighbor is reached, the youngest last."""
    address = peer.links.book.get(node)
    if address is not None:
        peer.acquaintances.pop(node, None)
        peer.acquaintances[node] = address
        if len(peer.acquaintances) > ACQUAINTANCES:
            del peer.acquaintances[next(iter(peer.acquaintances))]


async def maintain(peer: Peer) -> None:
    """Stabilise once an update interval, at moments spread by chance, for as long as the node lives (§10.7.4)."""
    interval = peer.configuration.chord_update_interval
    fingers_due = peer.now() + peer.configuration.chord_ping_interval * peer.rng.random()
    await asyncio.sleep(interval * peer.rng.random())
    while True:
        await stabilize(peer)
        if peer.now() >= fingers_due:
            fingers_due = peer.now() + peer.configuration.chord_ping_interval
            await refresh_finger(peer)
        rest = peer.now() + interval * (0.9 + 0.2 * peer.rng.random())
        while (left := rest - peer.now()) > 0:
            await asyncio.sleep(min(left, LONELY))
            if left > LONELY and not all(peer.topology.snapshot()):
                await find_partition(peer)


async def stabilize(peer: Peer) -> None:
    """Updates to all neighbors, a look for another part of the overlay, and repair of copies."""
    for event in peer.store.expire(peer.now()):
        peer.emit(event)
    for remote, body in peer.topology.periodic_updates(peer.now()):
        peer.tell(remote, UpdateReq(body))
    await find_partition(peer)
    look_after_copies(peer)


async def ask_for_table(peer: Peer, neighbor: NodeID) -> None:
    """Have a linked peer send us its table: an Update, as if we had attached anew (§6.4.2.4)."""
    await peer.request((neighbor,), RouteQueryReq(True, ResourceID(peer.node_id)), next_hop=neighbor)


async def keep_asking(peer: Peer, every: float) -> None:
    """Ask the nearest neighbor for its table, every so many seconds."""
    while True:
        await asyncio.sleep(every)
        with suppress(RemoteFault):
            for neighbor in peer.topology.neighbors()[:1]:
                await ask_for_table(peer, neighbor)


async def refresh_finger(peer: Peer) -> None:
    """Look for a peer in the range of one invalid finger, early fingers more often (§10.7.4.2)."""
    target = peer.topology.finger_to_refresh(peer.rng)
    if target is None:
        return
    try:
        await attach(peer, (target,), send_update=True)
    except (RemoteFault, LinkRefused):
        return


async def find_partition(peer: Peer) -> None:
    """Ask for our own place through nodes outside our table; another answer means another ring (§10.7.4.4).

    Who joins while the network is cut may never have met a node of the other part.
    """
    table = peer.topology.table()
    known = {node: address for node, address in peer.acquaintances.items() if node not in table}
    names = list(known)
    for _ in range(min(PROBES, len(names))):
        through = names.pop(int(peer.rng.random() * len(names)))
        await _probe(peer, through, known[through])
    elsewhere = [address for address in peer.entrances if address not in (peer.address, *peer.links.book.values())]
    if elsewhere and len(table) <= FEW:
        address = elsewhere[int(peer.rng.random() * len(elsewhere))]
        with suppress(LinkRefused):
            await _probe(peer, await peer.links.connect(None, address), address)


async def _probe(peer: Peer, through: NodeID, address: Address) -> None:
    if not peer.links.connected(through):
        peer.links.learn(through, address)
    try:
        place = ResourceID(peer.node_id)
        received = await peer.request((through, place), PingReq(), next_hop=through, from_anybody=True)
        responder = received.signer
        if responder == peer.node_id:
            return
        if responder != through or through not in peer.attached:
            await attach(peer, (through, responder), send_update=True, next_hop=through)
        peer.tell(responder, UpdateReq(peer.topology.make_neighbor_update(peer.now())))
    except (RequestTimedOut, ErrorAnswer, LinkRefused):
        return
