"""What others learn about users (draft 7.2.11, 11.6): PR-3, peers read what they pass on and store."""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min.attacks.privacy import Curious
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node

REGISTERS, CALLS = 2.0, 8.0
"""Virtual seconds of the stories."""


class PrivacyStage(Stage):
    """Two pairs of friends, each of whom lets the other one read his registration, and nobody else."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave")
    friends: ClassVar[dict[str, str]] = {"alice": "bob", "bob": "alice", "carol": "dave", "dave": "carol"}

    def cast(self) -> None:
        """Alice's record is the subject."""
        overlay = self.overlay
        self.owner = "alice"
        self.resources = {ResourceID.of(overlay.aor(user)): overlay.aor(user) for user in self.users}
        self.subject = next(iter(self.resources))
        for user, friend in self.friends.items():
            overlay.allow(user, friend)

    def calls(self) -> str:
        """How many calls were set up, of those tried."""
        calls = [operation for operation in self.operations if operation.name == "call"]
        return f"{sum(call.ok for call in calls)} of {len(calls)}"


class CuriousStage(PrivacyStage):
    """Everybody registers and calls his friend; the peers that store and pass on their registrations read them."""

    def cast(self) -> None:
        """For two of the users the responsible peer is curious, for the others the peer that serves them."""
        super().cast()
        overlay = self.overlay
        storing = [overlay.root(ResourceID.of(overlay.aor(user))) for user in self.users[:2]]
        serving = [overlay.node(overlay.node(user).peer.topology.table()[0]) for user in self.users[2:]]
        self.curious = {node.node_id: (node, Curious()) for node in (*storing, *serving)}
        for node in storing:
            self.people[node.node_id] = "mallory"

    def attackers(self) -> tuple[Node, ...]:
        """The storing and the serving peers."""
        return tuple(node for node, _ in self.curious.values())

    def attack(self) -> None:
        """They begin to read."""
        for node, curious in self.curious.values():
            self.overlay.turn(node.name, curious.equip, "reads what passes")

    async def story(self) -> None:
        """Everybody registers, everybody calls."""
        await self.until(REGISTERS)
        for user in self.users:
            await self.perform("register", self.overlay.phone(user).register())
        await self.until(CALLS)
        for user, friend in self.friends.items():
            await self.perform("call", self.overlay.phone(user).call(self.overlay.aor(friend)))

    def known(self) -> dict[bytes, float]:
        """The users' nodes whose contacts a peer has read, and when it first did."""
        nodes = [self.overlay.node(user).node_id for user in self.users]
        found: dict[bytes, float] = {}
        for _, curious in self.curious.values():
            for key, t in curious.since.items():
                if key in nodes:
                    found[key] = min(t, found.get(key, t))
        return found

    def figure(self) -> float:
        """The share of the users whose contacts somebody has read who is no party."""
        return len(self.known()) / len(self.users)

    def harmed_since(self) -> float | None:
        """When the first contact was read."""
        return min(self.known().values(), default=None)

    def facts(self) -> tuple[str, ...]:
        """Whose contacts were read, and whether the calls were set up."""
        return f"{len(self.known())} of {len(self.users)}", self.calls()


PR_3 = declare(
    "PR-3",
    title="Peers read what they store and pass on",
    attacker="peers that store registrations or pass them on",
    preset="none",
    defence=("value-encryption",),
    decoys=("tls",),
    metric="users whose contacts are read, of 1",
    unit="share of users",
    span=(0.0, 1.0),
    whole=0,
    word=Word.READ,
    least_peers=1,
    numbers={},
    rows=("contacts read", "calls set up"),
    notes={"baseline": "peers do not look", "attacked": "peers read what they store and pass on"},
    stage=CuriousStage,
)

SCENARIOS = (PR_3,)
