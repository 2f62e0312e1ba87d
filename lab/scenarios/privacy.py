"""What others learn about users (draft 7.2.11, 11.6): PR-3, peers read what they pass on and store."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.privacy import Curious, Harvest
from p2psip_min.attacks.watching import LineWatcher, Watcher, guess
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node
from p2psip_min.wire.kinds import SIP_REGISTRATION

REGISTERS, CALLS = 2.0, 8.0
ROUNDS = 2
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


PAUSE = 4.5
"""Seconds from one call to the next: more than the longest call and a watcher's QUIET, or he takes two for one."""


class WatchStage(Stage):
    """Eight users call one friend each, twice; somebody watches who looks for whom, and guesses who that friend is."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")

    def cast(self) -> None:
        """Draw everybody a friend. Peers watch, or on a trusted base an outsider."""
        overlay = self.overlay
        dice = overlay.rng("cast")
        self.owner = "alice"
        self.places = {user: ResourceID.of(overlay.aor(user)) for user in self.users}
        self.resources = {place: overlay.aor(user) for user, place in self.places.items()}
        self.subject = self.places["alice"]
        self.friends: dict[str, str] = {}
        for user in self.users:
            others = [other for other in self.users if other != user]
            self.friends[user] = others[int(dice.random() * len(others))]
            overlay.phone(user).directory = tuple(overlay.aor(other) for other in others)
        self.watcher = Watcher()
        nodes = {user: overlay.node(user) for user in self.users}
        self.line_watcher = LineWatcher(
            {node.address[0]: bytes(node.node_id) for node in nodes.values()},
            {bytes(nodes[user].node_id): bytes(place) for user, place in self.places.items()},
        )

    def attackers(self) -> tuple[Node, ...]:
        """The peers that are responsible for the users' records, where peers may be hostile."""
        if self.setting.base == "trusted":
            return ()
        return tuple(dict.fromkeys(self.overlay.root(place) for place in self.places.values()))

    def attack(self) -> None:
        """They begin to watch."""
        overlay = self.overlay
        for node in self.attackers():
            overlay.turn(node.name, self.watcher.equip, "watches who asks")
        if not self.attackers():
            overlay.network.tap(self.line_watcher.tap)  # he makes nothing of what is on nobody's line

    async def story(self) -> None:
        """Everybody registers, then one after the other calls, and once more."""
        await self.until(REGISTERS)
        registering = [self.overlay.phone(user).register() for user in self.users]
        await asyncio.gather(*[self.perform("register", each) for each in registering])
        for turn, user in enumerate(self.users * ROUNDS):
            await self.until(REGISTERS + PAUSE * (turn + 1))
            await self.perform("call", self.overlay.phone(user).call(self.overlay.aor(self.friends[user])))
        await asyncio.sleep(PAUSE)

    def guessed(self) -> dict[str, str]:
        """Whom the watcher takes for whose friend."""
        found = guess(self.watcher.seen or self.line_watcher.seen())
        names = {bytes(place): user for user, place in self.places.items()}
        nodes = {bytes(self.overlay.node(user).node_id): user for user in self.users}
        return {nodes[who]: names[whose] for who, whose in found.items() if who in nodes and whose in names}

    def right(self) -> int:
        """How many of the guesses are right."""
        return sum(self.friends[user] == friend for user, friend in self.guessed().items())

    def figure(self) -> float:
        """How much better the watcher does than by guessing blindly: 0 as well, 1 always right."""
        chance = 1 / (len(self.users) - 1)
        return round(max(0.0, (self.right() / len(self.users) - chance) / (1 - chance)), 6)

    def harmed_since(self) -> float | None:
        """When the calls began, where he is right about somebody."""
        return REGISTERS + PAUSE if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """How many friends he knows, and whether the calls were set up."""
        calls = [operation for operation in self.operations if operation.name == "call"]
        return f"{self.right()} of {len(self.users)}", f"{sum(call.ok for call in calls)} of {len(calls)}"


VICTIMS = 28
"""Users whose phones are peers."""

HARVESTS = 10.0


class HarvestStage(Stage):
    """Many users register, each for one friend; mallory, a client, asks for all of them within half a minute."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "mallory")
    mid_story: ClassVar[bool] = True

    def options(self) -> dict[str, Any]:
        """Peers with phones, as many as there are peers for it."""
        return {"users": tuple(f"user{number:02d}" for number in range(min(VICTIMS, self.setting.peers)))}

    def cast(self) -> None:
        """Everybody lets the next one read; mallory is nobody's friend."""
        overlay = self.overlay
        victims = [node.name for node in overlay.nodes.values() if node.phone is not None and node.name != "mallory"]
        self.victims = sorted(victims)
        for user, friend in zip(self.victims, (*self.victims[1:], self.victims[0]), strict=True):
            overlay.allow(user, friend)
        self.owner = "alice"
        self.resources = {ResourceID.of(overlay.node(user).user): overlay.node(user).user for user in self.victims}
        self.subject = ResourceID.of(overlay.aor("alice"))
        self.people[overlay.node("mallory").node_id] = "mallory"
        # The overlay's software, which mallory has like everybody, says where and under which Kinds to look.
        places = [place for name in self.resources for place in overlay.defences.places.of(ResourceID(name))]
        kinds = overlay.defences.value_encryption.kinds(SIP_REGISTRATION)
        # Any peer serves a client that comes to it.
        mallory = overlay.node("mallory").peer
        moves = [partial(procedures.serve_client, mallory, node.address) for node in overlay.peers()]
        self.harvest = Harvest(places, kinds, moves)

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.overlay.node("mallory"),)

    def attack(self) -> None:
        """Mallory begins to ask."""
        self.overlay.turn("mallory", self.harvest.equip, "harvests registrations")

    async def story(self) -> None:
        """Everybody registers, mallory asks, two call friends who let them read."""
        await self.until(REGISTERS)
        registering = [self.overlay.phone(user).register() for user in self.victims]
        await asyncio.gather(*[self.perform("register", each) for each in registering])
        await self.until(HARVESTS)
        if self.setting.attack:
            self.attack()
        for caller, callee in (("bob", "alice"), ("user00", "bob")):
            await self.perform("call", self.overlay.phone(caller).call(self.overlay.aor(callee)))
        await self.until(HARVESTS + 2.0 * self.harvest.pause * len(self.harvest.places))

    def figure(self) -> float:
        """The share of what there is to know: of each user where he is reached, and when he registered."""
        return round((len(self.harvest.where) + len(self.harvest.when)) / (2 * len(self.harvest.places)), 6)

    def harmed_since(self) -> float | None:
        """When mallory began, where she found anything."""
        return HARVESTS if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """Of how many users mallory knows where they are, and of how many when they were there."""
        users = len(self.victims)
        return f"{len(self.harvest.where)} of {users}", f"{len(self.harvest.when)} of {users}"


PR_1 = declare(
    "PR-1",
    title="Somebody watches who looks for whom",
    attacker="peers that hold records, or an outsider on the clients' lines",
    preset="none",
    defence=("tls", "cover-queries"),
    decoys=("tls", "value-encryption"),
    metric="friends guessed right beyond chance, of 1",
    unit="share of guesses",
    span=(0.0, 1.0),
    whole=0,
    word=Word.READ,
    least_peers=1,
    numbers={},
    rows=("friends guessed right", "calls set up"),
    notes={"baseline": "nobody watches", "attacked": "somebody watches who looks for whom"},
    stage=WatchStage,
)

PR_2 = declare(
    "PR-2",
    title="A client harvests registrations",
    attacker="a client who knows many names, and goes from peer to peer",
    preset="none",
    defence=("value-encryption", "readers-list"),
    claims=(("readers-list",), ("blinded-names",), ("value-encryption",)),
    decoys=("obscure-names", "query-quota"),
    metric="facts of profiles collected in a minute, of 1",
    unit="share of facts",
    span=(0.0, 1.0),
    whole=0,
    word=Word.READ,
    least_peers=12,
    numbers={},
    rows=("whereabouts known", "times known"),
    notes={"baseline": "mallory asks for nothing", "attacked": "mallory asks for everybody within a minute"},
    stage=HarvestStage,
)

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

SCENARIOS = (PR_1, PR_2, PR_3)
