"""A film: a frame for every moment of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab import fields, text
from lab.clauses import gathered
from lab.frames import Frame, Hop, NodeState, Outcome, RecordKey, RecordRef, Row, Span, Strand, Tick
from lab.reel import Line, Moment, Reel, Stretch
from lab.scene import Scene, draw_nodes, draw_storage, judge, key_turn, ring_order
from lab.text import Word


class Film(Reel):
    """The moments of a trace, and what there is to see at each; built as its Reel is."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._rows: dict[tuple[int, int, Outcome, str, int, int], Row] = {}
        self._tick_tuple: tuple[Tick, ...] = ()
        super().__init__(*arguments, **options)

    # --- frames ----------------------------------------------------------------------------------------------

    def frame(self, cursor: int) -> Frame:
        """What there is to see after ``cursor`` moments, held within 0 and ``length``."""
        cursor = max(0, min(cursor, self.length))
        moment = self._moments[cursor - 1] if cursor else None
        scene = moment.scene if moment else self._opening
        lines = self._lines[: moment.rows] if moment else []
        rows = tuple(self._row(line, cursor, scene) for line in lines)
        current = moment.current if moment else 0
        hops = self._hops(rows, current, cursor, scene)
        involved = frozenset(node for hop in hops for node in (hop.sender, hop.receiver))
        involved |= {scene.attached[node] for node in scene.attached if scene.states.get(node) is not NodeState.ABSENT}
        word = judge(scene) if moment else Word.NOT_RUN
        key = scene.touched
        resource = self.world.subject or (key.resource if key else b"")
        order = ring_order(self.world, scene)
        return Frame(
            cursor=cursor,
            length=self.length,
            t=moment.t if moment else 0.0,
            caption=self._caption(moment, scene, lines) if moment else text.caption_before(len(order)),
            word=word,
            nodes=draw_nodes(self.world, scene, involved),
            key_turn=key_turn(order, resource),
            key_label=text.key_of(self.world.resource(resource)) if resource else "",
            hops=hops,
            current=current,
            rows=rows,
            notes=tuple(note for at, note in self._notes if at <= cursor and note.after <= len(rows)),
            lanes=self._lanes(lines, scene),
            storage=draw_storage(self.world, scene, moment.t if moment else 0.0, self._show, self._writer),
            storage_label=self.world.resource(resource) if resource else "",
            spans=tuple(self._span(one, scene, cursor) for one in self._stretches if one.start <= cursor),
            ticks=self._ticks(),
            track=self._track(),
            world=self.world,
        )

    def _show(self, kind: int, value: bytes) -> str:
        return fields.show_value(kind, value, self.world)

    def _writer(self, key: RecordKey, storage_time: int) -> bytes | None:
        return self._seen.get((key, storage_time))

    def _row(self, line: Line, cursor: int, scene: Scene) -> Row:
        outcome, reason, ended = line.state(cursor)
        version = scene.version(line.record.key, line.record.storage_time) if line.record else 0
        reached = sum(1 for at, _ in line.way if at <= cursor)
        key = (line.number, ended, outcome, reason, version, reached if line.answer else len(line.receivers))
        row = self._rows.get(key)
        if row is None:
            way = tuple(node for _, node in line.way[:reached]) or (line.sender, *line.receivers)
            row = self._rows[key] = Row(
                number=line.number,
                sent=line.sent,
                cursor=line.cursor,
                t=line.t,
                transaction_id=line.transaction_id,
                code=line.code,
                method=fields.method(line.code),
                sender=line.sender,
                receivers=(way[-1],) if line.answer else tuple(line.receivers),
                hops=way,
                answer=line.answer,
                version=version,
                outcome=outcome,
                reason=reason,
                resent=line.resent,
                kept=line.kept and outcome is not Outcome.FLIGHT,
                error=line.error,
                message=line.message,
                ended=ended,
            )
        return row

    def _hops(self, rows: Sequence[Row], current: int, cursor: int, scene: Scene) -> tuple[Hop, ...]:
        """The way of the current message, and of a resent one that still has its effect."""
        hops: list[Hop] = []
        shown = rows[current - 1] if current else None
        named = 0
        standing = judge(scene) in (Word.ROLLED_BACK, Word.REFUSED)
        for row in rows:
            if row.resent and row is not shown and standing:
                label = (
                    f"{text.RESENT} {text.version(row.version)}".strip()
                    if row.transaction_id not in (named, shown.transaction_id if shown else 0)
                    else ""
                )
                named = row.transaction_id
                for receiver in row.receivers:
                    hops.append(
                        Hop(sender=row.sender, receiver=receiver, strand=Strand.RESENT, row=row.number, label=label)
                    )
        if shown is None:
            return tuple(hops)
        if not shown.answer:
            for row in rows[: current - 1]:
                if row.transaction_id == shown.transaction_id and not row.answer and not (row.resent and standing):
                    hops.append(
                        Hop(sender=row.sender, receiver=row.receivers[0], strand=Strand.TRAVELLED, row=row.number)
                    )
        flight = shown.outcome is Outcome.FLIGHT
        label = " ".join(part for part in (shown.error or shown.method, shown.reason) if part)
        pairs = list(zip(shown.hops, shown.hops[1:], strict=False))
        if not shown.answer:
            pairs = [(shown.sender, receiver) for receiver in shown.receivers]
        for place, (sender, receiver) in enumerate(pairs):
            last = place == len(pairs) - 1 or not shown.answer
            strand = Strand.CURRENT if last and flight else Strand.TRAVELLED
            if last and shown.outcome in (Outcome.REFUSED, Outcome.DROPPED, Outcome.LOST):
                strand = Strand.REFUSED
            elif shown.resent and not flight:
                strand = Strand.RESENT
            hops.append(
                Hop(
                    sender=sender,
                    receiver=receiver,
                    strand=strand,
                    row=shown.number,
                    answer=shown.answer,
                    label=label if last and place == len(pairs) - 1 else "",
                    version=shown.version if last else 0,
                )
            )
        return tuple(hops)

    def _caption(self, moment: Moment, scene: Scene, lines: Sequence[Line]) -> str:
        """The moment in a sentence, after what still stands of an attack."""
        world, key = self.world, scene.touched
        said = text.sentence(moment.t, world.person(moment.node), gathered(moment.clauses))
        resent = next((line for line in reversed(lines) if line.resent and line.sender == line.origin), None)
        if resent is None or key is None or resent.record is None:
            return said
        who, owner = world.person(resent.sender), self._author(resent.record)
        old = self._labels(scene, resent.record)
        rolled = [(node, held) for node, held in scene.held.get(key, {}).items() if held.again]
        if rolled:
            rolled.sort(key=lambda item: item[1].replica)
            new = text.version(scene.version(key, rolled[0][1].replaced))
            standing = text.rolled_back(resent.t, who, owner, [world.name(node) for node, _ in rolled], old, new)
        elif scene.refusal is not None and scene.refusal[0] >= resent.t:
            standing = text.resend_refused(resent.t, who, owner, old, world.name(scene.refusal[1]), scene.refusal[2])
        else:
            return said
        rest = [clause for clause in moment.clauses if clause not in moment.standing]
        return f"{standing} {text.now(world.person(moment.node), gathered(rest))}" if rest else standing

    def _lanes(self, lines: Sequence[Line], scene: Scene) -> tuple[bytes, ...]:
        """The nodes with a lifeline: in order of appearance, the subject's holders last."""
        held = scene.held.get(scene.touched, {}) if scene.touched else {}
        holders = sorted(held, key=lambda node: (held[node].replica, node))
        seen: dict[bytes, None] = {}
        for line in lines:
            for node in (line.sender, *line.receivers):
                seen[node] = None
        return (*(node for node in seen if node not in held), *holders)

    def _span(self, one: Stretch, scene: Scene, cursor: int) -> Span:
        open_ended = one.end < 0 or one.end > cursor
        return Span(
            node=one.node,
            start=one.start,
            end=-1 if open_ended else one.end,
            first_row=one.first_row,
            last_row=0 if open_ended else one.last_row,
            version=scene.version(one.record, one.storage_time),
            again=one.again,
        )

    def _ticks(self) -> tuple[Tick, ...]:
        """The timeline's marks, one for each moment of the whole run."""
        if len(self._tick_tuple) != self.length:
            before = 0.0
            ticks: list[Tick] = []
            for place, moment in enumerate(self._moments, 1):
                wait = moment.t - before if place > 1 else 0.0
                ticks.append(
                    Tick(cursor=place, t=moment.t, label=moment.label, hot=moment.hot and bool(moment.label), wait=wait)
                )
                before = moment.t
            self._tick_tuple = tuple(ticks)
        return self._tick_tuple

    def _track(self) -> tuple[Span, ...]:
        """What the subject's root held throughout the run."""
        scene = self._scene
        key = scene.touched
        if key is None:
            return ()
        mine = [one for one in self._stretches if one.record == key]
        held = scene.held.get(key, {})
        root = next((node for node in held if held[node].replica == 0), mine[0].node if mine else b"")
        return tuple(self._span(one, scene, self.length) for one in mine if one.node == root)

    @staticmethod
    def _labels(scene: Scene, record: RecordRef) -> str:
        return text.version(scene.version(record.key, record.storage_time))
