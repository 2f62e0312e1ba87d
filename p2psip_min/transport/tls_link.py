"""One live TLS link: each FramedMessage is one record, its acknowledgement another (RFC 6940 §6.6).

The stream below is reliable, so acknowledgements only tell that the other end lives: none for GIVE_UP seconds, and a
watched link is dead.
"""

from __future__ import annotations

from ssl import SSLError, SSLWantReadError
from typing import TYPE_CHECKING, ClassVar, cast

from p2psip_min.errors import LinkReason, Malformed
from p2psip_min.ids import NodeID
from p2psip_min.transport.stream import Stream
from p2psip_min.transport.tls import TlsFailure, TlsSession, failure_of, read_rest
from p2psip_min.wire.framing import (
    ACK,
    ACK_LENGTH,
    DATA,
    DATA_OVERHEAD,
    FrameBuffer,
    frame_ack,
    frame_data,
    open_frame,
    peek_frame,
)

if TYPE_CHECKING:
    from p2psip_min.transport.tls_links import TlsLinks

REASONS = {reason.value.encode(): reason for reason in LinkReason}
"""Reasons by the bytes that stand for them in a refusal."""


class TlsLink:
    """One live link; small, because a large overlay holds tens of thousands."""

    __slots__ = (
        "_acknowledged",
        "_buffer",
        "_incoming",
        "_links",
        "_next",
        "_outgoing",
        "_received",
        "_tls",
        "_unacknowledged",
        "remote",
        "stream",
    )

    protocol: ClassVar[str] = "tls"

    def __init__(self, links: TlsLinks, remote: NodeID, stream: Stream, session: TlsSession) -> None:
        self._links = links
        self.remote = remote
        self.stream = stream
        # The session's parts, not the session: one object less to fetch for every record.
        self._tls = session.tls
        self._incoming = session.incoming
        self._outgoing = session.outgoing
        self._next = 0
        self._received = 0
        self._acknowledged = 0
        self._unacknowledged: list[bytes] = []
        self._buffer: FrameBuffer | None = None

    @property
    def local(self) -> NodeID:
        """Whose end this is."""
        return self._links.node_id

    @property
    def remote_certificate(self) -> bytes | None:
        """The other end's certificate as DER."""
        return self._tls.getpeercert(binary_form=True)

    @property
    def version(self) -> str | None:
        """The protocol that was agreed on, such as "TLSv1.3"."""
        return self._tls.version()

    def send(self, message: bytes) -> None:
        """Send at once: the stream keeps order and repeats what is lost."""
        links, tls, waiting = self._links, self._tls, self._unacknowledged
        number = self._next
        self._next = number + 1
        if not waiting and links.watched:
            links.patience.set(self)
        waiting.append(message)
        tls.write(frame_data(number, message))
        self.stream.send(self._outgoing.read())

    def close(self, reason: LinkReason = LinkReason.CLOSED) -> None:
        """End the link; the other end learns that it is closed."""
        self._links.drop(self, reason)

    def halt(self) -> list[bytes]:
        """Stop everything; returns what was not acknowledged, oldest first."""
        self._links.patience.pop(self, None)
        left, self._unacknowledged = self._unacknowledged, []
        return left

    def take(self, data: bytes) -> None:
        """Records have arrived."""
        incoming, tls = self._incoming, self._tls
        incoming.write(data)
        size = len(data)
        try:
            try:
                plain = tls.read(size)
                if incoming.pending or len(plain) >= size:  # more than one record, against the habit of our own end
                    plain += read_rest(tls, incoming, self._outgoing)
            except SSLWantReadError:
                return
            except SSLError as error:
                raise failure_of(error, incoming, self._outgoing) from error
        except TlsFailure as failure:
            if failure.farewell:
                self.stream.send(failure.farewell)
            self._links.fail(self, failure.link_reason)
            return
        # The message that is due, or the acknowledgement of the only one that waits: nearly all are one of these.
        size = len(plain)
        if self._buffer is None and size >= ACK_LENGTH:
            kind, number, rest = peek_frame(plain)
            waiting = self._unacknowledged
            if kind == DATA and rest >> 8 == size - DATA_OVERHEAD:
                self._message(number, plain[DATA_OVERHEAD:])
            elif kind == ACK and size == ACK_LENGTH and number == self._acknowledged and len(waiting) == 1:
                self._acknowledged = number + 1
                waiting.clear()
                self._links.patience.pop(self, None)
            else:
                self._take_unusual(plain)
        else:
            self._take_unusual(plain)

    def _take_unusual(self, plain: bytes) -> None:
        if self._buffer is None:
            try:
                kind, number, body = open_frame(plain)
            except Malformed:
                # Not exactly one frame: a stream may be cut anywhere.
                self._buffer = FrameBuffer()
            else:
                self._frame(kind, number, body)
                return
        try:
            frames = self._buffer.feed(plain)
        except Malformed:
            # A connecting end that knew nobody's name beforehand may refuse as late as here.
            self._links.fail(self, REASONS.get(plain[1:], LinkReason.MALFORMED))
            return
        if self._buffer.pending > self._links.max_message + 8:
            self._links.fail(self, LinkReason.TOO_LARGE)
            return
        if not self._buffer.pending:
            self._buffer = None
        for kind, number, body in frames:
            if not self.stream.open:
                return
            self._frame(kind, number, body)

    def _frame(self, kind: int, number: int, body: bytes | int) -> None:
        if kind == DATA:
            self._message(number, cast(bytes, body))
            return
        waiting, patience = self._unacknowledged, self._links.patience
        count = (number - self._acknowledged & 0xFFFFFFFF) + 1
        if count > len(waiting):
            return
        self._acknowledged += count
        del waiting[:count]
        patience.pop(self, None)
        if waiting and self._links.watched:
            patience.set(self)

    def _message(self, number: int, message: bytes) -> None:
        links = self._links
        count = self._received
        if number != count & 0xFFFFFFFF or len(message) > links.max_message:
            links.fail(self, LinkReason.MALFORMED if number != count & 0xFFFFFFFF else LinkReason.TOO_LARGE)
            return
        self._received = count + 1
        on_message, tls = links.on_message, self._tls
        tls.write(frame_ack(number, 0xFFFFFFFF if count > 31 else (1 << count) - 1))
        self.stream.send(self._outgoing.read())
        on_message(self.remote, message)

    def overdue(self) -> None:
        """Nothing that was sent has been acknowledged for too long."""
        self._links.fail(self, LinkReason.NO_ACKNOWLEDGEMENT)

    def lost(self, reason: LinkReason) -> None:
        """The stream ended under the link."""
        self._links.fail(self, reason)
