"""Links without protection: datagrams with RFC 6940's framing, acknowledgements and Simple Reliability (§6.6).

1. Every data frame is acknowledged at once, with the mask of the 32 frames before it.
2. The sender stops and waits: one message unacknowledged at a time, five sends, a new sequence number for each. A
   receiver can't tell a resent message from another of the same bytes, so the peer above may see one twice.
3. With a queue waiting, 10 ms pass between an acknowledgement and the next message.
4. There is no authentication. A node says who it is in a hello, ``u8 1, Node-ID``, in front of every frame until one
   is acknowledged; alone, it asks for the other's, ``u8 2, Node-ID``. Both are believed. A hello also starts the count
   anew: to have heard something is not enough, it may come from an association that only the other end still has.
"""

from __future__ import annotations

import struct
from asyncio import TimerHandle
from collections import deque
from typing import Any, ClassVar, cast

from p2psip_min.errors import LinkReason, Malformed
from p2psip_min.ids import ID_LENGTH, NodeID
from p2psip_min.trace import Sink
from p2psip_min.transport.link import MAX_MESSAGE, SEND_TIMES, LinkTable, Waiters
from p2psip_min.transport.network import Address, Network, Packet, Way
from p2psip_min.wire.framing import (
    ACK,
    ACK_LENGTH,
    DATA,
    DATA_OVERHEAD,
    frame_ack,
    frame_data,
    open_frame,
    pack_ack,
    pack_data,
    peek_frame,
)

HELLO = b"\x01"
HELLO_ANSWER = b"\x02"
GAP = 0.010
"""Seconds between an acknowledgement and the next queued message (RFC 6940 §6.6.3.1)."""

_SENDS = len(SEND_TIMES)
_WINDOW = (1 << 33) - 1
_NONE = -1
"""The number of no frame."""


class PlainLink:
    """One association with another node: its counters, the message on its way and those behind it."""

    __slots__ = (
        "_due",
        "_first",
        "_links",
        "_next",
        "_only",
        "_queue",
        "_seen",
        "_waiting",
        "_way",
        "heard",
        "known",
        "remote",
    )

    protocol: ClassVar[str] = "plain"

    def __init__(self, links: PlainLinks, remote: NodeID, address: Address) -> None:
        self._links = links
        self._way = links.network.way(links.address, address)
        self.remote = remote
        self.heard = False
        self.known = False
        self._next = 0
        self._first = 0
        self._only = _NONE
        self._due = 0
        self._seen = 0
        self._waiting: bytes | None = None
        self._queue: deque[bytes] | None = None

    @property
    def address(self) -> Address:
        """Where the other end is."""
        return self._way.destination

    @property
    def local(self) -> NodeID:
        """Whose end this is."""
        return self._links.node_id

    @property
    def remote_certificate(self) -> None:
        """A plain link proves nothing about the other end."""
        return None

    def close(self, reason: LinkReason = LinkReason.CLOSED) -> None:
        """End the association; the other end isn't told, datagrams have no such thing."""
        self._links.drop(self, reason)

    # --- sending ----------------------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        """Send now, or after what waits for its acknowledgement."""
        if self._waiting is None and not self._queue:
            self.begin(message)
        else:
            self._queue = self._queue or deque()
            self._queue.append(message)

    def begin(self, message: bytes) -> None:
        """Send now: nothing waits."""
        links, size = self._links, len(message)
        carry, waits = links.carry, links.first_waits
        self._waiting = message
        self._only = number = self._next
        self._next = number + 1
        frame = pack_data(DATA, number & 0xFFFFFFFF, size >> 16, size & 0xFFFF) + message
        carry(self._way, frame if self.known else links.greeting(HELLO, self.address) + frame)
        waits.set(self)

    def overdue(self) -> None:
        """No acknowledgement came: send again, five times in all."""
        if self._only != _NONE:
            self._first, self._only = self._only, _NONE
        sends = self._next - self._first
        if sends == _SENDS:
            self._links.failed(self)
            return
        message, number = self._waiting, self._next
        assert message is not None
        self._next = number + 1
        frame = frame_data(number, message)
        links = self._links
        links.carry(self._way, frame if self.known else links.greeting(HELLO, self.address) + frame)
        links.network.deadlines(SEND_TIMES[sends]).set(self)

    def acknowledged(self, number: int) -> None:
        """The other end has the frame of this number."""
        # Any of this message's sends will do, and those of earlier messages come too late to matter.
        if self._waiting is not None and (
            self._only == number or (self._only == _NONE and self._first <= number < self._next)
        ):
            self._wait_no_longer()
            self.known = True
            self._waiting = None
            if self._queue:
                self._links.network.loop.call_later(GAP, self._continue)

    def _wait_no_longer(self) -> None:
        if self._only != _NONE:
            del self._links.first_waits[self]
            self._only = _NONE
        else:
            self._links.network.deadlines(SEND_TIMES[self._next - self._first - 1]).pop(self, None)

    def _continue(self) -> None:
        if self._queue:
            self.begin(self._queue.popleft())

    # --- receiving --------------------------------------------------------------------------------------------

    def take(self, packet: Any) -> None:
        """Take the frame that is due, or the acknowledgement of the only send, in as few steps as possible.

        Those are nearly all packets; the others go where a stranger's would.
        """
        # To call what an attribute holds, it is taken first and called then: in one go Python looks for a method.
        try:
            kind, number, rest = peek_frame(packet)
        except (struct.error, TypeError):  # too short, or a segment of a stream
            kind = 0
        if kind == DATA:
            links, size = self._links, rest >> 8
            if number == self._due and size == len(packet) - DATA_OVERHEAD and size <= links.max_message:
                self._due = number + 1
                self._seen = seen = (self._seen << 1 | 1) & _WINDOW
                carry, on_message = links.carry, links.on_message
                carry(self._way, pack_ack(ACK, number, seen >> 1))
                on_message(self.remote, packet[DATA_OVERHEAD:])
                return
        elif kind == ACK and number == self._only and len(packet) == ACK_LENGTH and not self._queue:
            del self._links.first_waits[self]
            self._only = _NONE
            self._waiting = None
            self.known = True
            return
        self._way_here().take(packet)

    def _way_here(self) -> Way:
        return self._links.network.way(self._way.destination, self._way.source)

    def greeted(self) -> None:
        """The other end starts anew: it counts from 0 again."""
        self._due = 0
        self._seen = 0

    def note(self, number: int) -> tuple[bool, int]:
        """Whether the frame is new, and the mask of the 32 before it (bit k-1: the one k before)."""
        step = number - self._due + 1
        if step > 0:
            self._due = number + 1
            self._seen = seen = (self._seen << min(step, 33) | 1) & _WINDOW
            return True, seen >> 1
        if step < -32:
            return False, 0
        new = not self._seen >> -step & 1
        self._seen |= 1 << -step
        return new, self._seen >> 1 - step

    def listen(self) -> None:
        """Take what comes from the other end's address oneself."""
        self._way_here().socket = self

    def halt(self) -> list[bytes]:
        """Stop everything; returns what was not acknowledged, oldest first."""
        left = [] if self._waiting is None else [self._waiting]
        if self._queue:
            left.extend(self._queue)
        if self._waiting is not None:
            self._wait_no_longer()
        self._waiting = self._queue = None
        # Nothing is due any more, and nothing waited for: what is still on its way here goes to whoever listens then.
        self._due = _NONE
        way = self._way_here()
        if way.socket is self:
            way.socket = way
        return left


class _Knock:
    """A hello on its way to somebody from whom nothing was heard yet."""

    __slots__ = ("attempt", "expected", "timer", "waiters")

    def __init__(self, expected: NodeID | None) -> None:
        self.expected = expected
        self.timer: TimerHandle | None = None
        self.attempt = 0
        self.waiters = Waiters()

    def cancel(self) -> None:
        """Do not knock again."""
        if self.timer is not None:
            self.timer.cancel()


class PlainLinks(LinkTable):
    """A node's plain links; attaches ``address`` to the network at once."""

    protocol = "plain"

    def __init__(
        self,
        network: Network,
        address: Address,
        node_id: NodeID,
        *,
        trace: Sink | None = None,
        max_message: int = MAX_MESSAGE,
    ) -> None:
        super().__init__(network, address, node_id, trace)
        self.table: dict[NodeID, PlainLink] = {}
        self.max_message = max_message
        self.first_waits = network.deadlines(SEND_TIMES[0])
        self.transmit = network.send
        self.carry = network.carry
        self._places: dict[Address, PlainLink] = {}
        self._names: dict[Address, NodeID] = {}
        self._knocks: dict[Address, _Knock] = {}
        network.attach(address, node_id, self._receive)

    def connected(self, node_id: NodeID) -> bool:
        """Whether messages can go there directly."""
        return node_id in self.table or node_id in self.book

    def send(self, node_id: NodeID, message: bytes) -> bool:
        """Send, opening the link if need be; False when nobody said where that node is."""
        link = self.table.get(node_id)
        if link is None:
            address = self.book.get(node_id)
            if address is None:
                return False
            link = self._make(node_id, address)
        if link._waiting is None and not link._queue:
            link.begin(message)
        else:
            link.send(message)
        return True

    async def connect(self, node_id: NodeID | None, address: Address) -> NodeID:
        """Say hello and wait for the answer: the Node-ID there; LinkRefused if it's another or nobody answers."""
        if node_id is not None:
            link = self.table.get(node_id)
            if link is not None and link.heard:
                return node_id
        knock = self._knocks.get(address)
        if knock is None or knock.expected != node_id:
            if knock is not None:
                self._answered(address, knock, LinkReason.CLOSED)
            knock = self._knocks[address] = _Knock(node_id)
            self._knock(address, knock)
        return await knock.waiters.add(self.loop)

    def forget(self, node_id: NodeID, reason: LinkReason = LinkReason.CLOSED) -> None:
        """End the link and strike the node from the book."""
        self.book.pop(node_id, None)
        link = self.table.get(node_id)
        if link is not None:
            self.drop(link, reason)

    def close_all(self, reason: LinkReason = LinkReason.CLOSED) -> None:
        """End every link and stop listening."""
        for link in list(self._places.values()):
            if link.heard:
                self._emit_closed(link.remote, reason)
        self._end(reason)

    def crash(self) -> None:
        """Fall silent."""
        self._end(LinkReason.CLOSED)

    # --- who is who -------------------------------------------------------------------------------------------

    def greeting(self, kind: bytes, address: Address) -> bytes:
        """What says to ``address`` who this is; ``kind`` is HELLO or HELLO_ANSWER."""
        return kind + self.node_id

    def believe(self, packet: bytes) -> tuple[NodeID, bytes] | LinkReason:
        """Whom a greeting is from and the frame behind it, or why it is not believed; Malformed if it is none."""
        if len(packet) <= ID_LENGTH:
            raise Malformed(len(packet), "hello: too short")
        return NodeID(packet[1 : 1 + ID_LENGTH]), packet[1 + ID_LENGTH :]

    # --- receiving --------------------------------------------------------------------------------------------

    def _receive(self, source: Address, packet: Packet) -> None:
        if type(packet) is not bytes:
            return  # a segment of a stream: nobody here speaks that, and datagrams have no reset
        link = self._places.get(source)
        try:
            if link is None or not packet or packet[0] < DATA:
                link, packet = self._greet(source, packet, link)
                if link is None:
                    return
            kind, number, body = open_frame(packet)
        except Malformed:
            self._emit_rejected(self._names.get(source, b""), LinkReason.MALFORMED)
            return
        if not link.heard:
            self._heard(link)
        if kind != DATA:
            link.acknowledged(number)
        elif len(packet) > self.max_message + DATA_OVERHEAD:
            self._emit_rejected(link.remote, LinkReason.TOO_LARGE)
        else:
            new, received = link.note(number)
            self.transmit(self.address, source, frame_ack(number, received))
            if new:
                self.on_message(link.remote, cast(bytes, body))

    def _greet(self, source: Address, packet: bytes, link: PlainLink | None) -> tuple[PlainLink | None, bytes]:
        """The link that a packet with a hello, or from somebody without a link, belongs to, and the frame in it."""
        if packet[:1] in (HELLO, HELLO_ANSWER):
            believed = self.believe(packet)
            if isinstance(believed, LinkReason):
                self._emit_rejected(b"", believed)
                return None, b""
            remote, frame = believed
            if packet[:1] == HELLO_ANSWER:
                knock = self._knocks.get(source)
                if knock is None:
                    return None, b""
                if knock.expected is not None and knock.expected != remote:
                    self._answered(source, knock, LinkReason.WRONG_NODE_ID)
                    return None, b""
            if link is not None and link.remote != remote:
                self._fail(link, LinkReason.RESET)
                link = None
            if link is None:
                link = self._make(remote, source)
            if packet[:1] == HELLO:
                link.greeted()
            if not frame:
                if packet[:1] == HELLO:
                    self.transmit(self.address, source, self.greeting(HELLO_ANSWER, source))
                self._heard(link)
                return None, b""
            return link, frame
        if link is not None or not packet:
            raise Malformed(0, "frame: unknown type")
        known = self._names.get(source)
        if known is None:
            open_frame(packet)
            # A frame of an association from before this node's start; its sender will give up and say hello.
            self._emit_rejected(b"", LinkReason.RESET)
            return None, b""
        return self._make(known, source), packet

    def _make(self, remote: NodeID, address: Address) -> PlainLink:
        link = self._places.get(address)
        if link is None or link.remote != remote:
            link = self._places[address] = PlainLink(self, remote, address)
            way = self.network.way(address, self.address)
            way.socket = way
        # Whoever is reached already stays where it is: a hello from elsewhere is only a claim.
        self.table.setdefault(remote, link)
        self.book.setdefault(remote, address)
        return link

    def _heard(self, link: PlainLink) -> None:
        self._names[link.address] = link.remote
        knock = self._knocks.get(link.address)
        if knock is not None and knock.expected in (None, link.remote):
            del self._knocks[link.address]
            knock.cancel()
            knock.waiters.opened(link.remote)
        if not link.heard:
            link.heard = True
            link.listen()
            self._emit_opened(link.remote)
            self.on_opened(link.remote)

    # --- connecting -------------------------------------------------------------------------------------------

    def _knock(self, address: Address, knock: _Knock) -> None:
        if knock.attempt == _SENDS:
            self._answered(address, knock, LinkReason.UNREACHABLE)
            return
        self.transmit(self.address, address, self.greeting(HELLO, address))
        knock.timer = self.loop.call_later(SEND_TIMES[knock.attempt], self._knock, address, knock)
        knock.attempt += 1

    def _answered(self, address: Address, knock: _Knock, reason: LinkReason) -> None:
        del self._knocks[address]
        knock.cancel()
        self._emit_rejected(knock.expected or b"", reason)
        knock.waiters.refused(reason)

    # --- ending -----------------------------------------------------------------------------------------------

    def failed(self, link: PlainLink) -> None:
        """Nothing came back after the last send."""
        self._fail(link, LinkReason.NO_ACKNOWLEDGEMENT if link.heard else LinkReason.UNREACHABLE)

    def drop(self, link: PlainLink, reason: LinkReason) -> None:
        """End a link on this node's own wish: nobody is told that it failed."""
        left = self._remove(link)
        if link.heard:
            self._emit_closed(link.remote, reason)
        for message in left:
            self.on_undelivered(link.remote, message)

    def _fail(self, link: PlainLink, reason: LinkReason) -> None:
        was_in_use = self.table.get(link.remote) is link
        left = self._remove(link)
        if link.heard:
            self._emit_closed(link.remote, reason)
        else:
            self._emit_rejected(link.remote, reason)
        for message in left:
            self.on_undelivered(link.remote, message)
        if was_in_use and link.remote not in self.table:
            self.on_failed(link.remote, reason)

    def _remove(self, link: PlainLink) -> list[bytes]:
        if self._places.get(link.address) is link:
            del self._places[link.address]
        if self.table.get(link.remote) is link:
            del self.table[link.remote]
            self.book.pop(link.remote, None)
            for other in self._places.values():
                if other.remote == link.remote:
                    self.table[link.remote] = other
                    self.book[link.remote] = other.address
                    break
        return link.halt()

    def _end(self, reason: LinkReason) -> None:
        self.network.detach(self.address)
        for link in list(self._places.values()):
            link.halt()
        for knock in list(self._knocks.values()):
            knock.cancel()
            knock.waiters.refused(reason)
        self._places.clear()
        self._knocks.clear()
        self.table.clear()
        self.book.clear()
