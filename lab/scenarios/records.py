"""A stage for stories about holders: peers publish their TURN servers, and others read what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lab.scenarios.base import Deed, Stage
from p2psip_min import procedures
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node
from p2psip_min.storage.reader import Value
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer

RECORDS = 8

PLACES = range(1, 21)
"""The places at which a node may offer its TURN server (RFC 6940 §9)."""

PORT = 3478


@dataclass(slots=True, eq=False)
class Published:
    """One record: its owner, which of his places it lies at, who reads it, and what each of them made of it.

    ``version`` is the last one that the owner published; ``read`` what the reader took: a version, 0 for a value that
    the owner never wrote, None for nothing.
    """

    owner: Node
    place: int
    resource: ResourceID
    reader: Node
    version: int = 0
    read: int | None = None

    def value(self, version: int) -> bytes:
        """The TURN server of that version: it moves to another port each time."""
        return encode(TurnServer(self.place, IpAddressPort(self.owner.address[0], PORT + 10 * version)))

    def understood(self, values: Sequence[Value]) -> int:
        """Which of the owner's versions the reader was given; 0: none of them."""
        (found,) = [value.stored.value.value for value in values]
        return next((each for each in range(1, self.version + 1) if self.value(each) == found), 0)


class RecordsStage(Stage):
    """Owners publish, something happens, others read."""

    users: ClassVar[tuple[str, ...]] = ()
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(name="read", label="Read them all", help="everybody who reads in this story does so now"),
        *Stage.deeds,
    )
    records: list[Published]

    def choose_records(self, candidates: Sequence[tuple[Node, int, ResourceID]], hostile: Sequence[Node]) -> None:
        """Take these records into the story; readers are drawn from those who are neither hostile nor the owner."""
        dice = self.overlay.rng("readers")
        self.records = []
        for owner, place, resource in candidates[: int(self.numbers.get("records", RECORDS))]:
            others = [node for node in self.overlay.peers() if node not in hostile and node is not owner]
            reader = others[int(dice.random() * len(others))]
            self.records.append(Published(owner, place, resource, reader))
        self.resources = {each.resource: f"{each.owner.name}'s TURN server" for each in self.records}
        self.subject = self.records[0].resource

    def possible(self) -> list[tuple[Node, int, ResourceID]]:
        """Every record that a peer could publish, in an order of the seed."""
        found = [
            (owner, place, ResourceID.of(bytes(owner.node_id) + bytes((place,))))
            for owner in self.overlay.peers()
            for place in PLACES
        ]
        dice = self.overlay.rng("records")
        return [found.pop(int(dice.random() * len(found))) for _ in range(len(found))]

    async def publish(self, records: Sequence[Published], *, at_once: bool = False) -> None:
        """Have the owners publish their next versions, one after the other or all at once."""
        if at_once:
            await asyncio.gather(*[self._publish(each) for each in records])
            return
        for each in records:
            await self._publish(each)

    async def _publish(self, each: Published) -> None:
        each.version += 1
        entry = (SingleValue(True, each.value(each.version)),)
        await self.perform("store", procedures.store(each.owner.peer, each.resource, TURN_SERVICE, entry))

    async def read_all(self, records: Sequence[Published] | None = None) -> None:
        """Have everybody read, or the readers of these records."""
        for each in self.records if records is None else records:
            each.read = None
            await self.perform("fetch", self.read(each))

    async def read(self, each: Published) -> None:
        """Have one record's reader fetch it; raises what ``fetch`` raises."""
        each.read = each.understood(await procedures.fetch(each.reader.peer, each.resource, TURN_SERVICE))

    def share(self, wrong: Sequence[Published]) -> float:
        """These records as a share of all."""
        return round(len(wrong) / len(self.records), 6)

    def facts(self) -> tuple[str, ...]:
        """How many reads got the newest version, and how many stores were acknowledged."""
        newest = sum(each.read == each.version for each in self.records)
        stores = [operation for operation in self.operations if operation.name == "store"]
        return f"{newest} of {len(self.records)}", f"{sum(store.ok for store in stores)} of {len(stores)}"

    def do(self, name: str, node: Node | None) -> None:
        """Read, or what every stage can."""
        if name == "read":
            self.records[0].reader.peer.spawn(self.read_all(), "read them all")
        else:
            super().do(name, node)
