"""Where the words of a ring stand: beside what they name, and on nothing else.

A board knows what is taken (circles, squares, words) and tries places for each sign: it takes the one where the sign
covers least and is nearest. The numbers of idle peers give way: they go to the ring's other side. Signs that are
``loose`` stay away where there is no room beside their marks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot, sqrt

from lab import style
from lab.marks import Point, tag_width, text_width, version_tag, write

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""

LINE, BOLD, PLAIN = 16.0, 13.2, 12.2
"""Pixels from line to line, and the two sizes of type."""

FAR, SOFT = 1.4, 0.25
"""What a pixel of distance weighs, in square pixels covered; and what it weighs to cover a number that gives way."""

ACROSS = 150.0
"""What it weighs to stand on the ring."""

CROSSED = 4.0
"""What it weighs that an arrow goes through words, in pixels of distance for each of its 32 parts."""

EDGE = 4.0
"""How far words may stand out of the picture, in pixels."""

NEAR = 20.0
"""The farthest that a loose sign is moved."""

SLIDES = tuple(sign * step for step in (7, 14, 21, 28, 36, 44, 54, 66, 80, 96, 114) for sign in (1, -1))
"""How far a sign may be moved up or down, nearest first."""

LEADER = 13.0
"""Pixels between a mark and its words from which on a thin line joins them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Words beside a mark of radius ``r`` at ``at``: lines of (words, bold, ink), after or before a version's tag."""

    at: Point
    r: float
    lines: tuple[tuple[str, bool, str], ...]
    version: int = 0
    loose: bool = False

    @property
    def width(self) -> float:
        """Pixels from end to end."""
        tag = tag_width(self.version)
        words = max((text_width(words, BOLD if bold else PLAIN, bold) for words, bold, _ in self.lines), default=0.0)
        return words + tag + (6 if tag and words else 0)

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return LINE * max(1, len(self.lines)) + 1


class Board:
    """What is taken of a picture of this size, around a ring of circles of radius ``r``."""

    def __init__(self, width: float, height: float, centre: Point, radius: float, r: float) -> None:
        self._width, self._height, self._centre = width, height, centre
        self._radius, self._inner, self._outer = radius, radius - r - 1, radius + r + 1
        self.taken: list[Rect] = []
        self._numbers: list[Rect] = []
        self.strokes: list[Point] = []

    def take(self, *rect: float) -> None:
        """Nothing shall stand here: left, top, right, bottom."""
        left, top, right, bottom = rect
        self.taken.append((left, top, right, bottom))

    def mark(self, at: Point, r: float) -> None:
        """Nothing shall stand on this mark."""
        self.take(at[0] - r, at[1] - r, at[0] + r, at[1] + r)

    def number(self, at: Point) -> None:
        """The number of an idle peer, which stands elsewhere where a sign has to stand."""
        self._numbers.append(_digits(at))

    def place(self, *places: Point) -> Point | None:
        """The first place where a number covers nothing, if it can be no arrow either; None where there is none."""
        free = [at for at in places if not any(_meet(_digits(at), rect) for rect in self.taken)]
        clear = [at for at in free if not self._crossed(_digits(at))]
        chosen = next(iter(clear or free), None)
        if chosen is not None:
            self.take(*_digits(chosen))
        return chosen

    def covered(self, rect: Rect) -> float:
        """How much of what is taken this would cover, in square pixels; what does not fit in counts double."""
        left, top, right, bottom = rect
        total = 0.0
        for weight, rects in ((1.0, self.taken), (SOFT, self._numbers)):
            for a, b, c, d in rects:
                if _meet(rect, (a, b, c, d)):
                    total += weight * (min(right, c) - max(left, a)) * (min(bottom, d) - max(top, b))
        out = max(0.0, -left - EDGE) + max(0.0, right - self._width - EDGE)
        over = max(0.0, -top - EDGE) + max(0.0, bottom - self._height - EDGE)
        total += 2 * (out * (bottom - top) + over * (right - left))
        x, y = self._centre
        near = hypot(max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom))
        far = hypot(max(abs(left - x), abs(right - x)), max(abs(top - y), abs(bottom - y)))
        if near < self._outer and far > self._inner:
            total += ACROSS + 12.0 * min(self._outer - near, far - self._inner, 2 * (self._outer - self._radius))
        return total

    def _crossed(self, rect: Rect) -> int:
        return sum(_meet(rect, (x, y, x, y)) for x, y in self.strokes)

    def best(self, places: Iterable[tuple[float, Rect]]) -> tuple[Rect, float]:
        """The place where least is covered, each with its distance, nearest first; and how much that is."""
        found, least, covers = (0.0, 0.0, 0.0, 0.0), float("inf"), 0.0
        for distance, rect in places:
            if FAR * distance >= least:
                continue
            over = self.covered(rect)
            if over + FAR * distance < least:
                found, least, covers = rect, over + FAR * distance, over
                if over < 1.0:
                    break
        return found, covers

    def put(self, sign: Sign, newest: int) -> str:
        """Find a place for the sign and draw it; nothing where it is loose and there is none."""
        places = [place for place in self._places(sign) if not sign.loose or place[0] <= NEAR]
        rect, covers = self.best(sorted((far + CROSSED * self._crossed(rect), rect) for far, rect in places))
        if sign.loose and covers > 30:
            return ""
        self.taken.append(rect)
        return self._leader(sign, rect) + _drawn(sign, rect, newest)

    def _places(self, sign: Sign) -> list[tuple[float, Rect]]:
        (x, y), (cx, cy) = sign.at, self._centre
        width, height, gap = sign.width, sign.height, sign.r + 5
        length = hypot(x - cx, y - cy) or 1.0
        ux, uy = (x - cx) / length, (y - cy) / length
        right = ux >= -0.05
        places: list[tuple[float, Rect]] = []

        def beside(east: bool, dx: float, slide: float, more: float) -> None:
            left = x + dx if east else x - dx - width
            middle = y + slide
            far = abs(slide) + max(0.0, dx - gap) + more
            places.append((far, (left, middle - height / 2, left + width, middle + height / 2)))

        def outward(slide: float) -> None:
            edge = self._edge(y + uy * gap + slide, height) if length > self._inner else 0.0
            reach = max(x + ux * gap, cx + edge) - x if right else x - min(x + ux * gap, cx - edge)
            if abs(uy * gap + slide) < sign.r + height / 2 - 2:
                reach = max(reach, gap)
            beside(right, max(reach, 0.0), uy * gap + slide, -abs(uy * gap))

        def above(away: float, more: float) -> None:
            places.append((more, (x - width / 2, y + away - height / 2, x + width / 2, y + away + height / 2)))

        for slide in (0.0, *SLIDES):
            outward(slide)
            beside(right, gap, slide, 4.0)
            beside(not right, gap, slide, 8.0)
        away = gap + height / 2
        above(away if uy > 0 else -away, 2.0 if abs(ux) < 0.4 else 7.0)
        above(-away if uy > 0 else away, 10.0)
        return sorted(places, key=lambda place: place[0])

    def _edge(self, middle: float, height: float) -> float:
        """How far from the axis words at this height have to begin, so that they do not lie on the ring."""
        deep = max(0.0, abs(middle - self._centre[1]) - height / 2)
        return sqrt(self._outer**2 - deep**2) + 2 if deep < self._outer else 0.0

    @staticmethod
    def _leader(sign: Sign, rect: Rect) -> str:
        x, y = sign.at
        end = min(max(x, rect[0] - 2), rect[2] + 2), min(max(y, rect[1] + 3), rect[3] - 3)
        length = hypot(end[0] - x, end[1] - y)
        if length < sign.r + LEADER:
            return ""
        begin = x + (end[0] - x) * sign.r / length, y + (end[1] - y) * sign.r / length
        return (
            f'<path d="M{begin[0]:.1f} {begin[1]:.1f}L{end[0]:.1f} {end[1]:.1f}" stroke="{style.LINE}" '
            'stroke-width="1"/>'
        )


def _digits(at: Point) -> Rect:
    """Where a number of two digits stands."""
    return (at[0] - 8, at[1] - 6, at[0] + 8, at[1] + 6)


def _meet(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _drawn(sign: Sign, rect: Rect, newest: int) -> str:
    left, top, right, bottom = rect
    east = (left + right) / 2 >= sign.at[0]
    middle, tag = (top + bottom) / 2, tag_width(sign.version)
    anchor = "start" if east else "end"
    x = left if east else right
    if left < sign.at[0] < right:
        # Above or below its mark: in the middle, tag first.
        anchor, x = "start", left
    parts = []
    if tag:
        parts.append(version_tag(x, middle, sign.version, newest, anchor=anchor))
        x += tag + 6 if anchor == "start" else -tag - 6
    first = middle + 4.5 - LINE / 2 * (len(sign.lines) - 1)
    for line, (words, bold, ink) in enumerate(sign.lines):
        size = BOLD if bold else PLAIN
        parts.append(write(x, first + LINE * line, words, size=size, bold=bold, ink=ink, anchor=anchor, halo=True))
    return "".join(parts)
