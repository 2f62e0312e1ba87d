"""What one person can do who chooses Node-IDs, or has many (draft 5.2, 7.2.10, 11.7): ID-1, ID-2, ID-3, ID-5.

A place next to a key is the victim's record; many places are everybody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from lab.scenarios.base import declare
from lab.scenarios.person import HOLDERS, PersonStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.discarding import RequestDiscard
from p2psip_min.attacks.identity import JoinLeave, Placement
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.ids import NodeID, ResourceID, to_int
from p2psip_min.overlay import Node
from p2psip_min.seams import Coalition, PeerParts
from p2psip_min.storage.access import salted
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer

VICTIMS = ("alice", "dave", "erin", "frank", "grace", "heidi")
"""Whose keys are attacked in turn: drawn Node-IDs hit one by chance now and then."""

BEGIN = 2.0
"""The virtual second at which everybody begins."""


# --- ID-1 -------------------------------------------------------------------------------------------------------------


class ChosenIdStage(PersonStage):
    """Mallory wants the three Node-IDs at a victim's key; she tries it with one victim after the other."""

    machines: ClassVar[int] = HOLDERS * len(VICTIMS)
    spare_keys: ClassVar[int] = 300

    def cast(self) -> None:
        """The victims are alice, who is there, and others who might be."""
        super().cast()
        self.targets = [ResourceID.of(self.overlay.aor(name)) for name in VICTIMS]
        self.shares = [0.0]

    async def story(self) -> None:
        """Alice registers; carol comes; mallory takes her places; alice registers again, and bob looks her up."""
        alice = self.overlay.phone("alice")
        await self.until(BEGIN)
        await self.perform("register", alice.register())
        await self.welcome()
        self.shares = []
        for target in self.targets:
            wishes = [NodeID.from_int(to_int(target) + step) for step in range(HOLDERS)]
            await self.carry_out(Placement(self.recruiter, wishes))
            self.shares.append(self.owned(target) / HOLDERS)
            await self.withdraw()
        await self.perform("register", alice.register())
        await self.perform("resolve", self.overlay.phone("bob").resolve(self.overlay.aor("alice")))

    def figure(self) -> float:
        """Mallory's share of those who hold a victim's record, in the mean."""
        return round(sum(self.shares) / len(self.shares), 6)

    def facts(self) -> tuple[str, ...]:
        """How many identities it took, and how everybody else fared."""
        return f"{len(self.many.got)} identities", self.served()


ID_1 = declare(
    "ID-1",
    title="A newcomer picks Node-IDs next to a key",
    attacker="a customer with three machines, at six victims' keys in turn",
    preset="none",
    defence=("server-node-ids",),
    decoys=("record-signature", "hashed-node-ids"),
    metric="share of the holders of a victim's record, of 1",
    unit="share of holders",
    span=(0.0, 1.0),
    whole=0,
    word=Word.OVERRUN,
    least_peers=4,
    numbers={},
    rows=("what mallory enrolled", "honest operations"),
    notes={"baseline": "mallory brings nothing in", "attacked": "mallory asks for the Node-IDs at her victims' keys"},
    stage=ChosenIdStage,
)


# --- ID-2 -------------------------------------------------------------------------------------------------------------

SYBILS, RECORDS = 24, 16
PLACES = range(1, 21)


class SybilStage(PersonStage):
    """Peers publish their TURN servers; mallory brings machines in that keep nothing; everybody reads."""

    machines: ClassVar[int] = SYBILS

    def cast(self) -> None:
        """Choose whose records are read by whom."""
        super().cast()
        living, dice = self.overlay.peers(), self.overlay.rng("cast")

        def anybody() -> Node:
            return living[int(dice.random() * len(living))]

        self.records = [(anybody(), place, anybody()) for place in range(1, RECORDS + 1)]
        self.resources = {_place(owner, place): f"{owner.name}'s TURN server" for owner, place, _ in self.records}
        self.subject = _place(*self.records[0][:2])

    def turn(self) -> None:
        """All at once forget what they are to keep, and pass nothing on: till then they had each other's help."""
        for device in self.mine:
            if device.is_peer:
                self.overlay.turn(device.name, _useless, "keeps nothing and passes nothing on")

    async def story(self) -> None:
        """PUT by every owner; carol comes, and perhaps mallory, as often as she can; GET of each."""
        await self.until(BEGIN)
        await self.welcome()
        await self.publish()
        await self.carry_out(Placement(self.recruiter, [None] * SYBILS))
        self.turn()
        await self.read([(reader, _place(owner, place)) for owner, place, reader in self.records])

    async def publish(self) -> None:
        """Every owner stores its record."""
        for owner, place, _ in self.records:
            entry = (SingleValue(True, encode(TurnServer(place, IpAddressPort(*owner.address)))),)
            await self.perform("store", procedures.store(owner.peer, _place(owner, place), TURN_SERVICE, entry))

    async def read(self, wanted: Sequence[tuple[Node, ResourceID]]) -> float:
        """Have many read at once, since who waits in vain waits long; the share that finds nothing."""
        work = [self.perform("fetch", procedures.fetch(reader.peer, place, TURN_SERVICE)) for reader, place in wanted]
        found = await asyncio.gather(*work)
        return 1 - sum(found) / len(found)

    def figure(self) -> float:
        """The share of reads that found nothing."""
        reads = [operation.ok for operation in self.operations if operation.name == "fetch"]
        return round(1 - sum(reads) / max(1, len(reads)), 6)

    def facts(self) -> tuple[str, ...]:
        """Mallory's share of the peers, and of the keys that she holds alone."""
        mine, peers = sum(device.is_peer for device in self.mine), len(self.overlay.peers())
        return f"{mine} of {peers} peers", f"{self._alone()} of {RECORDS}"

    def _alone(self) -> int:
        """Keys of which the responsible peer and both replicas are mallory's."""
        return sum(self.owned(_place(owner, place)) == HOLDERS for owner, place, _ in self.records)


def _useless(parts: PeerParts, coalition: Coalition) -> PeerParts:
    return RequestDiscard().equip(RecordDiscard().equip(parts, coalition), coalition)


def _place(owner: Node, place: int) -> ResourceID:
    return ResourceID.of(bytes(owner.node_id) + bytes((place,)))


ID_2 = declare(
    "ID-2",
    title="One person holds many Node-IDs",
    attacker="a customer with twenty-four machines",
    preset="none",
    defence=("identity-cap", "strong-identity"),
    decoys=("replicas",),
    claims=(("identity-cap", "enrollment-charge"),),
    metric="reads that find nothing, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=4,
    numbers={},
    rows=("mallory's share of the overlay", "keys that mallory holds alone"),
    notes={"baseline": "mallory brings nothing in", "attacked": "mallory brings machines in under invented names"},
    stage=SybilStage,
)


# --- ID-3 -------------------------------------------------------------------------------------------------------------


class JoinLeaveStage(PersonStage):
    """Mallory joins, looks where she is, and leaves, until she is among the holders of alice's record."""

    machines: ClassVar[int] = 48

    def cast(self) -> None:
        """Alice is the victim."""
        super().cast()
        self.plot = JoinLeave(self.recruiter, ResourceID(self.subject), self.machines, HOLDERS - 1)

    def software(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Mallory's own, which looks where it is."""
        return self.plot.watch(parts, coalition)

    async def story(self) -> None:
        """Alice registers; carol comes, and perhaps mallory; alice registers again, and bob looks her up."""
        alice = self.overlay.phone("alice")
        await self.until(BEGIN)
        await self.perform("register", alice.register())
        await self.welcome()
        await self.carry_out(self.plot)
        await self.perform("register", alice.register())
        await self.perform("resolve", self.overlay.phone("bob").resolve(self.overlay.aor("alice")))

    def figure(self) -> float:
        """1 when she is there."""
        return float(self.owned(ResourceID(self.subject)) > 0)

    def facts(self) -> tuple[str, ...]:
        """How many joins it took, and how everybody else fared."""
        return f"{self.plot.joins} joins", self.served()


ID_3 = declare(
    "ID-3",
    title="A node joins and leaves until it lands where it wants",
    attacker="a customer with keys and patience",
    preset="none",
    defence=("server-node-ids", "bound-node-id", "identity-cap", "strong-identity", "join-control-server"),
    claims=(
        ("server-node-ids", "bound-node-id", "identity-cap", "strong-identity"),
        ("server-node-ids", "join-control-server", "identity-cap", "strong-identity"),
    ),
    decoys=("server-node-ids",),
    metric="mallory among the holders of alice's record, of 1",
    unit="in or out",
    span=(0.0, 1.0),
    whole=0,
    word=Word.OVERRUN,
    least_peers=8,
    numbers={},
    rows=("what it took", "honest operations"),
    notes={"baseline": "mallory stays out", "attacked": "mallory joins where she likes"},
    stage=JoinLeaveStage,
)


# --- ID-5 -------------------------------------------------------------------------------------------------------------

ROUNDS, READERS = 4, 8


class MultipliedStage(SybilStage):
    """Mallory has three machines that keep nothing, and wants them at one victim's key, then at another's.

    What the same machines do to everybody else's records is what they would do anywhere.
    """

    machines: ClassVar[int] = HOLDERS * ROUNDS
    spare_keys: ClassVar[int] = 300

    def cast(self) -> None:
        """The victims are the owners of the first records, and many peers will read these."""
        super().cast()
        living, dice = self.overlay.peers(), self.overlay.rng("readers")
        self.readers = [living[int(dice.random() * len(living))] for _ in range(READERS)]
        self.losses: list[tuple[float, float]] = []

    async def story(self) -> None:
        """Carol comes; then in each round: PUT by every owner, perhaps mallory's machines, GET of each."""
        await self.until(BEGIN)
        await self.welcome()
        for victim in range(ROUNDS):
            await self.publish()
            target = _place(*self.records[victim][:2])
            # Where the record lies, and where it would lie too if there were salted places.
            wishes = [NodeID(salted(target, salt)) for salt in range(HOLDERS)]
            await self.carry_out(Placement(self.recruiter, wishes))
            self.turn()
            others = [(reader, _place(owner, place)) for owner, place, reader in self.records[ROUNDS:]]
            victims = [(reader, target) for reader in self.readers]
            self.losses.append((await self.read(victims), await self.read(others)))
            await self.withdraw()

    def figure(self) -> float:
        """How much more of a victim's record is lost than of everybody else's, by the same machines."""
        victims, others = self._means()
        return round(max(0.0, victims - others), 6)

    def _means(self) -> tuple[float, float]:
        victims, others = zip(*self.losses, strict=True) if self.losses else ((0.0,), (0.0,))
        return sum(victims) / len(victims), sum(others) / len(others)

    def facts(self) -> tuple[str, ...]:
        """Both losses."""
        victims, others = self._means()
        return f"{victims:.0%}", f"{others:.0%}"


ID_5 = declare(
    "ID-5",
    title="Chosen Node-IDs multiply what three machines can do",
    attacker="a customer with three machines",
    preset="none",
    defence=("server-node-ids",),
    decoys=("salted-places",),
    metric="reads lost at the victim's key beyond those elsewhere, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=8,
    numbers={},
    rows=("reads of victims lost", "other reads lost"),
    notes={
        "baseline": "mallory brings nothing in",
        "attacked": "mallory asks for the Node-IDs at a victim's key, four times",
    },
    stage=MultipliedStage,
)

SCENARIOS = (ID_1, ID_2, ID_3, ID_5)
