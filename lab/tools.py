"""What stands beside the pictures of a panel: hands on a message, a node's card, and two runs side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Protocol

import ipywidgets as w

from lab import contrast, labels, nodes, plots, recruits, sides, tables
from lab.comparison import Walk
from lab.fields import Group, middle_bit
from lab.figures import PLAIN_SKELETON, RING_SKELETON, TWIN_SKELETON, Figure
from lab.frames import Row, SessionLike
from lab.hands import DEEDS
from lab.session import Session
from p2psip_min.errors import LocalProtocolError

LOW, HIGH = 104.0, 150.0
"""The largest radius of each ring of a comparison, in pixels: in a narrow panel, and in a wide one."""

MOVES: dict[str, Callable[[Walk], object]] = {
    "n": Walk.next_difference,
    "N": Walk.previous_difference,
    ".": Walk.step,
    "ArrowRight": Walk.step,
    "ArrowLeft": Walk.back,
    "m": Walk.next_message,
    "Home": lambda walk: walk.seek(0),
    "End": lambda walk: walk.seek(walk.length),
}
"""What a key does to a comparison; False where it finds nothing."""

BREATH = 0.02
"""Seconds between two steps of long work, in which clicks are heard."""

WAIT = 5
"""Seconds that a message is delayed, or resent later, unless somebody says otherwise."""


class Desk(Protocol):
    """The panel, as its tools see it."""

    session: SessionLike

    play: w.Button

    def button(self, words: str, icon: str, act: Callable[[], None], *, primary: bool = False) -> w.Button:
        """A button whose errors show in the panel."""

    def later(self, act: Callable[[], object], what: str) -> None:
        """Do something where the panel lives; its error shows in the panel."""

    def move(self, act: Callable[[], object], *, animated: bool = False) -> None:
        """Do something quick, then draw."""

    def long(self, what: str, act: Callable[[], object]) -> None:
        """Do something that may take a moment, then draw."""

    def refresh(self) -> None:
        """Draw."""

    def guarded(self, act: Callable[[], object], what: str) -> bool:
        """Whether ``act`` succeeded; its error shows in the panel."""

    @property
    def home(self) -> asyncio.AbstractEventLoop | None:
        """The loop in which the panel lives, if one runs."""


def box(names: Sequence[str], *children: w.Widget) -> w.Box:
    """A box of these classes; the style sheet says how its children lie."""
    made = w.Box(children)
    for name in names:
        made.add_class(name)
    return made


def show(part: w.Widget, shown: bool) -> None:
    """Show a part, or take its place away."""
    part.layout.display = None if shown else "none"


def driven(desk: Desk) -> Session:
    """The panel's session, where it is one that can be changed by hand."""
    if isinstance(desk.session, Session):
        return desk.session
    raise LocalProtocolError(labels.NOTHING_BY_HAND)


class Work:
    """Something that takes many steps: says how far it is, leaves the panel usable, and can be stopped."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._task: asyncio.Task[None] | None = None
        self._what, self._done, self._total = "", 0, 0
        self.bar = w.HTML()
        self.stop = desk.button(labels.STOP, "", self.halt)
        self.view = box(["lab-work"], self.bar, self.stop)
        show(self.view, False)

    def begin(self, what: str, steps: Iterator[tuple[int, int]]) -> None:
        """Take the steps one by one, in between whatever else is clicked; without a loop, all at once."""
        self.halt()
        self._what, self._done, self._total = what, 0, 0
        home = self._desk.home
        if home is None:
            for self._done, self._total in steps:
                self._tell()
            self._end()
            return
        self._tell()
        show(self.view, True)
        show(self.stop, True)
        self._task = home.create_task(self._take(steps))

    async def _take(self, steps: Iterator[tuple[int, int]]) -> None:
        for _ in self._guarded(steps):
            await asyncio.sleep(BREATH)
        self._task = None
        self._end()

    def _guarded(self, steps: Iterator[tuple[int, int]]) -> Iterator[None]:
        """Take a step at a time, until the last one or the first that fails."""
        going = True

        def step() -> None:
            nonlocal going
            found = next(steps, None)
            if found is None:
                going = False
            else:
                self._done, self._total = found
                self._tell()

        while going and self._desk.guarded(step, self._what):
            yield

    def _tell(self) -> None:
        self.bar.value = tables.progress(self._what, self._done, max(1, self._total))

    def _end(self) -> None:
        show(self.view, False)
        self._desk.guarded(self._desk.refresh, self._what)

    def halt(self) -> None:
        """Stop what is being done, if anything is, and say so; what has been done stays."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._end()
            self.bar.value = escape(labels.stopped_at(self._what, self._done, self._total))
            show(self.view, True)
            show(self.stop, False)

    def forget(self) -> None:
        """Something else was done: say no more that work was stopped."""
        if self._task is None:
            show(self.view, False)


class MessageHands:
    """Flips, drops, delays, doubles or resends the selected message, inside its sender or on the wire."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._number = desk, 0
        self.title = w.HTML()
        self.where = w.ToggleButtons(options=[labels.INSIDE, labels.ON_THE_WIRE])
        self.bit = w.Text(value="0", continuous_update=False)
        self.wait = w.Text(value=str(WAIT), continuous_update=False)
        for number in (self.bit, self.wait):
            number.add_class("lab-number")
        self.buttons = {deed: self._button(deed) for deed in DEEDS}
        self.view = box(
            ["lab-hands"],
            self.title,
            self.where,
            box(["pair"], w.HTML(labels.BIT), self.bit, self.buttons["flip"]),
            self.buttons["drop"],
            self.buttons["duplicate"],
            box(["pair"], w.HTML(labels.SECONDS), self.wait, self.buttons["delay"], self.buttons["resend"]),
        )
        show(self.view, False)

    def _button(self, deed: str) -> w.Button:
        made = self._desk.button(labels.DEEDS[deed], "", lambda: self.touch(deed))
        made.tooltip = labels.DEEDS_HELP[deed]
        return made

    def touch(self, deed: str) -> None:
        """Lay hands on the selected message."""
        number = {"flip": self.bit, "delay": self.wait, "resend": self.wait}.get(deed)
        value = 0
        if number is not None:
            if not number.value.strip().isdigit():
                raise ValueError(labels.no_number(labels.BIT if deed == "flip" else labels.SECONDS))
            value = int(number.value)
        session, inside = driven(self._desk), self.where.value == labels.INSIDE
        row = self._number
        self._desk.long(labels.DEEDS[deed], lambda: session.touch(deed, row, value, inside=inside))

    def show(self, row: Row | None, groups: Sequence[Group]) -> None:
        """Be about this message; None hides the buttons."""
        shown = row is not None and isinstance(self._desk.session, Session)
        show(self.view, shown)
        if row is None or not shown:
            self._number = 0
            return
        self.title.value = f"<b>{labels.hands_on(row.number, row.error or row.method)}</b>"
        if row.number != self._number:
            self._number = row.number
            self.bit.value = str(middle_bit(groups, len(row.message)))


class NodeCard:
    """The selected node's tables and store, and what can be done to it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.node = b""
        self.text, self.reasons = w.HTML(), w.HTML()
        self.hostile = desk.button(labels.MAKE_HOSTILE, "", lambda: self._do("hostile", labels.MAKE_HOSTILE))
        self.crash = desk.button(labels.CRASH, "", lambda: self._do("crash", labels.CRASH))
        self.close = desk.button(labels.CLOSE, "", lambda: self.choose(b""))
        buttons = box(["btns"], self.hostile, self.crash, self.close, self.reasons)
        self.view = box(["section", "col", "lab-node"], self.text, buttons)
        show(self.view, False)

    def choose(self, node: bytes) -> None:
        """Show this node; the same one again, or none, closes the card."""
        self.node = b"" if node == self.node else node
        self._desk.refresh()

    def _do(self, deed: str, words: str) -> None:
        session, node = driven(self._desk), self.node
        found = nodes.node_of(session, node)
        if found is not None:
            nodes.refuse(session, deed, found)
            self._desk.long(words, lambda: session.inject(deed, node))

    def show(self) -> None:
        """Draw the card as the run stands."""
        session = self._desk.session
        shown = bool(self.node) and isinstance(session, Session)
        show(self.view, shown)
        if not shown or not isinstance(session, Session):
            return
        self.text.value = nodes.details(session, self.node)
        found = nodes.node_of(session, self.node)
        why = {}
        for deed, button in (("hostile", self.hostile), ("crash", self.crash)):
            why[button.description] = nodes.locked(session, deed, found) if found else labels.NO_PEER
            button.disabled = bool(why[button.description])
        self.reasons.value = tables.reasons(why)
        self.hostile.tooltip = recruits.deed_of(session.stage)


class Comparing:
    """The run before the last change beside this one; both are stepped and scrubbed together."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._other: Session | None = None
        self._changed: tuple[str, ...] = ()
        self._reading = False
        self._remark = ""
        self.walk: Walk | None = None
        self.text, self.remark = w.HTML(), w.HTML().add_class("lab-remark")
        self.button = desk.button(contrast.COMPARE, "", self.toggle)
        self.button.tooltip = contrast.COMPARE_HELP
        self.close = desk.button(contrast.LEAVE, "", self.toggle)
        self.heads = w.HTML(), w.HTML()
        self.rings = Figure(skeleton=RING_SKELETON, width=400), Figure(skeleton=RING_SKELETON, width=400)
        self.track = Figure(skeleton=PLAIN_SKELETON, width=640)
        self.pairs, self.whole = Figure(skeleton=PLAIN_SKELETON), Figure()
        for figure in (*self.rings, self.track, self.pairs, self.whole):
            figure.add_class("lab-figure")
            figure.on_msg(self._hears)
        for figure in (*self.rings, self.track):
            figure.observe(lambda _: desk.later(self._widened, contrast.COMPARE), "width")
        self.previous = desk.button(contrast.PREVIOUS_DIFFERENCE, "", lambda: self.move("N"))
        self.next = desk.button(contrast.NEXT_DIFFERENCE, "", lambda: self.move("n"), primary=True)
        back = desk.button(labels.BACK, "back", lambda: self.move("ArrowLeft"))
        on = desk.button(labels.STEP_ON, "step", lambda: self.move("."))
        back.tooltip, on.tooltip = contrast.BOTH_BACK, contrast.BOTH_ON
        self.previous.tooltip, self.next.tooltip = contrast.PREVIOUS_DIFFERENCE_HELP, contrast.NEXT_DIFFERENCE_HELP
        sides_ = [box(["side"], head, ring) for head, ring in zip(self.heads, self.rings, strict=True)]
        buttons = box(["btns"], back, desk.play, on, self.previous, self.next)
        self.view = box(
            ["col", "lab-compare"],
            self.text,
            box(["sides"], *sides_),
            box(["time"], buttons, self.track, box(["btns"], self.close)),
            self.remark,
            self.pairs,
            self.whole,
        )
        show(self.view, False)

    @property
    def open(self) -> bool:
        """Whether two runs are shown."""
        return self.walk is not None

    def toggle(self) -> None:
        """Open or close."""
        if self.open:
            self.leave()
            self._desk.refresh()
        else:
            self._desk.long(contrast.COMPARE, self._compare)

    def leave(self) -> None:
        """Close; the panel shows this run at the moment that was looked at."""
        self.walk, self._changed, self.text.value, self.remark.value = None, (), "", ""
        if self._other is not None:
            self._other.close()
            self._other = None
        for figure in (*self.rings, self.track, self.pairs, self.whole):
            figure.ground = figure.story = figure.head = ""
        self.whole.skeleton, self._reading = "", False
        show(self.view, False)

    def _compare(self) -> None:
        session = driven(self._desk)
        if session.before == session.choices:
            raise LocalProtocolError(contrast.NO_RUN_BEFORE)
        self.leave()
        self._other = session.other()
        self.walk = session.walk(self._other)
        self._changed, self._choices = sides.differences(session.before, session.choices), session.choices
        show(self.view, True)

    def key(self, name: str) -> bool:
        """Whether a key means something here; if so, it is done."""
        if name not in MOVES or self.walk is None:
            return False
        self.move(name)
        return True

    def move(self, name: str) -> None:
        """Move both runs as a key says."""
        walk = self.walk
        if walk is None:
            return

        def act() -> None:
            if MOVES[name](walk) is False:
                self._remark = contrast.NO_LATER if name == "n" else contrast.NO_EARLIER

        self._desk.move(act, animated=name in (".", "ArrowRight"))

    def _hears(self, _: object, content: dict[str, str], __: object) -> None:
        self._desk.later(lambda: self._heard(content), labels.gesture(content))

    def _heard(self, content: dict[str, str]) -> None:
        """A click, a key or a seek in one of the comparison's pictures."""
        act, number, walk = content.get("act", ""), content.get("id", ""), self.walk
        if walk is None:
            return
        if act == "seek":
            self._desk.move(lambda: walk.seek(int(number)))
        elif act == "pair":
            self._desk.move(lambda: walk.to_pair(int(number)))
        elif act == "toggle":
            self._reading = number == "open"
            self._read(walk)

    def _widened(self) -> None:
        if self.open:
            self._desk.refresh()

    def draw(self, motion: Sequence[float]) -> bool:
        """Show both runs at their moment; False, and closed, when this run is another one by now."""
        session, walk, other = self._desk.session, self.walk, self._other
        if walk is None or other is None or not isinstance(session, Session):
            return False
        if session.choices != self._choices:
            self.leave()
            return False
        names = contrast.RUN_BEFORE, labels.THIS_RUN
        self.text.value = sides.caption(walk, self._changed)
        # It is about one key, so it goes with the next picture.
        self.remark.value, self._remark = tables.remark(self._remark), ""
        # One scale for both: a column with a rule beside it has less room than the other.
        width = min(ring.width for ring in self.rings)
        for place, run in enumerate((other, session)):
            frame = run.seek(walk.moment[place])
            side = sides.Side(name=names[place], card=run.card, frame=frame)
            self.heads[place].value = sides.side_head("AB"[place], side)
            ring = self.rings[place]
            picture = plots.draw_ring(frame, width, 0, LOW if width < plots.NARROW else HIGH)
            with ring.hold_sync():
                ring.label, ring.box = frame.caption, [picture.width, picture.height]
                ring.ground, ring.story, ring.reach = picture.ground, picture.story, picture.reach
                ring.motion = list(motion)
        self.track.story = sides.track(walk, self.track.width)
        self.pairs.story = sides.window(walk)
        stops = [stop.at for stop in walk.found.stops]
        self.previous.disabled = not stops or stops[0] >= walk.cursor
        self.next.disabled = not stops or stops[-1] <= walk.cursor
        self._read(walk)
        return True

    def _read(self, walk: Walk) -> None:
        with self.whole.hold_sync():
            self.whole.skeleton = TWIN_SKELETON
            self.whole.head = sides.whole_head(walk.found)
            self.whole.story = sides.whole(walk) if self._reading else ""
