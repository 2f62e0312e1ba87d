"""Random schedules of faults over virtual hours, and what must hold all the while (design: Zave's invariant, storage).

A schedule follows from its seed alone: its flavour (calm, lossy, partitioned, stormy), its links, when who joins,
leaves or crashes, when the network is cut or loses packets, and who stores and reads what.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.errors import JoinRefused, RemoteFault
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.invariants import ideal_ring, zave
from p2psip_min.overlay import Node, Overlay
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer

HOURS = 2.0
"""Virtual hours in which faults happen, and again as many in which the overlay may recover."""

PEERS = 24
FAULTS = 40
RECORDS = 200

WINDOW = 650.0
"""Seconds within which the death of all its holders may lose a record: one update interval and a time-out."""

FLAVOURS = ("calm", "calm", "lossy", "partitioned", "stormy")
"""What may go wrong beside joins, leaves and crashes: nothing, lost and reordered packets, partitions, or both."""

LOOK = 2.0
"""Seconds between two looks at the ring, where something has changed."""

LIFETIME = 86_400
"""Seconds; no record of a schedule expires."""


@dataclass(slots=True)
class Report:
    """What one schedule came to; ``excused`` counts records lost because all their holders died."""

    seed: int
    flavour: str
    links: str
    violations: list[str] = field(default_factory=list)
    acknowledged: int = 0
    excused: int = 0
    reads: int = 0
    events: int = 0
    members: int = 0
    digest: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing was violated."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, or changes, at second ``t``."""

    t: float
    kind: str
    length: float = 0.0


def plan(seed: int, *, faults: int = FAULTS, hours: float = HOURS) -> tuple[str, str, list[Fault]]:
    """Flavour, links and faults of a seed."""
    rng = random.Random(f"soak:{seed}")
    flavour = FLAVOURS[int(rng.random() * len(FLAVOURS))]
    links = "tls" if seed % 2 else "plain"
    choices = ["join", "leave", "crash"]
    if flavour in ("lossy", "stormy"):
        choices.append("loss")
    if flavour in ("partitioned", "stormy"):
        choices.append("cut")
    planned = [
        Fault(
            t=rng.random() * hours * 3600,
            kind=choices[int(rng.random() * len(choices))],
            length=30 + rng.random() * 870,
        )
        for _ in range(faults)
    ]
    return flavour, links, sorted(planned, key=lambda fault: fault.t)


class Soak:
    """One schedule, as it runs: the one that follows from ``seed``, or the ``faults`` given; ``settings`` as Overlay's.

    Zave's invariant is checked as long as there was no partition and nobody was suspected wrongly.
    """

    def __init__(
        self,
        seed: int,
        *,
        faults: Sequence[Fault] | None = None,
        links: str | None = None,
        peers: int = PEERS,
        records: int = RECORDS,
        **settings: Any,
    ) -> None:
        flavour, planned_links, planned = plan(seed)
        if faults is not None:
            flavour = "given"
        self.faults = planned if faults is None else sorted(faults, key=lambda fault: fault.t)
        links = planned_links if links is None else links
        self.report = Report(seed, flavour, links)
        self.sound = not any(fault.kind == "cut" for fault in self.faults)
        self.rng = random.Random(f"soak:{seed}:acts")
        self.overlay = Overlay(peers=peers, seed=seed, links=links, **settings)
        self.records = records
        self.written: dict[ResourceID, list[bytes]] = {}
        self.owner_of: dict[ResourceID, NodeID] = {}
        self.acknowledged: dict[ResourceID, bytes] = {}
        self.doubtful: dict[ResourceID, None] = {}
        self.cuts = 0
        self.losses = 0
        self._seen = 0

    # --- running ---------------------------------------------------------------------------------------------

    def run(self) -> Report:
        """The whole schedule: faults, recovery, last look."""
        overlay, report = self.overlay, self.report
        acts: list[tuple[float, Callable[[], None]]] = [(fault.t, partial(self._fault, fault)) for fault in self.faults]
        for _ in range(self.records):
            acts.append((self.rng.random() * HOURS * 3600, self._store))
        for _ in range(self.records):
            acts.append((self.rng.random() * HOURS * 3600, self._read))
        for t, act in sorted(acts, key=lambda item: item[0]):
            self._until(t)
            act()
        self._until(HOURS * 3600 + 1000)
        overlay.network.heal()
        overlay.network.loss = overlay.network.reorder = 0.0
        for _ in range(24):
            overlay.advance(HOURS * 3600 / 24)
            if not self._ring():
                break
        report.violations += self._ring()
        overlay.advance(700.0)
        self._last_look()
        report.members = len(overlay.peers())
        report.events = len(overlay.trace)
        report.digest = overlay.digest()
        overlay.driver.call(overlay.stop)
        overlay.advance(60.0)
        left = [task.get_name() for task in overlay.loop.pending_tasks]
        if left:
            report.violations.append(f"tasks left behind: {', '.join(sorted(left))}")
        overlay.close()
        return report

    def _until(self, t: float) -> None:
        overlay = self.overlay
        while overlay.now < t:
            overlay.advance(min(LOOK if self.sound else 20.0, t - overlay.now))
            self._watch()

    def _watch(self) -> None:
        """The ring must be right at every look after a change (Zave), unless a living node was taken for dead."""
        if not self.sound:
            return
        overlay, changed = self.overlay, False
        for event in overlay.events[self._seen :]:
            if isinstance(event, events.NeighborFailed):
                self.sound = self.sound and not overlay.nodes[NodeID(event.neighbor)].alive
            elif isinstance(event, events.NeighborsChanged | events.NodeJoined | events.NodeLeft | events.NodeCrashed):
                changed = True
        self._seen = len(overlay.trace)
        if changed and self.sound:
            for violation in zave(overlay.snapshot()):
                self.report.violations.append(f"{overlay.now:.1f} s: {violation}")

    def _ring(self) -> list[str]:
        return list(ideal_ring(self.overlay.snapshot(), 3))

    # --- faults ----------------------------------------------------------------------------------------------

    def _fault(self, fault: Fault) -> None:
        if fault.kind == "join":
            node = self.overlay.new_peer()
            self._spawn(self._join(node), "join")
        elif fault.kind in ("leave", "crash"):
            victim = self._victim()
            if victim is None:
                return
            if fault.kind == "crash":
                self.overlay.crash(victim.name)
            else:
                self._spawn(procedures.leave(victim.peer), "leave")
        elif fault.kind == "loss":
            self._weather(0.10, 0.10)
            self.losses += 1
            self.overlay.loop.call_later(fault.length, self._clear)
        else:
            self._cut(fault.length)
        self._watch()

    async def _join(self, node: Node) -> None:
        try:
            await self.overlay.join(node)
        except JoinRefused:
            procedures.crash(node.peer)

    def _victim(self) -> Node | None:
        """A peer whose going leaves everybody a living successor, which Zave's theorem supposes."""
        living = self.overlay.peers()
        if len(living) <= 8:
            return None
        alive = {node.node_id for node in living}
        start = int(self.rng.random() * len(living))
        for offset in range(len(living)):
            victim = living[(start + offset) % len(living)]
            if victim.peer.leaving:
                continue
            rest = alive - {victim.node_id}
            if all(
                any(successor in rest for successor in node.peer.topology.snapshot()[1])
                for node in living
                if node is not victim
            ):
                return victim
        return None

    def _weather(self, loss: float, reorder: float) -> None:
        self.overlay.network.loss, self.overlay.network.reorder = loss, reorder

    def _clear(self) -> None:
        self.losses -= 1
        if not self.losses:
            self._weather(0.0, 0.0)

    def _cut(self, length: float) -> None:
        nodes = list(self.overlay.nodes.values())
        share = 0.2 + 0.6 * self.rng.random()
        side = [node.address for node in nodes if self.rng.random() < share]
        self.cuts += 1
        self.overlay.network.partition([side])
        self.overlay.loop.call_later(length, self._heal)

    def _heal(self) -> None:
        self.cuts -= 1
        if not self.cuts:
            self.overlay.network.heal()

    def _spawn(self, coroutine: Coroutine[Any, Any, object], name: str) -> None:
        self.overlay.driver.call(lambda: self.overlay.loop.create_task(coroutine, name=name))

    # --- records ---------------------------------------------------------------------------------------------

    def _store(self) -> None:
        living = [node for node in self.overlay.peers() if not node.peer.leaving]
        owner = living[int(self.rng.random() * len(living))]
        iteration = 1 + int(self.rng.random() * 20)
        resource = ResourceID.of(bytes(owner.node_id) + bytes([iteration]))
        port = 1024 + int(self.rng.random() * 60000)
        value = encode(TurnServer(iteration, IpAddressPort(owner.address[0], port)))
        self.written.setdefault(resource, []).append(value)
        self.owner_of[resource] = owner.node_id
        owner.peer.spawn(self._stored(owner, resource, value), "soak store")

    async def _stored(self, owner: Node, resource: ResourceID, value: bytes) -> None:
        try:
            await procedures.store(owner.peer, resource, TURN_SERVICE, (SingleValue(True, value),), lifetime=LIFETIME)
        except RemoteFault:
            self.doubtful[resource] = None
            return
        self.acknowledged[resource] = value

    def _read(self) -> None:
        if not self.written:
            return
        living = self.overlay.peers()
        reader = living[int(self.rng.random() * len(living))]
        known = list(self.written)
        resource = known[int(self.rng.random() * len(known))]
        reader.peer.spawn(self._looked(reader, resource), "soak read")

    async def _looked(self, reader: Node, resource: ResourceID) -> bytes | None:
        try:
            values = await procedures.fetch(reader.peer, resource, TURN_SERVICE)
        except RemoteFault:
            return None
        self.report.reads += 1
        for value in values:
            if value.stored.value.value not in self.written[resource]:
                self.report.violations.append(f"{resource!r}: read a value that its owner never wrote")
        return values[0].stored.value.value

    def _last_look(self) -> None:
        overlay, report = self.overlay, self.report
        report.acknowledged = len(self.acknowledged)
        reader = overlay.peers()[0]
        for resource, value in self.acknowledged.items():
            found = overlay.run(self._looked(reader, resource))
            if found == value:
                continue
            later = self.written[resource][self.written[resource].index(value) + 1 :]
            if found in later:
                continue  # a store that was not acknowledged, and was carried out all the same
            if excused(overlay.events, resource, value):
                report.excused += 1
            else:
                state = "gone" if found is None else "rolled back"
                report.violations.append(f"{resource!r}: acknowledged and {state}")


def excused(trace: Iterable[events.Event], resource: ResourceID, value: bytes) -> bool:
    """Whether its holders died too fast for anybody to help, within the window.

    Three of them did; or the only one, the last to take the record, before a replica did, for which its time without
    neighbors does not count. Who leaves or hands over holds no copy any more; where it was the last holder, nobody is
    excused.
    """
    holders: dict[bytes, None] = {}
    deaths: list[float] = []
    newest, taken, since, last = b"", 0.0, 0.0, b""
    alone: dict[bytes, float] = {}
    for event in trace:
        node = event.node
        died = isinstance(event, events.NodeCrashed)
        if died or isinstance(event, events.NeighborsChanged):
            began = alone.pop(node, event.t)
            if node == newest:
                since += event.t - max(began, taken)
        if isinstance(event, events.NeighborsChanged):
            if not event.predecessors and not event.successors:
                alone[node] = event.t
            continue
        if isinstance(event, events.RecordStored | events.RecordReplaced | events.RecordHandedOver):
            if event.resource != resource:
                continue
            if not isinstance(event, events.RecordHandedOver) and event.value == value:
                holders[node] = None
                newest, taken, since = node, event.t, event.t
                continue
        elif not died and not isinstance(event, events.NodeLeft):
            continue
        if node in holders:
            del holders[node]
            if died:
                deaths.append(event.t)
                last = node
            elif not holders:
                deaths.clear()
    if holders or not deaths:
        return False
    if len(deaths) >= 3 and deaths[-1] - deaths[-3] <= WINDOW:
        return True
    return last == newest and sum(death >= taken for death in deaths) == 1 and deaths[-1] - since <= WINDOW


def schedules(first: int, count: int) -> Iterator[Report]:
    """Run ``count`` schedules from seed ``first`` on."""
    for seed in range(first, first + count):
        yield Soak(seed).run()


def main(first: int, count: int) -> int:
    """Print one line a schedule and a summary; returns 1 when something was violated, or too much was excused."""
    bad, losing = 0, 0
    flavours: Counter[str] = Counter()
    for report in schedules(first, count):
        flavours[report.flavour] += 1
        bad += not report.holds
        losing += bool(report.excused)
        print(
            f"seed {report.seed:4}  {report.flavour:11}  {report.links:5}  {report.members:2} members  "
            f"{report.acknowledged:3} records  {report.reads:3} reads  {report.excused} excused  "
            f"{'holds' if report.holds else 'VIOLATED'}  {report.digest[:12]}",
            flush=True,
        )
        for violation in report.violations[:10]:
            print(f"      {violation}", flush=True)
    print(f"{count} schedules, {bad} violated, {losing} with records lost to the death of all holders")
    return 1 if bad or losing > 0.05 * count else 0
