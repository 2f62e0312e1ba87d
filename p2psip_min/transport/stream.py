"""A simulated ordered, reliable byte stream (TCP's promise, not its machinery).

1. A stream is made of numbered segments. The network says at once whether a segment is lost, so nobody acknowledges
   and no timer runs while all is well; a lost one is sent again after 0.5, 1, 2 and 4 s, and a fifth loss in a row
   resets the stream: loss is delay, then reset.
2. The receiver delivers in order of number; what comes early waits, what comes twice is dropped.
3. To somebody who no longer listens a stream is silent, as to a crashed host: what is sent disappears. Whoever listens
   but doesn't know the stream answers with a reset.
4. Connecting takes a round trip (SYN and its answer), before the first data.
"""

from __future__ import annotations

from collections.abc import Callable

from p2psip_min.errors import LinkReason
from p2psip_min.transport.network import Address, Network, Packet, Segment

SYN = 1
SYN_ANSWER = 2
RST = 3
DATA = 4
FIN = 5

RETRY = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a lost segment is sent again, by the number of losses in a row."""


def _ignore(*_: object) -> None:
    pass


class Stream:
    """One end of a stream; ``on_open``, ``on_data`` and ``on_close`` are set by whoever holds it."""

    __slots__ = (
        "_back",
        "_host",
        "_next",
        "early",
        "expected",
        "finished",
        "identifier",
        "on_close",
        "on_data",
        "on_open",
        "peer",
        "remote",
        "way",
    )

    def __init__(self, host: StreamHost, remote: Address, identifier: int, peer: int) -> None:
        self._host: StreamHost | None = host
        self.way = host.network.way(host.address, remote)
        self._back = host.network.way(remote, host.address)
        self.remote = remote
        self.identifier = identifier
        self.peer = peer
        self.finished = False
        self._next = 0
        self.expected = 0
        self.early: dict[int, Segment] | None = None
        self.on_open: Callable[[], None] = _ignore
        self.on_data: Callable[[bytes], None] = _ignore
        self.on_close: Callable[[LinkReason], None] = _ignore

    @property
    def open(self) -> bool:
        """Whether this end may still send."""
        return self._host is not None and self.peer != 0

    def send(self, data: bytes) -> None:
        """Send bytes as one packet; nothing happens on a closed stream."""
        host = self._host
        if host is None:
            return
        number, carry = self._next, host.carry
        self._next = number + 1
        segment = Segment(DATA, self.peer, number, data)
        if not carry(self.way, segment):
            host.retry(self, segment, 0)

    def close(self) -> None:
        """Send FIN after the data; on_close isn't called for one's own close."""
        if self._host is not None:
            host, number = self._host, self._next
            self._drop()
            if self.peer:
                self.finished = True
                fin = Segment(FIN, self.peer, number, b"")
                if not host.carry(self.way, fin):
                    host.retry(self, fin, 0)

    def reset(self) -> None:
        """Send RST and forget the stream."""
        if self._host is not None:
            host = self._host
            self._drop()
            if self.peer:
                host.carry(self.way, Segment(RST, self.peer, 0, b""))

    def abandon(self) -> None:
        """Forget the stream without a packet."""
        self._drop()

    # --- inside: called by the host ---------------------------------------------------------------------------

    def take(self, packet: Packet) -> None:
        """Take a piece of this stream, in as few steps as possible; others go where a stranger's would."""
        if type(packet) is not Segment or packet.to != self.identifier or packet.kind < DATA or self._host is None:
            self._back.take(packet)
        elif packet.kind == DATA and packet.number == self.expected and self.early is None:
            on_data = self.on_data
            self.expected += 1
            on_data(packet.data)
        else:
            self.arrived(packet)

    def listen(self) -> None:
        """Take what comes from the other end's address oneself, unless another stream does."""
        if self._back.socket is self._back:
            self._back.socket = self

    def arrived(self, segment: Segment) -> None:
        """A DATA or FIN segment has arrived."""
        if segment.number != self.expected:
            if segment.number > self.expected:
                if self.early is None:
                    self.early = {}
                self.early.setdefault(segment.number, segment)
            return
        self._deliver(segment)
        while self.early is not None:
            early = self.early.pop(self.expected, None)
            if not self.early:
                self.early = None
            if early is None:
                return
            self._deliver(early)

    def lost(self, reason: LinkReason) -> None:
        """The stream is over, not by this end's wish."""
        if self._host is not None:
            self._drop()
            self.on_close(reason)

    def _deliver(self, segment: Segment) -> None:
        self.expected += 1
        if segment.kind == DATA:
            self.on_data(segment.data)
        else:
            self.lost(LinkReason.CLOSED)

    def _drop(self) -> None:
        if self._host is not None:
            host, self._host, self.early = self._host, None, None
            host.streams.pop(self.identifier, None)
            if self._back.socket is self:
                self._back.socket = self._back
            if not host.streams:
                host.on_empty()


class StreamHost:
    """The streams of one address: connects, and accepts when ``on_accept`` is set; attaches at once."""

    def __init__(self, network: Network, address: Address, node_id: bytes) -> None:
        self.network = network
        self.address = address
        self.send = network.send
        self.carry = network.carry
        self.streams: dict[int, Stream] = {}
        self.on_accept: Callable[[Stream], None] | None = None
        self.on_empty: Callable[[], None] = _ignore
        self._up = True
        network.attach(address, node_id, self._receive)

    def connect(self, remote: Address) -> Stream:
        """A stream that calls on_open, or on_close(UNREACHABLE) when refused; to nobody at all it stays silent."""
        stream = Stream(self, remote, self.network.next_connection(), 0)
        self.streams[stream.identifier] = stream
        segment = Segment(SYN, 0, stream.identifier, b"")
        if not self.carry(stream.way, segment):
            self.retry(stream, segment, 0)
        return stream

    def close(self) -> None:
        """Stop listening; every stream sends FIN."""
        for stream in list(self.streams.values()):
            stream.close()
        self._up = False
        self.network.detach(self.address)

    def crash(self) -> None:
        """Stop listening and forget every stream, without a packet."""
        self._up = False
        self.network.detach(self.address)
        for stream in list(self.streams.values()):
            stream.abandon()

    def retry(self, stream: Stream, segment: Segment, losses: int) -> None:
        """A segment was lost once more: send it again later, or give the stream up."""
        if losses == len(RETRY):
            stream.lost(LinkReason.RESET if stream.peer else LinkReason.UNREACHABLE)
        else:
            self.network.loop.call_later(RETRY[losses], self._again, stream, segment, losses + 1)

    def _again(self, stream: Stream, segment: Segment, losses: int) -> None:
        # What a closed stream had sent still has to arrive; what a crashed host had sent does not.
        alive = stream.finished or self.streams.get(stream.identifier) is stream
        if self._up and alive and not self.carry(stream.way, segment):
            self.retry(stream, segment, losses)

    def _receive(self, source: Address, packet: Packet) -> None:
        if not isinstance(packet, Segment):
            return  # a datagram: nobody here speaks that
        stream = self.streams.get(packet.to)
        if stream is not None and stream.remote == source:
            kind = packet.kind
            if kind == DATA and packet.number == stream.expected and stream.early is None:
                stream.expected += 1
                stream.on_data(packet.data)
            elif kind >= DATA:
                stream.arrived(packet)
            elif kind == RST:
                stream.lost(LinkReason.RESET if stream.peer else LinkReason.UNREACHABLE)
            elif kind == SYN_ANSWER and not stream.peer:
                stream.peer = packet.number
                stream.listen()
                stream.on_open()
        elif packet.kind == SYN:
            self._accept(source, packet)
        elif packet.kind == RST:
            # Our segment reached somebody who doesn't know the stream: the reset names it as the other end would.
            for each in list(self.streams.values()):
                if each.peer == packet.number and each.remote == source:
                    each.lost(LinkReason.RESET)
        else:
            self.send(self.address, source, Segment(RST, 0, packet.to, b""))

    def _accept(self, source: Address, packet: Segment) -> None:
        if self.on_accept is None:
            self.send(self.address, source, Segment(RST, packet.number, 0, b""))
            return
        if any(each.peer == packet.number for each in self.streams.values()):
            return  # the same SYN again
        stream = Stream(self, source, self.network.next_connection(), packet.number)
        self.streams[stream.identifier] = stream
        stream.listen()
        answer = Segment(SYN_ANSWER, stream.peer, stream.identifier, b"")
        if not self.carry(stream.way, answer):
            self.retry(stream, answer, 0)
        self.on_accept(stream)
