"""Replays (draft 11.1): RP-2, a peer on the way keeps a PUT and sends it again after its owner has moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.text import Word, version
from p2psip_min import trace as events
from p2psip_min.attacks.forwarding import StoreReplay
from p2psip_min.errors import LocalProtocolError
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node
from p2psip_min.seams import Coalition, PeerParts

REGISTERS, MOVES, REGISTERS_AGAIN, READS = 2.0, 29.0, 30.0, 41.0
"""Virtual seconds of the story."""


class ReplayStage(Stage):
    """Alice registers (v1), moves and registers again (v2); mallory resends v1; bob reads."""

    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(name="resend", label="Resend the kept PUT", help="mallory does not wait any longer"),
        Deed(name="read", label="Bob reads", help="bob fetches alice's registration now"),
        Deed(name="hostile", label="One more mallory", help="the chosen peer keeps and resends too", node=True),
        *Stage.deeds,
    )
    mallory: Node
    second_home: Node

    def cast(self) -> None:
        """Find alice a peer from which her PUT passes a stranger: neither root nor replica nor bob's peer."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}
        self.attacks: dict[NodeID, StoreReplay] = {}
        root = overlay.root(resource)
        holders = {root.node_id, *root.peer.topology.replicas(resource, 2)}
        living = overlay.peers()
        turn = int(overlay.rng("cast").random() * len(living))
        strangers = [node for node in living[turn:] + living[:turn] if node.node_id not in holders]
        ways = {node.name: [node, *overlay.route(node.name, resource)] for node in strangers}
        first, self.mallory, clear = _choose(strangers, ways)
        self.people[self.mallory.node_id] = "mallory"
        # One peer between home and root: enough to see, and no more.
        clear.sort(key=lambda node: abs(len(ways[node.name]) - 3))
        self.second_home, quiet = clear[0], clear[1 % len(clear)]
        overlay.attach_client("alice", first.name)
        overlay.attach_client("bob", quiet.name)

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    def attack(self) -> None:
        """Mallory begins to keep what passes."""
        self._corrupt(self.mallory)

    def _corrupt(self, node: Node) -> None:
        replay = StoreReplay(self.numbers["resend-after"])

        def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
            return replay.equip(parts, coalition)

        self.overlay.turn(node.name, equip, "keeps and resends PUTs")
        self.attacks[node.node_id] = replay
        self.keepers.append(node.node_id)

    async def story(self) -> None:
        """PUT v1, move, PUT v2, perhaps a resend, GET."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        aor = self.overlay.aor("alice")
        await self.until(REGISTERS)
        await self.perform("register", alice.register())
        await self.interlude()
        await self.until(MOVES)
        await self.move("alice", self.second_home)
        await self.until(REGISTERS_AGAIN)
        await self.perform("register", alice.register())
        await self.until(READS)
        await self.perform("resolve", bob.resolve(aor))

    async def interlude(self) -> None:
        """What happens between the first PUT and the move: nothing."""

    # --- measures --------------------------------------------------------------------------------------------

    def times(self) -> list[int]:
        """The storage times of alice's versions, in order."""
        stored = self.trace.select(events.RecordStored, since=self.start, resource=self.subject)
        replaced = self.trace.select(events.RecordReplaced, since=self.start, resource=self.subject)
        return sorted({event.storage_time for event in stored} | {event.storage_time for event in replaced})

    def _rollbacks(self) -> Iterator[events.RecordReplaced]:
        for event in self.trace.select(events.RecordReplaced, since=self.start, resource=self.subject):
            if event.storage_time < event.replaced:
                yield event

    def figure(self) -> float:
        """How many holders put an older version over a newer one."""
        return float(len({event.node for event in self._rollbacks()}))

    def version_read(self) -> str:
        """Which version bob took last; "nothing" when he found none."""
        times, bob = self.times(), self.overlay.node("bob").node_id
        read = [event.storage_time for event in self.trace.select(events.ValueRead, node=bob, resource=self.subject)]
        return version(times.index(read[-1]) + 1) if read else "nothing"

    def facts(self) -> tuple[str, ...]:
        """What bob reads, and how the honest PUTs fared."""
        stores = [operation for operation in self.operations if operation.name == "register"]
        return self.version_read(), f"{sum(store.ok for store in stores)} of {len(stores)}"

    # --- deeds -----------------------------------------------------------------------------------------------

    def check_deed(self, name: str, node: Node | None) -> None:
        """Resending needs somebody who keeps; only the untrusted base has hostile peers."""
        super().check_deed(name, node)
        if name == "resend" and not self.setting.attack:
            raise LocalProtocolError("nobody keeps PUTs in this run: switch the attack on")
        if name == "hostile":
            chosen = node or self._next_forwarder()
            self.overlay.roles.permit(chosen.node_id, chosen.name, peer=not chosen.is_client)
            if chosen.is_client:
                raise LocalProtocolError(f"{chosen.name} forwards for nobody: choose a peer")

    def _next_forwarder(self) -> Node:
        way = self.overlay.route("alice", ResourceID(self.subject))
        return next((node for node in way if node.node_id not in self.attacks), self.second_home)

    def do(self, name: str, node: Node | None) -> None:
        """Resend, read, turn a peer, or what every stage can."""
        if name == "resend":
            for replay in self.attacks.values():
                replay.resend_now()
        elif name == "read":
            bob = self.overlay.node("bob")
            bob.peer.spawn(
                self.perform("resolve", self.overlay.phone("bob").resolve(self.overlay.aor("alice"))), "bob reads"
            )
        elif name == "hostile":
            chosen = node or self._next_forwarder()
            if chosen.node_id not in self.attacks:
                self._corrupt(chosen)
        else:
            super().do(name, node)


def _choose(strangers: list[Node], ways: dict[str, list[Node]]) -> tuple[Node, Node, list[Node]]:
    """Alice's first peer, who stands on the way from there, and from where the way is free of that one.

    Somebody between her peer and the root is preferred; in a small ring it has to be her peer itself.
    """
    for inside in (True, False):
        for home in strangers:
            for node in ways[home.name][1 if inside else 0 : -1]:
                clear = [other for other in strangers if other is not home and node not in ways[other.name]]
                if node in strangers and clear:
                    return home, node, clear
    raise LocalProtocolError("nobody forwards alice's PUT in this overlay: take more peers or another seed")


RP_2 = declare(
    "RP-2",
    title="Replay by a forwarding peer",
    attacker="a peer on the way of alice's PUT",
    preset="draft",
    defence=("version-counter",),
    claims=(("rising-time",),),
    decoys=("time-stamp",),
    metric="rollbacks accepted, of 3 copies",
    unit="copies",
    span=(0.0, 3.0),
    whole=3,
    word=Word.ROLLED_BACK,
    least_peers=6,
    numbers={"resend-after": 36.0},
    counted={
        "resend-after": f"seconds after mallory kept v1, at {REGISTERS:g} s; v2 comes at {REGISTERS_AGAIN:g} s, "
        f"bob reads at {READS:g} s"
    },
    rows=("bob reads", "honest PUTs accepted"),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory resends v1 after v2"},
    stage=ReplayStage,
)

SCENARIOS = (RP_2,)
