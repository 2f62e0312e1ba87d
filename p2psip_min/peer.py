"""A node put together from its parts: receive, dispatch, request (RFC 6940 §6).

The life of a message: a link hands up bytes → ``open_envelope`` reads the header → ``forwarding.decide`` says
deliver, forward or drop → a delivered message is decoded, its signature checked, and it either answers one of our
requests or goes to the handler of its method, whose result is sent back along the via list.

Nothing here waits but ``request``; what a method means stands in ``handlers``, what takes several steps in
``procedures``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from p2psip_min import trace as events
from p2psip_min.defences import Defences
from p2psip_min.enrollment.certificates import Certificate, TrustStore
from p2psip_min.enrollment.configuration import ANY_SEQUENCE, Configuration, newer
from p2psip_min.errors import (
    DropReason,
    ErrorAnswer,
    LinkReason,
    LocalProtocolError,
    Malformed,
    RemoteFault,
    RequestTimedOut,
)
from p2psip_min.ids import WILDCARD, Destination, NodeID, ResourceID
from p2psip_min.routing.forwarding import Deliver, Drop, Forward
from p2psip_min.routing.topology.base import Changes
from p2psip_min.seams import PeerParts, Random
from p2psip_min.storage.copies import Copies
from p2psip_min.storage.policies import signing_node
from p2psip_min.storage.reader import Reader
from p2psip_min.trace import Sink
from p2psip_min.transport.network import Address
from p2psip_min.wire.fragments import Reassembler
from p2psip_min.wire.header import WHOLE, Envelope, encode_destinations, open_envelope, return_path
from p2psip_min.wire.kinds import KindRegistry, KindSpec
from p2psip_min.wire.message import Message, decode_message, encode_contents, encode_message, message_input
from p2psip_min.wire.messages import ErrorCode, ErrorResponse, MessageCode
from p2psip_min.wire.security import (
    UNSIGNED,
    HashAlgorithm,
    IdentityType,
    SecurityBlock,
    SignatureAlgorithm,
    SignerIdentity,
    encode_identity,
    encode_security,
    identity_of,
    sign,
    verify,
)

ANSWER_MEMORY = 15.0
"""Seconds for which a request that changed something is answered from memory when it comes again (§6.2.1)."""

REQUEST_SENDS = 5
"""How often a request is sent in all, one overlay-reliability-timer apart (§6.2.1)."""

_UNSIGNED_BLOCK = encode_security(SecurityBlock((), UNSIGNED))

Handler = Callable[["Peer", "Received"], Any]
"""What a node does with a request: returns the answer's body, or None to stay silent; raises ErrorAnswer."""


ConfigurationError = Callable[[int, NodeID, Sequence[Destination], NodeID | None, int], Awaitable[bool]]
"""Deals with Error_Config_Too_Old and _Too_New: code, responder, destinations, next hop and sequence of the request."""

_CONFIGURATION_ERRORS = (ErrorCode.CONFIG_TOO_OLD, ErrorCode.CONFIG_TOO_NEW)


async def _give_up(*_: object) -> bool:
    return False


@dataclass(slots=True)
class Surroundings:
    """What every node of one overlay shares: the loop, the sink, the rules, the Kinds."""

    loop: asyncio.AbstractEventLoop
    trace: Sink
    defences: Defences
    kinds: KindRegistry
    overlay_name: str
    overlay: int


@dataclass(slots=True)
class Received:
    """A message that ended here: ``signer`` sent it, proven by ``certificate`` where the overlay signs.

    ``previous_hop`` is the link it came over, None when the node asked itself.
    """

    envelope: Envelope
    message: Message
    signer: NodeID
    certificate: Certificate | None
    previous_hop: NodeID | None

    @property
    def body(self) -> Any:
        """The message's decoded body."""
        return self.message.body


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's body with the certificates (DER) that its reader needs beside our own."""

    body: Any
    certificates: tuple[bytes, ...] = ()


class _Pending:
    __slots__ = ("attempt", "data", "destination", "future", "next_hop", "timer")

    def __init__(self, future: asyncio.Future[Received], destination: Destination, next_hop: NodeID | None) -> None:
        self.future = future
        self.destination = destination
        self.next_hop = next_hop
        self.data = b""
        self.attempt = 1
        self.timer: asyncio.TimerHandle | None = None


class Peer:
    """One node, peer or client, honest or not: it differs from any other in its parts only."""

    def __init__(
        self,
        parts: PeerParts,
        *,
        surroundings: Surroundings,
        trust: TrustStore,
        configuration: Configuration,
        rng: Random,
        handlers: dict[int, Handler],
        address: Address,
        is_client: bool = False,
        iterative: bool = False,
    ) -> None:
        self.node_id: NodeID = parts.identity.node_id
        self.address = address
        self.surroundings = surroundings
        self.loop = surroundings.loop
        self.defences = surroundings.defences
        self.trust = trust
        self.configuration = configuration
        self.rng = rng
        self.handlers = handlers
        self.is_client = is_client
        self.iterative = iterative
        self.alive = True
        self.joined = False
        self.leaving = False
        self.joined_at = 0.0
        self.admitting: NodeID | None = None
        self.attaching: dict[NodeID, int] = {}
        self.courting: dict[NodeID, None] = {}
        self.acquaintances: dict[NodeID, Address] = {}
        self.hold_copies_until = 0.0
        self.unannounced: Changes | None = None
        self.announcing: asyncio.TimerHandle | None = None
        self.copies = Copies()
        self.copying: asyncio.Task[None] | None = None
        self.unchecked = False
        self.reader = Reader(
            self.node_id, surroundings.defences.record_signature, surroundings.defences.reader_memory.start()
        )
        self.generations: dict[tuple[bytes, int], int] = {}
        self._last_storage_time = 0
        self.on_link_failed: Callable[[NodeID, LinkReason], None] = lambda node, reason: None
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.informing: dict[NodeID, None] = {}
        self.informed: dict[NodeID, int] = {}
        self.on_outdated: Callable[[Received], None] = lambda received: None
        self.on_configuration_error: ConfigurationError = _give_up
        self._now = surroundings.loop.time
        self._emit = surroundings.trace.emit
        self._pending: dict[int, _Pending] = {}
        self._answered: dict[tuple[NodeID, int], bytes] = {}
        self._answered_until: deque[tuple[float, tuple[NodeID, int]]] = deque()
        self._reassembler = Reassembler()
        self._signals: dict[tuple[str, NodeID], list[asyncio.Future[None]]] = {}
        self._update_heard: dict[NodeID, float] = {}
        self._signed = surroundings.defences.message_authentication.signed
        self.identity: SignerIdentity = identity_of(parts.identity.certificate)
        self._identity_bytes = encode_identity(self.identity)
        self.equip(parts)

    def equip(self, parts: PeerParts) -> None:
        """Take ``parts`` as this node's parts from now on."""
        if parts.identity.node_id != self.node_id:
            raise LocalProtocolError("a node's identity can't be exchanged while it runs")
        self.parts = parts
        self.topology = parts.topology
        self.store = parts.store
        self.links = parts.links
        self._decide = parts.forwarding.decide
        self._send = parts.links.send
        parts.links.on_message = self.receive
        parts.links.on_opened = self._opened
        parts.links.on_failed = self._failed

    def now(self) -> float:
        """Seconds of virtual time."""
        return self._now()

    def emit(self, event: events.Event) -> None:
        """Add an event to the trace."""
        self._emit(event)

    def next_storage_time(self, milliseconds: int) -> int:
        """A storage time for now that is above every earlier one of this node (RFC 6940 §7)."""
        self._last_storage_time = max(milliseconds, self._last_storage_time + 1)
        return self._last_storage_time

    # --- tasks -----------------------------------------------------------------------------------------------

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any] | None:
        """Run a procedure beside the node; it ends with the node at the latest."""
        if not self.alive:
            coroutine.close()
            return None
        task = self.loop.create_task(coroutine, name=name)
        self.tasks[task] = None
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.call_exception_handler({"message": f"task {task.get_name()} failed", "exception": error})

    def stop(self) -> None:
        """End every task and request; the links are left to the caller."""
        self.alive = False
        self.joined = False
        for task in list(self.tasks):
            task.cancel()
        for pending in list(self._pending.values()):
            if pending.timer is not None:
                pending.timer.cancel()
            if not pending.future.done():
                pending.future.set_exception(RequestTimedOut("the node has stopped"))
        self._pending.clear()
        if self.announcing is not None:
            self.announcing.cancel()

    # --- links and Updates that procedures wait for ------------------------------------------------------------

    def _opened(self, remote: NodeID) -> None:
        self._signal("opened", remote)

    def _failed(self, remote: NodeID, reason: LinkReason) -> None:
        if self.alive:
            self.on_link_failed(remote, reason)

    def heard_update(self, remote: NodeID) -> None:
        """Note that ``remote`` sent an Update now."""
        self._update_heard[remote] = self._now()
        self._signal("update", remote)

    def _signal(self, what: str, remote: NodeID) -> None:
        for future in self._signals.pop((what, remote), ()):
            if not future.done():
                future.set_result(None)

    async def link_up(self, remote: NodeID, timeout: float) -> None:
        """Wait until a link to ``remote`` is up; raises RequestTimedOut."""
        if remote not in self.links.table:
            await self._signalled("opened", remote, timeout)

    async def update_from(self, remote: NodeID, since: float, timeout: float) -> None:
        """Wait until ``remote`` has sent an Update at or after ``since``; raises RequestTimedOut."""
        if self._update_heard.get(remote, -1.0) < since:
            await self._signalled("update", remote, timeout)

    async def _signalled(self, what: str, remote: NodeID, timeout: float) -> None:
        future: asyncio.Future[None] = self.loop.create_future()
        self._signals.setdefault((what, remote), []).append(future)
        try:
            await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise RequestTimedOut(f"waited {timeout:g} s for {what} of {remote!r}") from None

    # --- configuration -----------------------------------------------------------------------------------------

    def follow(self, configuration: Configuration) -> None:
        """Go by this configuration, its roots and its bad nodes from now on."""
        self.configuration = configuration
        configuration.instruct(self.trust)
        self._signal("configuration", self.node_id)

    def know_kinds(self, specs: Iterable[KindSpec]) -> None:
        """Take part in these Kinds too, or by these limits (RFC 6940 §6.5.4)."""
        kinds = KindRegistry([*self.surroundings.kinds.values(), *specs])
        self.surroundings = replace(self.surroundings, kinds=kinds)
        self.store.know_kinds(kinds)

    async def configuration_taken(self, timeout: float) -> None:
        """Wait until another configuration is followed; raises RequestTimedOut."""
        await self._signalled("configuration", self.node_id, timeout)

    # --- receiving -------------------------------------------------------------------------------------------

    def receive(self, remote: NodeID, data: bytes) -> None:
        """Take a message off the link to ``remote``."""
        try:
            envelope = open_envelope(data)
        except Malformed:
            self._emit(events.MessageDropped(self._now(), self.node_id, 0, 0, remote, DropReason.MALFORMED, data))
            return
        self._pass_on(envelope, remote)

    def _pass_on(self, envelope: Envelope, previous_hop: NodeID) -> None:
        now = self._now()
        decision = self._decide(envelope, previous_hop, now)
        if type(decision) is Forward:
            next_hop, message = decision.next_hop, decision.message
            if self._send(next_hop, message):
                self._emit(
                    events.MessageForwarded(
                        now,
                        self.node_id,
                        envelope.transaction_id,
                        envelope.code,
                        previous_hop,
                        next_hop,
                        message,
                    )
                )
            else:
                self._drop(envelope, previous_hop, DropReason.LINK_LOST)
        elif type(decision) is Deliver:
            self._deliver(envelope, previous_hop)
        else:
            assert isinstance(decision, Drop)
            self._drop(envelope, previous_hop, decision.reason)
            if decision.error_code is not None and envelope.code & 1 and envelope.code != MessageCode.ERROR:
                self._answer_unread(envelope, previous_hop, decision.error_code, decision.reason)

    def _drop(self, envelope: Envelope, previous_hop: NodeID | None, reason: DropReason) -> None:
        self._emit(
            events.MessageDropped(
                self._now(),
                self.node_id,
                envelope.transaction_id,
                envelope.code,
                previous_hop or b"",
                reason,
                envelope.data,
            )
        )

    def _deliver(self, envelope: Envelope, previous_hop: NodeID | None) -> None:
        if envelope.fragment != WHOLE:
            whole = self._reassembler.add(envelope, self._now())
            if whole is None:
                return
            envelope = whole
        try:
            message = decode_message(envelope, self.surroundings.kinds)
        except Malformed:
            self._drop(envelope, previous_hop, DropReason.MALFORMED)
            return
        received = self._authenticate(envelope, message, previous_hop)
        if isinstance(received, DropReason):
            self._drop(envelope, previous_hop, received)
        elif message.code == MessageCode.ERROR or not message.code & 1:
            self._take_answer(received)
        else:
            self._take_request(received)

    def _delivered(self, received: Received) -> None:
        envelope = received.envelope
        self._emit(
            events.MessageDelivered(
                self._now(),
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
        now = self._now()
        for der in bucket:
            certificate = self.trust.check(der, now=now)
            if isinstance(certificate, LinkReason):
                if identity_of(der) == identity:
                    return certificate
            elif _names(certificate, identity):
                return certificate
        return None

    def _authenticate(
        self, envelope: Envelope, message: Message, previous_hop: NodeID | None
    ) -> Received | DropReason:
        """Who sent the message: by its signature, or by its own word where the overlay does not sign."""
        if not self._signed:
            if message.via:
                first = message.via[0]
                if not isinstance(first, NodeID):
                    return DropReason.UNKNOWN_SIGNER
                return Received(envelope, message, first, None, previous_hop)
            return Received(envelope, message, previous_hop or self.node_id, None, previous_hop)
        security = message.security
        signature = security.signature
        if signature.algorithm == SignatureAlgorithm.ANONYMOUS:
            return DropReason.UNSIGNED
        certificate = self.certificate_for(signature.identity, security.certificates)
        if certificate is None:
            return DropReason.UNKNOWN_SIGNER
        if isinstance(certificate, LinkReason):
            return DropReason.CERTIFICATE_REFUSED
        identity = encode_identity(signature.identity)
        signed = message_input(message.overlay, message.transaction_id, message.contents, identity)
        if not verify(certificate.public_key, signature, signed):
            return DropReason.BAD_SIGNATURE
        signer = signing_node(certificate, signature.identity)
        if signer is None:
            return DropReason.UNKNOWN_SIGNER
        return Received(envelope, message, signer, certificate, previous_hop)

    # --- requests of others ----------------------------------------------------------------------------------

    def _take_request(self, received: Received) -> None:
        now = self._now()
        envelope, message = received.envelope, received.message
        known_as = (received.signer, envelope.transaction_id)
        self._forget_answers(now)
        if (known := self._answered.get(known_as)) is not None:
            self._drop(envelope, received.previous_hop, DropReason.DUPLICATE)
            self.originate(known, envelope.transaction_id)
            return
        self._delivered(received)
        body = self._answer_to(received)
        certificates: tuple[bytes, ...] = ()
        if isinstance(body, Reply):
            body, certificates = body.body, body.certificates
        elif body is None:
            self._drop(envelope, received.previous_hop, DropReason.NOT_ADJACENT)
            return
        data = self._encode_answer(envelope, received.previous_hop, body, certificates)
        if message.max_response_length and len(data) > message.max_response_length:
            error = ErrorResponse(error_code=ErrorCode.RESPONSE_TOO_LARGE, error_info=b"")
            data = self._encode_answer(envelope, received.previous_hop, error)
        if message.code in _REMEMBERED:
            self._answered[known_as] = data
            self._answered_until.append((now + ANSWER_MEMORY, known_as))
        self.originate(data, envelope.transaction_id)

    def _answer_to(self, received: Received) -> Any:
        message = received.message
        if any(extension.critical for extension in message.extensions):
            return ErrorResponse(error_code=ErrorCode.UNKNOWN_EXTENSION, error_info=b"")
        if (refusal := self._configuration_refusal(received)) is not None:
            return refusal
        handler = self.handlers.get(message.code)
        if handler is None:
            return ErrorResponse(error_code=ErrorCode.INVALID_MESSAGE, error_info=b"no such method")
        try:
            return handler(self, received)
        except ErrorAnswer as refused:
            return ErrorResponse(error_code=refused.code, error_info=refused.info)

    def _configuration_refusal(self, received: Received) -> ErrorResponse | None:
        """Error_Config_Too_Old or _Too_New when the sender follows another document (RFC 6940 §6.3.2.1)."""
        theirs, ours = received.message.configuration_sequence, self.configuration.sequence
        if theirs == ours or (theirs == ANY_SEQUENCE and received.message.code == MessageCode.CONFIG_UPDATE_REQ):
            return None
        older = newer(ours, theirs)
        if older:
            self.on_outdated(received)
        code = ErrorCode.CONFIG_TOO_OLD if older else ErrorCode.CONFIG_TOO_NEW
        return ErrorResponse(error_code=code, error_info=b"")

    def _forget_answers(self, now: float) -> None:
        until = self._answered_until
        while until and until[0][0] <= now:
            self._answered.pop(until.popleft()[1], None)

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
    ) -> Received:
        """Send a request and wait for its answer; raises ErrorAnswer or RequestTimedOut (RFC 6940 §6.2.1).

        ``next_hop`` names the linked node to start with; without it the destination list decides. ``from_anybody``
        takes an answer from farther away than our own neighbors: it shows that there is another part of the overlay.
        ``reconcile`` False leaves an answer that the configurations differ to the caller, as any other error.
        """
        if not self.alive:
            raise RequestTimedOut("the node has stopped")
        transaction_id = self.rng.getrandbits(64)
        expected = WILDCARD if from_anybody else destinations[-1]
        pending = _Pending(self.loop.create_future(), expected, next_hop)
        raw = encode_destinations(tuple(destinations))
        sequence = self.configuration.sequence
        stated = ANY_SEQUENCE if body.code == MessageCode.CONFIG_UPDATE_REQ else sequence
        pending.data = self._encode(transaction_id, raw, encode_contents(body), certificates, stated)
        self._pending[transaction_id] = pending
        interval = self.configuration.overlay_reliability_timer
        pending.timer = self.loop.call_later(interval, self._again, transaction_id)
        self.originate(pending.data, transaction_id, next_hop)
        try:
            received = await pending.future
        finally:
            self._pending.pop(transaction_id, None)
            if pending.timer is not None:
                pending.timer.cancel()
        if received.message.code == MessageCode.ERROR:
            error = received.body
            if (
                reconcile
                and error.error_code in _CONFIGURATION_ERRORS
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
                )
            self._emit(events.RequestFailed(self._now(), self.node_id, transaction_id, error.error_code))
            raise ErrorAnswer(error.error_code, error.error_info)
        return received

    def tell(self, remote: NodeID, body: Any) -> None:
        """Send a linked node a request whose answer nobody needs; it is sent again like any other."""
        self.spawn(self._tell(remote, body), "tell")

    async def _tell(self, remote: NodeID, body: Any) -> None:
        try:
            await self.request((remote,), body, next_hop=remote)
        except RemoteFault:
            return  # the trace has it, and the link's own timer finds out whether the node is dead

    def _again(self, transaction_id: int) -> None:
        pending = self._pending.get(transaction_id)
        if pending is None or pending.future.done():
            return
        now = self._now()
        if pending.attempt == REQUEST_SENDS:
            pending.timer = None
            self._emit(events.RequestFailed(now, self.node_id, transaction_id, ErrorCode.REQUEST_TIMEOUT))
            pending.future.set_exception(RequestTimedOut(f"no answer in {REQUEST_SENDS} tries"))
            return
        pending.attempt += 1
        self._emit(events.RequestRetransmitted(now, self.node_id, transaction_id, pending.attempt))
        interval = self.configuration.overlay_reliability_timer
        pending.timer = self.loop.call_later(interval, self._again, transaction_id)
        self.originate(pending.data, transaction_id, pending.next_hop)

    def _take_answer(self, received: Received) -> None:
        envelope = received.envelope
        pending = self._pending.get(envelope.transaction_id)
        if pending is None or pending.future.done():
            self._drop(envelope, received.previous_hop, DropReason.UNSOLICITED)
        elif not self._right_responder(pending.destination, received.signer):
            # Also an error made on the way: a hint, never proof (RFC 6940 §6.3.3.1), so we go on waiting.
            self._drop(envelope, received.previous_hop, DropReason.WRONG_RESPONDER)
        else:
            self._delivered(received)
            pending.future.set_result(received)

    def _right_responder(self, destination: Destination, signer: NodeID) -> bool:
        """RFC 6940 §6.3.4: the node that was asked, or one at least as close to the resource as we know any."""
        if not self._signed:
            return True
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
        if self._signed:
            identity = self.parts.identity
            signature = sign(
                identity.private_key,
                self.identity,
                message_input(surroundings.overlay, transaction_id, contents, self._identity_bytes),
            )
            mine = identity.certificate
            bucket = (mine, *[der for der in certificates if der != mine]) if certificates else (mine,)
            security = encode_security(SecurityBlock(bucket, signature))
        elif certificates:
            security = encode_security(SecurityBlock(certificates, UNSIGNED))
        else:
            security = _UNSIGNED_BLOCK
        return encode_message(
            overlay=surroundings.overlay,
            configuration_sequence=self.configuration.sequence if sequence is None else sequence,
            ttl=self.configuration.initial_ttl,
            transaction_id=transaction_id,
            destinations=destinations,
            contents=contents,
            security=security,
        )

    def _encode_answer(
        self,
        request: Envelope,
        previous_hop: NodeID | None,
        body: Any,
        certificates: tuple[bytes, ...] = (),
    ) -> bytes:
        """The answer to ``request``, addressed back along its via list (RFC 6940 §6.2.2)."""
        back = return_path(previous_hop or self.node_id, request.via)
        return self._encode(request.transaction_id, back, encode_contents(body), certificates)

    def _answer_unread(
        self, envelope: Envelope, previous_hop: NodeID, error_code: int, reason: DropReason
    ) -> None:
        """Tell the sender of a request that was not for us why it ends here; a hint only."""
        body = ErrorResponse(error_code=error_code, error_info=reason.value.encode())
        self.originate(self._encode_answer(envelope, previous_hop, body), envelope.transaction_id)

    def originate(self, data: bytes, transaction_id: int, next_hop: NodeID | None = None) -> None:
        """Send a message of our own on its way."""
        envelope = open_envelope(data)
        now = self._now()
        if next_hop is None:
            decision = self._decide(envelope, None, now)
            if type(decision) is Deliver:
                self.loop.call_soon(self._deliver_if_alive, envelope)
                return
            if type(decision) is not Forward:
                assert isinstance(decision, Drop)
                self._drop(envelope, None, decision.reason)
                return
            next_hop, data = decision.next_hop, decision.message
        if self._send(next_hop, data):
            self._emit(events.MessageSent(now, self.node_id, transaction_id, envelope.code, next_hop, data))
        else:
            self._drop(envelope, None, DropReason.LINK_LOST)

    def _deliver_if_alive(self, envelope: Envelope) -> None:
        if self.alive:
            self._deliver(envelope, None)


def _names(certificate: Certificate, identity: SignerIdentity) -> bool:
    """Whether a signer identity means this certificate (RFC 6940 §6.3.4)."""
    if identity.type == IdentityType.CERT_HASH and identity.hash == HashAlgorithm.SHA256:
        return identity.digest == certificate.digest
    return identity.type == IdentityType.CERT_HASH_NODE_ID and signing_node(certificate, identity) is not None


_REMEMBERED = frozenset(
    {
        MessageCode.ATTACH_REQ,
        MessageCode.APP_ATTACH_REQ,
        MessageCode.JOIN_REQ,
        MessageCode.LEAVE_REQ,
        MessageCode.UPDATE_REQ,
        MessageCode.CONFIG_UPDATE_REQ,
    }
)
"""Methods whose repetition is answered from memory here; stores have a memory of their own (a defence)."""
