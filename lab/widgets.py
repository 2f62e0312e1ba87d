"""The panel: widgets bound to a session. It keeps no truth of its own, so it can be rebuilt at any time.

Rules
1. Every callback ends in ``guarded``: an error is shown in the panel's status line and the last good picture stays.
2. Toggles may call back in another thread with another loop (ipykernel 7), so a callback runs at home: in the thread
   whose loop was running when the panel was built.
3. Python says what is drawn, ``figure.js`` draws it; a message moves along its hop in the browser, not frame by frame
   over the wire.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w

from lab import contrast, export, fields, gestures, labels, lanes, plots, presenter, proofs, steps, style, tables
from lab.comparison import Walk
from lab.figures import LANES_SKELETON, PLAIN_SKELETON, RING_SKELETON, TWIN_SKELETON, Figure
from lab.frames import Frame, NodeState, SessionLike
from lab.session import Session
from lab.switchboard import Switchboard
from lab.tools import Comparing, MessageHands, NodeCard, Work, box, driven, show
from lab.verdicts import SEEDS

BEAT = 0.7
"""Seconds that one moment takes at 1×."""

TICK = 1 / 15
"""Seconds between two looks at the clock while playing: the most that is drawn."""

SPEEDS = {"½×": 0.5, "1×": 1.0, "2×": 2.0, "4×": 4.0, "8×": 8.0}
STEP_MS = 320
EXPORTS = Path("exports")
"""Where exports go, below the folder that the kernel works in; a folder for each card."""


class Panel:
    """Shows a session and drives it; ``view`` is the widget to display."""

    def __init__(self, session: SessionLike) -> None:
        self.session = session
        self.selected = 0
        self.playing = self.presenting = False
        self._written: Sequence[Path] = ()
        self._fingers: tuple[Mapping[bytes, tuple[bytes, ...]], int, int] = ({}, 0, 0)
        self._task: asyncio.Task[None] | None = None
        self.home: asyncio.AbstractEventLoop | None = None
        self._thread = threading.get_ident()
        try:
            self.home = asyncio.get_running_loop()
        except RuntimeError:
            self.home = None
        self._build()
        self._offer()
        self.refresh()

    # --- what there is ---------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.title, self.caption = w.HTML(), w.HTML()
        self.ring_head, self.lanes_head = w.HTML(), w.HTML()
        self.ring = Figure(skeleton=RING_SKELETON, width=400, hears=True)
        self.lanes = Figure(skeleton=LANES_SKELETON, width=420)
        self.timeline = Figure(skeleton=PLAIN_SKELETON, width=640)
        self.strip = Figure(skeleton=PLAIN_SKELETON).add_class("lab-strip")
        self.legend = w.HTML(value=tables.legend()).add_class("lab-legend")
        self.back = self.button(labels.BACK, "back", lambda: self.move(self.session.back))
        self.play = self.button(labels.PLAY, "play", self.toggle, primary=True)
        self.step = self.button(labels.STEP_ON, "step", lambda: self.move(self.session.step, animated=True))
        self.message = self.button(labels.NEXT_MESSAGE, "step", self.next_message)
        self.step.tooltip, self.message.tooltip = labels.STEP_HELP, labels.MESSAGE_HELP
        self.end = self.button(labels.TO_END, "end", lambda: self.long(labels.TO_END, self.session.run))
        self.speed = w.Dropdown(options=list(SPEEDS), value="1×", tooltip=labels.SPEED)
        self.reset = self.button(labels.RESET, "reset", lambda: self.long(labels.RESET, self._reset))
        self.work = Work(self)
        self.judge = self.button(labels.JUDGE, "judge", lambda: self._judge(labels.JUDGE, 1))
        self.judge.tooltip = labels.JUDGE_HELP
        self.seeds = self.button(labels.OVER_SEEDS, "", lambda: self._judge(labels.OVER_SEEDS, SEEDS))
        self.seeds.tooltip = labels.OVER_SEEDS_HELP
        self.verdict_head, self.verdict, self.storage, self.bytes = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.status, self.alert = w.HTML().add_class("lab-status"), w.HTML()
        self.table, self.reading = Figure(skeleton=TWIN_SKELETON), False
        self.action_box = w.HBox()
        self.switchboard = Switchboard(self.session.switches(), self._set, self._refuse)
        self.controls, self.defences = self.switchboard.controls, self.switchboard.defences
        self.hands, self.node, self.comparing = MessageHands(self), NodeCard(self), Comparing(self)
        self.export = self.button(labels.EXPORT, "", lambda: self.long(labels.EXPORT, self._export))
        self.export.tooltip = labels.EXPORT_HELP
        self.present = self.button(labels.PRESENT, "", self.present_mode)
        self.present.tooltip = labels.PRESENT_HELP
        self.present.add_class("lab-present")
        self.keys = self.button(labels.ALL_KEYS, "", self.list_keys)
        self.keys_shown, self.told = w.HTML(), w.HTML()
        self.keys_shown.add_class("lab-keys")
        self.stage = Figure(skeleton=PLAIN_SKELETON, width=1240).add_class("lab-stage")
        self.find = w.Text(placeholder=labels.FIND_MESSAGE, continuous_update=True)
        self.find.tooltip = labels.FIND_MESSAGE
        self.fold = w.ToggleButton(description=labels.FOLD, tooltip=labels.FOLD_HELP)
        for control in (self.find, self.fold):
            control.observe(lambda _: self.later(self.refresh, labels.MESSAGES), "value")
        tools = box(["btns", "lab-tools"], self.comparing.button, self.export, self.present, self.keys, self.reset)
        for figure in (self.ring, self.lanes, self.timeline, self.strip, self.defences, self.table, self.stage):
            figure.add_class("lab-figure")
            figure.on_msg(lambda _, content, __: self.later(lambda: self._heard(content), labels.gesture(content)))
            if figure not in (self.defences, self.strip, self.table):
                figure.observe(lambda _: self.later(self.refresh, labels.RING), "width")
        bar = box(["lab-bar"], self.title, tools, self.switchboard.view)
        self.title.add_class("lab-id")
        self.alert.add_class("lab-alert")
        self.caption.add_class("lab-caption")
        buttons = box(["btns"], self.back, self.play, self.step, self.message, self.end)
        after = box(["btns"], self.speed, self.action_box)
        time = box(["time", "section"], buttons, self.timeline, after)
        pictures = box(
            ["two", "stack"],
            w.VBox([self.ring_head, self.ring]),
            w.VBox([box(["lanes-head"], self.lanes_head, self.find, self.fold), self.lanes]),
        )
        facts = box(["two", "section"], self.storage, self.bytes)
        verdict_bar = box(["lab-split"], self.verdict_head, box(["btns"], self.judge, self.seeds))
        defences_head = w.HTML(value=tables.head(labels.DEFENCES, labels.DEFENCES_NOTE))
        self.table.add_class("section")
        self.view = box(
            ["lab"],
            w.HTML(value=f"<style>{style.sheet()}</style>", layout=w.Layout(display="none")),
            bar,
            self.keys_shown,
            self.alert,
            self.told,
            self.stage,
            self.caption,
            pictures,
            time,
            self.strip,
            self.hands.view,
            self.node.view,
            self.comparing.view,
            self.legend,
            box(["section", "col", "lab-verdict"], verdict_bar, self.work.view, self.verdict),
            facts,
            box(["section", "col"], defences_head, self.defences),
            self.table,
            self.status,
        )

    def button(self, words: str, icon: str, act: Callable[[], None], *, primary: bool = False) -> w.Button:
        button = w.Button(description=words, tooltip=words, button_style="primary" if primary else "")
        if icon:
            button.add_class("ico").add_class(f"ico-{icon}")
        button.on_click(lambda _: self.later(act, words))
        return button

    def _offer(self) -> None:
        """Makes a button for everything that the session lets one do by hand."""
        actions = []
        for action in self.session.actions():
            button = self.button(action.label, "", self._acting(action.name))
            button.tooltip = action.locked or action.help or action.label
            button.disabled = bool(action.locked)
            actions.append(button)
        self.action_box.children = actions

    # --- callbacks -------------------------------------------------------------------------------------------

    def later(self, act: Callable[[], object], what: str) -> None:
        """Run ``act`` at home, guarded."""
        if self.home is not None and threading.get_ident() != self._thread:
            self.home.call_soon_threadsafe(self.guarded, act, what)
        else:
            self.guarded(act, what)

    def guarded(self, act: Callable[[], object], what: str) -> bool:
        """Whether ``act`` succeeded; its error goes to the status line."""
        try:
            act()
        except Exception as error:  # the panel's edge: nothing may end in the void
            self.playing = False
            self._show_play()
            self.alert.value = tables.alert(labels.failed(what), labels.stopped(str(error) or type(error).__name__))
            self._bind_switches()
            self.defences.redraw()
            return False
        return True

    def _set(self, label: str, name: str, value: str | int | bool) -> None:
        self.later(lambda: self.long(label, lambda: self.session.set(name, value)), label)

    def _refuse(self, label: str, why: str) -> None:
        def refuse() -> None:
            raise ValueError(why)

        self.later(refuse, label)

    def _acting(self, name: str) -> Callable[[], None]:
        return lambda: self.move(lambda: self.session.inject(name))

    def long(self, what: str, act: Callable[[], object]) -> None:
        """Something that may take a moment; the status line says so meanwhile."""
        self.work.halt()
        self._stop()
        self.status.value = tables.status(labels.working(what), ())
        self._written = ()
        try:
            act()
        finally:
            self._status()
        self._settle()
        self.refresh()

    def _settle(self) -> None:
        """Something succeeded: no error stands any longer, nor what an earlier click said."""
        self.alert.value = ""
        self.work.forget()
        names = [path.name for path in self._written]
        self.told.value = tables.exported(str(self._written[0].parent), names) if names else ""
        self._written = ()

    def _judge(self, what: str, seeds: int) -> None:
        """Run what is missing of the verdict, in steps where the session has them."""
        if isinstance(self.session, Session):
            self._stop()
            self._settle()
            self.work.begin(what, self.session.judging(seeds))
        else:
            self.long(what, self.session.judge)

    def _reset(self) -> None:
        self.session.reset()
        self.comparing.leave()
        self.switchboard.forget()
        self.selected = 0

    def move(self, act: Callable[[], object], *, animated: bool = False) -> None:
        self._stop()
        act()
        self._settle()
        self.refresh(motion=(0.0, plots.REST, float(STEP_MS)) if animated else None)

    def _heard(self, content: dict[str, str]) -> None:
        """A click, a key or a seek in one of the pictures."""
        gestures.hear(self, content)

    def next_message(self) -> None:
        """On to the next message that is sent."""
        self.move(lambda: steps.next_message(self.session), animated=True)

    def column(self, name: str) -> None:
        """Play one of the verdict's runs."""
        self.long(name, lambda: driven(self).column(name))

    def read(self, opened: bool) -> None:
        """The table of the messages was opened or closed."""
        self.reading = opened
        self._draw_twin(self.session.frame())

    def list_keys(self) -> None:
        self.keys_shown.value = "" if self.keys_shown.value else tables.keys()

    def present_mode(self, presenting: bool | None = None) -> None:
        """Go into presenter mode, or out of it."""
        self.presenting = not self.presenting if presenting is None else presenting
        (self.view.add_class if self.presenting else self.view.remove_class)("present")
        self.alert.value = ""
        self.refresh()

    def escape(self) -> None:
        """Close what was opened last."""
        if self.keys_shown.value:
            self.list_keys()
        elif self.presenting:
            self.present_mode()
        elif self.comparing.open:
            self.comparing.toggle()
        elif self.node.node:
            self.node.choose(b"")
        elif self.selected:
            self.select(self.selected)

    def _export(self) -> None:
        session = driven(self)
        folder = EXPORTS / "".join(one if one.isalnum() or one in "-." else "_" for one in session.card)
        self._written = export.save(session, folder)

    # --- play ------------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        if self.playing:
            self._stop()
            self.refresh()
            return
        self.alert.value = ""
        if self.home is None:
            # Without a loop nothing can be paced: show the end, as Play would in time.
            self.long(labels.TO_END, self.session.run)
            return
        course = self._course()
        if course.finished and course.cursor == course.length:
            course.seek(0)
        self.playing = True
        self._show_play()
        self._task = self.home.create_task(self._run())

    def _course(self) -> SessionLike | Walk:
        """What is stepped and played: this run, or two at once."""
        return self.session if self.comparing.walk is None or self.presenting else self.comparing.walk

    def _show_play(self) -> None:
        words, old, new = (labels.PAUSE, "play", "pause") if self.playing else (labels.PLAY, "pause", "play")
        self.play.description = self.play.tooltip = words
        self.play.remove_class(f"ico-{old}").add_class(f"ico-{new}")

    def _stop(self) -> None:
        self.playing = False
        self._show_play()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        """Advance moment by moment; looks at the clock every TICK, so that Pause and speed act at once."""
        assert self.home is not None
        due = self.home.time()
        while self.playing:
            now = self.home.time()
            if now >= due:
                course = self._course()
                if course.cursor == course.length and course.finished:
                    break
                beat = max(TICK, BEAT / SPEEDS[self.speed.value])
                due = max(due + beat, now)
                if not self.guarded(partial(self._beat, beat), labels.PLAY):
                    return
            await asyncio.sleep(TICK)
        self.playing, self._task = False, None
        self._show_play()
        self.guarded(self.refresh, labels.PLAY)

    def _beat(self, beat: float) -> None:
        self._course().step()
        self.refresh(motion=(0.0, 1.0, beat * 900), tables_too=beat >= 0.3)

    # --- drawing ---------------------------------------------------------------------------------------------

    def select(self, number: int) -> None:
        """Frame a message in every part and open its bytes; the same number again closes them."""
        self.selected = 0 if number == self.selected else number
        self.refresh()

    def refresh(self, motion: tuple[float, float, float] | None = None, *, tables_too: bool = True) -> None:
        """Draw the session's current frame."""
        (self.view.add_class if self.comparing.open else self.view.remove_class)("comparing")
        if not self.presenting and self.comparing.draw(motion or (0.0, plots.REST, 0.0)):
            self._name()
            self._status()
            return
        frame = self.session.frame()
        self.caption.value = tables.caption(frame)
        if self.presenting:
            presenter.draw(self.stage, self.session, frame, self._room(frame), motion or (0.0, plots.REST, 0.0))
            self._status()
            return
        self.ring_head.value = tables.head(labels.RING, self._ring_note(frame), f"{frame.t:.2f} s")
        self.lanes_head.value = tables.head(labels.MESSAGES, labels.shown(len(frame.rows)))
        self._draw_ring(frame, motion or (0.0, plots.REST, 0.0))
        self._draw_lanes(frame)
        with self.timeline.hold_sync():
            self.timeline.label = frame.caption
            self.timeline.story = lanes.draw_timeline(frame, self.timeline.width, room=self._room(frame))
        self.storage.value = tables.storage(frame)
        self._draw_twin(frame)
        self._status()
        if tables_too or not self.playing:
            self._draw_rest(frame)

    def _ring_note(self, frame: Frame) -> str:
        every = plots.thinned(plots.Ring(frame, self.ring.width).gap) if len(frame.nodes) > 200 else 1
        note = labels.RING_NOTE if every == 1 else labels.thinned(every)
        hostile = sum(one.hostile for one in frame.nodes)
        return note if hostile <= plots.MOST_HOSTILE else labels.so_many_hostile(note, hostile)

    def _draw_ring(self, frame: Frame, motion: Sequence[float]) -> None:
        # In one column the ring gives way, so that caption, buttons and ring stand on one screen.
        stacked = abs(self.ring.width - self.lanes.width) < 16
        # Fingers are for the pointer: with two hundred peers they are worth remembering.
        known = (frame.world.fingers, self.ring.width, sum(one.state is NodeState.UP for one in frame.nodes))
        fresh = known[1:] != self._fingers[1:] or known[0] is not self._fingers[0]
        most = 136.0 if stacked else 232.0
        picture = plots.draw_ring(frame, self.ring.width, self.selected, most, fingers=fresh)
        with self.ring.hold_sync():
            self.ring.label = frame.caption
            self.ring.box = [picture.width, picture.height]
            self.ring.ground, self.ring.story = picture.ground, picture.story
            self.ring.motion = list(motion)
            if fresh:
                self._fingers, self.ring.reach = known, picture.reach

    def _room(self, frame: Frame) -> int:
        """How many moments the timeline has room for; it grows in steps while the story goes on."""
        return frame.length if self.session.finished else (frame.length // 12 + 1) * 12

    def _draw_lanes(self, frame: Frame) -> None:
        if not frame.rows:
            with self.lanes.hold_sync():
                self.lanes.skeleton = tables.empty(labels.OTHER_EVENTS if frame.cursor else labels.NO_MESSAGES)
                self.lanes.story = self.lanes.head = ""
            return
        drawn = lanes.draw_lanes(
            frame, self.lanes.width, self.selected, find=self.find.value.strip(), fold=self.fold.value
        )
        with self.lanes.hold_sync():
            self.lanes.skeleton = LANES_SKELETON
            self.lanes.label = labels.shown(len(frame.rows))
            self.lanes.box, self.lanes.top = [drawn.width, drawn.height], [drawn.width, lanes.HEAD]
            self.lanes.head, self.lanes.story = drawn.head, drawn.body

    def _draw_rest(self, frame: Frame) -> None:
        session = self.session
        self._name()
        row = frame.row(self.selected)
        groups = fields.inspect(row.message, frame.world, frame.t) if row is not None else ()
        proven = proofs.proofs(row.message, frame.world) if row is not None else ()
        tls = session.choices.links == "TLS" if isinstance(session, Session) else None
        self.bytes.value = tables.message_bytes(frame, row, groups, proven, tls)
        self.hands.show(row, groups)
        self.node.show()
        strip = session.verdict()
        self.verdict_head.value = tables.head(labels.VERDICT, labels.VERDICT_NOTE if strip else "")
        self.strip.story = tables.verdict_strip(strip) if strip else ""
        pooled = session.over_seeds() if isinstance(session, Session) else None
        self.verdict.value = tables.verdict(strip, pooled) if strip else tables.empty(labels.NO_VERDICT)
        show(self.judge, strip is not None and not strip.complete)
        show(self.seeds, strip is not None and isinstance(session, Session) and (pooled is None or pooled.quick))
        self._bind_switches()

    def _name(self) -> None:
        session = self.session
        self.title.value = tables.title(session.threat, session.title, session.subtitle, session.card)

    def _draw_twin(self, frame: Frame) -> None:
        """The pictures as a sentence and a table; the table is made while somebody has it open."""
        with self.table.hold_sync():
            self.table.head = tables.messages_head(frame)
            self.table.story = tables.messages(frame, self.selected) if self.reading else ""

    def _bind_switches(self) -> None:
        """Controls say what the session says, whatever was clicked."""
        self.switchboard.bind(self.session.switches())

    def _status(self) -> None:
        session = self.session
        words = labels.ready(session.cursor, session.length, session.finished)
        if self.comparing.walk is not None:
            words = contrast.both_at(self.comparing.walk.cursor, self.comparing.walk.length)
        elif self.playing:
            words = labels.playing(self.speed.value, session.cursor, session.length)
        self.status.value = tables.status(words, contrast.KEYS if self.comparing.open else labels.KEYS)
        self.back.disabled = session.cursor == 0
        self.step.disabled = self.message.disabled = session.finished and session.cursor == session.length
        changed = isinstance(session, Session) and session.before != session.choices
        self.comparing.button.disabled = not changed and not self.comparing.open

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and the caption for readers without one."""
        bundle = self.view._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = self.session.frame().caption
        return bundle
