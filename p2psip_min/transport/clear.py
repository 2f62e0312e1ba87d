"""Byte streams without protection, with the face of secure ones: to compare with what TLS does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from p2psip_min.errors import LinkReason
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.opening import Opening
from p2psip_min.transport.stream import Stream, StreamHost


def _nothing(*_: object) -> None:
    pass


class ClearStream(Opening):
    """One end of a stream that anybody on the path can read and change; else as ``SecureStream``."""

    __slots__ = ("_queue", "on_close", "on_data", "stream")

    def __init__(self, network: Network, stream: Stream) -> None:
        super().__init__(network)
        self.stream = stream
        self.on_data: Callable[[bytes], None] = _nothing
        self.on_close: Callable[[LinkReason], None] = _nothing
        self._queue: list[bytes] = []
        if stream.open:
            self._now_ready()
        else:
            stream.on_open = self._open
        stream.on_data = lambda data: self.on_data(data)
        stream.on_close = self._fail

    @property
    def remote(self) -> Address:
        """The other end's address."""
        return self.stream.remote

    def write(self, data: bytes) -> None:
        """Send bytes in order, from when the other end has answered on."""
        if self.ready:
            self.stream.send(data)
        else:
            self._queue.append(data)

    def close(self) -> None:
        """Finish: what was written still arrives."""
        self._end(LinkReason.CLOSED)
        self.stream.close()

    def _open(self) -> None:
        for data in self._queue:
            self.stream.send(data)
        self._queue = []
        self._now_ready()

    def _fail(self, reason: LinkReason) -> None:
        on_close = self.on_close
        self._end(reason)
        self.stream.abandon()
        on_close(reason)

    def _end(self, reason: LinkReason) -> None:
        self._never_ready(reason)
        self.stream.on_open = self.stream.on_data = self.stream.on_close = _nothing
        self.on_open = self.on_data = self.on_close = _nothing


def open_client_clear(network: Network, address: Address, remote: Address, *, node_id: bytes = b"") -> ClearStream:
    """Connect from ``address`` (free) to ``remote``; the address is given back when the stream ends."""
    host = StreamHost(network, address, node_id)
    stream = ClearStream(network, host.connect(remote))
    host.on_empty = partial(network.detach, address)
    return stream


def open_server_clear(
    network: Network, address: Address, on_accept: Callable[[ClearStream], None], *, node_id: bytes = b""
) -> StreamHost:
    """Listen at ``address``; ``on_accept`` gets each stream, to set the callbacks."""
    host = StreamHost(network, address, node_id)
    host.on_accept = lambda stream: on_accept(ClearStream(network, stream))
    return host
