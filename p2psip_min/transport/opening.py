"""What secure and clear streams share: opening takes a while, fails, or ends when patience does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from p2psip_min.errors import LinkReason, LinkRefused
from p2psip_min.transport.link import GIVE_UP
from p2psip_min.transport.network import Network


def _nothing() -> None:
    pass


class Opening:
    """One end of a stream that is yet to open; ``ready`` from when the other end is there, and is who it should be.

    ``on_open()`` is called then.
    """

    __slots__ = ("_loop", "_patience", "_refused", "_waiter", "on_open", "ready")

    def __init__(self, network: Network) -> None:
        self.ready = False
        self.on_open: Callable[[], None] = _nothing
        self._loop = network.loop
        self._waiter: asyncio.Future[None] | None = None
        self._refused: LinkReason | None = None
        self._patience = network.deadlines(GIVE_UP)
        self._patience.set(self)

    async def opened(self) -> None:
        """Wait until the stream is ready; LinkRefused(reason) when it never will be."""
        if self.ready:
            return
        if self._refused is not None:
            raise LinkRefused(self._refused)
        if self._waiter is None:
            self._waiter = self._loop.create_future()
        await asyncio.shield(self._waiter)
        if self._refused is not None:
            raise LinkRefused(self._refused)

    def overdue(self) -> None:
        """Opening has taken too long."""
        self._fail(LinkReason.UNREACHABLE)

    def _fail(self, reason: LinkReason) -> None:
        raise NotImplementedError

    def _now_ready(self) -> None:
        self.ready = True
        self._patience.pop(self, None)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self.on_open()

    def _never_ready(self, reason: LinkReason) -> None:
        """Unless it is already: then nothing happens."""
        self._patience.pop(self, None)
        if not self.ready:
            self._refused = reason
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)  # no exception, whose traceback would hold whoever awaits it
