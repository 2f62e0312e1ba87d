"""What comes of who may come and go as he likes (draft 5.2, 7.2.6): RM-3, RM-4.

A node joins and leaves over and over; one that was thrown out comes back under another name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lab.scenarios.base import Stage, declare
from lab.scenarios.measures import FALSE_ALARMS, Measure
from lab.scenarios.person import PersonStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.identity import Churn, Whitewash
from p2psip_min.defences.admission import ADMISSION
from p2psip_min.devices import Device
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer

RECORDS, PLACES = 4, range(1, 21)
PHONES = 4
STORES, CHURNS, ENDS, LOOK = 2.0, 10.0, 100.0, 1.0
"""Virtual seconds of the story."""

MAINTENANCE = frozenset(
    code
    for request in (MessageCode.ATTACH_REQ, MessageCode.JOIN_REQ, MessageCode.LEAVE_REQ, MessageCode.UPDATE_REQ)
    for code in (request, request + 1)
)


JOIN_CONTROL = tuple(each.name for each in ADMISSION if each.name.startswith("join-control"))


class ChurnStage(Stage):
    """Peers publish their TURN servers; one of mallory's phones comes and goes where four of the records lie."""

    users: ClassVar[tuple[str, ...]] = ("mallory",)

    def cast(self) -> None:
        """Mallory takes that phone of hers in whose range most of the peers' records would be."""
        overlay = self.overlay
        living = overlay.peers()
        places = [
            (owner, place, ResourceID.of(bytes(owner.node_id) + bytes((place,))))
            for owner in living
            for place in PLACES
        ]
        roots = {resource: overlay.root(resource).node_id for _, _, resource in places}
        closer = living[0].peer.topology.closer
        self.carol = Device.enrolled(overlay, "carol")

        def taken(device: Device, resource: ResourceID) -> bool:
            """Whether a device would have the resource, if it were a peer."""
            return closer(device.node_id or b"", roots[resource], resource)

        phones = [Device.enrolled(overlay, f"phone{number}", label="comes and goes") for number in range(PHONES)]
        ranges = [
            [each for each in places if taken(phone, each[2]) and not taken(self.carol, each[2])] for phone in phones
        ]
        best = max(range(PHONES), key=lambda number: len(ranges[number]))
        self.phone, self.records = phones[best], ranges[best][:RECORDS]
        self.resources = {resource: f"{owner.name}'s TURN server" for owner, _, resource in self.records}
        self.subject = self.records[0][2]
        self.welcomes: list[bool] = []
        self.times = int(self.numbers["times"])
        self.churn = Churn(self.phone, self.times, self.numbers["stay"], self.numbers["away"])
        self.reader = living[int(overlay.rng("cast").random() * len(living))]

    def attackers(self) -> tuple[Node, ...]:
        """Mallory, who is a client; her phone's node is there now and then."""
        return (self.overlay.node("mallory"),)

    def attack(self) -> None:
        """Nothing is to be seen yet."""

    async def story(self) -> None:
        """PUT by every owner, a while of coming and going, during which carol's phone restarts twice, GET of each."""
        await self.until(STORES)
        for owner, place, resource in self.records:
            entry = (SingleValue(True, encode(TurnServer(place, IpAddressPort(*owner.address)))),)
            await self.perform("store", procedures.store(owner.peer, resource, TURN_SERVICE, entry))
        await self.until(CHURNS)
        self.churned = self.overlay.now
        if self.setting.attack:
            self.overlay.turn("mallory", self.churn.equip, "has a phone that comes and goes")
        await self._carol()
        await self.until(ENDS)
        while self.setting.attack and self.churn.comings < self.times:
            await self.until(self.overlay.now + LOOK)
        self.ended = self.overlay.now
        for _, _, resource in self.records:
            await self.perform("fetch", procedures.fetch(self.reader.peer, resource, TURN_SERVICE))

    async def _carol(self) -> None:
        for _ in range(3):
            await self.perform("come", self._come())
            assert self.carol.node is not None
            await self.perform("lookup", procedures.ping(self.carol.node.peer, ResourceID(self.subject)))
            await self.perform("leave", self.carol.leave())
            await self.until(self.overlay.now + 2.0)

    async def _come(self) -> None:
        self.welcomes.append(await self.carol.come())

    def measures(self) -> Iterator[Measure]:
        """Where joins are controlled: as what honest comings were let in, and how often the churning phone's was."""
        if not self.has(*JOIN_CONTROL):
            return
        yield "honest comings as a peer", sum(self.welcomes) / max(1, len(self.welcomes))
        yield FALSE_ALARMS, float(self.welcomes.count(False))
        if self.churn.comings:
            yield "hostile comings as a peer", self.churn.admitted / self.churn.comings

    def figure(self) -> float:
        """How many records changed hands, of those that would if the phone came as a peer each time."""
        return round(self._transfers() / (2 * self.times * max(1, len(self.records))), 6)

    def _transfers(self) -> int:
        """How often one of the records came to a peer that did not have it meanwhile."""
        came = self.trace.select(events.RecordStored, since=self.start)
        return sum(event.t >= self.churned and event.resource in self.resources for event in came)

    def _maintenance(self) -> float:
        """Bytes a minute of messages that keep the tables right."""
        size = 0
        for event in self.trace.events[self.start :]:
            if isinstance(event, events.MessageSent | events.MessageForwarded) and event.code in MAINTENANCE:
                size += len(event.message) if self.churned <= event.t < self.ended else 0
        return size * 60 / max(1.0, self.ended - self.churned)

    def facts(self) -> tuple[str, ...]:
        """How often the phone was a peer, and what the tables cost."""
        return f"{self.churn.admitted} of {self.times} times", f"{self._maintenance() / 1000:.0f} kB a minute"


RM_3 = declare(
    "RM-3",
    title="A node joins and leaves over and over",
    attacker="a user with a phone that comes and goes",
    preset="none",
    defence=("join-control",),
    decoys=("fast-stabilisation",),
    claims=(("join-control-server",), ("join-control-bootstrap",), ("join-control-neighbors",)),
    metric="records moved, of 1 at each coming and going",
    unit="share of moves",
    span=(0.0, 1.0),
    whole=0,
    word=Word.STALE,
    least_peers=4,
    numbers={"times": 14.0, "stay": 1.0, "away": 1.5},
    rows=("mallory's phone was a peer", "maintenance traffic"),
    notes={"baseline": "mallory's phone stays off", "attacked": "mallory's phone comes and goes"},
    stage=ChurnStage,
)

# --- RM-4 -------------------------------------------------------------------------------------------------------------

RETURNS = 6
STAYS, FOUND_OUT, LASTS = 14.0, 8.0, 120.0
"""Seconds that mallory stays, after which she is found out, and for which the story goes on."""


class WhitewashStage(PersonStage):
    """Mallory's node is put on the black list, for a reason that the story does not tell; she comes back afresh."""

    machines: ClassVar[int] = 12
    account: ClassVar[str] = "phone"

    def cast(self) -> None:
        """Mallory has a phone with an identity of its own, and is about to be found out."""
        super().cast()
        self.mine.append(Device.enrolled(self.overlay, self.account, label="one of mallory's"))
        self.recruiter.machines.append(self.mine[0])
        self.bans: dict[NodeID, float] = {}

    async def story(self) -> None:
        """Carol comes; mallory comes as often as she can, and each time the operator puts her on the list."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        await self.until(STORES)
        await self.perform("register", alice.register())
        await self.welcome()
        ends = self.overlay.now + LASTS
        if self.setting.attack:
            plot = Whitewash(self.recruiter, STAYS, ends)
            self.overlay.turn("mallory", plot.equip, "comes under many names")
        while self.overlay.now < ends:
            await self.until(self.overlay.now + LOOK)
            await self._watch()
        await self.perform("resolve", bob.resolve(self.overlay.aor("alice")))

    async def _watch(self) -> None:
        """The operator's part, a premise of the story: whoever is mallory's is found out after a while, and only they.

        How is another question, DT-1's. Mallory's nodes do no harm here that could convict them: what is measured is
        whether they come back.
        """
        overlay = self.overlay
        for device in self.mine:
            node = device.node
            if node is None or not device.is_peer or node.node_id in self.bans:
                continue
            if overlay.now >= node.peer.joined_at + FOUND_OUT:
                self.bans[node.node_id] = overlay.now
                bad = (*overlay.provider.configuration.bad_nodes, node.node_id)
                overlay.provider.registrar.revoke(node.node_id)
                overlay.provider.revise(overlay.now, bad_nodes=bad)
                await overlay.operations.hand_in(overlay.peers()[0].peer)

    def figure(self) -> float:
        """How often mallory was a peer again after her first ban."""
        mine, first = {device.node_id for device in self.mine}, min(self.bans.values(), default=0.0)
        joined = [event for event in self.trace.select(events.NodeJoined, since=self.start) if event.node in mine]
        return float(min(RETURNS, sum(event.t > first for event in joined))) if self.bans else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many identities mallory was given, and how everybody else fared."""
        return f"{len(self.many.got)}", self.served()


RM_4 = declare(
    "RM-4",
    title="Who was thrown out comes back under another name",
    attacker="a customer with many keys, whom the operator finds out each time: that is given, not measured",
    preset="none",
    defence=("black-list", "bound-node-id", "identity-cap", "strong-identity"),
    decoys=("black-list",),
    claims=(("black-list", "probation"), ("black-list", "identity-cap", "enrollment-charge")),
    metric="admissions after a ban, of 6 in two minutes",
    unit="admissions",
    span=(0.0, float(RETURNS)),
    whole=RETURNS,
    word=Word.OVERRUN,
    least_peers=4,
    numbers={},
    rows=("identities that mallory was given", "honest operations"),
    notes={
        "baseline": "mallory stays away",
        "attacked": "mallory is banned, by premise, and comes back, again and again",
    },
    stage=WhitewashStage,
)

SCENARIOS = (RM_3, RM_4)
