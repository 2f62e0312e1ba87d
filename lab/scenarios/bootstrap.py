"""What a bootstrap node may do to those who join through it (draft 11.3, 11.5).

EN-1: it leads into another overlay. EN-2: into a corner of the right one. EN-3: to peers that can't admit anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from lab.frames import World
from lab.scenarios.base import Stage, declare
from lab.scenarios.measures import Measure, alarms
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.bootstrap import Corner, FakeOverlay, WrongPeers
from p2psip_min.devices import Device
from p2psip_min.errors import NotFound, RootReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.kinds import SIP_REGISTRATION

FAKES, LOOKUPS = 8, 8
REGISTERS, JOINS, LOOKS = 1.0, 2.0, 30.0
RETURNERS = 4
LEAVE, COME_BACK = 2.0, 10.0
"""Virtual seconds of the stories."""


class BootstrapStage(Stage):
    """Mallory has the first of the bootstrap nodes that the configuration names; others join through it."""

    mallory: Node

    def cast(self) -> None:
        """Who is there from the beginning, and who comes back."""
        overlay = self.overlay
        first, *_ = overlay.provider.configuration.bootstrap_nodes
        self.mallory = next(node for node in overlay.peers() if node.address == first)
        self.people[self.mallory.node_id] = "mallory"

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    def some_peers(self, count: int) -> list[Node]:
        """Peers that are no bootstrap nodes, by the dice."""
        entrances = self.overlay.provider.configuration.bootstrap_nodes
        dice = self.overlay.rng("cast")
        others = [node for node in self.overlay.peers() if node.address not in entrances]
        return [others.pop(int(dice.random() * len(others))) for _ in range(count)]


class FakeOverlayStage(BootstrapStage):
    """Carol joins through mallory, who has an overlay of the same name; then carol looks keys up."""

    users: ClassVar[tuple[str, ...]] = ()

    def cast(self) -> None:
        """Mallory's other overlay is there whether she uses it or not."""
        super().cast()
        self.fakes = self.overlay.counterfeit(FAKES)
        self.carol = Device(self.overlay, "carol")
        dice = self.overlay.rng("keys")
        self.keys = [ResourceID(NodeID.from_int(dice.getrandbits(128))) for _ in range(LOOKUPS)]

    def attack(self) -> None:
        """Mallory begins to send those who join to her own overlay."""
        entry = self.fakes[0]
        self.overlay.turn(
            self.mallory.name, FakeOverlay(entry.node_id, entry.address).equip, "sends newcomers elsewhere"
        )

    async def story(self) -> None:
        """Carol enrolls, joins, and looks up eight keys."""
        await self.until(JOINS)
        await self.perform("join", self._join())
        await self.until(LOOKS)
        for key in self.keys:
            await self.perform("lookup", self._look_up(key))

    async def _join(self) -> None:
        await self.carol.enroll()
        await self.carol.join_in_time()

    async def _look_up(self, key: ResourceID) -> None:
        if self.carol.node is None or not self.carol.is_peer:
            raise NotFound("carol is in no overlay")
        await procedures.ping(self.carol.node.peer, key)

    def figure(self) -> float:
        """The share of carol's lookups that were answered in the other overlay, of which she may be a peer herself."""
        return round(self._answered_elsewhere() / LOOKUPS, 6)

    def _answered_elsewhere(self) -> int:
        members: set[bytes] = {node.node_id for node in self.fakes}
        if self.harmed_since() is not None:
            members.add(self.carol.node_id or b"")
        looked = self.trace.select(events.LookupCompleted, since=self.start, node=self.carol.node_id)
        return sum(event.responder in members for event in looked)

    def harmed_since(self) -> float | None:
        """When carol was admitted by a peer of the other overlay."""
        fakes = {node.node_id for node in self.fakes}
        joined = self.trace.select(events.NodeJoined, since=self.start, node=self.carol.node_id)
        return next((event.t for event in joined if event.admitting_peer in fakes), None)

    def facts(self) -> tuple[str, ...]:
        """In which overlay carol is, and how many lookups the right one answered."""
        here = sum(operation.ok for operation in self.operations if operation.name == "lookup")
        here -= self._answered_elsewhere()
        inside = "mallory's" if self.harmed_since() is not None else "the right one"
        return inside if self.carol.is_peer else "none", f"{here} of {LOOKUPS}"

    def world(self) -> World:
        """The other overlay's peers have names too."""
        world = super().world()
        fakes: dict[bytes, str] = {node.node_id: node.name for node in self.fakes}
        return replace(world, names={**world.names, **fakes}, hostile=world.hostile | frozenset(fakes))


class CornerStage(BootstrapStage):
    """Carol joins through mallory, who has accomplices among the peers; then alice registers and carol looks her up."""

    users: ClassVar[tuple[str, ...]] = ("alice",)

    def cast(self) -> None:
        """Choose the accomplices and carol."""
        super().cast()
        self.owner = "alice"
        resource = ResourceID.of(self.overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: self.overlay.aor("alice")}
        accomplices = self.some_peers(int(self.numbers["accomplices"]))
        self.corner = [self.mallory, *accomplices]
        self.people.update({node.node_id: "an accomplice" for node in accomplices})
        self.carol = Device(self.overlay, "carol")

    def attackers(self) -> tuple[Node, ...]:
        """Mallory and those who help her."""
        return tuple(self.corner)

    def attack(self) -> None:
        """All of them begin."""
        attack = Corner()
        for node in self.corner:
            self.overlay.turn(node.name, attack.equip, "shows newcomers a corner")

    async def story(self) -> None:
        """Alice registers; carol enrolls, joins, and looks alice up."""
        await self.until(REGISTERS)
        await self.perform("register", self.overlay.phone("alice").register())
        await self.until(JOINS)
        await self.perform("join", self._join())
        await self.until(LOOKS)
        await self.perform("resolve", self._resolve())

    async def _join(self) -> None:
        await self.carol.enroll()
        await self.carol.join_in_time()

    async def _resolve(self) -> None:
        if self.carol.node is None or not self.carol.is_peer:
            raise NotFound("carol is in no overlay")
        await procedures.fetch(self.carol.node.peer, ResourceID(self.subject), SIP_REGISTRATION)

    def figure(self) -> float:
        """The share of carol's table that mallory and her accomplices have; 1 when she is in no overlay."""
        if self.carol.node is None or not self.carol.is_peer:
            return 1.0
        table = self.carol.node.peer.topology.table()
        theirs = {node.node_id for node in self.corner}
        return round(sum(node in theirs for node in table) / max(1, len(table)), 6)

    def harmed_since(self) -> float | None:
        """When carol was in."""
        joined = self.trace.select(events.NodeJoined, since=self.start, node=self.carol.node_id)
        return next((event.t for event in joined), None) if self.figure() == 1.0 else None

    def measures(self) -> Iterator[Measure]:
        """To whose places carol objected, and whether accomplices admitted her to one that she did not object to."""
        if not self.has("density-test", "compared-bootstraps", "disjoint-ways"):
            return
        rejected = self.trace.select(events.ResponderRejected, since=self.start, reason=RootReason.TOO_EMPTY)
        doubted = [event.responder for event in rejected]
        joined = self.trace.select(events.NodeJoined, since=self.start, node=self.carol.node_id)
        right = sum(peer in self.culprits() for peer in doubted)
        led = any(event.admitting_peer in self.culprits() for event in joined)
        yield from alarms(false=len(doubted) - right, missed=led and not right, wrong=self.setting.attack)

    def facts(self) -> tuple[str, ...]:
        """How many peers carol knows, and whether she finds alice."""
        known = len(self.carol.node.peer.topology.table()) if self.carol.node is not None else 0
        found = any(operation.name == "resolve" and operation.ok for operation in self.operations)
        return f"{known} peers", "found" if found else "not found"


class WrongPeersStage(BootstrapStage):
    """Four peers leave and come back through the bootstrap nodes; the first of these leads them to a wrong place."""

    users: ClassVar[tuple[str, ...]] = ()

    def cast(self) -> None:
        """Choose who comes back."""
        super().cast()
        self.returners = [Device.of(self.overlay, node) for node in self.some_peers(RETURNERS)]

    def attack(self) -> None:
        """Mallory begins to mislead."""
        self.overlay.turn(self.mallory.name, WrongPeers().equip, "hands out wrong peers")

    async def story(self) -> None:
        """All leave, then all come back, one after the other."""
        await self.until(LEAVE)
        for device in self.returners:
            await self.perform("leave", device.leave())
        await self.until(COME_BACK)
        for device in self.returners:
            await self.perform("join", device.join_in_time())

    def figure(self) -> float:
        """How many got in late or not at all."""
        return float(sum(not self._at_first(device) for device in self.returners))

    def _at_first(self, device: Device) -> bool:
        """Whether it is in, and nobody said no to a Join of its, as a wrong peer does."""
        asked, answered = set[int](), set[int]()
        for event in self.trace.events[self.start :]:
            if event.node == device.node_id and event.t >= COME_BACK:
                if isinstance(event, events.NodeJoined):
                    return asked == answered
                if isinstance(event, events.MessageSent) and event.code == MessageCode.JOIN_REQ:
                    asked.add(event.transaction_id)
                elif isinstance(event, events.MessageDelivered) and event.code == MessageCode.JOIN_ANS:
                    answered.add(event.transaction_id)
        return False

    def measures(self) -> Iterator[Measure]:
        """Where bootstrap nodes are compared: who was led astray all the same, or sent round without a reason."""
        late = round(self.figure())
        if self.has("compared-bootstraps"):
            led = RETURNERS if self.setting.attack else 0
            yield from alarms(false=0 if led else late, missed=late, wrong=led)

    def facts(self) -> tuple[str, ...]:
        """How many are in, and what a join took them."""
        joins = [operation for operation in self.operations if operation.name == "join"]
        mean = sum(join.delay for join in joins) / max(1, len(joins))
        return f"{sum(join.ok for join in joins)} of {len(joins)}", f"{mean:.1f} s"


EN_1 = declare(
    "EN-1",
    title="A bootstrap node sends a newcomer into another overlay",
    attacker="the first bootstrap node, with eight peers of her own overlay",
    preset="none",
    defence=("overlay-authority",),
    decoys=("any-certificate",),
    claims=(("message-signature",), ("compared-bootstraps",)),
    metric="lookups answered in the fake overlay, of 1",
    unit="share of lookups",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=4,
    numbers={},
    rows=("carol's overlay", "lookups that the right one answered"),
    notes={"baseline": "mallory leads everybody right", "attacked": "mallory sends carol into her own overlay"},
    stage=FakeOverlayStage,
)

EN_2 = declare(
    "EN-2",
    title="A bootstrap node places a newcomer among accomplices",
    attacker="the first bootstrap node and three peers",
    preset="none",
    defence=("disjoint-ways",),
    decoys=("overlay-authority",),
    claims=(("disjoint-ways", "density-test"), ("density-test",), ("compared-bootstraps",)),
    metric="share of carol's table that the attackers hold, of 1",
    unit="share of the table",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=12,
    numbers={"accomplices": 3.0},
    rows=("peers that carol knows", "alice, looked up by carol"),
    notes={"baseline": "mallory leads everybody right", "attacked": "mallory leads carol to her accomplices"},
    stage=CornerStage,
)

EN_3 = declare(
    "EN-3",
    title="A bootstrap node hands out wrong peers",
    attacker="the first bootstrap node of the configuration",
    preset="none",
    defence=("compared-bootstraps",),
    decoys=("retry",),
    claims=(("known-peers",),),
    metric="joins that fail or need another try, of 4",
    unit="joins",
    span=(0.0, 4.0),
    whole=4,
    word=Word.FAILED,
    least_peers=8,
    numbers={},
    rows=("peers that got back in", "mean time of a join"),
    notes={"baseline": "mallory leads everybody right", "attacked": "mallory leads those who join astray"},
    stage=WrongPeersStage,
)

SCENARIOS = (EN_1, EN_2, EN_3)
"""The threats of this family."""
