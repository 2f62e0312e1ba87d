"""Two runs side by side: their messages paired, the first one in which they differ, and a way through both at once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from lab.frames import Frame, Row, SessionLike, Tick


@dataclass(frozen=True, slots=True)
class Pair:
    """A message of each run, or of one of them; ``same`` says that not a byte differs, nor what became of them."""

    left: Row | None
    right: Row | None

    @property
    def same(self) -> bool:
        """Whether both runs have this message, and alike."""
        left, right = self.left, self.right
        return left is not None and right is not None and _all(left) == _all(right)

    @property
    def alike(self) -> bool:
        """Whether both runs have this message and it ends the same way, whatever its bytes and its time are."""
        left, right = self.left, self.right
        return left is not None and right is not None and _end(left) == _end(right)


class Moment(NamedTuple):
    """A moment of each run that are looked at together; ``pair`` is the place of the newest pair, -1 before any."""

    left: int
    right: int
    pair: int


class Stop(NamedTuple):
    """Where a pair that differs is seen best: the place among the moments, and the place among the pairs."""

    at: int
    pair: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pairs in the order of both runs; ``first`` is the place of the first that differs, None when none does.

    ``moments`` lead from the beginning of both runs to both ends and leave out no moment of either; ``stops`` are the
    first pair that differs and all that go another way, in order.
    """

    pairs: tuple[Pair, ...]
    first: int | None
    moments: tuple[Moment, ...]
    stops: tuple[Stop, ...]

    @property
    def first_number(self) -> int:
        """The number of the first differing message in the run that has it; 0 when none differs."""
        if self.first is None:
            return 0
        pair = self.pairs[self.first]
        row = pair.left or pair.right
        return row.number if row is not None else 0

    @property
    def parting(self) -> int | None:
        """The place of the first pair that goes another way, not only with other bytes or later; None without any."""
        return next((place for place, pair in enumerate(self.pairs) if not pair.alike), None)


def compare(left: Frame, right: Frame) -> Comparison:
    """Pair the messages and the moments of two frames, usually the last ones of their runs."""
    pairs = tuple(_pairs(left.rows, right.rows))
    first = next((place for place, pair in enumerate(pairs) if not pair.same), None)
    moments = _moments(pairs, left, right)
    return Comparison(pairs, first, moments, _stops(pairs, first, moments))


# --- through both runs at once ----------------------------------------------------------------------------------------


class Walk:
    """Goes through two runs that are over, at the same paired moment of both; begins at their first difference."""

    def __init__(self, left: SessionLike, right: SessionLike) -> None:
        self.left, self.right = left, right
        self.found = compare(left.frame(left.length), right.frame(right.length))
        stops = [stop for stop in self.found.stops if stop.pair == self.found.first]
        self.cursor = stops[0].at if stops else self.length

    @property
    def length(self) -> int:
        """The last place; the first is 0."""
        return len(self.found.moments) - 1

    @property
    def moment(self) -> Moment:
        """The moments of both runs that are looked at."""
        return self.found.moments[self.cursor]

    @property
    def focus(self) -> int:
        """The place of the pair that this is about: the one that differs here, else the newest; -1 before any."""
        return next((stop.pair for stop in self.found.stops if stop.at == self.cursor), self.moment.pair)

    @property
    def passed(self) -> int:
        """How many of the differences have been reached."""
        return bisect_right(self.found.stops, (self.cursor, len(self.found.pairs)))

    def place_of(self, side: int, cursor: int) -> int:
        """The first place at which the left run (0) or the right one (1) has come to a moment of its own."""
        return bisect_left(self.found.moments, cursor, key=lambda moment: moment[side])

    @property
    def finished(self) -> bool:
        """Both runs are over: nothing is added by stepping on."""
        return True

    def frames(self) -> tuple[Frame, Frame]:
        """Both pictures."""
        return self.left.frame(self.moment.left), self.right.frame(self.moment.right)

    def seek(self, cursor: int) -> None:
        """To any place, held within 0 and ``length``."""
        self.cursor = max(0, min(cursor, self.length))

    def step(self) -> None:
        """One moment on."""
        self.seek(self.cursor + 1)

    def back(self) -> None:
        """One moment back."""
        self.seek(self.cursor - 1)

    def next_message(self) -> None:
        """On to the moment at which another pair is new; to the end where none is."""
        self.seek(_begins(self.found.moments, self.moment.pair + 1))

    def next_difference(self) -> bool:
        """To the next pair that differs; False, and nowhere, where there is none."""
        return self._to_stop(self.passed)

    def previous_difference(self) -> bool:
        """To the pair before this moment that differs; False, and nowhere, where there is none."""
        return self._to_stop(bisect_left(self.found.stops, self.cursor, key=lambda stop: stop.at) - 1)

    def _to_stop(self, place: int) -> bool:
        if not 0 <= place < len(self.found.stops):
            return False
        self.seek(self.found.stops[place].at)
        return True

    def to_pair(self, place: int) -> None:
        """To the moment at which this pair is new."""
        stops = [stop.at for stop in self.found.stops if stop.pair == place]
        self.seek(stops[0] if stops else _begins(self.found.moments, place))


# --- pairing ----------------------------------------------------------------------------------------------------------


def _pairs(left: Sequence[Row], right: Sequence[Row]) -> Iterator[Pair]:
    # What is alike to the byte belongs together from the beginning; after that, who says what to whom.
    common = 0
    while common < min(len(left), len(right)) and _all(left[common]) == _all(right[common]):
        yield Pair(left[common], right[common])
        common += 1
    left, right = left[common:], right[common:]
    matcher = SequenceMatcher(None, [_gist(row) for row in left], [_gist(row) for row in right], autojunk=False)
    for _, first, last, begin, end in matcher.get_opcodes():
        ones, others = left[first:last], right[begin:end]
        for place in range(max(len(ones), len(others))):
            one = ones[place] if place < len(ones) else None
            other = others[place] if place < len(others) else None
            # What the same two nodes say to each other in the other's place stands in one line.
            if one is not None and other is not None and _gist(one)[1:] != _gist(other)[1:]:
                yield Pair(one, None)
                yield Pair(None, other)
            else:
                yield Pair(one, other)


def _gist(row: Row) -> tuple[str, bytes, tuple[bytes, ...]]:
    return row.method, row.sender, row.receivers


def _all(row: Row) -> tuple[object, ...]:
    return row.t, row.message, row.sender, row.receivers, row.outcome, row.reason


def _end(row: Row) -> tuple[object, ...]:
    return row.method, row.outcome, row.reason, row.error, row.version, row.resent


def _moments(pairs: Sequence[Pair], left: Frame, right: Frame) -> tuple[Moment, ...]:
    """From message to message; what lies between two of them in each run is told in the order of time.

    Times count from the last message that both runs have, so a run in which all comes later stays beside the other.
    """
    sides = _Side(left.ticks, [pair.left for pair in pairs]), _Side(right.ticks, [pair.right for pair in pairs])
    one, other = sides
    made = [Moment(0, 0, -1)]

    def note(place: int) -> None:
        now = Moment(one.at, other.at, place)
        if made[-1][:2] == now[:2] and place >= 0:
            made[-1] = now
        elif made[-1] != now:
            made.append(now)

    def between(place: int, ends: tuple[int, int], t: float) -> None:
        """What happens before these moments on both sides, and not after ``t``."""
        while True:
            waiting = [side.next_time for side, end in zip(sides, ends, strict=True) if side.at + 1 < end]
            if not waiting or min(waiting) > t:
                return
            now = min(waiting)
            for side, end in zip(sides, ends, strict=True):
                if side.at + 1 < end and side.next_time <= now + 1e-9:
                    side.at += 1
            note(place)

    for place, pair in enumerate(pairs):
        ends = one.until(place), other.until(place)
        rows = (pair.left, pair.right)
        t = min(side.time(row.cursor) for side, row in zip(sides, rows, strict=True) if row is not None)
        between(place - 1, ends, float("inf") if None not in rows else t)
        between(place - 1, (pair.left.cursor if pair.left else 0, pair.right.cursor if pair.right else 0), float("inf"))
        for side, row in zip(sides, rows, strict=True):
            if row is not None:
                side.at = max(side.at, row.cursor)
                if None not in rows:
                    side.began = side.ticks[row.cursor - 1].t
        note(place)
    between(len(pairs) - 1, (len(left.ticks) + 1, len(right.ticks) + 1), float("inf"))
    return tuple(made)


class _Side:
    """Where one run is, and when its next moment comes."""

    def __init__(self, ticks: Sequence[Tick], rows: Sequence[Row | None]) -> None:
        self.ticks, self.at, self.began = ticks, 0, 0.0
        self._ends = [0] * len(rows)
        end = len(ticks) + 1
        for place in range(len(rows) - 1, -1, -1):
            row = rows[place]
            end = row.cursor if row is not None else end
            self._ends[place] = end

    def until(self, place: int) -> int:
        """The moment of the next message from this pair on."""
        return self._ends[place]

    def time(self, cursor: int) -> float:
        """When a moment comes, counted from the last message that both runs have."""
        return self.ticks[cursor - 1].t - self.began

    @property
    def next_time(self) -> float:
        return self.time(self.at + 1)


def _begins(moments: Sequence[Moment], place: int) -> int:
    """The first moment at which a pair is there."""
    return bisect_left(moments, place, key=lambda moment: moment.pair)


def _stops(pairs: Sequence[Pair], first: int | None, moments: Sequence[Moment]) -> tuple[Stop, ...]:
    differing = [place for place, pair in enumerate(pairs) if place == first or not pair.alike]
    begins = [_begins(moments, place) for place in differing] + [len(moments) - 1]
    found: dict[int, int] = {}
    for number, place in enumerate(differing):
        at, pair = begins[number], pairs[place]
        if pair.left is not None and pair.right is not None and not pair.alike:
            # Both are on their way alike: the difference is how they end, unless another one comes before that.
            ends, last = (pair.left.ended, pair.right.ended), begins[number + 1]
            while at < last and (moments[at].left < ends[0] or moments[at].right < ends[1]):
                at += 1
        found.setdefault(at, place)
    return tuple(Stop(at, found[at]) for at in sorted(found))
