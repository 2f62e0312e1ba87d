"""What a thief may do with a credential from somebody's device (draft 7.2.6): EN-12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.scenarios.measures import Measure, alarms
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.applicants import CredentialThief
from p2psip_min.errors import P2PSIPError
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node

REGISTERS, ROAMS, STOLEN = 2.0, (30.0, 90.0), 150.0
"""Virtual seconds of the story: alice goes to another peer and back, before anything is stolen."""

USES, EVERY = 10, 30.0
"""How often thief and owner register, and every how many seconds each does."""

LATER = 10.0
"""Seconds after alice at which the thief registers, and as many after him bob calls her."""


class TheftStage(Stage):
    """Alice goes to and fro, then refreshes her registration every half minute; so does a thief with her credential.

    If she is shut out, she logs in and enrolls anew.
    """

    deeds: ClassVar[tuple[Deed, ...]] = ()
    mid_story: ClassVar[bool] = True
    double: Node

    def options(self) -> dict[str, Any]:
        """Nobody comes or goes: what peers do unasked would only make it longer."""
        return {"maintenance": False}

    def cast(self) -> None:
        """Alice owns the record; the thief's phone will be served by another peer than hers."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}
        hers, dice = overlay.node("alice").peer.topology.table()[0], overlay.rng("cast")
        others = [node for node in overlay.peers() if node.node_id != hers]
        self.haunt, self.cafe = (others.pop(int(dice.random() * len(others))) for _ in range(2))
        self.home = overlay.node(hers)
        self.thief: CredentialThief | None = None
        self.alarms: list[float] = []
        withdraw = overlay.provider.on_alarm

        def heard(node_id: NodeID) -> None:
            self.alarms.append(overlay.now)
            withdraw(node_id)

        overlay.provider.on_alarm = heard
        self.answered: list[bool] = []

    def attack(self) -> None:
        """The thief has copied what alice's phone stores."""
        overlay = self.overlay
        self.double = overlay.double("alice")
        assert self.double.phone is not None
        self.thief = CredentialThief(self.double.phone.register, overlay.loop.time)

    async def story(self) -> None:
        """Alice, the thief, a call; ten times."""
        overlay = self.overlay
        bob = overlay.phone("bob")
        await self.until(REGISTERS)
        await self.perform("register", self._register())
        for moment, peer in zip(ROAMS, (self.cafe, self.home), strict=True):
            await self.until(moment)
            await procedures.serve_client(overlay.node("alice").peer, peer.address)
            await self.perform("register", self._register())
        await self.until(STOLEN)
        if self.setting.attack:
            self.attack()
        for number in range(USES):
            start = STOLEN + EVERY * number
            await self.until(start)
            await self.perform("register", self._register())
            await self.until(start + LATER)
            if self.thief is not None:
                await self._attach()
                await self.thief.use()
            await self.until(start + 2 * LATER)
            alice = overlay.phone("alice")
            before = len(alice.calls)
            if await self.perform("call", bob.call(overlay.aor("alice"))):
                self.answered.append(len(alice.calls) > before)

    async def _register(self) -> None:
        """Alice registers; once her credential is withdrawn, with another one."""
        overlay = self.overlay
        try:
            await overlay.phone("alice").register()
        except P2PSIPError:
            node = await overlay.enroll_anew("alice")
            await procedures.serve_client(node.peer, self.home.address)
            await overlay.phone("alice").register()

    async def _attach(self) -> None:
        """The thief's phone sees that a peer serves it."""
        if not self.double.peer.links.table:
            try:
                await procedures.serve_client(self.double.peer, self.haunt.address)
            except P2PSIPError:
                return  # nobody does any more

    def figure(self) -> float:
        """How many uses of the stolen credential were accepted."""
        return float(len(self.thief.accepted)) if self.thief is not None else 0.0

    def measures(self) -> Iterator[Measure]:
        """Whether the alarm was raised for a theft or for nothing, and how long after the first stolen use."""
        if not self.has("second-use-alarm"):
            return
        uses = self.thief.accepted if self.thief is not None else []
        right = [alarm for alarm in self.alarms if uses and alarm >= uses[0]]
        yield from alarms(false=len(self.alarms) - len(right), missed=not right, wrong=bool(uses))
        if right:
            yield "seconds to the alarm", right[0] - uses[0]

    def facts(self) -> tuple[str, ...]:
        """Calls that the thief answered, when the last peer knew after his first use, and alarms without a theft."""
        times: dict[bytes, float] = {}
        for alarm in self.alarms[:1]:
            for event in self.trace.events[self.start :]:
                if isinstance(event, events.ConfigurationTaken | events.RevocationsTaken) and event.t >= alarm:
                    times.setdefault(event.node, event.t)
        peers = [node.node_id for node in self.overlay.peers()]
        known = [times[node] for node in peers if node in times]
        took = "never"
        if self.thief is not None and len(known) == len(peers):
            took = f"{max(known) - self.thief.accepted[0]:.0f} s"
        wrong = sum(self.thief is None or alarm < STOLEN for alarm in self.alarms)
        return f"{self.answered.count(False)} of {len(self.answered)}", took, f"{wrong}"


EN_12 = declare(
    "EN-12",
    title="A credential is stolen from a device",
    attacker="a thief with a phone and a copy of alice's credential",
    preset="draft",
    defence=("second-use-alarm", "revocation"),
    decoys=("longer-keys",),
    claims=(("second-use-alarm", "revocation-list"),),
    metric="uses of a stolen credential accepted, of 10",
    unit="uses",
    span=(0.0, float(USES)),
    whole=USES,
    word=Word.STOLEN,
    least_peers=4,
    numbers={},
    rows=("calls that the thief answers", "first use to the last peer's knowing", "false alarms"),
    notes={"baseline": "alice's phone is alone", "attacked": "the thief registers for alice as often as she does"},
    stage=TheftStage,
)

SCENARIOS = (EN_12,)
"""The threats of this family."""
