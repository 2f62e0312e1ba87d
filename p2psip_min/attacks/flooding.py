"""Attacks by a client with more than its share of records: spam, popular names, callers for a victim (draft 5.3, 11.7).

Nothing of this is forged. Each store by itself is one that an honest client could make.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from p2psip_min.attacks.initiative import LIFETIME, Initiative, Pen, read
from p2psip_min.attacks.writing import everything
from p2psip_min.ids import ResourceID
from p2psip_min.storage.access import place_of
from p2psip_min.storage.quota import entry_key
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import PUBLICATIONS

AT_ONCE = 16
"""How many stores a flooder has under way at a time."""


@dataclass(slots=True)
class Spam(Initiative):
    """ST-8: publishes the same thing under very many names; ``published`` counts what was accepted."""

    places: Sequence[ResourceID]
    kind: int
    value: bytes
    published: int = field(default=0, init=False)

    async def act(self, pen: Pen) -> None:
        """Some at a time, spread over keys."""
        for start in range(0, len(self.places), AT_ONCE):
            await asyncio.gather(*[self._publish(pen, place) for place in self.places[start : start + AT_ONCE]])

    async def _publish(self, pen: Pen, place: ResourceID) -> None:
        entry = DictionaryEntry(bytes(pen.view.node_id), True, self.value)
        taken = await pen.write(place, self.kind, entry)
        if not taken and await self._enter(pen, place, entry.key):
            taken = await pen.write(place, self.kind, entry)
        self.published += taken

    async def _enter(self, pen: Pen, place: ResourceID, key: bytes) -> bool:
        """Where accounts are kept, this one has an account like everybody."""
        account, entry = place_of(self.identity.user), DictionaryEntry(entry_key(place, self.kind, key), True, b"")
        signed = pen.sign(account, PUBLICATIONS, entry, lifetime=2 * LIFETIME)
        return await pen.put(account, PUBLICATIONS, signed)


@dataclass(slots=True)
class NameSquat(Initiative):
    """ST-9: fills what popular names lead to, before those come whose names they are."""

    places: Sequence[ResourceID]
    kind: int
    value: bytes
    most: int

    async def act(self, pen: Pen) -> None:
        """Under each name as many entries as it takes."""
        for place in self.places:
            for number in range(self.most):
                key = bytes(pen.view.node_id) + bytes(number)
                if not await pen.write(place, self.kind, DictionaryEntry(key, True, self.value)):
                    break


@dataclass(slots=True)
class VictimsContact(Initiative):
    """ST-7: has its own popular name lead to a victim, whose contact everybody can look up."""

    victim: ResourceID
    own: ResourceID
    kind: int

    async def act(self, pen: Pen) -> None:
        """The victim's own registration, word for word, under another name."""
        found, _ = await read(pen.view, self.victim, everything(self.kind))
        for stored in found:
            await pen.write(self.own, self.kind, DictionaryEntry(bytes(pen.view.node_id), True, stored.value.value))
