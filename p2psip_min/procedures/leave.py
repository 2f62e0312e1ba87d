"""Going: with a hand-over and a good-bye (RFC 6940 §10.9), or without a word."""

from __future__ import annotations

import asyncio

from p2psip_min import trace as events
from p2psip_min.errors import RemoteFault
from p2psip_min.ids import NodeID
from p2psip_min.peer import Peer
from p2psip_min.procedures.maintain import LONELY
from p2psip_min.procedures.replicate import hand_over_all, handed_over
from p2psip_min.procedures.standing import confirm
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.messages import LeaveReq

GRACE = 3.0
"""Seconds that a leaving node waits, once its neighbors have answered, for those who merely know it."""


PATIENCE = 3600.0
"""Seconds after which a node leaves even though nobody takes what it holds."""

CAUTION = 900.0
"""Seconds that a node stays because the one other it reaches would be the last to have what should have replicas."""


async def leave(peer: Peer) -> None:
    """Hand everything over, tell the neighbors, close the links, stop.

    A node that reaches nobody who could take what it holds, as in a partition, stays until it does, or for an hour. If
    it reaches just one and remembers others, it stays a quarter of an hour: that one's death would lose everything.
    Raises a RemoteFault where the operator has to vouch for its neighbors and does not.
    """
    if peer.joined:
        for neighbor in peer.topology.neighbors():
            await confirm(peer, neighbor, MessageCode.LEAVE_REQ)
        await _part_with_all(peer)
        neighbors = peer.topology.neighbors()
        # Who routes through us, or is served by us, knows our address; told now, nobody has to think that we died.
        others = [peer.spawn(_say_goodbye(peer, node), "good-bye") for node in peer.links.book if node not in neighbors]
        await asyncio.gather(*(_say_goodbye(peer, neighbor) for neighbor in neighbors))
        if tasks := [task for task in others if task is not None]:
            await asyncio.wait(tasks, timeout=GRACE)
    if not peer.alive:
        return  # it crashed meanwhile, or has left already
    peer.emit(events.NodeLeft(peer.now(), peer.node_id, 0))
    peer.stop()
    peer.links.close_all()


async def _part_with_all(peer: Peer) -> None:
    began = peer.now()
    while peer.alive:
        await hand_over_all(peer)  # still serving: somebody's store may come in meanwhile
        waited = peer.now() - began
        if _may_go(peer, waited):
            peer.leaving = True  # from here on stores are refused, so nothing can be lost
            await hand_over_all(peer)
            if _may_go(peer, waited):
                return
            peer.leaving = False
        await asyncio.sleep(LONELY)


def _may_go(peer: Peer, waited: float) -> bool:
    """Whether enough others have what is held here, after so many seconds."""
    if waited < CAUTION and peer.defences.copies and peer.store.resources() and _one_of_two(peer):
        return False
    return waited >= PATIENCE or handed_over(peer)


def _one_of_two(peer: Peer) -> bool:
    """Whether there is only one other peer left, of more."""
    table = peer.topology.table()
    return len(table) == 1 and any(node not in table for node in peer.acquaintances)


async def _say_goodbye(peer: Peer, neighbor: NodeID) -> None:
    data = peer.topology.make_leave_data(neighbor)
    try:
        await peer.request((neighbor,), LeaveReq(peer.node_id, data), next_hop=neighbor)
    except RemoteFault:
        return  # it will notice by itself


def crash(peer: Peer) -> None:
    """Stop at once; nobody is told, the others learn of it by their timers."""
    peer.emit(events.NodeCrashed(peer.now(), peer.node_id, 0))
    peer.stop()
    peer.links.crash()
