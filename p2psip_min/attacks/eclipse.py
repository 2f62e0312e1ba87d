"""Attacks on the place where a record lies (draft 7.2.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice

from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.ids import NodeID, ResourceID, to_int


@dataclass(frozen=True, slots=True)
class KeyEclipse(RecordDiscard):
    """ST-16: wants the places where a victim's record lies, and once there knows nothing of it.

    The ``places`` follow from the victim's name by the overlay's software, which everybody has.
    """

    places: Sequence[ResourceID]

    def wishes(self, identities: int) -> tuple[NodeID, ...]:
        """One Node-ID at each place in turn, then those right behind them, where replicas lie."""
        at = (to_int(place) + step for step in count() for place in self.places)
        return tuple(NodeID.from_int(each) for each in islice(at, identities))
