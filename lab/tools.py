"""What stands beside the pictures of a panel: hands on a message, a node's card, and two runs side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Protocol

import ipywidgets as w

from lab import labels, nodes, plots, recruits, sides, tables
from lab.fields import Group, middle_bit
from lab.frames import Frame, Row, SessionLike
from lab.hands import DEEDS
from lab.session import Session
from p2psip_min.errors import LocalProtocolError

SIDE = 420
"""The width of each ring of a comparison, in pixels."""

BREATH = 0.02
"""Seconds between two steps of long work, in which clicks are heard."""

WAIT = 5
"""Seconds that a message is delayed, or resent later, unless somebody says otherwise."""


class Desk(Protocol):
    """The panel, as its tools see it."""

    session: SessionLike

    def button(self, words: str, icon: str, act: Callable[[], None]) -> w.Button:
        """A button whose errors show in the panel."""

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
            why[button.description] = nodes.locked(session, deed, found) if found else labels.NO_TABLES
            button.disabled = bool(why[button.description])
        self.reasons.value = tables.reasons(why)
        self.hostile.tooltip = recruits.deed_of(session.stage)


class Comparing:
    """The run before the last change beside this one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.text = w.HTML()
        self.button = desk.button(labels.COMPARE, "", self.toggle)
        self.button.tooltip = labels.COMPARE_HELP
        self.close = desk.button(labels.LEAVE, "", self.toggle)
        self.view = box(["section", "col", "lab-compare"], self.text, self.close)
        self.open = False
        show(self.view, False)

    def toggle(self) -> None:
        """Open or close."""
        if self.open:
            self.leave()
            self._desk.refresh()
        else:
            self._desk.long(labels.COMPARE, self._compare)

    def leave(self) -> None:
        """Close."""
        self.open = False
        self.text.value = ""
        show(self.view, False)

    def _compare(self) -> None:
        session = driven(self._desk)
        if session.before == session.choices:
            raise LocalProtocolError(labels.NO_RUN_BEFORE)
        other = session.other()
        try:
            found = session.compare(other)
            pair = found.pairs[found.first] if found.first is not None else None
            left = self._side(other, pair.left or pair.right if pair else None)
            right = self._side(session, pair.right or pair.left if pair else None)
        finally:
            other.close()
        changed = sides.differences(session.before, session.choices)
        self.text.value = sides.side_by_side(found, left, right, changed)
        self.open = True
        show(self.view, True)

    @staticmethod
    def _side(session: Session, row: Row | None) -> sides.Side:
        last = session.frame(session.length)
        at: Frame = session.frame(row.cursor) if row is not None else last
        card = session.card.split("@")[0]
        return sides.Side(card=card, frame=last, picture=plots.ring_svg(at, SIDE))
