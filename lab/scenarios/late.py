"""Messages that come again or late on any base (draft 7.2.7, 11.1): RP-1 and RP-3."""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import declare
from lab.scenarios.records import RECORDS, Published, RecordsStage
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.replay import HeldPacket, PacketReplay, StoreDelay
from p2psip_min.clock import virtual
from p2psip_min.errors import LocalProtocolError
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node

LATE = 30.0
"""Seconds after its making from which on a PUT is late; the overlay itself needs less than a second."""


class ReplayedStage(RecordsStage):
    """Owners publish v1, then v2; an outsider on their lines sends v1 again; others read before and after."""

    STORES, UPDATES, FIRST_READS, READS = 2.0, 20.0, 25.0, 50.0

    def cast(self) -> None:
        """Any records will do whose PUTs leave their owners."""
        root = self.overlay.root
        self.choose_records([each for each in self.possible() if root(each[2]) is not each[0]], ())

    def attack(self) -> None:
        """Listen on the lines of all owners."""
        network = self.overlay.network
        hosts = frozenset(each.owner.address for each in self.records)
        network.tap(PacketReplay(network, self.numbers["resend-after"], hosts=hosts).tap)

    async def story(self) -> None:
        """PUT, PUT, GET, what comes again, GET."""
        await self.until(self.STORES)
        await self.publish(self.records)
        await self.until(self.UPDATES)
        await self.publish(self.records)
        await self.until(self.FIRST_READS)
        await self.read_all()
        await self.until(self.READS)
        await self.read_all()

    def figure(self) -> float:
        """The share of the last reads that took an older version than the newest."""
        return self.share([each for each in self.records if each.read not in (None, each.version)])


class DelayedStage(RecordsStage):
    """Somebody on the way holds back one PUT of each owner, who does not wait for it, and lets it go later.

    On an untrusted base it is a peer that forwards; on a trusted one an outsider on the owner's line. Half of the
    owners publish once more meanwhile; the others give up, and nothing of theirs is there when the late PUT comes.
    """

    mid_story: ClassVar[bool] = True
    STORES, TURNS, UPDATES, AGAIN, READS = 2.0, 15.0, 20.0, 60.0, 130.0
    mallory: Node

    def cast(self) -> None:
        """Choose a peer that forwards enough PUTs of others."""
        overlay = self.overlay
        passing: dict[str, list[tuple[Node, int, ResourceID]]] = {node.name: [] for node in overlay.peers()}
        for owner, place, resource in self.possible():
            for node in overlay.route(owner.name, resource)[:-1]:
                passing[node.name].append((owner, place, resource))
        most = max(len(found) for found in passing.values())
        if not most:
            raise LocalProtocolError("nobody forwards a PUT in this overlay: take more peers or another seed")
        fit = [node for node in overlay.peers() if len(passing[node.name]) >= min(RECORDS, most)]
        self.mallory = fit[int(overlay.rng("cast").random() * len(fit))]
        if self.attackers():
            self.people[self.mallory.node_id] = "mallory"
        self.choose_records(passing[self.mallory.name], (self.mallory,))

    def attackers(self) -> tuple[Node, ...]:
        """Mallory, where peers can be hostile."""
        return (self.mallory,) if self.setting.base == "untrusted" else ()

    def attack(self) -> None:
        """Take a place on the way."""
        overlay, after = self.overlay, self.numbers["release-after"]
        if self.attackers():
            overlay.turn(self.mallory.name, StoreDelay(after).equip, "holds PUTs back")
            return
        outsider = HeldPacket(overlay.network, after)
        for each in self.records:
            source, following = each.owner.address, overlay.route(each.owner.name, each.resource)[0].address
            overlay.network.on_path(source, following, outsider.between(source, following))

    def patient(self) -> list[Published]:
        """Who publishes again."""
        return self.records[::2]

    async def story(self) -> None:
        """PUT by half of them; PUT by all; PUT by half; what was held back; GET."""
        await self.until(self.STORES)
        await self.publish(self.patient())
        await self.until(self.TURNS)
        if self.setting.attack:
            self.attack()
        await self.until(self.UPDATES)
        await self.publish(self.records, at_once=True)
        await self.until(self.AGAIN)
        await self.publish(self.patient())
        await self.until(self.READS)
        await self.read_all()

    def figure(self) -> float:
        """The share of records whose responsible peer took a PUT long after it was made."""
        late = {
            event.resource
            for event in self.trace.events[self.start :]
            if isinstance(event, events.RecordStored | events.RecordReplaced)
            and event.t - virtual(event.storage_time) > LATE
        }
        return self.share([each for each in self.records if each.resource in late])


ROWS = ("reads of the newest version", "honest PUTs accepted")

RP_1 = declare(
    "RP-1",
    title="An old PUT comes again from the wire",
    attacker="an outsider on the lines of the owners",
    preset="none",
    defence=("rising-time", "reader-memory"),
    decoys=("record-signature", "time-stamp"),
    claims=(("version-counter",), ("tls",)),
    metric="stale reads, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.ROLLED_BACK,
    least_peers=2,
    numbers={"resend-after": 36.0},
    counted={
        "resend-after": f"seconds after v1 left its owner, at {ReplayedStage.STORES:g} s; v2 comes at "
        f"{ReplayedStage.UPDATES:g} s, the last reads at {ReplayedStage.READS:g} s"
    },
    rows=ROWS,
    notes={"baseline": "nobody is on the lines", "attacked": "somebody sends v1 again after v2"},
    stage=ReplayedStage,
)

RP_3 = declare(
    "RP-3",
    title="A PUT is held back and let go later",
    attacker="a peer on the way of the PUTs, or an outsider on their owners' lines",
    preset="none",
    defence=("record-signature", "time-stamp", "rising-time"),
    decoys=("transaction-memory",),
    claims=(("time-stamp",),),
    metric="late PUTs accepted, of 1",
    unit="share of records",
    span=(0.0, 1.0),
    whole=0,
    word=Word.STALE,
    least_peers=6,
    numbers={"release-after": 90.0},
    counted={
        "release-after": f"seconds after a PUT was held back, at {DelayedStage.UPDATES:g} s; one is late after "
        f"{LATE:g} s, the last reads are at {DelayedStage.READS:g} s"
    },
    rows=ROWS,
    notes={"baseline": "every PUT arrives at once", "attacked": "one PUT of each owner arrives 90 s late"},
    stage=DelayedStage,
)

SCENARIOS = (RP_1, RP_3)
"""In the order of the catalogue."""
