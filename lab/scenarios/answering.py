"""Who on the way answers for a key (draft 5.2, 11.2): KB-10, with an invented record; KB-11, that there is none."""

from __future__ import annotations

from collections.abc import Iterator

from lab.scenarios.base import declare
from lab.scenarios.measures import Measure, alarms
from lab.scenarios.tampering import BehindStage
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.answering import FalseDenial, FalseRecord
from p2psip_min.ids import NodeID
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import TurnServer

INVENTED = 9
"""The port of the TURN server that mallory invents."""


class AnsweringStage(BehindStage):
    """Eight records are stored while all is well; then readers ask for them."""

    def roots(self) -> dict[bytes, NodeID]:
        """Who is responsible for each of the records."""
        return {each.resource: self.overlay.root(each.resource).node_id for each in self.records}

    def refused(self, *, true: bool) -> int:
        """How often a reader did not believe the true root, or another one."""
        rejected = self.trace.select(events.ResponderRejected, since=self.start)
        roots = self.roots()
        return sum((event.responder == roots.get(event.key)) == true for event in rejected)

    def facts(self) -> tuple[str, ...]:
        """How many reads got what the owner wrote, and how often each kind of responder was refused."""
        true = sum(each.read == each.version for each in self.records)
        return f"{true} of {len(self.records)}", str(self.refused(true=False)), str(self.refused(true=True))

    def measures(self) -> Iterator[Measure]:
        """How often the true root was not believed, and for how many reads a false one was not found out."""
        if not self.has("true-root", "root-set-denial"):
            return
        wrong = len(self.records) if self.setting.attack else 0
        if self.has("true-root"):
            rejected, roots = self.trace.select(events.ResponderRejected, since=self.start), self.roots()
            found = {event.key for event in rejected if event.key in roots and event.responder != roots[event.key]}
            yield from alarms(false=self.refused(true=True), missed=wrong - len(found), wrong=wrong)
        else:
            unread = sum(each.read is None for each in self.records)
            yield from alarms(false=0 if wrong else unread, missed=unread, wrong=wrong)


class FalseRecordStage(AnsweringStage):
    """Mallory answers with records of her own."""

    def attack(self) -> None:
        """Mallory begins to answer."""
        address = IpAddressPort(self.mallory.address[0], INVENTED)
        content = SingleValue(True, encode(TurnServer(1, address)))
        self.overlay.turn(self.mallory.name, FalseRecord(content).equip, "answers with invented records")

    def figure(self) -> float:
        """The share of reads that took what no owner ever wrote."""
        return self.share([each for each in self.records if each.read == 0])


class FalseDenialStage(AnsweringStage):
    """Mallory answers that there is nothing."""

    def attack(self) -> None:
        """Mallory begins to deny."""
        self.overlay.turn(self.mallory.name, FalseDenial().equip, "denies that records exist")

    def figure(self) -> float:
        """The share of reads that found nothing."""
        return self.share([each for each in self.records if each.read is None])


ROWS = ("reads of the owner's value", "false roots refused", "true roots refused")
ON_THE_WAY = "a peer on the way of the readers' GETs"

KB_10 = declare(
    "KB-10",
    title="A peer on the way invents the record",
    attacker=ON_THE_WAY,
    preset="none",
    defence=("true-root", "record-signature", "access-control"),
    decoys=("true-root",),
    claims=(
        ("record-signature", "access-control"),
        ("true-root", "message-signature"),
        ("disjoint-paths", "message-signature"),
    ),
    metric="invented records believed, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=6,
    numbers={},
    rows=ROWS,
    notes={"baseline": "mallory passes GETs on", "attacked": "mallory answers GETs with records of her own"},
    stage=FalseRecordStage,
)

KB_11 = declare(
    "KB-11",
    title="A peer on the way denies that the record exists",
    attacker=ON_THE_WAY,
    preset="none",
    defence=("root-set-denial",),
    decoys=("record-signature",),
    claims=(
        ("true-root", "message-signature"),
        ("disjoint-paths", "message-signature"),
        ("salted-places",),
        ("disjoint-paths", "salted-places"),
    ),
    metric="reads that find nothing, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=6,
    numbers={},
    rows=ROWS,
    notes={"baseline": "mallory passes GETs on", "attacked": "mallory answers that there is nothing"},
    stage=FalseDenialStage,
)

SCENARIOS = (KB_10, KB_11)
