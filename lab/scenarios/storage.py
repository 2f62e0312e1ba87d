"""What a storing peer may do to its records (draft 5.3, 11.5): ST-13, it throws them away."""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.errors import LocalProtocolError
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer

RECORDS = 8
PLACES = range(1, 21)
"""The places at which a node may offer its TURN server (RFC 6940 §9)."""

STORES, TURNS, READS = 2.0, 15.0, 20.0
"""Virtual seconds of the story."""


class DiscardStage(Stage):
    """Peers publish their TURN servers; the peer responsible for eight of them turns bad; other peers read."""

    users: ClassVar[tuple[str, ...]] = ()
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(name="discard", label="Discard the records", help="the responsible peer turns bad now"),
        Deed(name="read", label="Read them all", help="eight peers fetch the eight records now"),
        *Stage.deeds,
    )
    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Choose a peer with enough records of others in its range, and who reads each of them."""
        overlay = self.overlay
        living = overlay.peers()
        dice = overlay.rng("cast")
        places: dict[str, list[tuple[Node, int, ResourceID]]] = {node.name: [] for node in living}
        for owner in living:
            for place in PLACES:
                resource = ResourceID.of(bytes(owner.node_id) + bytes((place,)))
                root = overlay.root(resource)
                if root is not owner:
                    places[root.name].append((owner, place, resource))
        most = max(len(found) for found in places.values())
        fit = [node for node in living if len(places[node.name]) >= min(RECORDS, most)]
        self.mallory = fit[int(dice.random() * len(fit))]
        self.people[self.mallory.node_id] = "mallory"
        self.records = places[self.mallory.name][:RECORDS]
        self.resources = {resource: f"{owner.name}'s TURN server" for owner, _, resource in self.records}
        self.subject = self.records[0][2]
        self.readers: list[Node] = []
        for owner, _, _ in self.records:
            others = [node for node in living if node is not self.mallory and node is not owner]
            self.readers.append(others[int(dice.random() * len(others))])
        self.turned = False
        self.found = [0, 0]

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    def attack(self) -> None:
        """Mallory empties her store."""
        if not self.turned:
            self.turned = True
            self.overlay.turn(self.mallory.name, RecordDiscard().equip, "discards records")

    async def story(self) -> None:
        """PUT by every owner, the turn, GET by other peers."""
        await self.until(STORES)
        for owner, place, resource in self.records:
            value = encode(TurnServer(place, IpAddressPort(*owner.address)))
            entry = (SingleValue(True, value),)
            await self.perform("store", procedures.store(owner.peer, resource, TURN_SERVICE, entry))
        await self.until(TURNS)
        if self.setting.attack:
            self.attack()
        await self.until(READS)
        await self._read_all()

    async def _read_all(self) -> None:
        self.found = [0, 0]
        for reader, (_, _, resource) in zip(self.readers, self.records, strict=True):
            self.found[0] += await self.perform("fetch", procedures.fetch(reader.peer, resource, TURN_SERVICE))
            self.found[1] += 1

    def figure(self) -> float:
        """The share of the last reads that found nothing."""
        found, reads = self.found
        return round(1 - found / reads, 6) if reads else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many records could be read, and how many were stored."""
        stores = [operation for operation in self.operations if operation.name == "store"]
        return f"{self.found[0]} of {self.found[1]}", f"{sum(store.ok for store in stores)} of {len(stores)}"

    def check_deed(self, name: str, node: Node | None) -> None:
        """Only the untrusted base has hostile peers."""
        super().check_deed(name, node)
        if name == "discard":
            if self.turned:
                raise LocalProtocolError(f"{self.mallory.name} has nothing left to discard")
            self.permit()

    def do(self, name: str, node: Node | None) -> None:
        """Discard, read, or what every stage can."""
        if name == "discard":
            self.attack()
        elif name == "read":
            self.readers[0].peer.spawn(self._read_all(), "read them all")
        else:
            super().do(name, node)


ST_13 = declare(
    "ST-13",
    title="A responsible peer discards records",
    attacker="the peer that is responsible for the records",
    preset="none",
    defence=("replicas", "read-quorum"),
    decoys=("record-signature",),
    metric="reads that find nothing, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=4,
    numbers={},
    rows=("records that can be read", "honest PUTs accepted"),
    notes={"baseline": "mallory keeps what she should", "attacked": "mallory empties her store"},
    stage=DiscardStage,
)

SCENARIOS = (ST_13,)
