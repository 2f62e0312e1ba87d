"""Byte streams under TLS where only the server shows a certificate: enrollment, and the client/server deployment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from p2psip_min.errors import LinkReason
from p2psip_min.transport.link import Check
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.opening import Opening
from p2psip_min.transport.stream import Stream, StreamHost
from p2psip_min.transport.tls import TlsFailure, TlsIdentity, TlsSession


def _nothing(*_: object) -> None:
    pass


class SecureStream(Opening):
    """One end of a TLS stream; ``on_open()``, ``on_data(bytes)`` and ``on_close(LinkReason)`` are set by its holder.

    on_close says CLOSED when the other end finished, else what went wrong; it isn't called for one's own close.
    """

    __slots__ = ("_check", "_queue", "_session", "on_close", "on_data", "stream")

    def __init__(self, host: StreamHost, stream: Stream, session: TlsSession, check: Check | None) -> None:
        super().__init__(host.network)
        self.stream = stream
        self.on_data: Callable[[bytes], None] = _nothing
        self.on_close: Callable[[LinkReason], None] = _nothing
        self._session = session
        self._check = check
        self._queue: list[bytes] = []
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

    def write(self, data: bytes) -> None:
        """Send bytes in order, from the end of the handshake on."""
        if self.ready:
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
        try:
            plain = self._session.unseal(data) if self.ready else self._shake_hands(data)
        except TlsFailure as failure:
            if failure.farewell:
                self.stream.send(failure.farewell)
            self._fail(failure.link_reason)
            return
        if plain:
            self.on_data(plain)

    def _shake_hands(self, data: bytes) -> bytes:
        """Take a flight and send the next; what the other end has sent behind its last one."""
        done, flight = self._session.handshake(data)
        reason = self._judge() if done else None
        if done and reason is None:
            self._open(flight)
            return self._session.unseal(b"")
        if flight:
            self.stream.send(flight)
        if reason is not None:
            self._fail(reason)
        return b""

    def _judge(self) -> LinkReason | None:
        if self._check is None:
            return None
        certificate = self._session.certificate()
        if certificate is None:
            return LinkReason.NO_CERTIFICATE
        return self._check(certificate, None, self._loop.time())

    def _open(self, flight: bytes) -> None:
        """Send the last flight, where it is ours, and in the same packet what was written meanwhile."""
        for data in self._queue:
            flight += self._session.seal(data)
        self._queue = []
        if flight:
            self.stream.send(flight)
        self._now_ready()

    def _fail(self, reason: LinkReason) -> None:
        on_close = self.on_close
        self._end(reason)
        self.stream.close()
        on_close(reason)

    def _end(self, reason: LinkReason) -> None:
        self._never_ready(reason)
        self.stream.on_open = self.stream.on_data = self.stream.on_close = _nothing
        self.on_open = self.on_data = self.on_close = _nothing


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
