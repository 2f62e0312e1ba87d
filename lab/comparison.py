"""Two runs side by side: their messages paired, and the first one in which they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from lab.frames import Frame, Row


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pairs in the order of both runs; ``first`` is the place of the first that differs, None when none does."""

    pairs: tuple[Pair, ...]
    first: int | None

    @property
    def first_number(self) -> int:
        """The number of the first differing message in the run that has it; 0 when none differs."""
        if self.first is None:
            return 0
        pair = self.pairs[self.first]
        row = pair.left or pair.right
        return row.number if row is not None else 0


def compare(left: Frame, right: Frame) -> Comparison:
    """Pair the messages of two frames, usually the last ones of their runs."""
    pairs = tuple(_pairs(left.rows, right.rows))
    return Comparison(pairs, next((place for place, pair in enumerate(pairs) if not pair.same), None))


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
            if one is not None and other is not None and _gist(one) != _gist(other):
                yield Pair(one, None)
                yield Pair(None, other)
            else:
                yield Pair(one, other)


def _gist(row: Row) -> tuple[str, bytes, tuple[bytes, ...]]:
    return row.method, row.sender, row.receivers


def _all(row: Row) -> tuple[object, ...]:
    return row.t, row.message, row.sender, row.receivers, row.outcome, row.reason
