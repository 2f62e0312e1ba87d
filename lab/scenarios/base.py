"""What a scenario is: its declaration as data, and its stage, which is one run of it.

A declaration says what is attacked, how it is measured and what should help. A stage builds the overlay, casts the
roles, tells the story as a coroutine, and measures. A session steps through a stage; a verdict runs one a column.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from lab.catalogue import threat
from lab.frames import NodeKind, World
from lab.scenarios.measures import Measure
from lab.text import Word
from lab.verdicts import USUAL, Bounds, Costs, Outcome
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.construction import Node, TopologyFactory
from p2psip_min.defences import CATALOGUE, Defences, LinkProtection, entry
from p2psip_min.errors import LocalProtocolError, P2PSIPError
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import ROUTING, Overlay
from p2psip_min.storage.rights import GUARDED, names_writer
from p2psip_min.trace import Trace
from p2psip_min.transport.driver import Runs, driver_here

RECORD_OVERHEAD = 22
"""Bytes that TLS 1.3 adds to a record with AES-128-GCM: header, content type, tag (RFC 8446 §5.2)."""

CONVICTION = tuple(each.name for each in CATALOGUE if each.field == "conviction")
"""The rules by which nodes are excluded."""

RECORDS_PER_HOP = 2
"""A message and its acknowledgement."""

NUMBERS: Mapping[str, Callable[[float], Any]] = {
    each.name: each.number for each in CATALOGUE if each.number is not None
}
"""Defences with a number in them: seconds, copies, answers."""


class UnknownSetting(LookupError):
    """No parameter of that name; the message lists the known ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything that one run follows from; equal settings give equal traces.

    ``numbers`` are parameters of the scenario, and numbers of defences (``NUMBERS``) for where they are on.
    """

    base: str
    routing: str
    defences: Defences
    peers: int = 32
    seed: int = 7
    attack: bool = True
    numbers: tuple[tuple[str, float], ...] = ()

    def with_defences(self, names: tuple[str, ...] = (), *, links: str | None = None) -> Setting:
        """This setting with defences of the catalogue on, and links as asked for."""
        defences = self.defences
        if links is not None:
            defences = replace(defences, link_protection=LinkProtection(links == "tls"))
        return replace(self, defences=defences.having(*names))

    def effective(self) -> Defences:
        """The defences with their numbers set."""
        on = set(self.defences.names())
        changed = {
            entry(name).field: NUMBERS[name](value) for name, value in self.numbers if name in NUMBERS and name in on
        }
        return replace(self.defences, **changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that an operator can do to a running stage; ``node`` says whether it is done to a node."""

    name: str
    label: str
    help: str
    node: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The declaration of one threat.

    ``preset`` is what is on while the attack runs undefended; ``defence`` is put on top of it in the defended column,
    ``decoys`` one after the other in the decoy's (the first one counts, the others are shown). ``span`` is the metric's
    range, the worst last; ``whole`` says of how many things it counts them. ``word`` is what a harmed run is called.
    ``ground`` are defences that are on in every column beside the preset. ``claims`` are other defences, each a set
    that is put on together, that are said to help. ``counted`` says what numbers are counted from.
    ``declare`` fills in what the catalogue knows: ``section``, ``bases``, ``routing`` and the verdict's ``bounds``.
    """

    id: str
    title: str
    section: str
    attacker: str
    bases: tuple[str, ...]
    routing: tuple[str, ...]
    preset: str
    defence: tuple[str, ...]
    decoys: tuple[str, ...]
    metric: str
    unit: str
    span: tuple[float, float]
    whole: int
    word: Word
    least_peers: int
    numbers: Mapping[str, float]
    rows: tuple[str, ...]
    notes: Mapping[str, str]
    stage: type[Stage]
    ground: tuple[str, ...] = ()
    claims: tuple[tuple[str, ...], ...] = ()
    bounds: Bounds = USUAL
    counted: Mapping[str, str] = field(default_factory=dict)

    @property
    def insider(self) -> bool:
        """Whether the attacker is a peer, so that there is none on a trusted base."""
        return self.bases == ("untrusted",)

    def check(self, setting: Setting) -> None:
        """Raise ValueError or UnknownSetting when nothing can be run so."""
        if setting.peers < self.least_peers:
            raise ValueError(f"{self.id} needs at least {self.least_peers} peers, not {setting.peers}")
        for name, _ in setting.numbers:
            if name not in self.numbers and name not in NUMBERS:
                own = (f"{each} ({self.counted[each]})" if each in self.counted else each for each in self.numbers)
                known = ", ".join([*own, *NUMBERS])
                raise UnknownSetting(f"no setting {name!r} in {self.id}; known: {known}")


def declare(threat_id: str, **declared: Any) -> Scenario:
    """The scenario of a row of the catalogue, with what that row knows."""
    row = threat(threat_id)
    return Scenario(
        id=row.id,
        section=f"draft {row.sections[0]}",
        bases=tuple(base.value for base in row.bases),
        routing=tuple(style.value for style in row.routing) or ROUTING,
        bounds=row.bounds,
        **declared,
    )


@dataclass(slots=True)
class Operation:
    """Something that an honest user did: whether it worked, and how long it took in seconds."""

    name: str
    ok: bool
    delay: float


class Stage:
    """One run of a scenario; subclasses cast, attack, tell and measure.

    Everything happens in the overlay's time: ``story`` is a coroutine, and ``attack`` is called before it or from it.
    """

    users: ClassVar[tuple[str, ...]] = ("alice", "bob")
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(name="crash", label="Crash a peer", help="stops the record's root, or the chosen node, without a word"),
    )
    mid_story: ClassVar[bool] = False

    def __init__(
        self,
        scenario: Scenario,
        setting: Setting,
        driver: Runs | None = None,
        topology: TopologyFactory | None = None,
    ) -> None:
        scenario.check(setting)
        self.scenario, self.setting = scenario, setting
        self.numbers = {**scenario.numbers, **dict(setting.numbers)}
        self.operations: list[Operation] = []
        self.people: dict[bytes, str] = {}
        self.keepers: list[NodeID] = []
        self.resources: dict[bytes, str] = {}
        self.subject: bytes = b""
        self.owner = ""
        self.overlay = Overlay(
            peers=setting.peers,
            clients=self.users,
            base=setting.base,
            routing=setting.routing,
            defences=setting.effective(),
            seed=setting.seed,
            topology=topology,
            driver=driver_here() if driver is None else driver,
            **self.options(),
        )
        try:
            self.cast()
            if setting.attack:
                self.permit()
                if not self.mid_story:
                    self.overlay.driver.call(self.attack)
        except BaseException:
            self.overlay.close()
            raise
        self.start = len(self.overlay.trace)
        self.began = self.overlay.now

    # --- what a scenario brings ------------------------------------------------------------------------------

    def options(self) -> dict[str, Any]:
        """What else the overlay is built with; see ``Overlay``."""
        return {}

    def cast(self) -> None:
        """Choose who plays what, by the tables and the seed."""

    def attackers(self) -> tuple[Node, ...]:
        """The peers that will be hostile."""
        return ()

    def attack(self) -> None:
        """Bring the attacker in."""

    async def story(self) -> None:
        """What everybody does, from first to last."""
        raise NotImplementedError

    def figure(self) -> float:
        """The metric, read from the trace or from what the attacker got."""
        raise NotImplementedError

    def harmed_since(self) -> float | None:
        """When the harm began, in virtual seconds, where the trace can't show it; None while there is none."""
        return None

    def facts(self) -> tuple[str, ...]:
        """What the verdict strip says beside the figure, one for each of the scenario's rows."""
        return ()

    def measures(self) -> Iterator[Measure]:
        """Further numbers of this run, by name: a detector's hits and misses, times; see ``lab.scenarios.measures``."""
        yield from ()

    def check_deed(self, name: str, node: Node | None) -> None:
        """Raise when a deed can't be done."""
        if name not in (deed.name for deed in self.deeds):
            raise LocalProtocolError(f"no action {name!r}; known: {', '.join(deed.name for deed in self.deeds)}")
        if name == "crash" and node is not None and not node.alive:
            raise LocalProtocolError(f"{node.name} is down already")
        if name == "crash" and node is None and not self.overlay.peers():
            raise LocalProtocolError("no peer is left that could crash")

    def do(self, name: str, node: Node | None) -> None:
        """Carry out a deed now, within the overlay's time."""
        if name == "crash":
            victim = node or self.overlay.root(ResourceID(self.subject))
            if victim.alive:
                procedures.crash(victim.peer)

    # --- telling ---------------------------------------------------------------------------------------------

    def permit(self) -> None:
        """Raise TrustedBase when one of the attackers is a peer of the operator."""
        for node in self.attackers():
            self.overlay.roles.permit(node.node_id, node.name, peer=not node.is_client)

    async def until(self, t: float) -> None:
        """Wait until virtual second ``t``."""
        await asyncio.sleep(max(0.0, t - self.overlay.now))

    async def perform(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> bool:
        """Do what an honest user does, and note how it went; whether it worked."""
        began, ok = self.overlay.now, True
        try:
            await coroutine
        except P2PSIPError:
            ok = False
        self.operations.append(Operation(name, ok, self.overlay.now - began))
        return ok

    async def move(self, user: str, to: Node) -> None:
        """Have a client be served by another peer from now on."""
        await procedures.serve_client(self.overlay.node(user).peer, to.address)

    # --- judging ---------------------------------------------------------------------------------------------

    @property
    def trace(self) -> Trace:
        """The overlay's trace, with everything in it."""
        assert isinstance(self.overlay.trace, Trace)
        return self.overlay.trace

    def has(self, *names: str) -> bool:
        """Whether one of these defences is on."""
        return not set(names).isdisjoint(self.overlay.defences.names())

    def excluded(self) -> dict[bytes, float]:
        """Whom the server excluded, and when first."""
        found: dict[bytes, float] = {}
        for event in self.trace.select(events.NodeExcluded, since=self.start):
            found.setdefault(event.excluded, event.t)
        return found

    def culprits(self) -> frozenset[bytes]:
        """Whom a detector should find in this run: the attackers where there is an attack."""
        return frozenset(node.node_id for node in self.attackers()) if self.setting.attack else frozenset()

    def honest(self) -> float:
        """The share of honest operations that worked."""
        return sum(operation.ok for operation in self.operations) / max(1, len(self.operations))

    def costs(self) -> Costs:
        """What the story cost, without what was before it."""
        defences = self.overlay.defences
        hops = size = made = stores = 0
        signed, codes = defences.message_authentication.signed, defences.signed_codes()
        sealed = names_writer(defences) or "record-signature" in defences.names()
        for event in self.trace.events[self.start :]:
            if isinstance(event, events.MessageSent | events.MessageForwarded):
                hops += 1
                size += len(event.message)
                made += isinstance(event, events.MessageSent) and (signed or event.code in codes)
            elif isinstance(event, events.RequestRetransmitted):
                made -= signed
            elif isinstance(event, events.StoreAcknowledged):
                stores += sealed or event.kind in GUARDED
        if defences.link_protection.tls:
            size += hops * RECORDS_PER_HOP * RECORD_OVERHEAD
        signatures = made + stores
        delay = sum(operation.delay for operation in self.operations)
        return Costs(bytes=size, hops=hops, signatures=signatures, delay=round(delay, 6))

    def outcome(self) -> Outcome:
        """The run's figures, once the story is told."""
        return Outcome(
            figure=self.figure(),
            honest=self.honest(),
            costs=self.costs(),
            digest=self.overlay.digest(),
            facts=self.facts(),
            measures=tuple((name, round(value, 6)) for name, value in self.measures()),
        )

    def _cast_as_hostile(self) -> tuple[NodeID, ...]:
        """Who turns in the course of the story counts from the beginning."""
        return tuple(node.node_id for node in self.attackers()) if self.setting.attack else ()

    def world(self) -> World:
        """What a picture needs beside the trace."""
        overlay = self.overlay
        bootstraps = overlay.provider.configuration.bootstrap_nodes
        kinds: dict[bytes, NodeKind] = {}
        for node in overlay.nodes.values():
            bootstrap = NodeKind.BOOTSTRAP if node.address in bootstraps else NodeKind.PEER
            kinds[node.node_id] = NodeKind.CLIENT if node.is_client else bootstrap
        return World(
            names={node.node_id: node.name for node in overlay.nodes.values()},
            kinds=kinds,
            hostile=frozenset((*overlay.roles.hostile, *self._cast_as_hostile())),
            keepers=frozenset(self.keepers),
            people=dict(self.people),
            fingers={node.node_id: node.peer.topology.table() for node in overlay.peers()},
            resources=dict(self.resources),
            subject=self.subject,
            owner=self.owner,
        )


def run(
    scenario: Scenario, setting: Setting, driver: Runs | None = None, topology: TopologyFactory | None = None
) -> Outcome:
    """Play one stage to its end and measure it; ``topology`` makes another overlay algorithm than Chord."""
    stage = scenario.stage(scenario, setting, driver, topology)
    try:
        stage.overlay.run(stage.story())
        return stage.outcome()
    finally:
        stage.overlay.close()


def titles(names: tuple[str, ...]) -> str:
    """Defences by the titles that people read, as a part of a sentence."""
    found = [entry(name).title for name in names]
    return " and ".join(title if title[1].isupper() else title[0].lower() + title[1:] for title in found)


__all__ = [
    "NUMBERS",
    "Deed",
    "Operation",
    "Scenario",
    "Setting",
    "Stage",
    "UnknownSetting",
    "declare",
    "run",
    "titles",
]
