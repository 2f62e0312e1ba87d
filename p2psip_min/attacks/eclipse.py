"""Attacks on the place where a record lies (draft 7.2.10)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice

from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.ids import NodeID, ResourceID, to_int
from p2psip_min.storage.access import salted

HOLDERS = 3
"""How many Node-IDs it takes to hold a place alone: the responsible peer's, and those of two replicas."""


@dataclass(frozen=True, slots=True)
class KeyEclipse(RecordDiscard):
    """ST-16: wants the places at a victim's key, and once there knows nothing of the record.

    Where it lies follows from the victim's name, and where its salted places are, too.
    """

    target: ResourceID

    def wishes(self, identities: int) -> tuple[NodeID, ...]:
        """The Node-IDs at the key and right behind it, then those at its salted places, as many as there are names."""
        at = (to_int(salted(self.target, salt)) + step for salt in count() for step in range(HOLDERS))
        return tuple(NodeID.from_int(each) for each in islice(at, identities))
