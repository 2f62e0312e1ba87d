"""The state of the overlay as its events tell it, and what a frame draws from it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab import text
from lab.frames import Holding, NodeKind, NodeState, RecordKey, RecordRef, RingNode, World
from lab.text import Word
from p2psip_min import clock
from p2psip_min import trace as ev


@dataclass(frozen=True, slots=True)
class Held:
    """A value at one node; ``again`` when it took a newer one's place, ``replaced`` that one's storage time."""

    storage_time: int
    value: bytes
    signer: str
    replica: int
    again: bool
    replaced: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a reader took for true last."""

    storage_time: int
    value: bytes
    signer: str
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One moment's tables; every change makes a new scene that shares what did not change."""

    held: Mapping[RecordKey, Mapping[bytes, Held]]
    versions: Mapping[RecordKey, tuple[int, ...]]
    values: Mapping[tuple[RecordKey, int], tuple[bytes, str]]
    states: Mapping[bytes, NodeState]
    attached: Mapping[bytes, bytes]
    before: Mapping[bytes, tuple[bytes, float]]
    copies: Mapping[tuple[bytes, RecordKey], int]
    reads: Mapping[tuple[bytes, RecordKey], Taken]
    acknowledged: frozenset[RecordKey]
    ended: frozenset[RecordKey]
    touched: RecordKey | None
    subject: bytes
    refusal: tuple[float, bytes, str] | None
    stale: bool

    @classmethod
    def opening(cls, world: World) -> Scene:
        """Before the first event: everybody up but the absent."""
        return cls(
            held={},
            versions={},
            values={},
            states={node: NodeState.ABSENT for node in sorted(world.absent)},
            attached=dict(world.attachments),
            before={},
            copies={},
            reads={},
            acknowledged=frozenset(),
            ended=frozenset(),
            touched=None,
            subject=world.subject,
            refusal=None,
            stale=False,
        )

    def version(self, key: RecordKey, storage_time: int) -> int:
        """The number of a version, counted from 1 in order of storage time; 0 when it has not been seen."""
        known = self.versions.get(key, ())
        return known.index(storage_time) + 1 if storage_time in known else 0

    def holds(self, node: bytes, record: RecordRef) -> bool:
        """Whether the node holds this very version."""
        held = self.held.get(record.key, {}).get(node)
        return held is not None and held.storage_time == record.storage_time

    def known(self, record: RecordRef, signer: str = "") -> Scene:
        """With one more version, seen in a message or an event."""
        times = self.versions.get(record.key, ())
        changes = self._touch(record.key)
        if record.storage_time not in times:
            grown = list(times)
            insort(grown, record.storage_time)
            changes.versions = {**self.versions, record.key: tuple(grown)}
        place = (record.key, record.storage_time)
        if place not in self.values or (signer and not self.values[place][1]):
            changes.values = {**self.values, place: (record.value, signer)}
        return changes.done(self)

    def kept(self, node: bytes, record: RecordRef) -> Scene:
        """With a copy at a node that is no holder."""
        return replace(self, copies={**self.copies, (node, record.key): record.storage_time})

    def _touch(self, key: RecordKey) -> _Changes:
        return _Changes(touched=key if not self.subject or key.resource == self.subject else self.touched)

    def after(self, event: ev.Event) -> Scene:
        """The scene that the event leaves behind."""
        match event:
            case ev.RecordStored() | ev.RecordReplaced():
                key = RecordKey(event.resource, event.kind, event.key)
                replaced = event.replaced if isinstance(event, ev.RecordReplaced) else 0
                again = event.storage_time < replaced
                held = Held(event.storage_time, event.value, event.signer, event.replica, again, replaced)
                scene = self.known(RecordRef(key, event.storage_time, True, event.value, event.replica), event.signer)
                if replaced and not scene.version(key, replaced):
                    scene = scene.known(RecordRef(key, replaced, True, b"", 0))
                here = {**scene.held.get(key, {}), event.node: held}
                refusal = None if not again and self._mine(key) else scene.refusal
                return replace(scene, held={**scene.held, key: here}, refusal=refusal, ended=scene.ended - {key})
            case ev.RecordRemoved() | ev.RecordExpired():
                key = RecordKey(event.resource, event.kind, event.key)
                return replace(self._without(event.node, key), ended=self.ended | {key})
            case ev.RecordHandedOver() | ev.RecordDiscarded():
                scene = self
                for key in self.held:
                    if key.resource == event.resource and key.kind == event.kind:
                        scene = scene._without(event.node, key)
                return scene
            case ev.StoreRejected() if not self.subject or event.resource == self.subject:
                return replace(self, refusal=(event.t, event.node, event.reason))
            case ev.StoreAcknowledged():
                keys = [key for key in self.versions if (key.resource, key.kind) == (event.resource, event.kind)]
                return replace(self, acknowledged=self.acknowledged.union(keys))
            case ev.ValueRead() if not self.subject or event.resource == self.subject:
                key = RecordKey(event.resource, event.kind, event.key)
                times = self.versions.get(key, ())
                stale = bool(times) and event.storage_time < times[-1]
                taken = Taken(event.storage_time, event.value, event.signer, event.exists)
                reads = {place: was for place, was in self.reads.items() if place != (event.node, key)}
                return replace(self, stale=stale, touched=key, reads={**reads, (event.node, key): taken})
            case ev.NodeJoined() | ev.EnrollmentGranted():
                return self._state(event.node, NodeState.UP)
            case ev.NodeLeft():
                return self._gone(event.node, NodeState.LEFT)
            case ev.NodeCrashed():
                return self._gone(event.node, NodeState.CRASHED)
            case ev.JoinRejected():
                return self._state(event.node, NodeState.REFUSED)
            case ev.ClientAttached():
                scene = self._state(event.node, NodeState.UP)
                old = self.attached.get(event.node)
                if old == event.peer:
                    return scene
                before = {**self.before, event.node: (old, event.t)} if old else self.before
                return replace(scene, attached={**self.attached, event.node: event.peer}, before=before)
            case _:
                return self

    def _mine(self, key: RecordKey) -> bool:
        return not self.subject or key.resource == self.subject

    def _state(self, node: bytes, state: NodeState) -> Scene:
        if self.states.get(node, NodeState.UP) is state:
            return self
        return replace(self, states={**self.states, node: state})

    def _gone(self, node: bytes, state: NodeState) -> Scene:
        scene = self._state(node, state)
        for key, holders in self.held.items():
            if node in holders:
                scene = scene._without(node, key)
        return scene

    def _without(self, node: bytes, key: RecordKey) -> Scene:
        here = {one: held for one, held in self.held.get(key, {}).items() if one != node}
        return replace(self, held={**self.held, key: here})


@dataclass(slots=True)
class _Changes:
    """What ``known`` changes, so that one new scene is made and not three."""

    touched: RecordKey | None
    versions: Mapping[RecordKey, tuple[int, ...]] | None = None
    values: Mapping[tuple[RecordKey, int], tuple[bytes, str]] | None = None

    def done(self, scene: Scene) -> Scene:
        if self.versions is None and self.values is None and self.touched == scene.touched:
            return scene
        versions = scene.versions if self.versions is None else self.versions
        values = scene.values if self.values is None else self.values
        return replace(scene, versions=versions, values=values, touched=self.touched)


# --- what is drawn --------------------------------------------------------------------------------------------


def ring_order(world: World, scene: Scene) -> list[bytes]:
    """Every peer that is or was on the ring, by Node-ID."""
    nodes = set(world.names) | set(scene.states)
    inside = (NodeKind.PEER, NodeKind.BOOTSTRAP)
    return sorted(
        node
        for node in nodes
        if world.kind(node) in inside and scene.states.get(node) not in (NodeState.ABSENT, NodeState.REFUSED)
    )


def key_turn(order: Sequence[bytes], resource: bytes) -> float | None:
    """Where the resource lies on the drawn ring: just before the peer that is responsible for it."""
    if not order or not resource:
        return None
    return ((bisect_left(order, resource) % len(order)) - 0.5) / len(order)


def draw_nodes(world: World, scene: Scene, involved: frozenset[bytes]) -> tuple[RingNode, ...]:
    """The nodes of the picture: the ring in order, then clients, then servers."""
    order = ring_order(world, scene)
    turns = {node: place / len(order) for place, node in enumerate(order)}
    holders = scene.held.get(scene.touched, {}) if scene.touched else {}
    several = len(holders) > 2
    outside = sorted((set(world.names) | set(scene.states)) - set(order), key=lambda node: (world.kind(node), node))
    drawn = []
    for node in [*order, *outside]:
        state = scene.states.get(node, NodeState.UP)
        if state is NodeState.ABSENT:
            continue
        held = holders.get(node)
        at = scene.attached.get(node, b"") if world.kind(node) is NodeKind.CLIENT else b""
        earlier, until = scene.before.get(node, (b"", 0.0))
        drawn.append(
            RingNode(
                node=node,
                name=world.name(node),
                person=world.people.get(node, ""),
                kind=world.kind(node),
                turn=turns.get(node, turns.get(at, 0.0)),
                state=state,
                hostile=node in world.hostile,
                involved=node in involved or held is not None,
                role=text.role(held.replica, several) if held else "",
                version=scene.version(scene.touched, held.storage_time) if held and scene.touched else 0,
                at=at,
                before=earlier,
                until=until,
            )
        )
    return tuple(drawn)


READERS = 3
"""How many readers the storage table shows, the last ones."""

Author = Callable[[RecordKey, int], bytes | None]
"""Which node sent a version first; None for one that no message carried."""


def draw_storage(
    world: World, scene: Scene, t: float, show: Callable[[int, bytes], str], author: Author
) -> tuple[Holding, ...]:
    """The storage table: holders by their replica number, kept copies, what readers took, and the owner's own view.

    The owner is who wrote first: what somebody else wrote under the same key is forged, and so is a value that differs
    from what its writer sent.
    """
    key = scene.touched
    if key is None or not scene.versions.get(key):
        return ()
    times = scene.versions[key]
    writers = {stamp: world.person(node) for stamp in times if (node := author(key, stamp)) is not None}
    first = next((writers[stamp] for stamp in times if stamp in writers), "")
    named = world.resource(key.resource).removeprefix("sip:").split("@")[0] == world.owner
    owner = world.owner if named or world.owner in writers.values() or not first else first
    rightful = [stamp for stamp in times if writers.get(stamp, owner) == owner]
    newest = rightful[-1] if rightful else times[-1]

    def forged(stamp: int, value: bytes) -> bool:
        sent = scene.values.get((key, stamp), (b"", ""))[0]
        return stamp not in rightful or bool(sent and value and sent != value)

    def row(node: bytes, who: str, role: str, stamp: int, value: bytes, signer: str, word: Word, **more: Any) -> None:
        age, number = t - clock.virtual(stamp), scene.version(key, stamp)
        shown = show(key.kind, value) if value else ""
        rows.append(
            Holding(
                node=node, holder=who, role=role, version=number, value=shown, signer=signer, age=age, word=word, **more
            )
        )

    rows: list[Holding] = []
    holders = sorted(scene.held.get(key, {}).items(), key=lambda item: (item[1].replica, item[0]))
    for node, held in holders:
        stamp, role = held.storage_time, text.role(held.replica, len(holders) > 2)
        kept = Word.HOLDS if stamp == newest else Word.STALE
        word = Word.ROLLED_BACK if held.again else Word.FORGED if forged(stamp, held.value) else kept
        row(node, world.name(node), role, stamp, held.value, held.signer, word, replica=held.replica)
    truth, signer = scene.values.get((key, newest), (b"", ""))
    if not holders and key in scene.acknowledged - scene.ended:
        row(b"", text.NOBODY, text.ROLE_HOLDER, newest, b"", "", Word.LOST)
    for (node, where), stamp in scene.copies.items():
        if where == key:
            value, by = scene.values.get((key, stamp), (b"", ""))
            row(node, world.name(node), world.people.get(node, ""), stamp, value, by, Word.KEPT_COPY)
    for node, taken in [(node, taken) for (node, where), taken in scene.reads.items() if where == key][-READERS:]:
        true = Word.NEWEST if taken.storage_time == newest else Word.STALE
        word = Word.LOST if not taken.exists else Word.FORGED if forged(taken.storage_time, taken.value) else true
        row(node, world.person(node), text.ROLE_READER, taken.storage_time, taken.value, taken.signer, word)
    if owner:
        row(b"", owner, text.ROLE_OWNER, newest, truth, signer, Word.NEWEST, owner=True)
    return tuple(rows)


def judge(scene: Scene) -> Word:
    """The word for the subject as the trace has it so far."""
    key = scene.touched
    if key is None:
        return Word.RUNNING
    holders = scene.held.get(key, {})
    if any(held.again for held in holders.values()):
        return Word.ROLLED_BACK
    if scene.refusal is not None:
        return Word.REFUSED
    if not holders:
        return Word.LOST if key in scene.acknowledged else Word.RUNNING
    return Word.STALE if scene.stale else Word.HOLDS
