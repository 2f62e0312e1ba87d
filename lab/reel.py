"""The reel: the moments of one run, made from its trace as it grows.

Theory of operation. ``extend`` reads the events once, in order. An event joins the open moment when it has the same
node and instant, else it opens the next one. Each moment keeps references to small tables (who holds what, who is up,
who is attached where) that are copied only when they change, so a frame anywhere costs what it shows, not what went
before. Message rows remember at which moment their outcome changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lab import fields, text
from lab.clauses import clause
from lab.frames import Note, Outcome, RecordKey, RecordRef, World
from lab.scene import Scene
from p2psip_min import trace as ev
from p2psip_min.errors import DropReason

MAINTENANCE = frozenset({1, 2, 19, 20})
"""Probe and Update, requests and answers: shown only on demand."""

ERROR = 0xFFFF
STORE, FETCH = 7, 9
WAIT = 5.0
"""Seconds without an event that deserve a line of their own."""


@dataclass(slots=True)
class Line:
    """A message row in the making; ``log`` holds (cursor, outcome, reason), ``way`` (cursor, node) of an answer."""

    number: int
    sent: int
    cursor: int
    t: float
    transaction_id: int
    code: int
    answer: bool
    sender: bytes
    receivers: list[bytes]
    message: bytes
    record: RecordRef | None
    resent: bool
    kept: bool
    error: str
    origin: bytes
    log: list[tuple[int, Outcome, str]] = field(default_factory=list)
    way: list[tuple[int, bytes]] = field(default_factory=list)

    def state(self, cursor: int) -> tuple[Outcome, str, int]:
        """The outcome as of a moment, and since which one."""
        found = (Outcome.FLIGHT, "", 0)
        for at, outcome, reason in self.log:
            if at > cursor:
                break
            if (outcome, reason) != found[:2]:
                found = (outcome, reason, at)
        return found


@dataclass(slots=True)
class Stretch:
    """A span in the making: one node's holding of one version."""

    node: bytes
    start: int
    first_row: int
    record: RecordKey
    storage_time: int
    again: bool
    end: int = -1
    last_row: int = 0


@dataclass(slots=True)
class Moment:
    """What one node did at one instant, and the tables as they were afterwards."""

    t: float
    node: bytes
    clauses: list[str]
    scene: Scene
    standing: list[str] = field(default_factory=list)
    rows: int = 0
    current: int = 0
    label: str = ""
    hot: bool = False


class Reel:
    """The moments of ``events`` from place ``start`` on; earlier events only set the stage.

    Messages whose code is in ``quiet`` are left out.
    """

    def __init__(
        self,
        world: World,
        events: Sequence[ev.Event],
        *,
        start: int = 0,
        quiet: frozenset[int] = MAINTENANCE,
    ) -> None:
        self.world = world
        self._events, self._start, self._quiet = events, start, quiet
        self._next = self._transmissions = 0
        self._scene = self._opening = Scene.opening(world)
        self._moments: list[Moment] = []
        self._lines: list[Line] = []
        self._notes: list[tuple[int, Note]] = []
        self._stretches: list[Stretch] = []
        self._open: dict[tuple[int, bool, bytes], Line] = {}
        self._answers: dict[int, Line] = {}
        self._origins: dict[int, bytes] = {}
        self._folded: set[int] = set()
        self._seen: dict[tuple[RecordKey, int], bytes] = {}
        self.extend()

    @property
    def length(self) -> int:
        """How many moments there are so far."""
        return len(self._moments)

    def extend(self) -> int:
        """Take in what the trace has got since the last call; the number of new moments."""
        before = len(self._moments)
        for seq in range(self._next, len(self._events)):
            event = self._events[seq]
            if seq < self._start:
                self._stage(event)
            else:
                self._transmissions += isinstance(event, ev.MessageSent | ev.MessageForwarded)
                self._take(event)
        self._next = len(self._events)
        return len(self._moments) - before

    def transaction(self, number: int) -> int:
        """The transaction id of message row ``number``."""
        return self._lines[number - 1].transaction_id

    # --- events ----------------------------------------------------------------------------------------------

    def _stage(self, event: ev.Event) -> None:
        """An event before the film: its state counts, its story does not."""
        if isinstance(event, ev.MessageSent | ev.MessageForwarded | ev.MessageDelivered | ev.MessageDropped):
            return
        self._scene = self._opening = replace(self._scene.after(event), before={})

    def _take(self, event: ev.Event) -> None:
        if isinstance(event, ev.MessageSent | ev.MessageForwarded | ev.MessageDelivered | ev.MessageDropped):
            if event.code not in self._quiet and not (event.transaction_id in self._folded and self._fold(event)):
                self._message(event)
            return
        said = clause(event, self.world, self._scene)
        scene = self._scene
        self._scene = scene.after(event)
        if said and isinstance(event, ev.LookupCompleted) and self._is_storage(event.transaction_id):
            said = ""  # who answered a store or a fetch shows in the picture
        if said:
            moment = self._moment(event)
            self._mark(event, moment, scene)
            if said not in moment.clauses:
                moment.clauses.append(said)
            if isinstance(event, ev.RecordReplaced | ev.StoreRejected):
                moment.standing.append(said)
            moment.scene = self._scene
        elif self._moments:
            self._moments[-1].scene = self._scene

    def _is_storage(self, transaction_id: int) -> bool:
        return any(line.transaction_id == transaction_id and line.code in (STORE, FETCH) for line in self._lines[-64:])

    def _fold(self, event: ev.Event) -> bool:
        """A replica's plain yes to its root is part of the row that asked for it."""
        code = getattr(event, "code", 0)
        return code == STORE + 1

    def _moment(self, event: ev.Event) -> Moment:
        """The open moment of this node and instant, or a new one."""
        last = self._moments[-1] if self._moments else None
        if last is not None and last.node == event.node and last.t == event.t:
            return last
        if last is not None and event.t - last.t >= WAIT:
            note = Note(after=len(self._lines), text=text.waits(event.t - last.t), t=event.t)
            self._notes.append((len(self._moments) + 1, note))
        moment = Moment(event.t, event.node, [], self._scene, rows=len(self._lines))
        self._moments.append(moment)
        return moment

    @property
    def _cursor(self) -> int:
        return len(self._moments)

    def _message(self, event: ev.MessageSent | ev.MessageForwarded | ev.MessageDelivered | ev.MessageDropped) -> None:
        moment = self._moment(event)
        answer = event.code == ERROR or event.code % 2 == 0
        key = (event.transaction_id, answer, event.node)
        method, who = fields.method(event.code), self.world.person
        requester = who(self._origins.get(event.transaction_id, event.node))
        arrived = None if isinstance(event, ev.MessageSent) else self._open.pop(key, None)
        if isinstance(event, ev.MessageSent):
            self._sent(event, answer, moment)
        elif isinstance(event, ev.MessageForwarded):
            self._arrive(arrived, Outcome.FORWARDED, "")
            if answer and arrived is not None:
                line = arrived
                line.way.append((self._cursor, event.next_hop))
                line.log.append((self._cursor, Outcome.FLIGHT, ""))
                moment.clauses.append(text.returns(method, requester, who(event.next_hop)))
            else:
                line = self._line(event, answer, event.next_hop)
                moment.clauses.append(text.forwards(method, requester, who(event.next_hop)))
                if event.node in self.world.keepers and line.record is not None and arrived is not None:
                    arrived.kept = True
                    moment.clauses.append(text.KEEPS_COPY)
                    self._scene = self._scene.kept(event.node, line.record)
            self._open[(event.transaction_id, answer, event.next_hop)] = line
            moment.current = line.number
        elif isinstance(event, ev.MessageDelivered):
            self._arrive(arrived, Outcome.DELIVERED, "")
            if arrived is not None:
                moment.current = arrived.number
            if answer or event.code not in (STORE, FETCH):
                moment.clauses.append(text.receives(method, answer))
        else:
            self._arrive(arrived, Outcome.DROPPED, event.reason)
            reason = event.reason or DropReason.DISCARDED.value
            moment.clauses.append(text.drops(method, reason))
            moment.hot = True
            if arrived is not None:
                moment.current = arrived.number
        moment.rows, moment.scene = len(self._lines), self._scene

    def _sent(self, event: ev.MessageSent, answer: bool, moment: Moment) -> None:
        method, who = fields.method(event.code), self.world.person
        origin = self._origins.setdefault(event.transaction_id, event.node)
        record = self._record(event)
        if record is not None:
            self._scene = self._scene.known(record)
        copy = event.code == STORE and record is not None and record.replica > 0
        last = self._lines[-1] if self._lines else None
        if copy:
            self._folded.add(event.transaction_id)
        if copy and last is not None and record is not None and last.record is not None and last.code == STORE:
            same = last.cursor == self._cursor and last.record.replica > 0 and last.record[:2] == record[:2]
            if same and last.sender == event.node:
                last.receivers.append(event.next_hop)
                self._open[(event.transaction_id, False, event.next_hop)] = last
                moment.clauses[-1] = text.copies(self._label(record), [who(node) for node in last.receivers])
                return
        line = self._line(event, answer, event.next_hop)
        carried = self._label(record)
        if answer:
            line.way = [(self._cursor, event.node), (self._cursor, event.next_hop)]
            self._answers[event.transaction_id] = line
            if event.code == ERROR:
                moment.clauses.append(text.answers_error(line.error, who(origin)))
            else:
                moment.clauses.append(text.answers(method, carried, who(origin)))
            if not any(one.cursor == self._cursor and not one.answer for one in self._lines[-3:]):
                moment.current = line.number
        else:
            if copy:
                moment.clauses.append(text.copies(carried, [who(event.next_hop)]))
            elif line.resent:
                moment.clauses.append(text.resends(self._author(record), carried, who(event.next_hop)))
                moment.hot = True
            else:
                towards = self._towards(event.message)
                moment.clauses.append(text.sends(method, carried, towards))
            if not copy:
                purpose = text.PURPOSES.get(event.code, "")
                moment.label = text.RESENT if line.resent else f"{purpose} {carried}".strip()
            moment.current = line.number
        self._open[(event.transaction_id, answer, event.next_hop)] = line

    def _line(self, event: ev.MessageSent | ev.MessageForwarded, answer: bool, receiver: bytes) -> Line:
        """A new row for a hop that begins now."""
        record = self._record(event)
        resent = False
        if record is not None and event.code == STORE and isinstance(event, ev.MessageSent) and not record.replica:
            first = self._seen.setdefault((record.key, record.storage_time), event.node)
            resent = first != event.node and not self._scene.holds(event.node, record)
        elif record is not None and isinstance(event, ev.MessageForwarded):
            resent = any(one.resent and one.transaction_id == event.transaction_id for one in self._lines[-12:])
        line = Line(
            number=len(self._lines) + 1,
            sent=self._transmissions,
            cursor=self._cursor,
            t=event.t,
            transaction_id=event.transaction_id,
            code=event.code,
            answer=answer,
            sender=event.node,
            receivers=[receiver],
            message=event.message,
            record=record,
            resent=resent,
            kept=False,
            error=fields.error_name(event.message) if event.code == ERROR else "",
            origin=self._origins.get(event.transaction_id, event.node),
        )
        self._lines.append(line)
        return line

    def _arrive(self, line: Line | None, outcome: Outcome, reason: str) -> None:
        if line is not None:
            line.log.append((self._cursor, outcome, reason))

    def _record(self, event: ev.MessageSent | ev.MessageForwarded) -> RecordRef | None:
        """The value in the message; an answer does not say whose it is, so it is found by its storage time."""
        record = fields.carried(event.message, event.code)
        if record is None or record.key.resource:
            return record
        for key, times in self._scene.versions.items():
            if key[1:] == record.key[1:] and record.storage_time in times:
                return record._replace(key=key)
        return None

    def _towards(self, message: bytes) -> str:
        """Where a request is bound for: a resource's or a node's name."""
        last = fields.target(message)
        return self.world.person(last) if last in self.world.names else self.world.resource(last) if last else ""

    def _author(self, record: RecordRef | None) -> str:
        """Who sent this value first."""
        first = self._seen.get((record.key, record.storage_time)) if record is not None else None
        return self.world.person(first) if first is not None else self.world.owner

    def _label(self, record: RecordRef | None) -> str:
        return text.version(self._scene.version(record.key, record.storage_time)) if record is not None else ""

    # --- everything that is not a message --------------------------------------------------------------------

    def _mark(self, event: ev.Event, moment: Moment, before: Scene) -> None:
        """What the event says about the rows, the lifelines and the timeline."""
        match event:
            case (
                ev.RecordStored()
                | ev.RecordReplaced()
                | ev.RecordRemoved()
                | ev.RecordHandedOver()
                | ev.RecordDiscarded()
                | ev.RecordExpired()
            ):
                row = moment.current or len(self._lines)
                for stretch in self._stretches:
                    if stretch.node == event.node and stretch.end < 0 and stretch.record.resource == event.resource:
                        stretch.end, stretch.last_row = self._cursor, row
                if isinstance(event, ev.RecordStored | ev.RecordReplaced):
                    key = RecordKey(event.resource, event.kind, event.key)
                    older = isinstance(event, ev.RecordReplaced) and event.storage_time < event.replaced
                    self._stretches.append(Stretch(event.node, self._cursor, row, key, event.storage_time, again=older))
                    outcome = Outcome.STORED if isinstance(event, ev.RecordStored) else Outcome.REPLACED
                    self._outcome(event, Outcome.ROLLED_BACK if older else outcome, "")
                    moment.hot = moment.hot or older
                elif isinstance(event, ev.RecordRemoved):
                    self._outcome(event, Outcome.REMOVED, "")
            case ev.StoreRejected():
                self._outcome(event, Outcome.REFUSED, event.reason)
            case ev.ValueRead():
                self._outcome(event, Outcome.READ, "")
            case ev.ValueRejected():
                self._outcome(event, Outcome.DISTRUSTED, event.reason)
            case ev.ClientAttached() if event.node in before.attached:
                note = Note(
                    after=len(self._lines),
                    text=text.moves(self.world.person(event.node), self.world.name(event.peer)),
                    t=event.t,
                )
                self._notes = [(at, old) for at, old in self._notes if (at, old.after) != (self._cursor, note.after)]
                self._notes.append((self._cursor, note))
            case ev.NodeCrashed() | ev.NodeLeft() | ev.NodeJoined() | ev.CallFailed() | ev.CallSetUp():
                moment.label = text.MOMENTS[type(event).__name__]
            case _:
                pass

    def _outcome(self, event: ev.Event, outcome: Outcome, reason: str) -> None:
        """The row of this transaction that ended at the event's node, or failing that its last one."""
        for line in reversed(self._lines[-64:]):
            if line.transaction_id == event.transaction_id or (
                len(line.receivers) > 1 and event.node in line.receivers and line.cursor >= self._cursor - 8
            ):
                line.log.append((self._cursor, outcome, reason))
                return
