"""Exercise of 05, untrusted base: who may enter a routing table, judged by what becomes of live tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lab.checks import Check, State, note
from lab.exercises.answers import raised, untouched
from lab.scenarios import scenario, setting
from lab.scenarios.tables import FakeTableStage
from p2psip_min.enrollment.certificates import parse
from p2psip_min.errors import LinkReason
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Node
from p2psip_min.peer import Peer
from p2psip_min.routing.topology.base import Changes, TopologyPlugin
from p2psip_min.transport.driver import Driver

ENTERS = "enters(entry, table)"

OVERLAY = "overlay.example.org"
NEWCOMERS = 3
"""Honest peers that join each overlay afterwards."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who wants to enter: the Node-ID that it ``says``, and the one in the ``certificate`` at the link's other end.

    Both are whole numbers; ``certificate`` is None where the link has none.
    """

    says: int
    certificate: int | None


Enters = Callable[[Entry, set[int]], bool | None]


@dataclass(slots=True)
class Doorkeeper:
    """Asks a student's rule, and remembers what it said of whom."""

    rule: Enters
    said: dict[NodeID, bool] = field(default_factory=dict)
    failed: Exception | None = None
    silent: bool = False

    def admits(self, peer: Peer, sender: NodeID) -> bool:
        """Whether the rule lets ``sender`` into the peer's table."""
        link = peer.links.table.get(sender)
        shown = link.remote_certificate if link is not None else None
        known = parse(shown, OVERLAY) if shown else None
        named = None if known is None or isinstance(known, LinkReason) else int.from_bytes(known.node_ids[0], "big")
        table = {int.from_bytes(node, "big") for node in peer.topology.table()}
        try:
            answer = self.rule(Entry(int.from_bytes(sender, "big"), named), table)
        except Exception as error:  # a student's function may raise anything, and the overlay must not stop for it
            self.failed = self.failed or error
            return False
        self.silent = self.silent or untouched(answer)
        self.said[sender] = bool(answer) and self.said.get(sender, True)
        return bool(answer)


class _Door:
    """Tables with a student's rule in front of them."""

    def __init__(self, inner: TopologyPlugin, peer: Peer, keeper: Doorkeeper) -> None:
        self._inner, self._peer, self._keeper = inner, peer, keeper

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def on_update(self, sender: NodeID, update: bytes, now: float) -> Changes:
        """Learn from who is known already, and from whom the rule lets in."""
        if sender not in self._inner.table() and not self._keeper.admits(self._peer, sender):
            return Changes()
        return self._inner.on_update(sender, update, now)


class _GuardedStage(FakeTableStage):
    """RM-1 with a student's rule at every honest peer."""

    keeper: Doorkeeper

    def cast(self) -> None:
        """The same roles, and the rule everywhere but with mallory."""
        super().cast()
        for node in self.overlay.peers():
            if node is not self.mallory:
                self.guard(node)

    def guard(self, node: Node) -> None:
        """Put the rule in front of one peer's tables."""
        door: Any = _Door(node.peer.parts.topology, node.peer, self.keeper)
        node.peer.equip(replace(node.peer.parts, topology=door))


def enters(rule: Enters) -> Check:
    """Whether the rule keeps invented nodes out of the tables and lets those in who join honestly."""
    chosen = scenario("RM-1")
    for seed in (51, 52):
        ground = setting(chosen, peers=24, links="tls", seed=seed)
        keeper = Doorkeeper(rule)
        stage: Any = type("Guarded", (_GuardedStage,), {"keeper": keeper})(chosen, ground, Driver())
        try:
            stage.overlay.run(stage.story())
            invented = stage.invented()
            for _ in range(NEWCOMERS):
                stage.overlay.add_peer()
            real = {node.node_id for node in stage.overlay.peers()}
        finally:
            stage.overlay.close()
        if keeper.failed is not None:
            return note(ENTERS, State.FAILED, raised(keeper.failed))
        if keeper.silent:
            return note(ENTERS, State.OPEN, "The rule returns nothing yet: True lets somebody in, False does not.")
        if invented:
            why = (
                f"{invented} nodes that do not exist entered the tables of mallory's neighbors. All of them had a link."
            )
            return note(ENTERS, State.FAILED, f"{why} What did its other end show?")
        if any(node in real and not said for node, said in keeper.said.items()):
            return note(ENTERS, State.FAILED, "A peer that joined honestly was kept out, and its neighbors miss it.")
    return note(ENTERS, State.PASSED, "Two overlays: nobody who does not exist came in, everybody who joined did.")
