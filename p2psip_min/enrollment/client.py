"""The other side of enrollment: fetch the configuration, ask for a certificate, check both (RFC 6940 §11.2, §11.3).

1. The server proves that it is the overlay's (its certificate carries the overlay's name) before a password leaves.
2. Servers are tried in order: one that does not answer, or is not who it should be, gives way to the next; one that
   says no has spoken for all. The next call begins with the one that answered last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.authority import server_refusal
from p2psip_min.enrollment.certificates import Certificate, ChainCache, Credential, key_digest
from p2psip_min.enrollment.configuration import Configuration, accept, adopt
from p2psip_min.enrollment.http import MAX_ANSWER_BODY, Message, Part, Reader, request, write_form
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.revocation import RevocationList, read_list
from p2psip_min.enrollment.server import CONFIGURATION, ENROLLMENT, NONCE, REVOKED
from p2psip_min.enrollment.vouching import Voucher
from p2psip_min.errors import (
    ConfigurationReason,
    ConfigurationRefused,
    EnrollmentReason,
    EnrollmentRefused,
    LinkReason,
    LinkRefused,
    LocalProtocolError,
    Malformed,
    Rejected,
    RemoteFault,
    RequestTimedOut,
)
from p2psip_min.ids import NodeID
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.secure import SecureStream, open_client_tls
from p2psip_min.transport.tls import TlsIdentity

TIMEOUT = 20.0
"""Seconds to wait for an answer: a segment lost four times in a row still arrives."""

_REASONS = {reason.value: reason for reason in EnrollmentReason}


class _Session:
    """One connection to one server; requests one after the other."""

    def __init__(self, network: Network, stream: SecureStream) -> None:
        self._loop = network.loop
        self._stream = stream
        self._reader = Reader(MAX_ANSWER_BODY, answers=True)
        self._waiter: asyncio.Future[Message] | None = None
        stream.on_data = self._data
        stream.on_close = self._closed

    async def ask(self, data: bytes) -> Message:
        """The answer to one request; RequestTimedOut without one, RemoteFault when it makes no sense."""
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(TIMEOUT, self._fail, RequestTimedOut("the enrollment server does not answer"))
        self._stream.write(data)
        try:
            return await self._waiter
        finally:
            timer.cancel()

    def close(self) -> None:
        self._stream.close()

    def _data(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                if self._waiter is not None and not self._waiter.done():
                    self._waiter.set_result(message)
        except Malformed as error:
            self._fail(RemoteFault(f"the enrollment server's answer: {error}"))

    def _closed(self, reason: LinkReason) -> None:
        self._fail(RequestTimedOut(f"the enrollment server is gone: {reason.value}"))

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


class EnrollmentClient:
    """A node's way to the enrollment servers of ``overlay``; ``address`` must be free while a call lasts.

    ``identity`` holds the roots of the servers' certificates, which are not the overlay's; nodes may share it. Every
    call raises LinkRefused when no server can be reached, RemoteFault for answers that make no sense.
    """

    def __init__(
        self,
        network: Network,
        address: Address,
        servers: Sequence[Address],
        identity: TlsIdentity,
        overlay: str,
        *,
        node_id: bytes = b"",
        cache: ChainCache | None = None,
    ) -> None:
        if not servers:
            raise LocalProtocolError("no enrollment server is known")
        self.overlay = overlay
        self._network = network
        self._address = address
        self._servers = list(servers)
        self._identity = identity
        self._node_id = node_id
        self._cache = cache

    async def configuration(self, current: Configuration | None = None) -> Configuration:
        """The overlay's configuration: the first one, or the successor of ``current``; ConfigurationRefused(reason)."""
        answer = await self._get(CONFIGURATION)
        now = self._network.loop.time()
        if current is None:
            outcome = adopt(answer.body, self.overlay, now, cache=self._cache)
        else:
            outcome = accept(current, answer.body, now, cache=self._cache)
        if isinstance(outcome, ConfigurationReason):
            raise ConfigurationRefused(outcome)
        return outcome

    async def revocation_list(self, configuration: Configuration) -> RevocationList:
        """The authority's list of revoked certificates, its signature checked."""
        answer = await self._get(REVOKED)
        revoked = read_list(answer.body, configuration.roots)
        if revoked is None:
            raise RemoteFault("the enrollment server's answer is no revocation list of this overlay")
        return revoked

    async def enroll(
        self,
        key: ec.EllipticCurvePrivateKey,
        account: str,
        password: str,
        configuration: Configuration,
        *,
        user: str = "",
        count: int = 1,
        wanted: Sequence[NodeID] = (),
        voucher: Voucher | None = None,
        coupon: bytes = b"",
    ) -> Credential:
        """A credential for ``user`` (by default the account's name) with ``count`` Node-IDs, perhaps those ``wanted``.

        ``voucher`` and ``coupon`` are for overlays that ask who somebody is, or for money.

        EnrollmentRefused(reason) if the server says no; Rejected(reason) if what it sends is no certificate of this
        overlay for this key and user.
        """
        user = user or account
        session = await self._connect()
        try:
            nonce = _expect(await session.ask(request("GET", NONCE, self.overlay))).body
            csr = certificate_request(key, user, nonce, wanted=wanted, overlay=self.overlay)
            fields = {
                "csr": Part(csr, "application/pkcs10"),
                "username": Part(account.encode()),
                "password": Part(password.encode()),
            }
            if count != 1:
                fields["nodeids"] = Part(str(count).encode())
            if voucher is not None:
                fields["voucher"] = Part(voucher.text().encode())
            if coupon:
                fields["coupon"] = Part(coupon)
            content_type, body = write_form(fields)
            answer = _expect(
                await session.ask(
                    request(
                        "POST",
                        ENROLLMENT,
                        self.overlay,
                        body,
                        Accept="application/pkix-cert",
                        Content_Type=content_type,
                    )
                )
            )
        finally:
            session.close()
        node_ids = self._check(answer.body, key, user, configuration)
        return Credential(
            node_ids=node_ids, user=user, certificate=answer.body, private_key=key, chain=configuration.roots
        )

    def _check(
        self, der: bytes, key: ec.EllipticCurvePrivateKey, user: str, configuration: Configuration
    ) -> tuple[NodeID, ...]:
        certificate = configuration.trust(cache=self._cache).check(der, now=self._network.loop.time())
        if not isinstance(certificate, Certificate):
            raise Rejected(certificate, "the certificate that the enrollment server sent")
        if certificate.user != user or key_digest(certificate.public_key) != key_digest(key.public_key()):
            raise Rejected(LinkReason.BAD_PROFILE, "the enrollment server sent somebody else's certificate")
        return certificate.node_ids

    async def _get(self, target: str) -> Message:
        session = await self._connect()
        try:
            return _expect(await session.ask(request("GET", target, self.overlay)))
        finally:
            session.close()

    async def _connect(self) -> _Session:
        refused = LinkRefused(LinkReason.UNREACHABLE)
        for server in tuple(self._servers):
            stream = open_client_tls(
                self._network, self._address, server, self._identity, node_id=self._node_id, check=self._judge
            )
            session = _Session(self._network, stream)
            try:
                await stream.opened()
            except LinkRefused as error:
                refused = error
            else:
                self._servers.remove(server)
                self._servers.insert(0, server)
                return session
        raise refused

    def _judge(self, der: bytes, _node_id: NodeID | None, now: float) -> LinkReason | None:
        return server_refusal(der, self.overlay, now)


def _expect(answer: Message) -> Message:
    """The answer if it is a yes."""
    if answer.status == 200:
        return answer
    text = answer.body[:200].decode(errors="replace")
    if answer.status == 403 and text in _REASONS:
        raise EnrollmentRefused(_REASONS[text])
    if answer.status == 400 and text.startswith(EnrollmentReason.MALFORMED.value):
        raise EnrollmentRefused(EnrollmentReason.MALFORMED, text)
    raise RemoteFault(f"the enrollment server answered {answer.status}: {text}")


async def enroll(
    client: EnrollmentClient, key: ec.EllipticCurvePrivateKey, account: str, password: str, *, coupon: bytes = b""
) -> tuple[Configuration, Credential]:
    """All that a new node needs before it joins: the overlay's configuration, and a credential."""
    configuration = await client.configuration()
    return configuration, await client.enroll(key, account, password, configuration, coupon=coupon)
