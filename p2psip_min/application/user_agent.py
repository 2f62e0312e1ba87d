"""A user's phone in the client/server deployment: all goes through the registrar-proxy (RFC 3261 §8, §10, §13)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from p2psip_min import trace as events
from p2psip_min.application import digest, sip
from p2psip_min.application.registrar_proxy import Channel
from p2psip_min.application.sip import SipMessage, SipReader, address_of
from p2psip_min.errors import LinkReason, Malformed, NotFound, P2PSIPError, RequestTimedOut
from p2psip_min.ids import NodeID
from p2psip_min.seams import Random
from p2psip_min.trace import Sink

TIMEOUT = 32.0
"""Seconds that a request waits for its final answer: 64 times T1 (RFC 3261 §17.1.1.2)."""

_INSTANCE = '+sip.instance="<urn:uuid:'

Connect = Callable[[], Awaitable[Channel]]
"""Opens a connection to the domain's server; raises LinkRefused or NotFound."""


class UserAgent:
    """The phone of ``aor`` (user@domain); ``node_id`` is its instance (RFC 5626 §4.1) and names it in the trace."""

    def __init__(
        self,
        node_id: NodeID,
        aor: str,
        password: str,
        host: str,
        connect: Connect,
        *,
        loop: asyncio.AbstractEventLoop,
        rng: Random,
        trace: Sink,
    ) -> None:
        self.node_id = node_id
        self.aor = aor
        self.domain = aor.partition("@")[2]
        self.contact = f'<sip:{host}>;{_INSTANCE}{node_id.hex()}>"'
        self.calls: list[tuple[NodeID, str]] = []
        self._password = password
        self._connect = connect
        self._loop = loop
        self._rng = rng
        self._emit = trace.emit
        self._channel: Channel | None = None
        self._reader = SipReader()
        self._sequence = 0
        self._waiting: dict[str, asyncio.Future[SipMessage]] = {}

    # --- what a user does --------------------------------------------------------------------------------------

    async def register(self, *, lifetime: int = 3600) -> None:
        """Tell the registrar where we are, after its challenge; raises NotFound, LinkRefused or RequestTimedOut."""
        response = await self._register(lifetime)
        if response.status != 200:
            raise NotFound(f"{response.status} {response.reason}")
        self._emit(events.Registered(self._loop.time(), self.node_id, 0, self.aor, self.contact if lifetime else ""))

    async def unregister(self) -> None:
        """Take the registration back."""
        await self.register(lifetime=0)

    async def resolve(self, aor: str) -> str:
        """Ask through the proxy what ``aor``'s phone can do: its Contact (RFC 3261 §11); raises NotFound."""
        response, _ = await self._ask("OPTIONS", aor)
        contact = response.header("Contact") if response.status == 200 else ""
        self._emit(events.Resolved(self._loop.time(), self.node_id, 0, aor, contact))
        if not contact:
            raise NotFound(f"{response.status} {response.reason}")
        return contact

    async def call(self, aor: str) -> NodeID:
        """Call ``aor``; returns the instance that answered, raises a P2PSIPError when none did."""
        try:
            response, request = await self._ask("INVITE", aor)
            if response.status != 200:
                raise NotFound(f"{response.status} {response.reason}")
            remote = instance(response.header("Contact"))
        except P2PSIPError as error:
            reason = str(error) or type(error).__name__
            self._emit(events.CallFailed(self._loop.time(), self.node_id, 0, aor, reason))
            raise
        self._write(sip.acknowledge(request, response))
        self._emit(events.CallSetUp(self._loop.time(), self.node_id, 0, aor, remote))
        return remote

    # --- requests ----------------------------------------------------------------------------------------------

    async def _register(self, lifetime: int) -> SipMessage:
        uri = f"sip:{self.domain}"
        response, _ = await self._ask("REGISTER", self.aor, uri=uri, headers=(("Expires", str(lifetime)),))
        if response.status != 401:
            return response
        proof = digest.authorization(
            response.header("WWW-Authenticate"), self.aor, self._password, self._token(), "REGISTER", uri
        )
        headers = (("Expires", str(lifetime)), ("Authorization", proof))
        return (await self._ask("REGISTER", self.aor, uri=uri, headers=headers))[0]

    async def _ask(
        self, method: str, aor: str, *, uri: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> tuple[SipMessage, SipMessage]:
        if self._channel is None:
            self._attach(await self._connect())
        self._sequence += 1
        call_id = self._token()
        request = sip.request(
            method, uri or f"sip:{aor}", sender=self.aor, to=aor, call_id=call_id, branch=self._token(),
            contact=self.contact, sequence=self._sequence,
        )  # fmt: skip
        for name, value in headers:
            request = request.having(name, value)
        future: asyncio.Future[SipMessage] = self._loop.create_future()
        self._waiting[call_id] = future
        try:
            self._write(request)
            async with asyncio.timeout(TIMEOUT):
                return await future, request
        except TimeoutError:
            self.close()  # the next request tries a new connection
            raise RequestTimedOut(f"no answer to {method} in {TIMEOUT:g} s") from None
        finally:
            self._waiting.pop(call_id, None)

    def _token(self) -> str:
        return f"{self._rng.getrandbits(64):016x}"

    # --- the connection ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Hang up on the server."""
        if self._channel is not None:
            self._channel.close()
            self._closed(LinkReason.CLOSED)

    def _attach(self, channel: Channel) -> None:
        self._channel, self._reader = channel, SipReader()
        channel.on_data = self._data
        channel.on_close = self._closed

    def _closed(self, reason: LinkReason) -> None:
        self._channel = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(RequestTimedOut(f"the server is gone: {reason.value}"))

    def _write(self, message: SipMessage) -> None:
        if self._channel is not None:
            self._channel.write(message.encode())

    def _data(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except Malformed:
            self.close()
            return
        for message in messages:
            if message.method:
                self._asked(message)
            elif message.status >= 200:
                future = self._waiting.get(message.header("Call-ID"))
                if future is not None and not future.done():
                    future.set_result(message)

    def _asked(self, message: SipMessage) -> None:
        if message.method == "ACK":
            return
        if message.method == "INVITE":
            try:
                caller = instance(message.header("Contact"))
            except NotFound:
                self._write(sip.answer(message, 400, "Bad Request", tag=self.node_id.hex()[:8]))
                return
            self.calls.append((caller, message.header("Call-ID")))
        elif message.method != "OPTIONS":
            self._write(sip.answer(message, 405, "Method Not Allowed", tag=self.node_id.hex()[:8]))
            return
        mine = address_of(message.uri) == self.aor
        status, reason = (200, "OK") if mine else (404, "Not Found")
        answer = sip.answer(message, status, reason, tag=self.node_id.hex()[:8])
        self._write(answer.having("Contact", self.contact))


def instance(contact: str) -> NodeID:
    """The instance in a Contact header; NotFound when it names none."""
    text = contact.partition(_INSTANCE)[2][:32]
    try:
        return NodeID(bytes.fromhex(text))
    except ValueError:
        raise NotFound("a contact that names no instance") from None
