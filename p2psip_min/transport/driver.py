"""Who runs the virtual loop: a thread of its own, or whoever calls.

Jupyter's kernel already runs an asyncio loop, and no second one can run in the same thread; there a Driver's worker
thread owns the loop and the notebook sees blocking calls. Elsewhere InlineDriver does the same without a thread.

An interrupt (Ctrl-C, the notebook's stop button) lands between two callbacks, so that no node is left half changed: the
call raises KeyboardInterrupt, a coroutine that was being run is cancelled, and the overlay can go on. A second one,
should a callback never end, interrupts at once.
"""

from __future__ import annotations

import asyncio
import atexit
import math
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from p2psip_min.transport.loop import VirtualLoop

T = TypeVar("T")

_POLL = 0.2
"""Wall-clock seconds between looks at the keyboard: on Windows a wait without end can't be interrupted."""


class Runs(Protocol):
    """What both drivers offer."""

    loop: VirtualLoop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T: ...

    def call(self, function: Callable[[], T]) -> T: ...

    def advance(self, seconds: float) -> None: ...

    def step(self) -> bool: ...

    def close(self) -> None: ...


def _run(loop: VirtualLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    # Like asyncio's run_until_complete, but whatever ends the run early also ends the task, with its clean-up.
    task = loop.create_task(coroutine)
    task.add_done_callback(_stop)
    try:
        loop.run_forever()
        if not task.done():
            raise KeyboardInterrupt
        return task.result()
    finally:
        task.remove_done_callback(_stop)
        loop.take_halt()
        if not task.done():
            task.cancel()
            while not task.done() and loop.step():
                pass


def _stop(task: asyncio.Task[Any]) -> None:
    task.get_loop().stop()


def _advance(loop: VirtualLoop, seconds: float) -> None:
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise ValueError(f"virtual time passes by a number of seconds from 0 on, not {seconds!r}")
    loop.run_until(loop.time() + seconds)
    if loop.take_halt():
        raise KeyboardInterrupt


def _close(loop: VirtualLoop) -> None:
    if loop.is_closed():
        return
    tasks = loop.pending_tasks
    for task in tasks:
        task.cancel()
    # Clean-up code may wait for timers; a task that never ends is given up with the loop.
    for _ in range(1_000_000):
        if all(task.done() for task in tasks) or not loop.step():
            break
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@contextmanager
def _interruptible(loop: VirtualLoop) -> Iterator[None]:
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or previous is not signal.default_int_handler:
        yield
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.halt()

    signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


_used: WeakSet[VirtualLoop] = WeakSet()
"""The loops that nobody may have closed when the program ends; Python would complain of tasks that never began."""


@atexit.register
def _close_used() -> None:
    for loop in tuple(_used):
        if not loop.is_running():
            _close(loop)


class InlineDriver:
    """Runs the loop in the calling thread; not inside another running loop."""

    def __init__(self, loop: VirtualLoop | None = None) -> None:
        self.loop = VirtualLoop() if loop is None else loop
        _used.add(self.loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run until the coroutine is done: its result or its exception; Stalled if that can never be."""
        with _interruptible(self.loop):
            return _run(self.loop, coroutine)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function where no callback runs meanwhile."""
        return function()

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        with _interruptible(self.loop):
            _advance(self.loop, seconds)

    def step(self) -> bool:
        """Run one callback; False when there is none."""
        return self.loop.step()

    def close(self) -> None:
        """Cancel what is left and close the loop; once more does nothing."""
        _close(self.loop)


class Driver:
    """Runs the loop in a worker thread of its own; its methods block and may be called from any thread."""

    def __init__(self, loop: VirtualLoop | None = None) -> None:
        self.loop = VirtualLoop() if loop is None else loop
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="p2psip-overlay", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run until the coroutine is done: its result or its exception; Stalled if that can never be."""
        try:
            return self._do(lambda: _run(self.loop, coroutine))
        finally:
            coroutine.close()

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the worker, where no callback runs meanwhile."""
        return self._do(function)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._do(lambda: _advance(self.loop, seconds))

    def step(self) -> bool:
        """Run one callback; False when there is none."""
        return self._do(self.loop.step)

    def close(self) -> None:
        """Cancel what is left, close the loop, end the thread; once more does nothing."""
        if not self._closed:
            self._do(lambda: _close(self.loop))
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _do(self, function: Callable[[], T]) -> T:
        if self._closed:
            raise RuntimeError("the driver is closed")
        if threading.current_thread() is self._thread:
            raise RuntimeError("a blocking call from inside the overlay would wait for itself")
        done: Future[T] = Future()

        def job() -> None:
            try:
                result = function()
            except BaseException as error:  # whatever it is, it belongs to the thread that asked
                done.set_exception(error)
            else:
                done.set_result(result)

        self._jobs.put(job)
        interrupted = False
        while True:
            try:
                while not done.done():
                    _wait(done)
                break
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self.loop.halt()
        if interrupted:
            done.exception()
            self.loop.take_halt()
            raise KeyboardInterrupt
        return done.result()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def driver_here() -> Runs:
    """The driver for the calling thread: a worker where a loop runs already, as in a notebook, else inline."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return InlineDriver()
    return Driver()


def _wait(done: Future[Any]) -> None:
    try:
        done.exception(timeout=_POLL)
    except TimeoutError:
        return
