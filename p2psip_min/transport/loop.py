"""The virtual-time event loop: asyncio without waiting.

1. Time is a number. When nothing is ready, the clock jumps to the next timer; there is no selector and no socket.
2. Timers with equal deadlines run in creation order (asyncio's own heap does not promise that), and callbacks made
   by ``call_soon`` run before the clock moves.
3. With nothing ready and no timer left it raises Stalled: what is awaited can never happen.
4. An exception that a plain callback lets out stops the run and reaches the caller. asyncio would log it and go on,
   and a simulation that goes on after a mistake proves nothing. Tasks keep theirs, as always.
5. A handle without an explicit context runs in the caller's one: no copy on the path of every message.

It works on the two points where asyncio.BaseEventLoop asks its subclass for time and for the next round.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any, NoReturn, TypeVar, TypeVarTuple

from p2psip_min.errors import Stalled

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_COMPACT = 4096
"""Cancelled timers stay in the heap until due; above this many entries (and twice the live ones) they are swept."""


class Timer(list[Any]):
    """A callback that may still be cancelled: [when, sequence, callback, arguments, context], its own heap entry.

    A list, because the heap then compares it in C; it offers what asyncio's handles offer.
    """

    __slots__ = ()

    def cancel(self) -> None:
        """The callback will not run; once it has, nothing happens."""
        self[2] = None
        self[3] = ()

    def cancelled(self) -> bool:
        """Whether it was cancelled (or has run)."""
        return self[2] is None

    def when(self) -> float:
        """The deadline in seconds of virtual time."""
        when: float = self[0]
        return when


class VirtualLoop(asyncio.BaseEventLoop):
    """An asyncio event loop over virtual seconds; deterministic, and as fast as the callbacks."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        # With Linux's 1e-9 asyncio's own comparisons stop advancing past 2**24 s (194 days): now + 1e-9 == now.
        self._clock_resolution = 1e-6
        self._now = start
        self._seq = 0
        self._heap: list[list[Any]] = []  # Timers, and lists [when, sequence, callback, argument] made by post
        self._soon: deque[Timer] = deque()
        self._limit = inf
        self._single = False
        self._halted = False
        self._sweep_at = _COMPACT
        self._stopping = False

    # --- what asyncio asks of a loop --------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._now

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> Any:
        """Run the callback before the clock moves, after what is already ready."""
        timer = Timer((0.0, 0, callback, args, context))
        self._soon.append(timer)
        return timer

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Any:
        """As call_soon (a deque takes appends from any thread); it does not wake a loop that is not running."""
        return self.call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Any:
        """Run the callback at virtual second ``when`` (at once if past), after those set before."""
        self._seq = seq = self._seq + 1
        timer = Timer((when, seq, callback, args, context))
        heappush(self._heap, timer)
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> Any:
        """Run the callback ``delay`` virtual seconds from now."""
        self._seq = seq = self._seq + 1
        timer = Timer((self._now + delay, seq, callback, args, context))
        heappush(self._heap, timer)
        return timer

    def post(self, delay: float, callback: Callable[[T], object], argument: T) -> None:
        """As call_later, for what nobody will cancel, as a packet: no handle, less time; no negative ``delay``."""
        self._seq = seq = self._seq + 1
        heappush(self._heap, [self._now + delay, seq, callback, argument])

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], Any], *args: *Ts) -> NoReturn:
        """Refused: a thread's result would arrive at no particular virtual time."""
        raise RuntimeError("no executor in virtual time: the result would not be reproducible")

    def close(self) -> None:
        """Drop every callback; tasks that were waiting are the caller's to cancel first."""
        super().close()
        self._heap.clear()
        self._soon.clear()

    def _run_once(self) -> None:
        if self._single:
            self._run_one()
            self._stopping = True
            return
        heap, soon, limit = self._heap, self._soon, self._limit
        if len(heap) > self._sweep_at:
            self._sweep()
        budget = 10_000
        while not self._stopping:
            if soon:
                # Only what is ready now: a callback that keeps calling call_soon must not starve timers that are due.
                for _ in range(len(soon)):
                    _, _, callback, args, context = handle = soon.popleft()
                    if callback is None:
                        continue
                    handle[2] = None
                    if context is None:
                        callback(*args)
                    else:
                        context.run(callback, *args)
                if not heap or heap[0][0] > self._now:
                    continue
            if not heap:
                break
            when = heap[0][0]
            if when > limit:
                break
            timer = heappop(heap)
            if type(timer) is list:
                _, _, callback, argument = timer
                self._now = when  # a packet is never late
                callback(argument)
            else:
                _, _, callback, args, context = timer
                if callback is None:
                    continue
                timer[2] = None
                if when > self._now:
                    self._now = when
                if context is None:
                    callback(*args)
                else:
                    context.run(callback, *args)
            budget -= 1
            if not budget:
                return
        if self._stopping:
            return
        if limit == inf:
            raise Stalled(self._waiting())
        self._now = max(self._now, limit)
        self._stopping = True

    # --- what a simulation asks of it -------------------------------------------------------------------------

    def run_until(self, when: float) -> None:
        """Run everything due up to virtual second ``when``, then set the clock to it.

        Returns earlier, with the clock where it is, when something stopped the loop.
        """
        self._limit = when
        try:
            self.run_forever()
        finally:
            self._limit = inf

    def step(self) -> bool:
        """Run one ready callback, or else the next timer; False when there is neither."""
        if not self._next():
            return False
        self._single = True
        try:
            self.run_forever()
        finally:
            self._single = False
        return True

    def halt(self) -> None:
        """Stop after the running callback; safe from any thread and from a signal handler."""
        self._halted = True
        self._stopping = True

    def take_halt(self) -> bool:
        """Whether halt() was called since the last time this was asked."""
        halted, self._halted = self._halted, False
        if halted and not self.is_running():
            self._stopping = False
        return halted

    @property
    def pending_tasks(self) -> list[asyncio.Task[Any]]:
        """Tasks that are not done, in creation order as far as their names tell."""
        tasks = [task for task in asyncio.all_tasks(self) if not task.done()]
        return sorted(tasks, key=lambda task: (len(task.get_name()), task.get_name()))

    @property
    def idle(self) -> bool:
        """Whether nothing is ready and no timer is set."""
        return not self._next()

    # --- inside -----------------------------------------------------------------------------------------------

    def _next(self) -> bool:
        heap, soon = self._heap, self._soon
        while soon and soon[0][2] is None:
            soon.popleft()
        while heap and heap[0][2] is None:
            heappop(heap)
        return bool(soon or heap)

    def _run_one(self) -> None:
        if not self._next():
            return
        timer: list[Any] = self._soon.popleft() if self._soon else heappop(self._heap)
        when, seq, callback = timer[:3]
        if seq and when > self._now:
            self._now = when
        if type(timer) is list:
            callback(timer[3])
            return
        args, context = timer[3:]
        timer[2] = None
        if context is None:
            callback(*args)
        else:
            context.run(callback, *args)

    def _sweep(self) -> None:
        self._heap[:] = [timer for timer in self._heap if timer[2] is not None]
        heapify(self._heap)
        self._sweep_at = max(_COMPACT, 2 * len(self._heap))

    def _waiting(self) -> str:
        names = [task.get_name() for task in self.pending_tasks]
        waiting = f"; waiting: {', '.join(names[:8])}" if names else ""
        return f"nothing is ready and no timer is set at {self._now:.6f} s{waiting}"

    def _write_to_self(self) -> None:
        pass

    def _process_events(self, event_list: Any) -> None:
        pass
