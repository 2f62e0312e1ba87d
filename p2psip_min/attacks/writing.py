"""Attacks by a client on records that are not its own, or by what it writes into its own (draft 5.3, 7.2.8, 7.2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from p2psip_min.attacks.initiative import LIFETIME, Initiative, Pen, read
from p2psip_min.ids import ResourceID
from p2psip_min.seams import NodeView
from p2psip_min.storage.values import with_lifetime
from p2psip_min.wire.data import DictionaryEntry, StoredData, StoredDataSpecifier, StoredDataValue


def everything(kind: int) -> StoredDataSpecifier:
    """All entries of a dictionary."""
    return StoredDataSpecifier(kind, 0, None, ())


@dataclass(slots=True)
class RecordOverwrite(Initiative):
    """ST-2, ST-4: reads dictionaries that anybody may read, and puts its own value over each entry of others."""

    places: Sequence[ResourceID]
    kind: int
    value: bytes

    async def act(self, pen: Pen) -> None:
        """One store for each entry: where one is refused, the next may not be."""
        for place in self.places:
            found, _ = await read(pen.view, place, everything(self.kind))
            for stored in found:
                if isinstance(stored.value, DictionaryEntry) and stored.value.key != pen.view.node_id:
                    await pen.write(place, self.kind, replace(stored.value, value=self.value))


@dataclass(slots=True)
class RecordRemoval(Initiative):
    """ST-3: puts tombstones over the entries of others: its own, and those that their owners have used before.

    From ``watch`` on it looks for tombstones, which everybody may fetch; at ``at`` it removes.
    """

    places: Sequence[ResourceID]
    kind: int
    watch: float
    kept: dict[ResourceID, tuple[StoredData, tuple[bytes, ...]]] = field(default_factory=dict)

    async def run(self, view: NodeView) -> None:
        """Keep what removed something once, then act as planned."""
        await view.sleep(max(0.0, self.watch - view.now()))
        for place in self.places:
            found, proofs = await read(view, place, everything(self.kind))
            for stored in found:
                if not stored.value.exists:
                    self.kept[place] = stored, proofs
        await Initiative.run(self, view)

    async def act(self, pen: Pen) -> None:
        """Where an owner's tombstone is known, that one; elsewhere one of its own."""
        for place in self.places:
            if place in self.kept:
                stored, proofs = self.kept[place]
                # Nobody signs a lifetime, and a tombstone must outlive what it removes.
                await pen.put(place, self.kind, with_lifetime(stored, 2 * LIFETIME), proofs=proofs)
                continue
            found, _ = await read(pen.view, place, everything(self.kind))
            for stored in found:
                await pen.write(place, self.kind, replace(stored.value, exists=False, value=b""))


@dataclass(slots=True)
class RecordPollution(Initiative):
    """ST-6: puts false entries beside the true ones, the first under its own Node-ID, the others under made-up keys."""

    places: Sequence[ResourceID]
    kind: int
    values: Sequence[bytes]

    async def act(self, pen: Pen) -> None:
        """Its own entry first, which looks most like what it should be."""
        for place in self.places:
            for number, value in enumerate(self.values):
                key = bytes(pen.view.node_id) + bytes(number)
                await pen.write(place, self.kind, DictionaryEntry(key, True, value))


@dataclass(frozen=True, slots=True)
class Junk:
    """Something that no storing peer should take: where it goes, as what, and for how many seconds."""

    resource: ResourceID
    kind: int
    value: StoredDataValue
    lifetime: int = LIFETIME


@dataclass(slots=True)
class InvalidStore(Initiative):
    """ST-10: stores under its own name what is malformed or invalid, each thing by itself."""

    junk: Sequence[Junk]

    async def act(self, pen: Pen) -> None:
        """Everything is signed well, and goes where its writer may write."""
        for each in self.junk:
            signed = pen.sign(each.resource, each.kind, each.value, lifetime=each.lifetime)
            await pen.put(each.resource, each.kind, signed)
