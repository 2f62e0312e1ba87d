"""Attacks with identities of the attacker's own: he enrolls, joins and leaves as everybody may (draft 5.2, 11.7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.attacks.applicants import Enrolled, ManyIdentities
from p2psip_min.errors import JoinRefused, LinkRefused
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.seams import Coalition, Machine, NodeView, PeerParts

LOOK = 1.0
"""Seconds in which a new peer's tables come right."""


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


@dataclass(slots=True)
class Recruiter:
    """What one person can have: identities, as far as ``many`` gets them, and a machine for each.

    ``closer`` is the overlay algorithm's rule on who has the better claim to a key, which is no secret. Nor is it that
    Node-IDs may be digests of keys (``digest``): she has more keys than she needs, and takes the one that lies best.
    """

    many: ManyIdentities
    machine: Callable[[Enrolled], Machine]
    closer: Callable[[bytes, bytes, bytes], bool]
    digest: Callable[[ec.EllipticCurvePrivateKey], NodeID]
    machines: list[Machine] = field(default_factory=list)

    async def recruit(self, wish: NodeID | None = None) -> Machine | None:
        """One machine more: with the Node-ID that she wants, or near to it, or with any; None: no identity is left."""
        got = await self.many.once(wish) if wish else False
        if not got and wish:
            self._put_first(wish)
        if not got and not await self.many.once():
            return None
        self.machines.append(self.machine(self.many.got[-1]))
        return self.machines[-1]

    def _put_first(self, wish: NodeID) -> None:
        """Make the key the next one that would lie nearest to the wish if digests were Node-IDs."""
        keys = self.many.keys
        near = reduce(
            lambda one, other: other if self.closer(self.digest(other), self.digest(one), wish) else one, keys
        )
        keys.remove(near)
        keys.append(near)


@dataclass(slots=True)
class Placement:
    """ID-1, ID-2, ID-5: brings in a machine for each wish, None for any place."""

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: its own node is like any other."""
    recruiter: Recruiter
    wishes: Sequence[NodeID | None]
    done: bool = False

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act from beside a node of its own."""
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """One after the other."""
        for wish in self.wishes:
            machine = await self.recruiter.recruit(wish)
            if machine is not None:
                with suppress(JoinRefused, LinkRefused):
                    await machine.come()
        self.done = True


@dataclass(slots=True)
class JoinLeave:
    """ID-3: joins, looks whether it is among the ``copies`` + 1 holders of a key, and if not, leaves and tries again.

    ``topologies`` are what her machines' nodes know: her own software runs on them.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: its own node is like any other."""
    recruiter: Recruiter
    target: ResourceID
    tries: int
    copies: int = 2
    joins: int = 0
    inside: bool = False
    done: bool = False
    topologies: dict[NodeID, TopologyPlugin] = field(default_factory=dict)

    def watch(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """The software of her machines: the usual one, with an eye on its tables."""
        self.topologies[parts.identity.node_id] = parts.topology
        return parts

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act from beside a node of its own."""
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """Until it lands where it wants, or has had enough."""
        machine = await self.recruiter.recruit(NodeID(self.target))
        while machine is not None and self.joins < self.tries:
            self.joins += 1
            with suppress(JoinRefused, LinkRefused):
                peer = await machine.come()
                await view.sleep(LOOK)
                if peer and _lies_well(self, machine.node_id):
                    self.inside = True
                    break
                await machine.leave()
            machine = await self.recruiter.recruit()
        self.done = True


def _lies_well(attack: JoinLeave, node: NodeID | None) -> bool:
    return node is not None and attack.topologies[node].holds(attack.target, attack.copies)


@dataclass(slots=True)
class Whitewash:
    """RM-4: comes under a fresh identity every ``stay`` seconds, before or after it is found out, until ``until``.

    Where the overlay wants no peer yet, it asks again every ``pause`` seconds.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: its own node is like any other."""
    recruiter: Recruiter
    stay: float
    until: float
    pause: float = 10.0
    done: bool = False

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act from beside a node of its own."""
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """The machine that she has already, then one identity after the other, as long as there are any."""
        first = self.recruiter.machines[:1]
        while view.now() < self.until:
            machine = first.pop() if first else await self.recruiter.recruit()
            if machine is None:
                break
            with suppress(JoinRefused, LinkRefused):
                while not await machine.come() and view.now() < self.until:
                    await view.sleep(self.pause)
                await view.sleep(self.stay)
                machine.crash()
        self.done = True
