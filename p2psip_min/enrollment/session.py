"""One visit of an applicant to an enrollment server: a connection, requests one after the other, answers judged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.answers import (
    SEALED,
    SIGNED,
    AnswerSignature,
    ExchangeProtection,
    answer_signer,
    named,
    open_answer,
    spki,
)
from p2psip_min.enrollment.authority import server_refusal
from p2psip_min.enrollment.http import MAX_ANSWER_BODY, Message, Reader, request
from p2psip_min.enrollment.trust import Root
from p2psip_min.errors import LinkReason, LinkRefused, Malformed, P2PSIPError, Rejected, RemoteFault, RequestTimedOut
from p2psip_min.ids import NodeID
from p2psip_min.transport.clear import ClearStream, open_client_clear
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.secure import SecureStream, open_client_tls
from p2psip_min.transport.tls import TlsIdentity

TIMEOUT = 20.0
"""Seconds to wait for an answer: a segment lost four times in a row still arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How one overlay's servers are spoken with, as every applicant knows beforehand.

    ``roots`` vouch for the servers' certificates, ``identity`` has them for TLS; ``key`` opens sealed answers.
    """

    overlay: str
    identity: TlsIdentity
    roots: tuple[Root, ...]
    protection: ExchangeProtection
    signature: AnswerSignature
    key: ec.EllipticCurvePrivateKey | None = None

    def judge(self, certificate: bytes, _node_id: NodeID | None, now: float) -> LinkReason | None:
        """Why a certificate is not the servers'."""
        return server_refusal(certificate, self.overlay, now)


class Session:
    """One connection to one server, opened at once; under TLS no request leaves before its certificate is judged."""

    def __init__(self, network: Network, address: Address, server: Address, manners: Manners, node_id: bytes) -> None:
        self._loop = network.loop
        self._manners = manners
        self._stream: SecureStream | ClearStream
        if manners.protection.tls:
            self._stream = open_client_tls(
                network, address, server, manners.identity, node_id=node_id, check=manners.judge
            )
        else:
            self._stream = open_client_clear(network, address, server, node_id=node_id)
        self._reader = Reader(MAX_ANSWER_BODY, answers=True)
        self._patience = network.deadlines(TIMEOUT)
        self._waiter: asyncio.Future[Message] | None = None
        self._over: LinkReason | None = None
        self._asked = 0
        self._stream.on_open = self._opened
        self._stream.on_data = self._data
        self._stream.on_close = self._closed

    async def opened(self) -> None:
        """Wait until there is a server to ask; LinkRefused when there is none. Nobody needs to: ``ask`` waits too."""
        await self._stream.opened()

    async def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Message:
        """The answer to one request, opened and checked as the servers' manners have it.

        LinkRefused when the server can't be reached or is somebody else, RequestTimedOut when it is silent, RemoteFault
        or Rejected when its answer makes no sense or isn't its own.
        """
        manners = self._manners
        self._asked += 1
        asked = ""
        if manners.signature.signed:
            headers["Answer_To"] = asked = f"{round(self._loop.time() * 1_000_000)}.{self._asked}"
        if manners.protection.sealed and manners.key is not None:
            headers["Answer_Key"] = spki(manners.key.public_key())
        answer = await self.send(request(method, target, manners.overlay, body, **headers))
        if manners.signature.signed:
            signer = answer_signer(
                named(answer.headers, SIGNED), asked, answer.status, answer.body, manners.roots
            )  # fmt: skip
            if signer is None or manners.judge(signer, None, self._loop.time()) is not None:
                raise Rejected(LinkReason.BAD_RECORD, "the enrollment server did not sign this answer")
        if manners.protection.sealed and manners.key is not None:
            plain = open_answer(answer.body, named(answer.headers, SEALED), manners.key)
            if plain is None:
                raise Rejected(LinkReason.BAD_RECORD, "the enrollment server's answer can't be opened")
            answer.body = plain
        return answer

    def send(self, data: bytes) -> asyncio.Future[Message]:
        """Whatever is answered next to these bytes; awaiting it raises LinkRefused, RequestTimedOut or RemoteFault."""
        self._waiter = self._loop.create_future()
        self._patience.pop(self, None)  # nobody waits for an earlier answer any more
        if self._over is not None:
            self._waiter.set_exception(self._gone(self._over))
            return self._waiter
        if self._stream.ready:
            self._patience.set(self)
        self._stream.write(data)
        return self._waiter

    def close(self) -> None:
        """Finish; whoever still waits for an answer is cancelled."""
        self._patience.pop(self, None)
        if self._waiter is not None:
            self._waiter.cancel()
            self._waiter = None
        self._stream.close()

    def overdue(self) -> None:
        """No answer has come."""
        self._fail(RequestTimedOut("the enrollment server does not answer"))

    def _opened(self) -> None:
        # Opening has had its own time.
        if self._waiter is not None and not self._waiter.done():
            self._patience.set(self)

    def _data(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                if self._waiter is not None and not self._waiter.done():
                    self._patience.pop(self, None)
                    self._waiter.set_result(message)
        except Malformed as error:
            self._fail(RemoteFault(f"the enrollment server's answer: {error}"))

    def _closed(self, reason: LinkReason) -> None:
        self._over = reason
        self._fail(self._gone(reason))

    def _gone(self, reason: LinkReason) -> P2PSIPError:
        if self._stream.ready:
            return RequestTimedOut(f"the enrollment server is gone: {reason.value}")
        return LinkRefused(reason)

    def _fail(self, error: P2PSIPError) -> None:
        self._patience.pop(self, None)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
