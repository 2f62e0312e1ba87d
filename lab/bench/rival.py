"""PyPI's kademlia on real loopback sockets (k = 20): the same questions, no security."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from hashlib import sha1
from typing import Any

KSIZE = 20


class Rival:
    """An overlay of kademlia servers in this process, on sockets of 127.0.0.1; ImportError without the package."""

    def __init__(self, nodes: int, seed: int) -> None:
        from kademlia.network import Server  # only here: it comes with the extra "dev"

        for name in ("kademlia", "rpcudp"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        _allow_files(2 * nodes + 100)
        self._rng = random.Random(f"rival:{seed}")
        self._loop = asyncio.new_event_loop()
        self._servers = [
            Server(ksize=KSIZE, node_id=sha1(f"{seed}:{number}".encode(), usedforsecurity=False).digest())
            for number in range(nodes)
        ]
        self.failed = 0
        began = time.process_time()
        self._loop.run_until_complete(self._build())
        self.seconds_a_node = (time.process_time() - began) / nodes

    async def _build(self) -> None:
        entrance: tuple[str, int] | None = None
        for server in self._servers:
            await server.listen(0, interface="127.0.0.1")
            if entrance is None:
                entrance = server.transport.get_extra_info("sockname")
            else:
                await server.bootstrap([entrance])

    def put(self, count: int) -> None:
        """Store so many values, and read each once to warm up."""
        self._loop.run_until_complete(self._put(count))

    async def _put(self, count: int) -> None:
        for number in range(count):
            for _ in range(3):  # now and then one is lost
                await self._any().set(f"key{number}", b"value")
                if await self._any().get(f"key{number}") == b"value":
                    break

    def get(self, count: int, keys: int) -> float:
        """CPU seconds of one of ``count`` gets, one at a time, of one of ``keys`` values from a random node."""
        began = time.process_time()
        self._loop.run_until_complete(self._get(count, keys))
        return (time.process_time() - began) / count

    async def _get(self, count: int, keys: int) -> None:
        for _ in range(count):
            value = await self._any().get(f"key{int(self._rng.random() * keys)}")
            self.failed += value != b"value"

    def _any(self) -> Any:
        return self._servers[int(self._rng.random() * len(self._servers))]

    def close(self) -> None:
        """Close every socket."""
        self._loop.run_until_complete(self._close())
        self._servers.clear()
        self._loop.close()

    async def _close(self) -> None:
        # Its time-outs may still fire for what is cancelled here.
        self._loop.set_exception_handler(lambda loop, context: None)
        for server in self._servers:
            server.stop()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.05)


def _allow_files(count: int) -> None:
    # Every node has a socket; Windows has no such limit, and no such module.
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < count:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count if hard < 0 else min(count, hard), hard))
