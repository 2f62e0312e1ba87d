"""Attacks by a client on records that are not its own, or by what it writes into its own (draft 5.3, 7.2.8, 7.2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from p2psip_min.attacks.initiative import LIFETIME, Initiative, Pen, read
from p2psip_min.ids import ResourceID
from p2psip_min.wire.data import DictionaryEntry, StoredDataSpecifier, StoredDataValue


@dataclass(slots=True)
class RecordOverwrite(Initiative):
    """ST-2, ST-4: reads dictionaries that anybody may read, and puts its own value over each entry of others."""

    places: Sequence[ResourceID]
    kind: int
    value: bytes

    async def act(self, pen: Pen) -> None:
        """One store for each entry: where one is refused, the next may not be."""
        for place in self.places:
            found, _ = await read(pen.view, place, StoredDataSpecifier(self.kind, 0, None, ()))
            for stored in found:
                if isinstance(stored.value, DictionaryEntry) and stored.value.key != pen.view.node_id:
                    await pen.write(place, self.kind, replace(stored.value, value=self.value))


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
