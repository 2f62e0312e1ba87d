"""Byte streams under TLS where only the server shows a certificate: enrollment, and the client/server deployment."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable
from functools import partial

from p2psip_min.errors import LinkReason, LinkRefused
from p2psip_min.transport.link import GIVE_UP, Check
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.stream import Stream, StreamHost
from p2psip_min.transport.tls import TlsFailure, TlsIdentity, TlsSession


def _nothing(*_: object) -> None:
    pass


class SecureStream:
    """One end of a TLS stream; ``on_open()``, ``on_data(bytes)`` and ``on_close(LinkReason)`` are set by its holder.

    on_close says CLOSED when the other end finished, else what went wrong; it isn't called for one's own close.
    """

    __slots__ = ("_check", "_queue", "_session", "_timer", "_waiter", "on_close", "on_data", "on_open", "stream")

    def __init__(self, host: StreamHost, stream: Stream, session: TlsSession, check: Check | None) -> None:
        self.stream = stream
        self.on_open: Callable[[], None] = _nothing
        self.on_data: Callable[[bytes], None] = _nothing
        self.on_close: Callable[[LinkReason], None] = _nothing
        self._session = session
        self._check = check
        self._queue: list[bytes] = []
        self._waiter: asyncio.Future[None] = host.network.loop.create_future()
        self._timer: TimerHandle = host.network.loop.call_later(GIVE_UP, self._fail, LinkReason.UNREACHABLE)
        stream.on_open = self._start
        stream.on_data = self._data
        stream.on_close = self._fail

    @property
    def remote(self) -> Address:
        """The other end's address."""
        return self.stream.remote

    @property
    def remote_certificate(self) -> bytes | None:
        """The server's certificate as DER; None at the server."""
        return self._session.certificate()

    async def opened(self) -> None:
        """Wait until the handshake is done; LinkRefused when it fails or nobody answers."""
        await self._waiter

    def write(self, data: bytes) -> None:
        """Send bytes in order, from the end of the handshake on."""
        if self._session.established:
            self.stream.send(self._session.seal(data))
        else:
            self._queue.append(data)

    def close(self) -> None:
        """Finish: what was written still arrives."""
        self._end(LinkReason.CLOSED)
        self.stream.close()

    def _start(self) -> None:
        self.stream.send(self._session.handshake()[1])

    def _data(self, data: bytes) -> None:
        session = self._session
        try:
            if session.established:
                plain = session.unseal(data)
            else:
                done, flight = session.handshake(data)
                if flight:
                    self.stream.send(flight)
                if not done:
                    return
                reason = self._judge()
                if reason is not None:
                    self._fail(reason)
                    return
                self._open()
                plain = session.unseal(b"")
        except TlsFailure as failure:
            if failure.farewell:
                self.stream.send(failure.farewell)
            self._fail(failure.link_reason)
            return
        if plain:
            self.on_data(plain)

    def _judge(self) -> LinkReason | None:
        if self._check is None:
            return None
        certificate = self._session.certificate()
        if certificate is None:
            return LinkReason.NO_CERTIFICATE
        return self._check(certificate, None, self._waiter.get_loop().time())

    def _open(self) -> None:
        self._timer.cancel()
        if not self._waiter.done():
            self._waiter.set_result(None)
        for data in self._queue:
            self.stream.send(self._session.seal(data))
        self._queue = []
        self.on_open()

    def _fail(self, reason: LinkReason) -> None:
        on_close = self.on_close
        self._end(reason)
        self.stream.close()
        on_close(reason)

    def _end(self, reason: LinkReason) -> None:
        self._timer.cancel()
        self.stream.on_open = self.stream.on_data = self.stream.on_close = _nothing
        self.on_open = self.on_data = self.on_close = _nothing
        if not self._waiter.done():
            self._waiter.set_exception(LinkRefused(reason))
            self._waiter.exception()  # looked at: whoever uses the callbacks alone never awaits it


def open_client_tls(
    network: Network,
    address: Address,
    remote: Address,
    identity: TlsIdentity,
    *,
    node_id: bytes = b"",
    check: Check | None = None,
) -> SecureStream:
    """Connect from ``address`` (free, so not a link's) to a server that ``identity``'s roots and ``check`` accept.

    The address is given back when the stream ends. ``await stream.opened()`` raises LinkRefused(reason).
    """
    host = StreamHost(network, address, node_id)
    stream = SecureStream(host, host.connect(remote), identity.client(), check)
    host.on_empty = partial(network.detach, address)
    return stream


def open_server_tls(
    network: Network,
    address: Address,
    identity: TlsIdentity,
    on_accept: Callable[[SecureStream], None],
    *,
    node_id: bytes = b"",
) -> StreamHost:
    """Listen at ``address``; ``on_accept`` gets each stream before its handshake, to set the callbacks.

    ``identity`` should be made with mutual=False. Close the returned host to stop serving, crash it to fall silent.
    """
    host = StreamHost(network, address, node_id)

    def accept(stream: Stream) -> None:
        on_accept(SecureStream(host, stream, identity.server(), None))

    host.on_accept = accept
    return host
