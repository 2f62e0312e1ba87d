"""Links under TLS 1.3 with both ends authenticated (RFC 6940 §6.6), over simulated streams.

Opening: SYN and its answer; the handshake's three flights; with its last one the connecting end's claim, ``u8 1,
Node-ID``; then the accepting end's word, ``u8 1, Node-ID`` too when it accepts. Either end that refuses says so
instead, ``u8 2, reason``, since Python can't send an alert of our choice. So both ends know why, and a link is open
only once both have accepted. The library refuses what the roots don't cover; Node-ID, dates, revocation and overlay
are judged by the ``check`` handed in, which also decides whose word counts when link authentication is off.

Both ends opening at once: the stream of the smaller Node-ID wins. The larger accepts it and drops its own; the smaller
keeps the other one's claim unanswered ("parked") and takes it up only should its own attempt fail.
"""

from __future__ import annotations

from hmac import compare_digest

from p2psip_min.errors import LinkReason
from p2psip_min.ids import ID_LENGTH, NodeID
from p2psip_min.trace import Sink
from p2psip_min.transport.link import GIVE_UP, MAX_MESSAGE, Check, LinkTable, Waiters
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.stream import Stream, StreamHost
from p2psip_min.transport.tls import TlsFailure, TlsIdentity, TlsSession
from p2psip_min.transport.tls_link import REASONS, TlsLink

_CLAIM = b"\x01"
_REFUSAL = b"\x02"


class _Opening:
    """A link before both ends have accepted: who is expected, what waits for it."""

    __slots__ = (
        "accepted",
        "expected",
        "links",
        "outbound",
        "parked",
        "queue",
        "session",
        "stream",
        "timer",
        "waiters",
    )

    def __init__(self, links: TlsLinks, stream: Stream, expected: NodeID | None, *, outbound: bool) -> None:
        self.links = links
        self.stream = stream
        self.expected = expected
        self.outbound = outbound
        self.session: TlsSession | None = None
        self.queue: list[bytes] = []
        self.waiters = Waiters()
        self.parked = False
        self.timer = links.loop.call_later(GIVE_UP, self.lost, LinkReason.UNREACHABLE)
        stream.on_open = self._start
        stream.on_data = self._data
        stream.on_close = self.lost

    def halt(self) -> None:
        """Let go of the stream and the timer."""
        self.timer.cancel()
        self.stream.on_open = self.stream.on_data = self.stream.on_close = _ignore

    def lost(self, reason: LinkReason) -> None:
        """No link comes of it, and nobody is there to be told."""
        self.stream.reset()
        self.links.refused(self, reason, silent=not self.outbound)

    def accept(self, claimed: NodeID) -> None:
        """Say yes, and be a link from now on."""
        assert self.session is not None
        if not self.outbound:
            self.stream.send(self.session.seal(_CLAIM + self.links.node_id))
        self.links.opened(self, claimed, self.session)

    def refuse(self, reason: LinkReason, before: bytes = b"") -> None:
        """Say no, and why."""
        assert self.session is not None
        self.stream.send(before + self.session.seal(_REFUSAL + reason.value.encode()))
        self.stream.close()
        self.links.refused(self, reason)

    def _start(self) -> None:
        self.session = self.links.identity.client()
        self.stream.send(self.session.handshake()[1])

    def _data(self, data: bytes) -> None:
        if self.session is None:
            self.session = self.links.identity.server()
        session = self.session
        try:
            if session.established:
                plain = session.unseal(data)
            else:
                done, flight = session.handshake(data)
                if not done:
                    if flight:
                        self.stream.send(flight)
                    return
                if self.outbound:
                    self._claim(session, flight)
                    return
                if flight:
                    self.stream.send(flight)
                plain = session.unseal(b"")
        except TlsFailure as failure:
            if failure.farewell:
                self.stream.send(failure.farewell)
            self.stream.close()
            self.links.refused(self, failure.link_reason)
            return
        if plain and not self.parked:
            self._word(plain)

    def _claim(self, session: TlsSession, flight: bytes) -> None:
        # The server's certificate is known: judge it before saying who we are.
        reason = self._judge(session, self.expected)
        if reason is None:
            self.stream.send(flight + session.seal(_CLAIM + self.links.node_id + self.links.password))
        else:
            self.refuse(reason, flight)

    def _word(self, plain: bytes) -> None:
        """The other end's claim or refusal."""
        session = self.session
        assert session is not None
        wanted = b"" if self.outbound else self.links.password
        if plain[:1] == _REFUSAL:
            self.stream.close()
            self.links.refused(self, REASONS.get(plain[1:], LinkReason.RESET))
        elif plain[:1] != _CLAIM or len(plain) <= ID_LENGTH:
            self.refuse(LinkReason.MALFORMED)
        elif not compare_digest(plain[1 + ID_LENGTH :], wanted):
            self.refuse(LinkReason.WRONG_PASSWORD if wanted else LinkReason.MALFORMED)
        else:
            claimed = NodeID(plain[1 : 1 + ID_LENGTH])
            if self.outbound and self.expected is not None:
                reason = None if claimed == self.expected else LinkReason.WRONG_NODE_ID
            else:
                reason = self._judge(session, claimed)
            if reason is not None:
                self.expected = self.expected or claimed
                self.refuse(reason)
            elif self.outbound or not self.links.outranked(self, claimed):
                self.accept(claimed)

    def _judge(self, session: TlsSession, node_id: NodeID | None) -> LinkReason | None:
        if self.links.check is None:
            return None
        certificate = session.certificate()
        if certificate is None:
            return LinkReason.NO_CERTIFICATE
        return self.links.check(certificate, node_id, self.links.loop.time())


class TlsLinks(LinkTable):
    """A node's TLS links; attaches ``address`` to the network at once.

    ``identity`` holds chain, key and roots; ``check`` judges a certificate for a Node-ID at a virtual second, None: no
    certificate counts. ``password`` is what a connecting end has to know, and says in its claim. ``watched`` links are
    dead once nothing is acknowledged; the others believe the stream below, whose acknowledgements anybody can forge.
    """

    protocol = "tls"

    def __init__(
        self,
        network: Network,
        address: Address,
        node_id: NodeID,
        *,
        identity: TlsIdentity,
        check: Check | None,
        password: bytes = b"",
        watched: bool = True,
        trace: Sink | None = None,
        max_message: int = MAX_MESSAGE,
    ) -> None:
        super().__init__(network, address, node_id, trace)
        self.identity = identity
        self.check = check
        self.password = password
        self.watched = watched
        self.patience = network.deadlines(GIVE_UP)
        self.max_message = max_message
        self.table: dict[NodeID, TlsLink] = {}
        self.call_later = self.loop.call_later
        self._openings: dict[NodeID | Address, _Opening] = {}
        self._parked: dict[NodeID | Address, _Opening] = {}
        self._inbound: dict[int, _Opening] = {}
        self._host = StreamHost(network, address, node_id)
        self._host.on_accept = self._accept

    def connected(self, node_id: NodeID) -> bool:
        """Whether messages can go there directly."""
        return node_id in self.table or node_id in self.book

    def send(self, node_id: NodeID, message: bytes) -> bool:
        """Send, opening the link if need be; False when nobody said where that node is."""
        link = self.table.get(node_id)
        if link is not None:
            link.send(message)
            return True
        opening = self._openings.get(node_id)
        if opening is None:
            address = self.book.get(node_id)
            if address is None:
                return False
            opening = self._begin(node_id, address)
        opening.queue.append(message)
        return True

    async def connect(self, node_id: NodeID | None, address: Address) -> NodeID:
        """Open a link and wait until both ends have accepted: the Node-ID there; LinkRefused otherwise."""
        if node_id is not None and node_id in self.table:
            return node_id
        opening = self._openings.get(address if node_id is None else node_id)
        if opening is None:
            opening = self._begin(node_id, address)
        return await opening.waiters.add(self.loop)

    def forget(self, node_id: NodeID, reason: LinkReason = LinkReason.CLOSED) -> None:
        """End the link and strike the node from the book."""
        self.book.pop(node_id, None)
        opening = self._openings.get(node_id)
        if opening is not None:
            opening.stream.reset()
            self.refused(opening, reason)
        link = self.table.get(node_id)
        if link is not None:
            self.drop(link, reason)

    def close_all(self, reason: LinkReason = LinkReason.CLOSED) -> None:
        """End every link and stop listening."""
        for link in list(self.table.values()):
            self._emit_closed(link.remote, reason)
        self._end(reason)
        self._host.close()

    def crash(self) -> None:
        """Fall silent: no FIN, no alert."""
        self._end(LinkReason.CLOSED)
        self._host.crash()

    # --- opening: called by _Opening --------------------------------------------------------------------------

    def opened(self, opening: _Opening, remote: NodeID, session: TlsSession) -> None:
        """Both ends have accepted."""
        self._unlist(opening)
        opening.halt()
        waiting = opening.queue, opening.waiters
        own = self._openings.pop(remote, None)
        if own is not None:  # ours lost against the smaller Node-ID's: what waited for it goes this way
            own.halt()
            own.stream.reset()
        parked = self._parked.pop(remote, None)
        if parked is not None:
            self._unlist(parked)
            parked.halt()
            parked.stream.reset()
        old = self.table.get(remote)
        left: list[bytes] = []
        if old is not None:  # the other end has started anew
            left = self._remove(old)
            old.stream.reset()
            self._emit_closed(remote, LinkReason.RESET)
        link = self.table[remote] = TlsLink(self, remote, opening.stream, session)
        link.stream.on_data = link.take
        link.stream.on_close = link.lost
        self.book.setdefault(remote, link.stream.remote)
        self._emit_opened(remote)
        for message in left:
            self.on_undelivered(remote, message)
        self.on_opened(remote)
        for queue, waiters in (waiting, (own.queue, own.waiters)) if own is not None else (waiting,):
            waiters.opened(remote)
            for message in queue:
                self.send(remote, message)

    def refused(self, opening: _Opening, reason: LinkReason, *, silent: bool = False) -> None:
        """No link comes of this attempt."""
        opening.halt()
        self._unlist(opening)
        remote = opening.expected
        if not silent:
            self._emit_rejected(remote or b"", reason)
        if not opening.outbound:
            return
        parked = self._parked.pop(remote, None) if remote is not None else None
        if parked is not None and remote is not None:
            parked.queue, parked.waiters = opening.queue, opening.waiters
            parked.accept(remote)
            return
        opening.waiters.refused(reason)
        if remote is None or not opening.queue:
            return
        self.book.pop(remote, None)
        for message in opening.queue:
            self.on_undelivered(remote, message)
        self.on_failed(remote, reason)

    def outranked(self, opening: _Opening, remote: NodeID) -> bool:
        """Whether an accepted claim has to wait, because this node's own attempt wins."""
        if remote not in self._openings or remote < self.node_id:
            return False
        opening.parked = True
        opening.expected = remote
        self._parked[remote] = opening
        return True

    def _begin(self, node_id: NodeID | None, address: Address) -> _Opening:
        opening = _Opening(self, self._host.connect(address), node_id, outbound=True)
        self._openings[address if node_id is None else node_id] = opening
        return opening

    def _accept(self, stream: Stream) -> None:
        if not self.identity.has_certificate:
            stream.reset()
            self._emit_rejected(b"", LinkReason.NO_CERTIFICATE)
            return
        self._inbound[stream.identifier] = _Opening(self, stream, None, outbound=False)

    def _unlist(self, opening: _Opening) -> None:
        self._inbound.pop(opening.stream.identifier, None)
        key = opening.stream.remote if opening.expected is None else opening.expected
        for table in (self._openings, self._parked):
            if table.get(key) is opening:
                del table[key]

    # --- ending -----------------------------------------------------------------------------------------------

    def drop(self, link: TlsLink, reason: LinkReason) -> None:
        """End a link on this node's own wish: this node isn't told that it failed, the other end is."""
        left = self._remove(link)
        link.stream.close()
        self._emit_closed(link.remote, reason)
        for message in left:
            self.on_undelivered(link.remote, message)

    def fail(self, link: TlsLink, reason: LinkReason) -> None:
        """A link is dead, or its other end has to be considered so."""
        if self.table.get(link.remote) is not link:
            return
        left = self._remove(link)
        link.stream.close()
        self.book.pop(link.remote, None)
        self._emit_closed(link.remote, reason)
        for message in left:
            self.on_undelivered(link.remote, message)
        self.on_failed(link.remote, reason)

    def _remove(self, link: TlsLink) -> list[bytes]:
        if self.table.get(link.remote) is link:
            del self.table[link.remote]
        link.stream.on_data = link.stream.on_close = _ignore
        return link.halt()

    def _end(self, reason: LinkReason) -> None:
        for link in list(self.table.values()):
            self._remove(link)
        for opening in [*self._openings.values(), *self._inbound.values()]:
            opening.halt()
            opening.waiters.refused(reason)
        self._openings.clear()
        self._parked.clear()
        self._inbound.clear()
        self.book.clear()


def _ignore(*_: object) -> None:
    pass
