"""The panel: widgets bound to a session. It keeps no truth of its own, so it can be rebuilt at any time.

Rules
1. Every callback ends in ``_guard``: an error is shown in the panel's status line and the last good picture stays.
2. Toggles may call back in another thread with another loop (ipykernel 7), so a callback runs at home: in the thread
   whose loop was running when the panel was built.
3. Python says what is drawn, ``figure.js`` draws it; a message moves along its hop in the browser, not frame by frame
   over the wire.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import anywidget
import ipywidgets as w
import traitlets as t

from lab import fields, labels, lanes, plots, style, tables
from lab.frames import Frame, SessionLike, Switch
from lab.text import Word

BEAT = 0.7
"""Seconds that one moment takes at 1×."""

TICK = 1 / 15
"""Seconds between two looks at the clock while playing: the most that is drawn."""

SPEEDS = {"½×": 0.5, "1×": 1.0, "2×": 2.0, "4×": 4.0, "8×": 8.0}
STEP_MS = 320
RING_SKELETON = (
    '<div class="picture"><svg data-size="box" data-named="1" role="img"><g data-layer="ground"></g>'
    '<path class="reach" d="M0 0"></path><g data-layer="story"></g></svg></div>'
)
LANES_SKELETON = (
    '<div class="picture"><svg data-size="top" aria-hidden="true"><g data-layer="head"></g></svg>'
    '<div class="scroll" tabindex="0" role="group" aria-label="messages"><svg data-size="box" data-named="1" '
    'role="img"><g data-layer="story"></g></svg></div></div>'
)
TRACK_SKELETON = '<div class="picture" data-layer="story"></div>'


class Figure(anywidget.AnyWidget):
    """A picture made of markup; ``figure.js`` swaps its layers and sends clicks, keys and its width back."""

    _esm = files("lab").joinpath("figure.js").read_text(encoding="utf-8")
    skeleton = t.Unicode("").tag(sync=True)
    ground = t.Unicode("").tag(sync=True)
    story = t.Unicode("").tag(sync=True)
    head = t.Unicode("").tag(sync=True)
    label = t.Unicode("").tag(sync=True)
    box = t.List(t.Int(), default_value=[0, 0]).tag(sync=True)
    top = t.List(t.Int(), default_value=[0, 0]).tag(sync=True)
    motion = t.List(t.Float(), default_value=[0.0, plots.REST, 0.0]).tag(sync=True)
    reach = t.Dict().tag(sync=True)
    width = t.Int(0).tag(sync=True)
    hears = t.Bool(False).tag(sync=True)


class Panel:
    """Shows a session and drives it; ``view`` is the widget to display."""

    def __init__(self, session: SessionLike) -> None:
        self.session = session
        self.selected = 0
        self.playing = False
        self._binding = False
        self._task: asyncio.Task[None] | None = None
        self._home: asyncio.AbstractEventLoop | None = None
        self._thread = threading.get_ident()
        try:
            self._home = asyncio.get_running_loop()
        except RuntimeError:
            self._home = None
        self._build()
        self._bar()
        self.refresh()

    # --- what there is ---------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.title, self.caption = w.HTML(), w.HTML()
        self.ring_head, self.lanes_head = w.HTML(), w.HTML()
        self.ring = Figure(skeleton=RING_SKELETON, width=496, hears=True)
        self.lanes = Figure(skeleton=LANES_SKELETON, width=712)
        self.timeline = Figure(skeleton=TRACK_SKELETON, width=640)
        self.legend = w.HTML(value=tables.legend())
        self.back = self._button(labels.BACK, "back", lambda: self._move(self.session.back))
        self.play = self._button(labels.PLAY, "play", self._toggle, primary=True)
        self.step = self._button(labels.STEP_ON, "step", lambda: self._move(self.session.step, animated=True))
        self.end = self._button(labels.TO_END, "end", lambda: self._long(labels.TO_END, self.session.run))
        self.speed = w.Dropdown(options=list(SPEEDS), value="1×", tooltip=labels.SPEED)
        self.reset = self._button(labels.RESET, "reset", lambda: self._long(labels.RESET, self._reset))
        self.judge = self._button(labels.JUDGE, "judge", lambda: self._long(labels.JUDGE, self.session.judge))
        self.judge.tooltip = labels.JUDGE_HELP
        self.verdict_head, self.verdict, self.storage, self.bytes = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.table, self.status, self.alert = w.HTML(), w.HTML(), w.HTML()
        self.controls: dict[str, Any] = {}
        self.action_box = w.HBox()
        self.bar, self.defences, self.defences_head = w.Box(), w.Box(), w.HTML()
        for figure in (self.ring, self.lanes, self.timeline):
            figure.add_class("lab-figure")
            figure.on_msg(lambda _, content, __: self._later(lambda: self._heard(content), labels.MESSAGES))
            figure.observe(lambda _: self._later(self.refresh, labels.RING), "width")
        buttons = w.Box([self.back, self.play, self.step, self.end])
        after = w.Box([self.speed, self.action_box])
        time = w.Box([buttons, self.timeline, after])
        pictures = w.Box([w.VBox([self.ring_head, self.ring, self.legend]), w.VBox([self.lanes_head, self.lanes])])
        facts = w.Box([self.storage, self.bytes])
        verdict_bar = w.Box([self.verdict_head, self.judge])
        self.verdict_box = w.VBox([verdict_bar, self.verdict])
        self.defence_box = w.VBox([self.defences_head, self.defences])
        for box, names in (
            (self.bar, ("lab-bar",)),
            (pictures, ("two", "stack")),
            (facts, ("two", "section")),
            (time, ("time", "section")),
            (buttons, ("btns",)),
            (after, ("btns",)),
            (verdict_bar, ("lab-split",)),
            (self.verdict_box, ("section",)),
            (self.defence_box, ("section",)),
            (self.table, ("section",)),
            (self.defences, ("def",)),
            (self.title, ("lab-id",)),
            (self.alert, ("lab-alert",)),
            (self.caption, ("lab-caption",)),
        ):
            for name in names:
                box.add_class(name)
        self.view = w.VBox(
            [
                w.HTML(value=f"<style>{style.sheet()}</style>", layout=w.Layout(display="none")),
                self.bar,
                self.alert,
                self.caption,
                pictures,
                time,
                self.verdict_box,
                facts,
                self.defence_box,
                self.table,
                self.status,
            ]
        )
        self.view.add_class("lab")

    def _button(self, words: str, icon: str, act: Callable[[], None], *, primary: bool = False) -> w.Button:
        button = w.Button(description=words, tooltip=words, button_style="primary" if primary else "")
        if icon:
            button.add_class("ico").add_class(f"ico-{icon}")
        button.on_click(lambda _: self._later(act, words))
        return button

    def _bar(self) -> None:
        """Makes a control for each switch of the session; ``refresh`` only sets their values."""
        boxes: list[w.Widget] = [self.title]
        cells: list[w.Widget] = []
        for switch in self.session.switches():
            if switch.group == "defence":
                cells.extend(self._defence(switch))
                continue
            if switch.group == "seed":
                control: Any = w.Text(value=str(switch.value), continuous_update=False)
                control.add_class("lab-seed")
            elif switch.choices:
                control = w.ToggleButtons(options=list(switch.choices), value=str(switch.value))
            else:
                control = w.ToggleButtons(
                    options=[labels.OFF, labels.ON], value=labels.ON if switch.value else labels.OFF
                )
            control.observe(self._changed(switch), "value")
            self.controls[switch.name] = control
            label = w.HTML(value=switch.label)
            box = w.VBox([label, control])
            box.add_class("ctl")
            boxes.append(box)
        boxes.append(self.reset)
        self.bar.children = boxes
        heads = []
        for place, name in enumerate(labels.DEFENCE_COLUMNS if cells else ()):
            heads.append(w.HTML(value=name))
            heads[-1].add_class("h")
            if place in (2, 4):
                heads[-1].add_class("x")
        self.defences.children = [*heads, *cells]
        self.defence_box.layout.display = None if cells else "none"
        actions = []
        for action in self.session.actions():
            button = self._button(action.label, "", self._acting(action.name))
            button.tooltip = action.locked or action.help or action.label
            button.disabled = bool(action.locked)
            actions.append(button)
        self.action_box.children = actions

    def _defence(self, switch: Switch) -> list[w.Widget]:
        control = w.Checkbox(
            value=bool(switch.value), indent=False, description=labels.ON if switch.value else labels.OFF
        )
        control.tooltip = switch.label
        control.observe(self._changed(switch), "value")
        self.controls[switch.name] = control
        last = w.HTML()
        self.controls[f"{switch.name}:last"] = last
        cells: list[w.Widget] = [control, w.HTML(value=f"<b>{switch.label}</b>")]
        for place, words in enumerate((switch.checks, switch.price, switch.section)):
            cells.append(w.HTML(value=words))
            if place != 1:
                cells[-1].add_class("x")
        return [*cells, last]

    # --- callbacks -------------------------------------------------------------------------------------------

    def _later(self, act: Callable[[], object], what: str) -> None:
        """Run ``act`` at home, guarded."""
        if self._home is not None and threading.get_ident() != self._thread:
            self._home.call_soon_threadsafe(self._guard, act, what)
        else:
            self._guard(act, what)

    def _guard(self, act: Callable[[], object], what: str) -> bool:
        """Whether ``act`` succeeded; its error goes to the status line."""
        try:
            act()
        except Exception as error:  # the panel's edge: nothing may end in the void
            self.playing = False
            self._show_play()
            self.alert.value = tables.alert(labels.failed(what), labels.stopped(str(error) or type(error).__name__))
            self._bind_switches()
            return False
        return True

    def _changed(self, switch: Switch) -> Callable[[Any], None]:
        def changed(change: Any) -> None:
            if self._binding:
                return
            value = change["new"]
            if switch.group == "seed":
                if not str(value).strip().isdigit():
                    self._later(_refuse_seed, labels.SEED)
                    return
                value = int(value)
            elif isinstance(switch.value, bool) and not isinstance(value, bool):
                value = value == labels.ON
            self._later(lambda: self._long(switch.label, lambda: self.session.set(switch.name, value)), switch.label)

        return changed

    def _acting(self, name: str) -> Callable[[], None]:
        return lambda: self._move(lambda: self.session.inject(name))

    def _long(self, what: str, act: Callable[[], object]) -> None:
        """Something that may take a moment; the status line says so meanwhile."""
        self._stop()
        self.status.value = tables.status(labels.working(what), keys=False)
        try:
            act()
        finally:
            self._status()
        self.alert.value = ""
        self.refresh()

    def _reset(self) -> None:
        self.session.reset()
        self.selected = 0

    def _move(self, act: Callable[[], object], *, animated: bool = False) -> None:
        self._stop()
        act()
        self.alert.value = ""
        self.refresh(motion=(0.0, plots.REST, float(STEP_MS)) if animated else None)

    def _heard(self, content: dict[str, str]) -> None:
        """A click, a key or a seek in one of the pictures."""
        act, name = content.get("act", ""), content.get("id", "")
        if act == "row":
            self.select(int(name))
        elif act == "seek":
            self._move(lambda: self.session.seek(int(name)))
        elif act == "key":
            keys: dict[str, Callable[[], None]] = {
                " ": self._toggle,
                ".": lambda: self._move(self.session.step, animated=True),
                "ArrowRight": lambda: self._move(self.session.step, animated=True),
                "ArrowLeft": lambda: self._move(self.session.back),
                "Home": lambda: self._move(lambda: self.session.seek(0)),
                "End": lambda: self._long(labels.TO_END, self.session.run),
            }
            if name in keys:
                keys[name]()

    # --- play ------------------------------------------------------------------------------------------------

    def _toggle(self) -> None:
        if self.playing:
            self._stop()
            self.refresh()
            return
        self.alert.value = ""
        if self._home is None:
            # Without a loop nothing can be paced: show the end, as Play would in time.
            self._long(labels.TO_END, self.session.run)
            return
        if self.session.finished and self.session.cursor == self.session.length:
            self.session.seek(0)
        self.playing = True
        self._show_play()
        self._task = self._home.create_task(self._run())

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
        assert self._home is not None
        due = self._home.time()
        while self.playing:
            now = self._home.time()
            if now >= due:
                if self.session.cursor == self.session.length and self.session.finished:
                    break
                beat = max(TICK, BEAT / SPEEDS[self.speed.value])
                due = max(due + beat, now)
                if not self._guard(lambda beat=beat: self._beat(beat), labels.PLAY):  # type: ignore[misc]
                    return
            await asyncio.sleep(TICK)
        self.playing, self._task = False, None
        self._show_play()
        self._guard(self.refresh, labels.PLAY)

    def _beat(self, beat: float) -> None:
        self.session.step()
        self.refresh(motion=(0.0, 1.0, beat * 900), tables_too=beat >= 0.3)

    # --- drawing ---------------------------------------------------------------------------------------------

    def select(self, number: int) -> None:
        """Frame a message in every part and open its bytes; the same number again closes them."""
        self.selected = 0 if number == self.selected else number
        self.refresh()

    def refresh(self, motion: tuple[float, float, float] | None = None, *, tables_too: bool = True) -> None:
        """Draw the session's current frame."""
        frame = self.session.frame()
        self.caption.value = tables.caption(frame)
        self.ring_head.value = tables.head(labels.RING, labels.RING_NOTE, f"{frame.t:.2f} s")
        self.lanes_head.value = tables.head(labels.MESSAGES, labels.shown(len(frame.rows)))
        self._draw_ring(frame, motion or (0.0, plots.REST, 0.0))
        self._draw_lanes(frame)
        with self.timeline.hold_sync():
            self.timeline.label = frame.caption
            self.timeline.story = lanes.draw_timeline(frame, self.timeline.width, room=self._room(frame))
        self.storage.value = tables.storage(frame)
        self._status()
        if tables_too or not self.playing:
            self._draw_rest(frame)

    def _draw_ring(self, frame: Frame, motion: Sequence[float]) -> None:
        # In one column the ring gives way, so that caption, buttons and ring stand on one screen.
        stacked = abs(self.ring.width - self.lanes.width) < 16
        picture = plots.draw_ring(frame, self.ring.width, self.selected, most=136.0 if stacked else 232.0)
        with self.ring.hold_sync():
            self.ring.label = frame.caption
            self.ring.box = [picture.width, picture.height]
            self.ring.ground, self.ring.story = picture.ground, picture.story
            self.ring.motion = list(motion)
            self.ring.reach = picture.reach

    def _room(self, frame: Frame) -> int:
        """How many moments the timeline has room for; it grows in steps while the story goes on."""
        return frame.length if self.session.finished else (frame.length // 12 + 1) * 12

    def _draw_lanes(self, frame: Frame) -> None:
        if not frame.rows:
            with self.lanes.hold_sync():
                self.lanes.skeleton = tables.empty(labels.NO_MESSAGES)
                self.lanes.story = self.lanes.head = ""
            return
        drawn = lanes.draw_lanes(frame, self.lanes.width, self.selected)
        with self.lanes.hold_sync():
            self.lanes.skeleton = LANES_SKELETON
            self.lanes.label = labels.shown(len(frame.rows))
            self.lanes.box, self.lanes.top = [drawn.width, drawn.height], [drawn.width, lanes.HEAD]
            self.lanes.head, self.lanes.story = drawn.head, drawn.body

    def _draw_rest(self, frame: Frame) -> None:
        session = self.session
        self.title.value = tables.title(session.threat, session.title, session.subtitle, session.card)
        row = frame.row(self.selected)
        groups = fields.inspect(row.message, frame.world, frame.t) if row is not None else ()
        self.bytes.value = tables.message_bytes(frame, row, groups)
        self.table.value = tables.messages(frame, self.selected)
        strip = session.verdict()
        self.verdict_head.value = tables.head(labels.VERDICT, labels.VERDICT_NOTE if strip else "")
        self.verdict.value = tables.verdict(strip) if strip else tables.empty(labels.NO_VERDICT)
        self.judge.layout.display = "none" if strip is None or strip.complete else None
        self._bind_switches()

    def _bind_switches(self) -> None:
        """Controls say what the session says, whatever was clicked."""
        self._binding = True
        try:
            note = labels.DEFENCES_NOTE
            for switch in self.session.switches():
                control = self.controls.get(switch.name)
                if control is None:
                    continue
                control.disabled = bool(switch.locked)
                if switch.locked:
                    control.tooltip = switch.locked
                if isinstance(control, w.Checkbox):
                    control.value = bool(switch.value)
                    control.description = labels.ON if switch.value else labels.OFF
                    (control.add_class if switch.value else control.remove_class)("on")
                    self.controls[f"{switch.name}:last"].value = _last_try(switch)
                elif isinstance(control, w.ToggleButtons) and isinstance(switch.value, bool):
                    control.value = labels.ON if switch.value else labels.OFF
                elif switch.choices and str(switch.value) not in switch.choices:
                    control.value = None
                else:
                    control.value = str(switch.value)
            self.defences_head.value = tables.head(labels.DEFENCES, note)
        finally:
            self._binding = False

    def _status(self) -> None:
        session = self.session
        words = labels.ready(session.cursor, session.length, session.finished)
        if self.playing:
            words = labels.playing(self.speed.value, session.cursor, session.length)
        self.status.value = tables.status(words)
        self.back.disabled = session.cursor == 0
        self.step.disabled = session.finished and session.cursor == session.length

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and the caption for readers without one."""
        bundle = self.view._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = self.session.frame().caption
        return bundle


def _refuse_seed() -> None:
    raise ValueError(labels.BAD_SEED)


def _last_try(switch: Switch) -> str:
    if switch.word is not None and switch.word is not Word.NOT_RUN:
        return tables.word(switch.word, flat=True)
    return f'<span class="quiet">{labels.ON_IN_THIS_RUN if switch.value else labels.NOT_TRIED}</span>'
