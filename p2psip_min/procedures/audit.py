"""What an owner does about his records beside storing them: he looks after them (RFC 6940 §7.4.1.2)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from p2psip_min import trace as events
from p2psip_min.errors import RemoteFault
from p2psip_min.ids import ResourceID
from p2psip_min.node import Publication
from p2psip_min.peer import Peer
from p2psip_min.procedures import records
from p2psip_min.wire.data import APPEND, ArrayEntry, StoredDataValue


def look_after_records(peer: Peer) -> None:
    """Have the node audit what it publishes, from now on."""
    if peer.auditing is None:
        peer.auditing = peer.spawn(audit(peer), "audit")


async def audit(peer: Peer) -> None:
    """Look after everything that the node has published, every so often, for as long as it lives."""
    every = peer.defences.audit.every
    while True:
        await asyncio.sleep(every * (0.9 + 0.2 * peer.rng.random()))
        for (resource, kind), mine in list(peer.published.items()):
            left = int(mine.expires - peer.now())
            if left <= 0:
                peer.published.pop((resource, kind), None)
            elif not await _found(peer, resource, kind, mine) and peer.published.get((resource, kind)) is mine:
                peer.emit(events.RecordMissed(peer.now(), peer.node_id, 0, resource, kind))
                with suppress(RemoteFault):
                    await records.store(peer, resource, kind, mine.values, lifetime=left)


async def _found(peer: Peer, resource: ResourceID, kind: int, mine: Publication) -> bool:
    """Whether a reader gets what was stored; what was appended or removed is not looked for."""
    wanted = [value for value in mine.values if value.exists and not _appended(value)]
    try:
        read = [each.stored.value for each in await records.fetch(peer, resource, kind)] if wanted else []
    except RemoteFault:
        return False
    return all(value in read for value in wanted)


def _appended(value: StoredDataValue) -> bool:
    return isinstance(value, ArrayEntry) and value.index == APPEND
