"""Drivers: blocking calls into virtual time, from the same thread or from others."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from p2psip_min.errors import Stalled
from p2psip_min.transport.driver import Driver, InlineDriver, Runs


@pytest.fixture(params=[Driver, InlineDriver])
def driver(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """Either driver, closed at the end."""
    driver: Runs = request.param()
    yield driver
    driver.close()
    assert driver.loop.is_closed()


async def nap(seconds: float) -> float:
    """The time after some sleep."""
    await asyncio.sleep(seconds)
    return asyncio.get_running_loop().time()


def test_run_gives_the_result_and_advance_the_time(driver: Runs) -> None:
    assert driver.run(nap(3600)) == 3600.0
    driver.advance(60)
    assert driver.loop.time() == 3660.0
    assert driver.call(lambda: 7) == 7


def test_step_runs_one_callback(driver: Runs) -> None:
    ran: list[int] = []
    driver.loop.call_later(1, ran.append, 1)
    driver.loop.call_later(2, ran.append, 2)
    assert driver.step()
    assert (ran, driver.loop.time()) == ([1], 1.0)
    assert driver.step()
    assert not driver.step()


def test_exceptions_reach_the_caller(driver: Runs) -> None:
    async def wrong() -> None:
        await asyncio.sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        driver.run(wrong())
    driver.loop.call_later(1, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        driver.advance(2)
    assert driver.run(nap(1)) > 0


def test_stalling_cancels_what_was_run_and_reaches_the_caller(driver: Runs) -> None:
    cleaned: list[bool] = []

    async def hang() -> None:
        try:
            await driver.loop.create_future()
        finally:
            cleaned.append(True)

    with pytest.raises(Stalled):
        driver.run(hang())
    assert cleaned == [True]
    assert driver.loop.pending_tasks == []


def test_a_cancelled_coroutine_says_so(driver: Runs) -> None:
    async def give_up() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    with pytest.raises(asyncio.CancelledError):
        driver.run(give_up())


def test_close_cancels_what_is_left(driver: Runs) -> None:
    cleaned: list[float] = []

    async def background() -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            await asyncio.sleep(1)
            cleaned.append(driver.loop.time())

    async def start() -> asyncio.Task[None]:
        return asyncio.create_task(background())

    task = driver.run(start())
    driver.advance(1)
    driver.close()
    driver.close()
    assert cleaned == [2.0]
    assert task.cancelled()


def test_an_interrupt_lands_between_callbacks_and_the_overlay_goes_on(driver: Runs) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 1000:
            os.kill(os.getpid(), signal.SIGINT)
        driver.loop.call_later(1.0, tick)

    driver.loop.call_soon(tick)
    with pytest.raises(KeyboardInterrupt):
        driver.advance(1e12)
    assert ticks >= 1000
    before = driver.loop.time()
    driver.advance(5)
    assert driver.loop.time() == before + 5

    async def forever() -> None:
        for _ in range(10**9):
            await asyncio.sleep(1)

    ticks = 0
    with pytest.raises(KeyboardInterrupt):
        driver.run(forever())
    assert [task.get_coro() for task in driver.loop.pending_tasks] == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_any_thread_may_call_a_driver_and_nobody_inside_may() -> None:
    driver = Driver()
    results: list[float] = []
    threads = [threading.Thread(target=lambda: results.append(driver.run(nap(1)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [1.0, 2.0, 3.0, 4.0]

    async def inside() -> None:
        driver.advance(1)

    with pytest.raises(RuntimeError, match="itself"):
        driver.run(inside())
    driver.close()
    with pytest.raises(RuntimeError, match="closed"):
        driver.step()


def test_a_driver_works_while_another_loop_runs_in_the_calling_thread() -> None:
    async def notebook() -> float:
        driver = Driver()
        try:
            return driver.run(nap(5))
        finally:
            driver.close()

    assert asyncio.run(notebook()) == 5.0
