"""What outsiders on the way between two nodes may do (draft 5.1, 11.2, 11.3): read, change, take over and delete."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.transport import Deleter, Eavesdropper, Hijacker, Tamperer
from p2psip_min.ids import NodeID, ResourceID, overlay_hash
from p2psip_min.overlay import Node
from p2psip_min.wire.header import open_envelope

REGISTERS, STRIKES, CALLS = 2.0, 6.0, 8.0
"""Virtual seconds of the stories."""


class OnTheWay(Stage):
    """The attacker sits on one hop, by default the one between alice and her peer; he is no node."""

    def cast(self) -> None:
        """Alice's record is the subject."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}

    def serving(self, user: str) -> Node:
        """The peer that serves a client."""
        return self.overlay.node(self.overlay.node(user).peer.topology.table()[0])

    def calls(self) -> str:
        """How many calls were set up, of those tried."""
        calls = [operation for operation in self.operations if operation.name == "call"]
        return f"{sum(call.ok for call in calls)} of {len(calls)}"

    async def call_each_other(self) -> None:
        """Bob calls alice, and alice bob."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        await self.perform("call", bob.call(self.overlay.aor("alice")))
        await self.perform("call", alice.call(self.overlay.aor("bob")))


class EavesdropStage(OnTheWay):
    """Alice registers and bob calls her, while somebody listens between alice and her peer."""

    def cast(self) -> None:
        """Who listens is no node."""
        super().cast()
        self.ear = Eavesdropper()

    def attack(self) -> None:
        """Tap the hop."""
        hop = self.overlay.node("alice").address, self.serving("alice").address
        self.overlay.network.tap(self.ear.tap, hop)

    async def story(self) -> None:
        """Both register, bob calls alice, alice calls back."""
        await self.until(REGISTERS)
        for user in self.users:
            await self.perform("register", self.overlay.phone(user).register())
        await self.until(CALLS)
        await self.call_each_other()

    def figure(self) -> float:
        """The share of the hop's messages whose contents were in clear."""
        return round(self.ear.share_read, 6)

    def harmed_since(self) -> float | None:
        """When the first message was read."""
        return self.ear.since

    def facts(self) -> tuple[str, ...]:
        """What the listener could read, and whether the calls were set up."""
        return f"{len(self.ear.read)} messages", self.calls()


NOBODY = NodeID(b"\xee" * 16)
"""The Node-ID that the attacker puts in the place of others: nobody has it."""


class TamperStage(OnTheWay):
    """Alice and bob register and call each other, while somebody changes what passes between alice and the peers."""

    def cast(self) -> None:
        """One attacker for each way of each of alice's hops: by iterative routing she has several."""
        super().cast()
        overlay = self.overlay
        alice = overlay.node("alice")
        self.hops = [hop for peer in overlay.peers() for hop in ((alice, peer), (peer, alice))]
        instead = {overlay.node(user).node_id: NOBODY for user in self.users}
        self.attacks = [
            Tamperer(instead, partial(overlay.network.inject, near.address, far.address)) for near, far in self.hops
        ]

    def attack(self) -> None:
        """Sit on alice's line."""
        for (near, far), attack in zip(self.hops, self.attacks, strict=True):
            self.overlay.network.on_path(near.address, far.address, attack.on_path)

    async def story(self) -> None:
        """Bob registers, alice registers, they call each other."""
        await self.until(REGISTERS)
        for user in reversed(self.users):
            await self.perform("register", self.overlay.phone(user).register())
        await self.until(CALLS)
        await self.call_each_other()

    def invented(self) -> list[float]:
        """When messages were taken at one end of a hop that nobody had sent, each once."""
        alice = self.overlay.node("alice").node_id
        sent = {_content(event) for event in self.trace.select(events.MessageSent, since=self.start)}
        found: dict[tuple[int, bytes], float] = {}
        taken: list[events.MessageDelivered | events.MessageForwarded] = []
        taken.extend(self.trace.select(events.MessageDelivered, since=self.start))
        taken.extend(self.trace.select(events.MessageForwarded, since=self.start))
        for event in taken:
            if alice in (event.node, event.previous_hop) and _content(event) not in sent:
                found.setdefault(_content(event), event.t)
        return sorted(found.values())

    def figure(self) -> float:
        """The share of the attacker's frames that the other ends took."""
        tried = sum(attack.tried for attack in self.attacks)
        return round(min(1.0, len(self.invented()) / tried), 6) if tried else 0.0

    def harmed_since(self) -> float | None:
        """When the first changed frame was taken."""
        return next(iter(self.invented()), None)

    def facts(self) -> tuple[str, ...]:
        """How many frames he tried, and whether the calls were set up."""
        return str(sum(attack.tried for attack in self.attacks)), self.calls()


def _content(event: events.MessageSent | events.MessageForwarded | events.MessageDelivered) -> tuple[int, bytes]:
    """What no hop may change of a message."""
    return event.transaction_id, event.message[open_envelope(event.message).body_offset :]


class HijackStage(OnTheWay):
    """Four clients set up their connections and use them; then somebody takes each of the connections over."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave")

    def cast(self) -> None:
        """One attacker for each connection."""
        super().cast()
        overlay, sequence = overlay_hash(self.overlay.name), self.overlay.provider.configuration.sequence
        self.attacks = {user: Hijacker(self.serving(user).node_id, overlay, sequence) for user in self.users}

    def attack(self) -> None:
        """Sit on each connection's way, and wait."""
        for user, attack in self.attacks.items():
            near, far = self.overlay.node(user).address, self.serving(user).address
            self.overlay.network.on_path(near, far, attack.outward)
            self.overlay.network.on_path(far, near, attack.inward)

    async def story(self) -> None:
        """Everybody registers, and some seconds later asks for a neighbor's registration."""
        await self.until(REGISTERS)
        for user in self.users:
            await self.perform("register", self.overlay.phone(user).register())
        await self.until(STRIKES)
        for attack in self.attacks.values():
            attack.seized = True
        await self.until(CALLS)
        others = zip(self.users, (*self.users[1:], self.users[0]), strict=True)
        resolving = [self.overlay.phone(user).resolve(self.overlay.aor(other)) for user, other in others]
        await asyncio.gather(*[self.perform("resolve", each) for each in resolving])

    def figure(self) -> float:
        """The share of the connections over which the attacker was answered in his victim's place."""
        return sum(attack.answered > 0 for attack in self.attacks.values()) / len(self.attacks)

    def harmed_since(self) -> float | None:
        """When he struck, where he was answered."""
        return STRIKES if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """What he got answers to."""
        return (str(sum(attack.answered for attack in self.attacks.values())),)


LOOKUPS = 6


class DeleteStage(OnTheWay):
    """Alice looks up six names, while somebody deletes all that passes between her and her peer."""

    users: ClassVar[tuple[str, ...]] = ("alice",)

    def cast(self) -> None:
        """One attacker for each direction."""
        super().cast()
        overlay = self.overlay
        alice, peer = self.hop = overlay.node("alice"), self.serving("alice")
        # By iterative routing nobody else can ask this peer in alice's place.
        places = [ResourceID.of(f"name{number}@{overlay.name}") for number in range(100 * LOOKUPS)]
        self.places = [place for place in places if overlay.root(place) is not peer][:LOOKUPS]
        self.attacks = [
            Deleter(partial(overlay.network.inject, far.address, near.address))
            for near, far in ((alice, peer), (peer, alice))
        ]

    def attack(self) -> None:
        """Sit on the hop, and wait."""
        near, far = self.hop
        self.overlay.network.on_path(near.address, far.address, self.attacks[0].on_path)
        self.overlay.network.on_path(far.address, near.address, self.attacks[1].on_path)

    async def story(self) -> None:
        """Alice registers, and when the attacker has begun she looks names up."""
        await self.until(REGISTERS)
        await self.perform("register", self.overlay.phone("alice").register())
        await self.until(STRIKES)
        for attack in self.attacks:
            attack.active = True
        await self.until(CALLS)
        for place in self.places:
            await self.perform("lookup", procedures.ping(self.overlay.node("alice").peer, place))

    def lookups(self) -> list[bool]:
        """Which of alice's lookups were answered, in order."""
        return [operation.ok for operation in self.operations if operation.name == "lookup"]

    def figure(self) -> float:
        """The share of alice's lookups that were lost."""
        answered = self.lookups()
        return round(answered.count(False) / len(answered), 6) if answered else 0.0

    def harmed_since(self) -> float | None:
        """When the first lookup was lost."""
        return CALLS if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """How many messages he deleted, and how long alice waited for her first answer."""
        waits = [operation.delay for operation in self.operations if operation.name == "lookup" and operation.ok]
        return str(sum(attack.deleted for attack in self.attacks)), f"{waits[0]:.1f} s" if waits else "for ever"


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

TR_2 = declare(
    "TR-2",
    title="An outsider changes a hop's messages",
    attacker="an outsider on alice's line",
    preset="none",
    defence=("tls", "link-auth"),
    decoys=("link-checksum",),
    claims=(("tls",),),
    metric="tampered frames accepted, of 1",
    unit="share of frames",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=2,
    numbers={},
    rows=("frames he tried", "calls set up"),
    notes={"baseline": "the line is left alone", "attacked": "somebody changes whom registrations name"},
    stage=TamperStage,
)

TR_3 = declare(
    "TR-3",
    title="An outsider takes a connection over",
    attacker="an outsider between clients and their peers",
    preset="none",
    defence=("tls", "link-auth"),
    decoys=("connect-auth",),
    claims=(("tls",),),
    metric="connections taken over, of 1",
    unit="share of connections",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=1,
    numbers={},
    rows=("answers that he got",),
    notes={"baseline": "connections stay whose they are", "attacked": "somebody speaks in the clients' places"},
    stage=HijackStage,
)

TR_8 = declare(
    "TR-8",
    title="An outsider deletes a hop's messages",
    attacker="an outsider between alice and her peer",
    preset="none",
    defence=("tls", "hop-acknowledgement"),
    decoys=("tls",),
    metric="lookups lost, of 1",
    unit="share of lookups",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=2,
    numbers={},
    rows=("messages deleted", "first answer after"),
    notes={"baseline": "the hop is left alone", "attacked": "somebody deletes what passes, and acknowledges it"},
    stage=DeleteStage,
)

SCENARIOS = (TR_1, TR_2, TR_3, TR_8)
