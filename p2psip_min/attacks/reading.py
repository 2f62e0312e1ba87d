"""Attacks by a client that reads what is not for it (draft 5.3, 7.2.11, 11.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from p2psip_min.attacks.initiative import Initiative, Pen, read
from p2psip_min.attacks.writing import everything
from p2psip_min.ids import ResourceID
from p2psip_min.wire.encrypted import encrypted_kind


@dataclass(slots=True)
class RestrictedRead(Initiative):
    """ST-1: fetches with software of its own, which asks nobody for permission; ``got`` is what came, by place.

    It looks for encrypted values too, and can open none.
    """

    places: Sequence[ResourceID]
    kind: int
    got: dict[ResourceID, list[bytes]] = field(default_factory=dict)

    async def act(self, pen: Pen) -> None:
        """One request for each place and Kind."""
        for place in self.places:
            for kind in (self.kind, encrypted_kind(self.kind)):
                found, _ = await read(pen.view, place, everything(kind))
                self.got.setdefault(place, []).extend(stored.value.value for stored in found)
