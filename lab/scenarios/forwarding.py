"""What a peer on the way may do to what it forwards (draft 5.2, 11.2): KB-4, it sends requests the wrong way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from lab.scenarios.base import CONVICTION, Stage, declare
from lab.scenarios.measures import Measure, exclusion, suspicion
from lab.scenarios.ways import SHARED, shared_hops
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.forwarding import WrongHop
from p2psip_min.errors import DropReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node
from p2psip_min.routing.watch import WatchingForwarder

READERS = 8

LOOKS = 2.0
"""Virtual seconds of the story."""


class OnTheWayStage(Stage):
    """Mallory is the peer on most ways to alice's record; who lives beyond her wants to get there."""

    def cast(self) -> None:
        """Find the busiest stranger, who is neither root nor replica, and the peers whose ways pass it."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}
        self.root = overlay.root(resource)
        holders = {self.root.node_id, *self.root.peer.topology.replicas(resource, 2)}
        living = overlay.peers()
        turn = int(overlay.rng("cast").random() * len(living))
        strangers = [node for node in living[turn:] + living[:turn] if node.node_id not in holders]
        inside = {node.name: overlay.route(node.name, resource)[:-1] for node in strangers}
        passed = Counter(node.name for way in inside.values() for node in way)
        self.mallory = max(strangers, key=lambda node: passed[node.name])
        # Where nobody forwards for peers, she can only be the peer that serves a client.
        self.homes = [node for node in strangers if self.mallory in inside[node.name]] or [self.mallory]
        self.people[self.mallory.node_id] = "mallory"

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    def shared(self) -> list[int]:
        """How many hops each lookup's ways had in common."""
        return shared_hops(self.trace.events[self.start :], self.root.node_id)

    def measures(self) -> Iterator[Measure]:
        """What ways have in common; whom those suspect who look into losses or watch; whom the server excludes."""
        if self.overlay.defences.paths.ways > 1 and (shared := self.shared()):
            yield SHARED, sum(shared) / len(shared)
        if self.has(*CONVICTION):
            yield from exclusion(self.excluded(), self.culprits(), LOOKS)
        if not self.has("path-diagnosis", "hop-watch", "hop-receipts"):
            return
        named = [event.suspect for event in self.trace.select(events.SuspectNamed, since=self.start)]
        for node in self.overlay.peers():
            forwarding = node.peer.parts.forwarding
            if isinstance(forwarding, WatchingForwarder):
                named += dict.fromkeys(hop for hops in forwarding.watch.silent.values() for hop in hops)
        yield from suspicion(named, self.culprits())


class WrongHopStage(OnTheWayStage):
    """Eight peers look for alice's record at once, and mallory sends them all back."""

    users: ClassVar[tuple[str, ...]] = ()

    def attack(self) -> None:
        """Mallory mistakes the direction."""
        self.overlay.turn(self.mallory.name, WrongHop().equip, "sends requests back")

    async def story(self) -> None:
        """Lookups by those behind mallory."""
        await self.until(LOOKS)
        place = ResourceID(self.subject)
        readers = self.homes[:READERS]
        await asyncio.gather(*(self.perform("lookup", procedures.ping(node.peer, place)) for node in readers))

    def figure(self) -> float:
        """The share of lookups that found nobody."""
        return round(1 - self.honest(), 6)

    def facts(self) -> tuple[str, ...]:
        """How many hops a lookup's messages took, and how many of them died of age."""
        trace, lookups = self.trace, len(self.operations)
        hops = sum(isinstance(event, events.MessageForwarded) for event in trace.events[self.start :])
        died = trace.select(events.MessageDropped, since=self.start, reason=DropReason.TTL_EXCEEDED)
        return f"{hops / max(1, lookups):.1f}", str(sum(1 for _ in died))


KB_4 = declare(
    "KB-4",
    title="A peer on the way sends requests back",
    attacker="the peer on most ways to alice's record",
    preset="none",
    defence=("progress-check",),
    claims=(("path-diagnosis",),),
    decoys=("short-ttl",),
    metric="lookups that fail, of 1",
    unit="share of lookups",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FAILED,
    least_peers=6,
    numbers={},
    rows=("forwards for each lookup", "messages dead of age"),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory sends requests back"},
    stage=WrongHopStage,
)

SCENARIOS = (KB_4,)
