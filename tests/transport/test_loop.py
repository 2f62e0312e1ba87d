"""The virtual-time loop: order, clock, stalls, and asyncio on top of it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Iterator

import pytest

from p2psip_min.errors import Stalled
from p2psip_min.transport.loop import VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    for task in loop.pending_tasks:
        task.cancel()
    while loop.step():
        pass
    loop.close()


def test_equal_deadlines_run_in_creation_order(loop: VirtualLoop) -> None:
    ran: list[int] = []
    for number in range(50):
        loop.call_at(1.0, ran.append, number)
    loop.run_until(1.0)
    assert ran == list(range(50))
    assert loop.time() == 1.0


def test_ready_callbacks_run_before_the_clock_moves(loop: VirtualLoop) -> None:
    seen: list[tuple[str, float]] = []
    loop.call_later(0.5, lambda: seen.append(("timer", loop.time())))
    loop.call_soon(lambda: loop.call_soon(lambda: seen.append(("soon", loop.time()))))
    loop.run_until(2.0)
    assert seen == [("soon", 0.0), ("timer", 0.5)]
    assert loop.time() == 2.0


def test_a_deadline_in_the_past_runs_now_and_time_never_goes_back(loop: VirtualLoop) -> None:
    loop.run_until(10.0)
    seen: list[float] = []
    loop.call_at(3.0, lambda: seen.append(loop.time()))
    loop.run_until(10.0)
    assert seen == [10.0]


def test_a_busy_callback_does_not_starve_a_timer_that_is_due(loop: VirtualLoop) -> None:
    stop = False

    def again() -> None:
        if not stop:
            loop.call_soon(again)

    def end() -> None:
        nonlocal stop
        stop = True

    loop.call_soon(again)
    loop.call_at(0.0, end)
    loop.run_until(0.0)
    assert stop


def test_cancelled_timers_neither_run_nor_move_the_clock(loop: VirtualLoop) -> None:
    timer = loop.call_later(5.0, pytest.fail)
    soon = loop.call_soon(pytest.fail)
    assert timer.when() == 5.0
    timer.cancel()
    soon.cancel()
    assert timer.cancelled()
    assert loop.idle
    assert not loop.step()
    with pytest.raises(Stalled):
        loop.run_forever()
    assert loop.time() == 0.0


def test_many_cancelled_timers_are_swept(loop: VirtualLoop) -> None:
    ran: list[float] = []
    for number in range(20_000):
        loop.call_later(1_000.0 + number, pytest.fail).cancel()
    loop.call_later(1.0, lambda: ran.append(loop.time()))
    loop.run_until(0.5)
    assert len(loop._heap) == 1
    loop.run_until(2.0)
    assert ran == [1.0]


def test_step_runs_exactly_one(loop: VirtualLoop) -> None:
    ran: list[int] = []
    loop.call_soon(ran.append, 1)
    loop.call_later(1.0, ran.append, 2)
    loop.call_later(1.0, ran.append, 3)
    assert loop.step()
    assert ran == [1]
    assert loop.step()
    assert (ran, loop.time()) == ([1, 2], 1.0)
    assert loop.step()
    assert not loop.step()


def test_waiting_for_what_cannot_happen_is_an_error_that_names_the_waiter(loop: VirtualLoop) -> None:
    async def hang() -> None:
        await loop.create_future()

    task = loop.create_task(hang(), name="hangs")
    with pytest.raises(Stalled, match="hangs"):
        loop.run_until_complete(task)
    assert loop.pending_tasks == [task]


def test_an_exception_in_a_callback_reaches_the_caller_and_the_loop_can_go_on(loop: VirtualLoop) -> None:
    def wrong() -> None:
        raise ZeroDivisionError

    ran: list[int] = []
    loop.call_soon(wrong)
    loop.call_later(1.0, ran.append, 1)
    with pytest.raises(ZeroDivisionError):
        loop.run_until(2.0)
    loop.run_until(2.0)
    assert ran == [1]


def test_tasks_futures_timeouts_and_groups_work(loop: VirtualLoop) -> None:
    async def sleeper(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return loop.time()

    async def failing_group() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeper(50))
            group.create_task(asyncio.wait_for(loop.create_future(), 1))

    async def main() -> None:
        assert await asyncio.gather(sleeper(2), sleeper(1)) == [2.0, 1.0]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.create_future(), 3.0)
        assert loop.time() == 5.0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await asyncio.sleep(100)
        assert loop.time() == 6.5
        assert await asyncio.wait_for(sleeper(0.5), 10) == 7.0
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(sleeper(delay)) for delay in (3, 1, 2)]
        assert [task.result() for task in tasks] == [10.0, 8.0, 9.0]
        with pytest.raises(ExceptionGroup):
            await failing_group()
        assert loop.time() == 11.0
        queue: asyncio.Queue[int] = asyncio.Queue()
        loop.call_later(1, queue.put_nowait, 7)
        assert await queue.get() == 7
        event = asyncio.Event()
        loop.call_soon_threadsafe(event.set)
        await event.wait()

    loop.run_until_complete(main())
    assert loop.time() == 12.0


def test_works_as_the_loop_of_an_asyncio_runner() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 3600.0


def test_no_executor(loop: VirtualLoop) -> None:
    with pytest.raises(RuntimeError, match="executor"):
        loop.run_in_executor(None, print)


def test_time_still_advances_after_a_century(loop: VirtualLoop) -> None:
    century = 100 * 365 * 86_400.0
    loop.run_until(century)

    async def main() -> None:
        for _ in range(10):
            await asyncio.sleep(1e-3)

    loop.run_until_complete(main())
    assert century < loop.time() < century + 1


def test_events_a_second_against_a_bare_heap(loop: VirtualLoop) -> None:
    count = 40_000

    def bare() -> float:
        heap: list[tuple[float, int, object]] = []
        order = itertools.count()
        left = count
        now = 0.0

        def callback() -> None:
            nonlocal left
            left -= 1
            if left > 0:
                heapq.heappush(heap, (now + left % 97 * 1e-3, next(order), callback))

        for number in range(1000):
            heapq.heappush(heap, (number * 1e-3, next(order), callback))
        start = time.process_time()
        while heap:
            now, _, run = heapq.heappop(heap)
            run()
        return time.process_time() - start

    def ours() -> float:
        left = count

        def callback() -> None:
            nonlocal left
            left -= 1
            if left > 0:
                loop.call_later(left % 97 * 1e-3, callback)

        for number in range(1000):
            loop.call_later(number * 1e-3, callback)
        start = time.process_time()
        loop.run_until(loop.time() + 1e6)
        return time.process_time() - start

    heaps, loops = [bare() for _ in range(5)], [ours() for _ in range(5)]
    while min(heaps) / min(loops) <= 0.22 and len(loops) < 25:  # who works beside us slows now the one, now the other
        heaps.append(bare())
        loops.append(ours())
    assert min(heaps) / min(loops) > 0.22
