"""Attacks with identities of the attacker's own: he enrolls, joins and leaves as everybody may (draft 5.2, 11.7)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from p2psip_min.errors import JoinRefused, LinkRefused
from p2psip_min.seams import Coalition, Machine, NodeView, PeerParts


@dataclass(slots=True)
class Churn:
    """RM-3: has a machine join and leave ``times`` times, with ``stay`` seconds inside and ``away`` seconds outside.

    ``comings`` counts how often it came, ``admitted`` how often as a peer.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: its own node is like any other."""
    machine: Machine
    times: int
    stay: float
    away: float
    comings: int = 0
    admitted: int = 0

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act from beside a node of its own."""
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """Come and go."""
        while self.comings < self.times:
            with suppress(JoinRefused, LinkRefused):
                self.admitted += await self.machine.come()
                await view.sleep(self.stay)
                await self.machine.leave()
            self.comings += 1
            await view.sleep(self.away)
