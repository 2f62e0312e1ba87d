"""The other side of enrollment: fetch the configuration, ask for a certificate, check both (RFC 6940 §11.2, §11.3).

1. The server proves that it is the overlay's (its certificate carries the overlay's name) before a password leaves.
2. Servers are tried in order: one that does not answer, or is busy, or is not who it should be, or whose answers are
   not its own, gives way to the next; one that says no has spoken for all. The next call begins with the one that
   answered last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.configuration import Configuration, accept, adopt
from p2psip_min.enrollment.http import (
    CERTIFICATE,
    CONFIGURATION,
    ENROLLMENT,
    NONCE,
    REQUEST,
    REVOKED,
    Message,
    Part,
    write_form,
)
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.puzzles import TRY, solve
from p2psip_min.enrollment.revocation import RevocationList, read_list
from p2psip_min.enrollment.session import Manners, Session
from p2psip_min.enrollment.trust import ChainCache
from p2psip_min.enrollment.vouching import Voucher
from p2psip_min.errors import (
    ConfigurationReason,
    ConfigurationRefused,
    EnrollmentReason,
    EnrollmentRefused,
    LinkReason,
    LinkRefused,
    LocalProtocolError,
    P2PSIPError,
    Rejected,
    RemoteFault,
)
from p2psip_min.ids import NodeID
from p2psip_min.transport.network import Address, Network

MAX_BITS = 12
"""The hardest puzzle that a node begins to solve."""

PUZZLES = 3
"""How many puzzles a node solves for one certificate."""

_REASONS = {reason.value: reason for reason in EnrollmentReason}

T = TypeVar("T")


class EnrollmentClient:
    """A node's way to the enrollment servers of an overlay; ``address`` must be free while a call lasts.

    Every call raises LinkRefused when no server can be reached, RemoteFault for answers that make no sense.
    """

    def __init__(
        self,
        network: Network,
        address: Address,
        servers: Sequence[Address],
        manners: Manners,
        *,
        node_id: bytes = b"",
        cache: ChainCache | None = None,
    ) -> None:
        if not servers:
            raise LocalProtocolError("no enrollment server is known")
        self.overlay = manners.overlay
        self.manners = manners
        self._network = network
        self._address = address
        self._servers = list(servers)
        self._node_id = node_id
        self._cache = ChainCache() if cache is None else cache

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
        **more: Any,
    ) -> Credential:
        """A credential for ``user`` (by default the account's name); the rest is as ``certificate`` has it."""
        user = user or account
        der, node_ids = await self.certificate(key, account, password, configuration, user=user, **more)
        return Credential(node_ids=node_ids, user=user, certificate=der, private_key=key, chain=configuration.roots)

    async def certificate(
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
    ) -> tuple[bytes, tuple[NodeID, ...]]:
        """A certificate (DER) for ``user`` and this key, and its ``count`` Node-IDs, perhaps those ``wanted``.

        ``voucher`` and ``coupon`` are for overlays that ask who somebody is, or for money.

        EnrollmentRefused(reason) if the server says no; Rejected(reason) if what it sends is no certificate of this
        overlay for this key and user.
        """
        user = user or account
        fields = {"username": Part(account.encode()), "password": Part(password.encode())}
        if count != 1:
            fields["nodeids"] = Part(str(count).encode())
        if voucher is not None:
            fields["voucher"] = Part(voucher.text().encode())
        if coupon:
            fields["coupon"] = Part(coupon)

        async def errand(session: Session) -> bytes:
            puzzles = PUZZLES
            while True:
                nonce, solved = await challenge(session)
                csr = certificate_request(key, user, nonce, wanted=wanted, overlay=self.overlay)
                try:
                    return (await post(session, {"csr": Part(csr, REQUEST), **fields, **solved})).body
                except EnrollmentRefused as error:
                    puzzles -= 1
                    # Meanwhile more came, and the puzzle is harder.
                    if error.reason is not EnrollmentReason.PUZZLE_UNSOLVED or not puzzles:
                        raise

        der = await self.visit(errand)
        return der, self._check(der, key, user, configuration)

    def _check(
        self, der: bytes, key: ec.EllipticCurvePrivateKey, user: str, configuration: Configuration
    ) -> tuple[NodeID, ...]:
        certificate = self._cache.judgement(configuration).check(der, now=self._network.loop.time())
        if not isinstance(certificate, Certificate):
            raise Rejected(certificate, "the certificate that the enrollment server sent")
        if certificate.user != user or certificate.public_key != key.public_key():
            raise Rejected(LinkReason.BAD_PROFILE, "the enrollment server sent somebody else's certificate")
        return certificate.node_ids

    async def bring(self, target: str, body: bytes) -> bytes:
        """What one of the operator's further pages answers to ``body``; RemoteFault when there is nothing."""

        async def visit(session: Session) -> bytes:
            headers = {"Content_Type": "application/octet-stream"}
            return _expect(await session.ask("POST", target, body, **headers)).body

        return await self.visit(visit)

    async def _get(self, target: str) -> Message:
        async def visit(session: Session) -> Message:
            return _expect(await session.ask("GET", target))

        return await self.visit(visit)

    async def visit(self, errand: Callable[[Session], Awaitable[T]]) -> T:
        """Run an errand at the first server where it can be done; raises the last thing that went wrong,
        and LinkRefused only when there was no other.
        """
        failure: P2PSIPError | None = None
        try:
            for server in tuple(self._servers):
                session = Session(self._network, self._address, server, self.manners, self._node_id)
                try:
                    outcome = await errand(session)
                except LinkRefused as error:
                    failure = failure if failure and not isinstance(failure, LinkRefused) else error
                except EnrollmentRefused as error:
                    if error.reason is not EnrollmentReason.BUSY:
                        raise
                    failure = error
                except (Rejected, RemoteFault) as error:
                    failure = error
                else:
                    if server != self._servers[0]:
                        self._servers.remove(server)
                        self._servers.insert(0, server)
                    return outcome
                finally:
                    session.close()
            assert failure is not None, "there is a server at least"
            raise failure
        finally:
            failure = None  # it has this frame in its traceback, and with it the session


async def challenge(session: Session) -> tuple[bytes, dict[str, Part]]:
    """The server's nonce, and the form's field with the solution of the puzzle that came with it: that takes time."""
    answer = _expect(await session.ask("GET", NONCE))
    bits = answer.headers.get("puzzle", "0")
    if not bits.isdecimal() or not 0 < int(bits) <= MAX_BITS:
        return answer.body, {}
    solution, tries = solve(answer.body, int(bits))
    await asyncio.sleep(tries * TRY)
    return answer.body, {"solution": Part(solution)}


async def post(session: Session, fields: dict[str, Part]) -> Message:
    """Ask for a certificate with these fields of the form; raises EnrollmentRefused or RemoteFault."""
    content_type, body = write_form(fields)
    answer = await session.ask(
        "POST", ENROLLMENT, body, Accept=CERTIFICATE, Content_Type=content_type
    )  # fmt: skip
    return _expect(answer)


def _expect(answer: Message) -> Message:
    """The answer if it is a yes."""
    if answer.status == 200:
        return answer
    text = answer.body[:200].decode(errors="replace")
    if answer.status in (403, 429, 503) and text in _REASONS:
        raise EnrollmentRefused(_REASONS[text])
    if answer.status == 400 and text.startswith(EnrollmentReason.MALFORMED.value):
        raise EnrollmentRefused(EnrollmentReason.MALFORMED, text)
    raise RemoteFault(f"the enrollment server answered {answer.status}: {text}")


async def enroll(
    client: EnrollmentClient,
    key: ec.EllipticCurvePrivateKey,
    account: str,
    password: str,
    *,
    coupon: bytes = b"",
    wanted: Sequence[NodeID] = (),
) -> tuple[Configuration, Credential]:
    """All that a new node needs before it joins: the overlay's configuration, and a credential."""
    configuration = await client.configuration()
    return configuration, await client.enroll(key, account, password, configuration, coupon=coupon, wanted=wanted)
