"""A node put together from its parts: receive, dispatch, request (RFC 6940 §6).

The life of a message: a link hands up bytes → ``open_envelope`` reads the header → ``forwarding.decide`` says
deliver, forward or drop → a delivered message is decoded, its signature checked, and it either answers one of our
requests or goes to the handler of its method, whose result is sent back along the via list.

Nothing here waits but ``request``; what a method means stands in ``handlers``, what takes several steps in
``procedures``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from p2psip_min import trace as events
from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.configuration import ANY_SEQUENCE
from p2psip_min.errors import DropReason, ErrorAnswer, LinkReason, Malformed, Overrun, RemoteFault, RequestTimedOut
from p2psip_min.exchange import BEST, UNDER_WAY, Answered, Later, Outcome, Pending, Received, Reply, Told, with_receipt
from p2psip_min.ids import WILDCARD, Destination, NodeID, ResourceID
from p2psip_min.node import Node
from p2psip_min.routing.forwarding import DELIVER, Deliver, Drop, Forward, Forwarder, Relayed, dropped
from p2psip_min.routing.returns import asks_straight, straight_to, straightened
from p2psip_min.sealing import CONFIGURATION_ERRORS, REMEMBERED, ConfigurationError, Seal, give_up, objection
from p2psip_min.seams import PeerParts
from p2psip_min.trace import MessageForwarded
from p2psip_min.wire.header import WHOLE, Envelope, encode_destinations, first_destination, open_envelope, return_path
from p2psip_min.wire.message import Message, encode_contents, encode_message
from p2psip_min.wire.messages import ErrorCode, ErrorResponse, MessageCode
from p2psip_min.wire.parsing import UNREAD
from p2psip_min.wire.security import SignerIdentity

Handler = Callable[["Peer", "Received"], Any]
"""What a node does with a request: returns the answer's body, or None to stay silent; raises ErrorAnswer."""

# On the way of every message, where an enumeration's member takes longer to name.
_ERROR = int(MessageCode.ERROR)
_CONFIG_UPDATE = int(MessageCode.CONFIG_UPDATE_REQ)


class Peer(Node):
    """One node, peer or client, honest or not: it differs from any other in its parts only."""

    def __init__(self, parts: PeerParts, *, handlers: Mapping[int, Handler], **circumstances: Any) -> None:
        """``circumstances`` are a Node's own."""
        super().__init__(parts, **circumstances)
        self.handlers = handlers
        self.on_link_failed: Callable[[NodeID, LinkReason], None] = lambda node, reason: None
        self.informing: dict[NodeID, None] = {}
        self.informed: dict[NodeID, int] = {}
        self.on_outdated: Callable[[Received], None] = lambda received: None
        self.on_overrun: Callable[[], None] = self.stop
        self._decode = self.defences.parsing.decode
        self.on_configuration_error: ConfigurationError = give_up
        self._pending: dict[int, Pending] = {}
        self._answered = Answered()
        self.passages = self.defences.custody.start()
        self.renew(parts.identity)
        self.equip(parts)

    def renew(self, credential: Credential) -> None:
        """Sign with this certificate from now on; it is for the same Node-ID as the one before."""
        self.take_parts(replace(self.parts, identity=credential))
        signed, introduction = self.defences.message_authentication.signed, self.defences.introduction
        self._seal = Seal(
            credential, self.trust, self.loop.time,
            signed=signed, introduction=introduction, codes=self.defences.signed_codes(),
        )  # fmt: skip
        self.stranger = self._seal.stranger
        self.identity = self._seal.identity

    def equip(self, parts: PeerParts) -> None:
        """Take ``parts`` as this node's parts from now on."""
        self.take_parts(parts)
        self._decide = self.defences.custody.noting(parts.forwarding.decide, self.passages)
        # Its short cut is for the forwarding of this package alone: whoever wraps it wants to see every message.
        forwarding = parts.forwarding
        self._forwarder = forwarding if type(forwarding) is Forwarder and self.passages is None else None
        quota = self.defences.query_quota
        parts.links.on_message = quota.gate(self.receive, self._refuse, self.topology.table, self._now)
        parts.links.on_opened = self.link_opened
        parts.links.on_failed = self._failed
        parts.links.on_undelivered = self._undelivered

    def stop(self) -> None:
        """End every task and request; the links are left to the caller."""
        super().stop()
        for pending in list(self._pending.values()):
            if pending.timer is not None:
                pending.timer.cancel()
            if not pending.outcome.done():
                pending.outcome.set_exception(RequestTimedOut("the node has stopped"))
        self._pending.clear()

    def _failed(self, remote: NodeID, reason: LinkReason) -> None:
        if self.alive:
            self.on_link_failed(remote, reason)

    def _undelivered(self, remote: NodeID, message: bytes) -> None:
        """A link ended before its other end acknowledged this message, ours or a forwarded one."""
        try:
            envelope = open_envelope(message)
        except Malformed:
            return  # an attacker's own rubbish
        if self.alive:
            self._drop(envelope, None, DropReason.LINK_LOST)

    # --- receiving -------------------------------------------------------------------------------------------

    def receive(self, remote: NodeID, data: bytes) -> None:
        """Take a message off the link to ``remote``."""
        forwarder = self._forwarder
        if forwarder is not None:
            relayed = forwarder.relay(data, remote)
            if type(relayed) is tuple:
                next_hop, message, transaction_id, code = relayed
                if self.links.send(next_hop, message):
                    emit, now = self._emit, self.loop.time()
                    emit(MessageForwarded(now, self.node_id, transaction_id, code, remote, next_hop, message))
                    return
            elif relayed is DELIVER:
                self._deliver(open_envelope(data), remote)
                return
        now = self._now()
        try:
            envelope = open_envelope(data)
        except Malformed:
            self._emit(events.MessageDropped(now, self.node_id, 0, 0, remote, DropReason.MALFORMED, data))
            return
        decision = self._decide(envelope, remote, now)
        if type(decision) is Forward:
            next_hop, message = decision.next_hop, decision.message
            if self.links.send(next_hop, message):
                transaction_id, code = envelope.transaction_id, envelope.code
                self._emit(MessageForwarded(now, self.node_id, transaction_id, code, remote, next_hop, message))
            else:
                self._drop(envelope, remote, DropReason.LINK_LOST)
        elif type(decision) is Deliver:
            self._deliver(envelope, remote)
        else:
            self._refuse(envelope, remote, dropped(decision))

    def _refuse(self, envelope: Envelope, remote: NodeID, decision: Drop) -> None:
        self._drop(envelope, remote, decision.reason)
        if decision.error_code is not None and envelope.code & 1 and envelope.code != MessageCode.ERROR:
            self._answer_unread(envelope, remote, decision.error_code, decision.reason)

    def _drop(self, envelope: Envelope, previous_hop: NodeID | None, reason: DropReason) -> None:
        about = envelope.transaction_id, envelope.code, previous_hop or b""
        self._emit(events.MessageDropped(self._now(), self.node_id, *about, reason, envelope.data))

    def _deliver(self, envelope: Envelope, previous_hop: NodeID | None) -> None:
        try:
            if envelope.fragment != WHOLE:
                whole = self._reassemble(envelope)
                if whole is None:
                    return
                envelope = whole
                if envelope.length > self.configuration.max_message_size:
                    self._drop(envelope, previous_hop, DropReason.TOO_LARGE)
                    return
            message = self._decode(envelope, self.surroundings.kinds)
        except Malformed:
            self._drop(envelope, previous_hop, DropReason.MALFORMED)
            return
        except Overrun:
            self.on_overrun()
            return
        received = self._authenticate(envelope, message, previous_hop)
        if isinstance(received, DropReason):
            self._drop(envelope, previous_hop, received)
        elif message.code == _ERROR or not message.code & 1:
            self._take_answer(received)
        else:
            self._take_request(received)

    def _delivered(self, received: Received) -> None:
        emit, envelope = self._emit, received.envelope
        emit(
            events.MessageDelivered(
                self.loop.time(),
                self.node_id,
                envelope.transaction_id,
                received.message.code,
                received.previous_hop or b"",
                received.signer,
                envelope.data,
            )
        )

    def certificate_for(self, identity: SignerIdentity, bucket: Sequence[bytes]) -> Certificate | LinkReason | None:
        """The certificate of ``bucket`` that ``identity`` names, checked now; None when it isn't there."""
        return self._seal.certificate_for(identity, bucket)

    def _authenticate(self, envelope: Envelope, message: Message, previous_hop: NodeID | None) -> Received | DropReason:
        """Who sent the message: by its signature, or by its own word where the overlay does not sign."""
        if self._seal.signs(message.code) and message.security is not UNREAD:
            signer = self._seal.signer(message)
            return signer if isinstance(signer, DropReason) else Received(envelope, message, *signer, previous_hop)
        via = envelope.via
        first = first_destination(via)[0] if via else previous_hop or self.node_id
        if not isinstance(first, NodeID):
            return DropReason.UNKNOWN_SIGNER
        return Received(envelope, message, first, None, previous_hop)

    # --- requests of others ----------------------------------------------------------------------------------

    def _take_request(self, received: Received) -> None:
        now = self._now()
        envelope = received.envelope
        known_as = (received.signer, envelope.transaction_id)
        if (known := self._answered.recall(known_as, now)) is not None:
            self._drop(envelope, received.previous_hop, DropReason.DUPLICATE)
            if known is not UNDER_WAY:
                self._send_back(received, known)
            return
        self._delivered(received)
        body = self._answer_to(received)
        if isinstance(body, Later):
            self._answered.keep(known_as, UNDER_WAY, now)
            self.spawn(self._answer_later(received, body), "answer later")
        else:
            self._answer(received, body)

    async def _answer_later(self, received: Received, later: Later) -> None:
        try:
            body = await later.work
        except ErrorAnswer as refused:
            body = ErrorResponse(error_code=refused.code, error_info=refused.info)
        self._answered.forget((received.signer, received.envelope.transaction_id))
        self._answer(received, body)

    def _answer(self, received: Received, body: Any) -> None:
        envelope, message = received.envelope, received.message
        if body is None:
            self._drop(envelope, received.previous_hop, DropReason.NOT_ADJACENT)
            return
        body = with_receipt(body, message, self._now()) if self.defences.receipts.given else body
        data = self._encode_answer(envelope, received.previous_hop, body)
        longest = self.configuration.max_message_size
        if len(data) > min(message.max_response_length or longest, longest):
            data = self._encode_answer(envelope, received.previous_hop, ErrorResponse(ErrorCode.RESPONSE_TOO_LARGE))
        if message.code in REMEMBERED:
            self._answered.keep((received.signer, envelope.transaction_id), data, self._now())
        self._send_back(received, data)

    def _send_back(self, received: Received, data: bytes) -> None:
        """Send an answer the way that it is addressed, or straight to who asked for that (RFC 7263)."""
        envelope, asker = received.envelope, received.signer
        honoured = envelope.options and self.defences.returns.honoured
        address = straight_to(envelope.options, asker) if honoured else None
        if address is None or asker == self.node_id:
            self.originate(data, envelope.transaction_id)
            return
        if not self.links.connected(asker):
            self.links.learn(asker, address)
        self.originate(straightened(data, asker), envelope.transaction_id, asker)

    def _answer_to(self, received: Received) -> Any:
        message = received.message
        refusal = objection(
            message, received.signer, received.certificate, received.previous_hop, self.configuration.sequence
        )
        if refusal is not None:
            if refusal is ErrorCode.CONFIG_TOO_OLD:
                self.on_outdated(received)
            return ErrorResponse(error_code=refusal, error_info=b"")
        handler = self.handlers.get(message.code)
        if handler is None:
            return ErrorResponse(error_code=ErrorCode.INVALID_MESSAGE, error_info=b"no such method")
        try:
            return handler(self, received)
        except ErrorAnswer as refused:
            return ErrorResponse(error_code=refused.code, error_info=refused.info)
        except Malformed as wrong:  # what only the handler can read, such as the overlay algorithm's part of an Update
            return ErrorResponse(error_code=ErrorCode.INVALID_MESSAGE, error_info=wrong.what.encode())

    # --- our own requests ------------------------------------------------------------------------------------

    async def request(
        self,
        destinations: Sequence[Destination],
        body: Any,
        *,
        next_hop: NodeID | None = None,
        certificates: tuple[bytes, ...] = (),
        from_anybody: bool = False,
        reconcile: bool = True,
        ways: Sequence[int] = BEST,
    ) -> Received:
        """Send a request and wait for its answer; raises ErrorAnswer or RequestTimedOut (RFC 6940 §6.2.1).

        ``next_hop`` names the linked node to start with; without it the destination list decides, and several ``ways``
        may be taken at once: the answer of the node with the best claim counts. ``from_anybody`` takes one from
        farther away than our own neighbors: it shows that there is another part of the overlay.
        ``reconcile`` False leaves an answer that the configurations differ to the caller, as any other error.
        """
        if not self.alive:
            raise RequestTimedOut("the node has stopped")
        sequence = self.configuration.sequence
        expected = WILDCARD if from_anybody else destinations[-1]
        answer: asyncio.Future[Received] = self.loop.create_future()
        transaction_id = self._ask(answer, destinations, body, expected, next_hop, certificates, ways)
        try:
            received = await answer
        finally:
            self._asked(transaction_id)
        if received.message.code == _ERROR:
            error = received.body
            if (
                reconcile
                and error.error_code in CONFIGURATION_ERRORS
                and body.code != MessageCode.CONFIG_UPDATE_REQ
                and await self.on_configuration_error(
                    error.error_code, received.signer, destinations, next_hop, sequence
                )
            ):
                return await self.request(
                    destinations,
                    body,
                    next_hop=next_hop,
                    certificates=certificates,
                    from_anybody=from_anybody,
                    reconcile=False,
                    ways=ways,
                )
            self._emit(events.RequestFailed(self._now(), self.node_id, transaction_id, error.error_code))
            raise ErrorAnswer(error.error_code, error.error_info, transaction_id)
        return received

    def tell(self, remote: NodeID, body: Any) -> None:
        """Send a linked node a request whose answer nobody needs; it is sent again like any other."""
        if self.alive:
            told = Told(lambda received: self._told(transaction_id, remote, body, received))
            transaction_id = self._ask(told, (remote,), body, remote, remote)

    def _told(self, transaction_id: int, remote: NodeID, body: Any, received: Received | None) -> None:
        self._asked(transaction_id)
        # Of silence the trace has it, and the link's own timer finds out whether the node is dead.
        if received is not None and self.alive and received.message.code == _ERROR:
            code = received.body.error_code
            self._emit(events.RequestFailed(self._now(), self.node_id, transaction_id, code))
            if code in CONFIGURATION_ERRORS:
                self.spawn(self._tell_again(remote, body), "tell")

    async def _tell_again(self, remote: NodeID, body: Any) -> None:
        """Once more, after our configurations have been compared."""
        try:
            await self.request((remote,), body, next_hop=remote)
        except RemoteFault:
            return

    def _ask(
        self,
        outcome: Outcome,
        destinations: Sequence[Destination],
        body: Any,
        expected: Destination,
        next_hop: NodeID | None,
        certificates: tuple[bytes, ...] = (),
        ways: Sequence[int] = BEST,
    ) -> int:
        transaction_id = self.rng.getrandbits(64)
        pending = Pending(outcome, body.code, expected, next_hop, ways)
        raw = encode_destinations(tuple(destinations))
        stated = ANY_SEQUENCE if body.code == _CONFIG_UPDATE else self.configuration.sequence
        pending.data = self._encode(transaction_id, raw, encode_contents(body), certificates, stated)
        self._pending[transaction_id] = pending
        self._go(transaction_id, pending)
        return transaction_id

    def _go(self, transaction_id: int, pending: Pending) -> None:
        """Send a request once, on each of its ways, and set the clock for the next time."""
        retry = self.defences.retry
        interval = self.configuration.overlay_reliability_timer * retry.patience
        pending.timer = self.loop.call_later(interval, self._again, transaction_id)
        straight = pending.next_hop is None and self.defences.returns.straight(pending.attempt)
        option = asks_straight(self.node_id, self.address, tls=self.defences.link_protection.tls) if straight else b""
        for data in pending.copies(retry.way(pending.attempt), option):
            self.originate(data, transaction_id, pending.next_hop, pending.code)

    def _asked(self, transaction_id: int) -> None:
        pending = self._pending.pop(transaction_id, None)
        if pending is not None and pending.timer is not None:
            pending.timer.cancel()

    def _again(self, transaction_id: int) -> None:
        pending = self._pending.get(transaction_id)
        if pending is None or pending.outcome.done():
            return
        now = self._now()
        if pending.attempt >= self.defences.retry.sends:
            pending.timer = None
            self._emit(events.RequestFailed(now, self.node_id, transaction_id, ErrorCode.REQUEST_TIMEOUT))
            pending.outcome.set_exception(RequestTimedOut(f"no answer in {pending.attempt} tries", transaction_id))
            return
        pending.attempt += 1
        self._emit(events.RequestRetransmitted(now, self.node_id, transaction_id, pending.attempt))
        self._go(transaction_id, pending)

    def _take_answer(self, received: Received) -> None:
        envelope = received.envelope
        pending = self._pending.get(envelope.transaction_id)
        code = received.message.code
        if pending is None or pending.outcome.done() or code not in (pending.code + 1, _ERROR):
            self._drop(envelope, received.previous_hop, DropReason.UNSOLICITED)
        elif received.message.extensions and any(extension.critical for extension in received.message.extensions):
            self._drop(envelope, received.previous_hop, DropReason.UNKNOWN_EXTENSION)
        elif self._seal.signs(code) and not self._right_responder(pending.destination, received.signer):
            # Also an error made on the way: a hint, never proof (RFC 6940 §6.3.3.1), so we go on waiting.
            self._drop(envelope, received.previous_hop, DropReason.WRONG_RESPONDER)
        else:
            self._delivered(received)
            pending.answers.append(received)
            if len(pending.answers) == len(pending.ways):
                pending.choose(self.defences.paths, self.topology)
            elif len(pending.answers) == 1:  # the other ways have a little time left
                paths = self.defences.paths
                self.loop.call_later(paths.patience, pending.choose, paths, self.topology)

    def _right_responder(self, destination: Destination, signer: NodeID) -> bool:
        """RFC 6940 §6.3.4: the node that was asked, or one at least as close to the resource as we know any."""
        if isinstance(destination, NodeID):
            return destination in (signer, WILDCARD)
        if isinstance(destination, ResourceID) and self.defences.responder_check.closest and not self.is_client:
            return self.topology.plausible_responder(signer, destination)
        return True

    # --- making messages -------------------------------------------------------------------------------------

    def _encode(
        self,
        transaction_id: int,
        destinations: bytes,
        contents: bytes,
        certificates: tuple[bytes, ...] = (),
        sequence: int | None = None,
    ) -> bytes:
        surroundings = self.surroundings
        return encode_message(
            overlay=surroundings.overlay,
            configuration_sequence=self.configuration.sequence if sequence is None else sequence,
            ttl=self.initial_ttl,
            transaction_id=transaction_id,
            destinations=destinations,
            contents=contents,
            security=self._seal.block(surroundings.overlay, transaction_id, contents, certificates),
        )

    def _encode_answer(self, request: Envelope, previous_hop: NodeID | None, body: Any) -> bytes:
        """The answer to ``request``, addressed back along its via list (RFC 6940 §6.2.2)."""
        back = return_path(previous_hop or self.node_id, request.via)
        if not isinstance(body, Reply):
            return self._encode(request.transaction_id, back, encode_contents(body))
        contents = encode_contents(body.body, body.extensions)
        return self._encode(request.transaction_id, back, contents, body.certificates)

    def _answer_unread(self, envelope: Envelope, previous_hop: NodeID, error_code: int, reason: DropReason) -> None:
        """Tell the sender of a request that was not for us why it ends here; a hint only."""
        body = ErrorResponse(error_code=error_code, error_info=reason.value.encode())
        try:
            answer = self._encode_answer(envelope, previous_hop, body)
        except Malformed:
            return  # nobody can be told: the via list can't be read
        self.originate(answer, envelope.transaction_id)

    def originate(self, data: bytes, transaction_id: int, next_hop: NodeID | None = None, code: int = 0) -> None:
        """Send a message of our own, whose ``code`` need not be looked up where it is known, on its way."""
        relayed: Relayed | Deliver | None = (next_hop, data, transaction_id, code) if next_hop and code else None
        if next_hop is None and self._forwarder is not None:
            relayed = self._forwarder.relay(data, None)
        if type(relayed) is tuple and self.links.send(relayed[0], relayed[1]):
            first, message, _, code = relayed
            emit, now = self._emit, self.loop.time()
            emit(events.MessageSent(now, self.node_id, transaction_id, code, first, message))
            return
        envelope = open_envelope(data)
        now = self._now()
        if next_hop is None:
            decision = self._decide(envelope, None, now)
            if type(decision) is Deliver:
                self.loop.call_soon(self._deliver_if_alive, envelope)
                return
            if type(decision) is not Forward:
                self._drop(envelope, None, dropped(decision).reason)
                return
            next_hop, data = decision.next_hop, decision.message
        if self.links.send(next_hop, data):
            self._emit(events.MessageSent(now, self.node_id, transaction_id, envelope.code, next_hop, data))
        else:
            self._drop(envelope, None, DropReason.LINK_LOST)

    def _deliver_if_alive(self, envelope: Envelope) -> None:
        if self.alive:
            self._deliver(envelope, None)
