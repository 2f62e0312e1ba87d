"""The seam between a node and its links (RFC 6940 §6.6): what the peer sees, whatever carries its messages.

1. A node knows a neighbor's address (``book``) before it has a link to it (``table``); ``send`` opens the link when
   the first message wants it and keeps messages until it is up.
2. Links carry bytes; no link looks into a message.
3. Whoever loses a link hears of it once, by ``on_failed``; the messages that were not acknowledged go to
   ``on_undelivered`` just before. A link that somebody closed on purpose ends with CLOSED.
4. A crash is silence: no packet tells anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from p2psip_min.errors import LinkReason, LinkRefused
from p2psip_min.ids import NodeID
from p2psip_min.trace import LinkClosed, LinkOpened, LinkRejected, Sink
from p2psip_min.transport.network import Address, Network

MAX_MESSAGE = 65_536
"""Largest message in bytes that a link takes from its other end, unless told otherwise."""

SEND_TIMES = (0.5, 1.0, 2.0, 4.0, 1.0)
"""Seconds waited after each of the five sends of Simple Reliability (RFC 6940 §6.6.3.1).

The fifth wait is not doubled again: an answer that is not there after a second of round trip will not come, and the
sooner a dead neighbor leaves the routing table, the fewer requests die with it.
"""

GIVE_UP = sum(SEND_TIMES)
"""Seconds until a link to somebody silent counts as dead."""

Check = Callable[[bytes, NodeID | None, float], LinkReason | None]
"""Judges a certificate (DER) at a virtual second: may it speak for this Node-ID (None: for anybody)? None is yes."""


class OverlayLink(Protocol):
    """One live link to one node."""

    @property
    def local(self) -> NodeID: ...

    @property
    def remote(self) -> NodeID: ...

    @property
    def remote_certificate(self) -> bytes | None: ...

    @property
    def protocol(self) -> str: ...

    def send(self, message: bytes) -> None: ...

    def close(self, reason: LinkReason = LinkReason.CLOSED) -> None: ...


class Links(Protocol):
    """A node's connection table."""

    node_id: NodeID
    on_message: Callable[[NodeID, bytes], None]
    on_failed: Callable[[NodeID, LinkReason], None]
    on_opened: Callable[[NodeID], None]
    on_undelivered: Callable[[NodeID, bytes], None]

    @property
    def book(self) -> dict[NodeID, Address]: ...

    @property
    def table(self) -> Mapping[NodeID, OverlayLink]: ...

    def learn(self, node_id: NodeID, address: Address) -> None: ...

    def connected(self, node_id: NodeID) -> bool: ...

    def send(self, node_id: NodeID, message: bytes) -> bool: ...

    async def connect(self, node_id: NodeID | None, address: Address) -> NodeID: ...

    def forget(self, node_id: NodeID, reason: LinkReason = LinkReason.CLOSED) -> None: ...

    def close_all(self, reason: LinkReason = LinkReason.CLOSED) -> None: ...

    def crash(self) -> None: ...


def _nothing(*_: object) -> None:
    pass


class LinkTable:
    """What both kinds of Links share: address book, callbacks, those who wait, trace."""

    # What every message touches lies together in the object, all else in its dictionary.
    __slots__ = ("__dict__", "__weakref__", "carry", "first_waits", "max_message", "on_message", "table")

    protocol = ""

    def __init__(self, network: Network, address: Address, node_id: NodeID, trace: Sink | None) -> None:
        self.network = network
        self.loop = network.loop
        self.address = address
        self.node_id = node_id
        self.trace = trace
        self.book: dict[NodeID, Address] = {}
        self.on_message: Callable[[NodeID, bytes], None] = _nothing
        self.on_failed: Callable[[NodeID, LinkReason], None] = _nothing
        self.on_opened: Callable[[NodeID], None] = _nothing
        self.on_undelivered: Callable[[NodeID, bytes], None] = _nothing

    def learn(self, node_id: NodeID, address: Address) -> None:
        """Note where a node is reached; a live link stays where it is."""
        self.book[node_id] = address

    def _emit_opened(self, remote: bytes) -> None:
        if self.trace is not None:
            self.trace.emit(LinkOpened(self.loop.time(), self.node_id, 0, remote, self.protocol))

    def _emit_rejected(self, remote: bytes, reason: LinkReason) -> None:
        if self.trace is not None:
            self.trace.emit(LinkRejected(self.loop.time(), self.node_id, 0, remote, reason.value))

    def _emit_closed(self, remote: bytes, reason: LinkReason) -> None:
        if self.trace is not None:
            self.trace.emit(LinkClosed(self.loop.time(), self.node_id, 0, remote, reason.value))


class Waiters:
    """Those who await one link; resolved at most once, with the remote's Node-ID or a refusal."""

    __slots__ = ("_futures",)

    def __init__(self) -> None:
        self._futures: list[asyncio.Future[NodeID]] = []

    def add(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[NodeID]:
        """One more who waits."""
        future: asyncio.Future[NodeID] = loop.create_future()
        self._futures.append(future)
        return future

    def opened(self, remote: NodeID) -> None:
        """The link is up."""
        futures, self._futures = self._futures, []
        for future in futures:
            if not future.done():
                future.set_result(remote)

    def refused(self, reason: LinkReason) -> None:
        """There will be no link."""
        futures, self._futures = self._futures, []
        for future in futures:
            if not future.done():
                future.set_exception(LinkRefused(reason))
