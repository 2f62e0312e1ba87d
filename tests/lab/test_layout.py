"""Where words and lanes of the pictures stand: nothing is lost, and nothing is covered."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from lab import labels, lanes, plots
from lab.frames import Frame
from lab.marks import tag_width, text_width
from lab.signs import Board
from tests.lab.story import Story

WIDTHS = (390, 432, 440, 498, 600)
TEXT = re.compile(r'<text x="([\d.-]+)" y="([\d.-]+)" font-size="([\d.]+)"([^>]*)>([^<]*)<')
TAG = re.compile(r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="17"')
Box = tuple[float, float, float, float, str]


def moments() -> list[Frame]:
    """A replay before it begins, in the middle, and at its end."""
    film = Story().tell().film()
    return [film.frame(cursor) for cursor in (0, film.length // 2, film.length)]


def boxes(markup: str) -> list[Box]:
    """Every word and version tag of a picture, about as large as its ink."""
    found: list[Box] = []
    for x, y, size, more, words in TEXT.findall(markup):
        width = 0.85 * text_width(words, float(size), "700" in more)
        left = float(x) - (width / 2 if "middle" in more else width if 'anchor="end"' in more else 0)
        found.append((left, float(y) - 0.7 * float(size), left + width, float(y), words))
    for (
        x,
        y,
        width,
    ) in TAG.findall(markup):
        if float(width) == round(tag_width(1), 1):
            found.append((float(x), float(y), float(x) + float(width), float(y) + 17, "tag"))
    return found


def covers(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_ring_loses_no_word_and_covers_none(width: int) -> None:
    for frame in moments():
        picture = plots.draw_ring(frame, width, 0, 136.0 if width == 432 else 232.0)
        drawn = boxes(picture.ground + picture.story)
        words = [words for *_, words in drawn]
        for one in frame.nodes:
            number = one.name[1:]
            if number.isdigit() and not one.hostile:
                assert number in words, f"{one.name} has no number at {width}"
        assert frame.key_turn is None or frame.key_label in words
        assert max(bottom for *_, bottom, _ in drawn) <= picture.height + 1
        for one_box, other in combinations(drawn, 2):
            # A version has its tag around it.
            if "tag" not in (one_box[4], other[4]) or not {one_box[4][:1], other[4][:1]} & {"v"}:
                assert not covers(one_box, other), f"{one_box[4]} and {other[4]} at {width}"


def test_a_number_goes_to_the_other_side_and_not_on_an_arrow() -> None:
    board = Board(400, 400, (200, 200), 120, 6)
    outside, inside, elsewhere = (200.0, 62.0), (200.0, 97.0), (230.0, 97.0)
    board.mark(outside, 8)
    assert board.place(outside, inside) == inside
    assert board.place(outside, inside) is None, "it is taken"
    board = Board(400, 400, (200, 200), 120, 6)
    board.strokes.append(inside)
    assert board.place(inside, elsewhere) == elsewhere
    assert board.place(inside) == inside, "rather on an arrow than nowhere"


@pytest.mark.parametrize("width", [500, 528, 562, 600, 760])
def test_people_have_lanes_and_roles_are_whole(width: int) -> None:
    frame = moments()[-1]
    head = lanes.draw_lanes(frame, width).head
    for person in ("alice", "bob", "mallory"):
        assert f">{person}<" in head
    assert "…" not in head
    assert f">{'replica' if width > 500 else labels.COPY}<" in head


@pytest.mark.parametrize("width", [440, 528, 600])
def test_no_arrow_is_drawn_over_a_tag_of_a_lifeline(width: int) -> None:
    body = lanes.draw_lanes(moments()[-1], width).body
    rows, tags = body.rindex('data-act="row"'), body.index('<g pointer-events="none">')
    assert rows < tags
    assert body.count('<g pointer-events="none">') == len([s for s in moments()[-1].spans if s.version])
