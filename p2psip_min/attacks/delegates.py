"""Attacks by somebody to whom an owner has given a permission (draft 7.2.8, 7.2.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from p2psip_min.attacks.initiative import Initiative, Pen, read
from p2psip_min.attacks.writing import everything
from p2psip_min.ids import ResourceID
from p2psip_min.seams import Coalition, PeerParts
from p2psip_min.wire.data import StoredDataValue
from p2psip_min.wire.kinds import GRANT

KEY = "an owner's key"
"""Under which name a coalition keeps what one of its members was handed."""


@dataclass(frozen=True, slots=True)
class Overstep:
    """Something outside a grant, done at virtual second ``at``; ``replays``: old grants are brought again first."""

    name: str
    at: float
    kind: int
    value: StoredDataValue
    replays: bool = False


@dataclass(slots=True)
class GrantExceeded(Initiative):
    """ST-5: does more with its permission than it was given for, and longer; ``done`` are the names of what worked.

    ``key`` is the owner's, where that is how he gives permissions. A coalition hands it on.
    """

    resource: ResourceID
    steps: Sequence[Overstep]
    key: Any = None
    done: list[str] = field(default_factory=list)

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Take the initiative, and share what was handed over."""
        self.key = coalition.notes.setdefault(KEY, self.key) if self.key else coalition.notes.get(KEY)
        return Initiative.equip(self, parts, coalition)

    async def act(self, pen: Pen) -> None:
        """Keep the grants that are there now, then step by step."""
        kept, proofs = await read(pen.view, self.resource, everything(GRANT))
        pen.identity = self.key or self.identity
        for step in self.steps:
            await pen.view.sleep(max(0.0, step.at - pen.view.now()))
            for grant in kept if step.replays else ():
                await pen.put(self.resource, GRANT, grant, proofs=proofs)
            if await pen.write(self.resource, step.kind, step.value):
                self.done.append(step.name)
