"""One live TLS link: each FramedMessage is one record, its acknowledgement another (RFC 6940 §6.6).

The stream below is reliable, so acknowledgements only tell that the other end lives: none for GIVE_UP seconds, and a
watched link is dead.
"""

from __future__ import annotations

from asyncio import TimerHandle
from ssl import SSLError, SSLWantReadError
from typing import TYPE_CHECKING, ClassVar, cast

from p2psip_min.errors import LinkReason, Malformed
from p2psip_min.ids import NodeID
from p2psip_min.transport.link import GIVE_UP
from p2psip_min.transport.stream import Stream
from p2psip_min.transport.tls import TlsFailure, TlsSession, failure_of, read_rest
from p2psip_min.wire.framing import DATA, FrameBuffer, frame_ack, frame_data, open_frame

if TYPE_CHECKING:
    from p2psip_min.transport.tls_links import TlsLinks

REASONS = {reason.value.encode(): reason for reason in LinkReason}
"""Reasons by the bytes that stand for them in a refusal."""


class TlsLink:
    """One live link; small, because a large overlay holds tens of thousands."""

    __slots__ = (
        "_acknowledged",
        "_buffer",
        "_deadline",
        "_incoming",
        "_links",
        "_next",
        "_outgoing",
        "_received",
        "_timer",
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
        self._timer: TimerHandle | None = None
        self._deadline = 0.0
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
        number = self._next
        self._next = number + 1
        waiting = self._unacknowledged
        if not waiting and self._links.watched:
            self._timer = self._links.call_later(GIVE_UP, self._late)
        waiting.append(message)
        self._tls.write(frame_data(number, message))
        self.stream.send(self._outgoing.read())

    def close(self, reason: LinkReason = LinkReason.CLOSED) -> None:
        """End the link; the other end learns that it is closed."""
        self._links.drop(self, reason)

    def halt(self) -> list[bytes]:
        """Stop everything; returns what was not acknowledged, oldest first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        left, self._unacknowledged = self._unacknowledged, []
        return left

    def take(self, data: bytes) -> None:
        """Records have arrived."""
        incoming = self._incoming
        incoming.write(data)
        size = len(data)
        try:
            try:
                plain = self._tls.read(size)
                if incoming.pending or len(plain) >= size:  # more than one record, against the habit of our own end
                    plain += read_rest(self._tls, incoming, self._outgoing)
            except SSLWantReadError:
                return
            except SSLError as error:
                raise failure_of(error, incoming, self._outgoing) from error
        except TlsFailure as failure:
            if failure.farewell:
                self.stream.send(failure.farewell)
            self._links.fail(self, failure.link_reason)
            return
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
            message = cast(bytes, body)
            links = self._links
            count = self._received
            if number != count & 0xFFFFFFFF or len(message) > links.max_message:
                links.fail(self, LinkReason.MALFORMED if number != count & 0xFFFFFFFF else LinkReason.TOO_LARGE)
                return
            self._received = count + 1
            mask = 0xFFFFFFFF if count > 31 else (1 << count) - 1
            self._tls.write(frame_ack(number, mask))
            self.stream.send(self._outgoing.read())
            links.on_message(self.remote, message)
            return
        waiting = self._unacknowledged
        count = (number - self._acknowledged & 0xFFFFFFFF) + 1
        if count > len(waiting):
            return
        self._acknowledged += count
        if count == len(waiting):
            waiting.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        else:
            del waiting[:count]
            self._deadline = self._links.loop.time() + GIVE_UP

    def _late(self) -> None:
        links = self._links
        if links.loop.time() < self._deadline:
            self._timer = links.loop.call_at(self._deadline, self._late)
        else:
            links.fail(self, LinkReason.NO_ACKNOWLEDGEMENT)

    def lost(self, reason: LinkReason) -> None:
        """The stream ended under the link."""
        self._links.fail(self, reason)
