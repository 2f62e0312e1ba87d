"""Doing a thing several times at once and taking what came first, with what comes soon after."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from p2psip_min.errors import RemoteFault
from p2psip_min.peer import Peer

T = TypeVar("T")


async def at_once(peer: Peer, coroutines: Sequence[Coroutine[Any, Any, T]], patience: float) -> list[T]:
    """What the coroutines return, in the order in which they end, up to ``patience`` s after the first success.

    The rest is ended then. Raises the first RemoteFault when none of them succeeds.
    """
    if len(coroutines) == 1:
        return [await coroutines[0]]
    found: list[T] = []
    faults: list[RemoteFault] = []
    enough: asyncio.Future[None] = peer.loop.create_future()

    def stop() -> None:
        if not enough.done():
            enough.set_result(None)

    async def one(coroutine: Coroutine[Any, Any, T]) -> None:
        try:
            found.append(await coroutine)
        except RemoteFault as fault:
            faults.append(fault)
        if len(found) + len(faults) == len(coroutines):
            stop()
        elif len(found) == 1:
            peer.loop.call_later(patience, stop)

    tasks = [peer.spawn(one(coroutine), "one of several") for coroutine in coroutines]
    try:
        await enough
    finally:
        for task in tasks:
            if task is not None:
                task.cancel()
    if not found:
        raise faults[0]
    return found
