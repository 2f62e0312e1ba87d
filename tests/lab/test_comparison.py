"""Two runs at once: for every threat there is a way through both, from one difference to the next."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

import pytest

from lab import sides
from lab.comparison import Walk
from lab.scenarios import SCENARIOS
from lab.session import Session


def defended(threat: str) -> Iterator[Walk]:
    """The run with the first of its defences beside the run without it."""
    session = Session(threat)
    session.run()
    session.set(SCENARIOS[threat].defence[0], True)
    other = session.other()
    yield session.walk(other)
    other.close()
    session.close()


@pytest.fixture
def walk() -> Iterator[Walk]:
    yield from defended("RP-2")


@pytest.mark.parametrize("threat", SCENARIOS)
def test_every_threat_has_a_way_through_two_runs(threat: str) -> None:
    for walk in defended(threat):
        found = walk.found
        assert found.moments[0] == (0, 0, -1)
        assert found.moments[-1][:2] == (walk.left.length, walk.right.length)
        for before, now in pairwise(found.moments):
            assert before != now
            assert 0 <= now.left - before.left <= 1, "no moment is left out"
            assert 0 <= now.right - before.right <= 1
            assert now.pair >= before.pair
        for place, pair in enumerate(found.pairs):
            at = found.moments[bisect_left(found.moments, place, key=lambda one: one.pair)]
            assert pair.left is None or at.left >= pair.left.cursor
            assert pair.right is None or at.right >= pair.right.cursor
            if pair.left is not None and pair.right is not None:
                assert (at.left, at.right) == (pair.left.cursor, pair.right.cursor), "seen when it is new in both"
        assert [stop.at for stop in found.stops] == sorted({stop.at for stop in found.stops})
        assert (found.first is None) == (not found.stops)
        assert found.parting is None or not found.pairs[found.parting].alike

        seen = [walk.cursor] if found.stops else []
        while walk.next_difference():
            seen.append(walk.cursor)
        assert seen == [stop.at for stop in found.stops]
        assert walk.passed == len(found.stops)
        while walk.previous_difference():
            pass
        assert not found.stops or walk.cursor == found.stops[0].at
        for told in (sides.track(walk, 800), sides.window(walk)):
            assert told
        ends = [run.frame(run.length).word for run in (walk.left, walk.right)]
        assert "NO DIFFERENCE" not in sides.caption(walk, ()) or ends[0] is ends[1]


def test_both_runs_stand_at_the_same_second_until_they_differ(walk: Walk) -> None:
    assert walk.found.first is not None
    for cursor in range(walk.cursor):
        walk.seek(cursor)
        left, right = walk.frames()
        assert (left.t, left.caption, left.hops) == (right.t, right.caption, right.hops)


def test_the_first_difference_is_marked_and_where_the_runs_part(walk: Walk) -> None:
    found = walk.found
    assert found.first is not None
    assert found.parting is not None
    assert found.first < found.parting
    assert walk.focus == found.first
    counter, resent = found.pairs[found.first], found.pairs[found.parting]
    assert counter.alike
    assert not counter.same
    assert resent.left is not None
    assert resent.left.resent
    assert 'class="first' in sides.window(walk)
    walk.next_difference()
    assert walk.focus == found.parting
    left, right = walk.frames()
    row = left.row(resent.left.number)
    assert row is not None
    assert row.outcome.value.startswith("stored")
    assert right.word.value == "REFUSED"


def test_steps_go_through_both_and_stay_inside(walk: Walk) -> None:
    walk.seek(-3)
    walk.back()
    assert walk.moment == (0, 0, -1)
    assert walk.focus == -1
    walk.next_message()
    assert walk.moment.pair == 0
    walk.seek(10**6)
    walk.step()
    assert walk.cursor == walk.length
    assert walk.frames() == (walk.left.frame(walk.left.length), walk.right.frame(walk.right.length))
    walk.to_pair(3)
    assert walk.moment.pair == 3
    assert walk.place_of(0, walk.moment.left) <= walk.cursor


def test_a_run_beside_itself_has_no_difference(walk: Walk) -> None:
    same = Walk(walk.right, walk.right)
    assert same.found.stops == ()
    assert same.cursor == same.length
    assert all(moment.left == moment.right for moment in same.found.moments)
    assert "NO DIFFERENCE" in sides.caption(same, ())
    assert not same.next_difference()
    assert not same.previous_difference()


@pytest.mark.parametrize(("threat", "said"), [("EN-7", "NO MESSAGE DIFFERS"), ("EN-4", "NO DIFFERENCE")])
def test_runs_may_differ_in_no_message(threat: str, said: str) -> None:
    for walk in defended(threat):
        assert walk.found.first is None
        assert said in sides.caption(walk, ())


def test_what_comes_later_in_one_run_stays_beside_the_other() -> None:
    session = Session("RP-2", links="plain", attack=False)
    session.run()
    session.touch("delay", 1, 5)
    other = session.other()
    walk = session.walk(other)
    delays = [
        round(pair.right.t - pair.left.t, 3)
        for pair in walk.found.pairs
        if pair.left is not None and pair.right is not None and pair.left.t < 10
    ]
    assert max(delays) == pytest.approx(5.0, abs=0.1)
    for place, moment in enumerate(walk.found.moments):
        walk.seek(place)
        if moment.pair >= 0:
            pair = walk.found.pairs[moment.pair]
            for row, frame in zip((pair.left, pair.right), walk.frames(), strict=True):
                assert row is None or frame.row(row.number) is not None, "whoever is first waits for the other"
    other.close()
    session.close()
