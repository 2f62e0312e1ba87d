"""What outsiders on the wire may do (draft 5.1, 11.3): TR-1, somebody reads a hop."""

from __future__ import annotations

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min.attacks.transport import Eavesdropper
from p2psip_min.ids import ResourceID

REGISTERS, CALLS = 2.0, 8.0
"""Virtual seconds of the story."""


class EavesdropStage(Stage):
    """Alice registers and bob calls her, while somebody listens between alice and her peer."""

    def cast(self) -> None:
        """The hop is the one between alice and her peer; who listens is no node."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}
        self.ear = Eavesdropper()

    def attack(self) -> None:
        """Tap the hop."""
        overlay = self.overlay
        alice = overlay.node("alice")
        serving = overlay.node(alice.peer.topology.table()[0])
        overlay.network.tap(self.ear.tap, (alice.address, serving.address))

    async def story(self) -> None:
        """Both register, bob calls alice, alice calls back."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        await self.until(REGISTERS)
        for phone in (alice, bob):
            await self.perform("register", phone.register())
        await self.until(CALLS)
        await self.perform("call", bob.call(self.overlay.aor("alice")))
        await self.perform("call", alice.call(self.overlay.aor("bob")))

    def figure(self) -> float:
        """The share of the hop's messages whose contents were in clear."""
        return round(self.ear.share_read, 6)

    def harmed_since(self) -> float | None:
        """When the first message was read."""
        return self.ear.since

    def facts(self) -> tuple[str, ...]:
        """What the listener could read, and whether the calls were set up."""
        calls = [operation for operation in self.operations if operation.name == "call"]
        return f"{len(self.ear.read)} messages", f"{sum(call.ok for call in calls)} of {len(calls)}"


TR_1 = declare(
    "TR-1",
    title="An outsider reads a hop",
    attacker="an outsider between alice and her peer",
    preset="none",
    defence=("tls",),
    decoys=("message-signature",),
    metric="messages read, of 1",
    unit="share of messages",
    span=(0.0, 1.0),
    whole=0,
    word=Word.READ,
    least_peers=1,
    numbers={},
    rows=("in clear on the hop", "calls set up"),
    notes={"baseline": "nobody listens", "attacked": "somebody listens between alice and her peer"},
    stage=EavesdropStage,
)

SCENARIOS = (TR_1,)
