"""Timers of one length: in order, in time, and gone when nobody wants them."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.transport.deadlines import Deadlines
from p2psip_min.transport.loop import VirtualLoop

steps = st.lists(st.tuples(st.sampled_from((0.0, 0.25, 0.5, 2.0)), st.booleans()), max_size=30)


class Someone:
    """Calls back when its time is over."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.overdue = callback


@given(steps)
def test_what_is_still_wanted_comes_up_in_time_and_in_order(steps: list[tuple[float, bool]]) -> None:
    """As many timers of the loop would do."""
    loop = VirtualLoop()
    deadlines = Deadlines(loop, 0.75)
    ran: list[tuple[float, int]] = []
    wanted: list[tuple[float, int]] = []
    for number, (pause, answered) in enumerate(steps):
        loop.run_until(loop.time() + pause)
        someone = Someone(lambda number=number: ran.append((loop.time(), number)))
        deadlines.set(someone)
        if answered:
            del deadlines[someone]
        else:
            wanted.append((loop.time() + 0.75, number))
    loop.run_until(loop.time() + 10)
    assert ran == wanted
    assert loop.idle
    loop.close()


def test_one_may_be_set_while_another_comes_up() -> None:
    loop = VirtualLoop()
    deadlines = Deadlines(loop, 1.0)
    ran: list[float] = []

    def once_more() -> None:
        ran.append(loop.time())
        if len(ran) < 3:
            deadlines.set(someone)

    someone = Someone(once_more)
    deadlines.set(someone)
    loop.run_until(10)
    assert ran == [1.0, 2.0, 3.0]
    loop.close()


def test_all_of_them_take_one_timer_of_the_loop() -> None:
    loop = VirtualLoop()
    deadlines = Deadlines(loop, 1.0)
    for _ in range(1000):
        someone = Someone(loop.stop)
        deadlines.set(someone)
        del deadlines[someone]
    assert len(loop._heap) == 1
    loop.run_until(2)
    assert loop.idle
    loop.close()
