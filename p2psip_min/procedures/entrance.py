"""Before joining: which bootstrap nodes to go through, as far as the overlay's defences look at them first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from p2psip_min.errors import LinkRefused, RemoteFault, RootReason
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures.attach import attach
from p2psip_min.procedures.maintain import COURT
from p2psip_min.routing.entrance import Entrance, best
from p2psip_min.trace import ResponderRejected
from p2psip_min.transport.network import Address
from p2psip_min.wire.messages import PingReq

PATIENCE = 15.0
"""Seconds that a joining node gives those whom it has heard of."""

UPDATE_WAIT = 15.0
"""Seconds in which the admitting peer's Update must come."""


async def entrances(peer: Peer, bootstraps: Sequence[Address]) -> AsyncIterator[Entrance]:
    """Where to join, in the order to try: what is suspect last, the most crowded place first."""
    defences = peer.defences
    known = defences.known_peers.add(peer.acquaintances.values(), bootstraps)
    addresses = defences.entrance.choose(known)
    elsewhere = await _survey(peer, addresses)
    doubtful: list[tuple[float, Entrance]] = []
    for entrance in await _compared(peer, addresses):
        if not defences.density.references:
            yield entrance
            continue
        with suppress(LinkRefused, RemoteFault):
            here = await _look(peer, entrance.address, entrance.admitting or peer.topology.admitting_key())
            seen, crowding = Entrance(entrance.address, here), peer.crowding[here]
            if defences.density.objects(crowding, elsewhere):
                key = peer.topology.admitting_key()
                peer.emit(ResponderRejected(peer.now(), peer.node_id, 0, key, here, RootReason.TOO_EMPTY))
                doubtful.append((crowding, seen))
            else:
                yield seen
    for _, entrance in sorted(doubtful, key=lambda each: -each[0]):
        yield entrance  # it may be empty there by chance


async def _compared(peer: Peer, addresses: Sequence[Address]) -> list[Entrance]:
    """The entrances; where several are compared, the first of them that answer, each asked who admits us."""
    policy, key = peer.defences.entrance, peer.topology.admitting_key()
    if policy.compared == 1:
        return [Entrance(address) for address in addresses]
    opinions: list[Entrance] = []
    for address in addresses:
        if len(opinions) == policy.compared:
            break
        with suppress(LinkRefused, RemoteFault):
            bootstrap = await peer.links.connect(None, address)
            opinions.append(Entrance(address, await _who_answers(peer, bootstrap, key)))
            for _ in range(policy.detours):
                await _meet_somebody(peer, bootstrap)
    if policy.detours:
        await _settle_down(peer)
        owner = peer.topology.owner(key)
        if owner != peer.node_id:
            opinions = [Entrance(opinion.address, owner) for opinion in opinions] + opinions
    return best(opinions, peer.topology.closer, key)


async def _who_answers(peer: Peer, bootstrap: NodeID, key: ResourceID) -> NodeID:
    return (await peer.request((bootstrap, key), PingReq(), next_hop=bootstrap, from_anybody=True)).signer


async def _meet_somebody(peer: Peer, bootstrap: NodeID) -> None:
    """Learn from the table of a peer that chance leads to; our own topology looks up what is near us in it."""
    anywhere = ResourceID(NodeID.from_int(peer.rng.getrandbits(128)))
    stranger = await _who_answers(peer, bootstrap, anywhere)
    started = peer.now()
    await attach(peer, tuple(dict.fromkeys((bootstrap, stranger))), send_update=True, next_hop=bootstrap)
    await peer.update_from(stranger, started, UPDATE_WAIT)


async def _settle_down(peer: Peer) -> None:
    """Wait until everybody that belongs near us, of those heard of, was attached to or could not be."""
    until = peer.now() + PATIENCE
    while (courts := [task for task in peer.tasks if task.get_name() == COURT]) and peer.now() < until:
        await asyncio.wait(courts, timeout=until - peer.now())


async def _survey(peer: Peer, addresses: Sequence[Address]) -> list[float]:
    """How crowded it is around some bootstrap nodes."""
    found: list[float] = []
    for address in addresses:
        if len(found) == peer.defences.density.references:
            break
        with suppress(LinkRefused, RemoteFault):
            found.append(peer.crowding[await _look(peer, address, None)])
    return found


async def _look(peer: Peer, address: Address, place: Destination | None) -> NodeID:
    """Attach to whoever is at ``place``, or to the bootstrap node itself, to see its table; nothing is learned yet."""
    bootstrap = await peer.links.connect(None, address)
    started, peer.wary = peer.now(), True
    try:
        way = (bootstrap,) if place is None or place == bootstrap else (bootstrap, place)
        remote = await attach(peer, way, send_update=True, next_hop=bootstrap)
        await peer.update_from(remote, started, UPDATE_WAIT)
    finally:
        peer.wary = False
    return remote
