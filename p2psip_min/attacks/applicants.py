"""Attacks by those who enroll: more identities than one, others whenever they like, and floods (draft 7.2.10, 11.7).

All that they have is what any applicant has: an account, keys, addresses, money, and a client for the servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.client import EnrollmentClient, challenge, post
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.http import REQUEST, Part
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.session import Session
from p2psip_min.errors import EnrollmentReason, EnrollmentRefused, P2PSIPError
from p2psip_min.ids import NodeID

PAUSE = 4.0
"""Seconds that a flooding connection waits after it was sent away."""


@dataclass(slots=True)
class Enrolled:
    """An identity that an attacker was given."""

    node_id: NodeID
    certificate: bytes
    key: ec.EllipticCurvePrivateKey


@dataclass(slots=True)
class ManyIdentities:
    """EN-6, EN-8: one person enrolls as often as it works, on her own account or under names that she makes up.

    ``visitors`` are her addresses, each asked from in turn; ``coupons`` are what she has bought.
    """

    visitors: list[EnrollmentClient]
    account: str
    password: str
    configuration: Configuration
    keys: list[ec.EllipticCurvePrivateKey]
    coupons: list[bytes] = field(default_factory=list)
    got: list[Enrolled] = field(default_factory=list)
    paid: int = 0

    async def once(self, *wanted: NodeID) -> bool:
        """Try to have one identity more, perhaps with a ``wanted`` Node-ID; the key that is used is the last one."""
        key = self.keys.pop()
        for account in (self.account, f"nobody{len(self.keys)}@{self.account.partition('@')[2]}"):
            outcome = await self._ask(key, account, b"", wanted)
            if outcome is EnrollmentReason.PAYMENT_REQUIRED and self.coupons:
                outcome = await self._ask(key, account, self.coupons[0], wanted)
                if isinstance(outcome, Enrolled):
                    self.paid += bool(self.coupons.pop(0))
            if isinstance(outcome, Enrolled):
                self.got.append(outcome)
                return True
        return False

    async def _ask(
        self, key: ec.EllipticCurvePrivateKey, account: str, coupon: bytes, wanted: tuple[NodeID, ...]
    ) -> Enrolled | EnrollmentReason:
        self.visitors.append(visitor := self.visitors.pop(0))
        return await enrolled(visitor, key, account, self.password, self.configuration, coupon, wanted)


@dataclass(slots=True)
class NamesTaken:
    """ST-9: one person signs up under the names of others, before they come; ``got`` are those that she was given."""

    visitor: EnrollmentClient
    password: str
    configuration: Configuration
    names: list[str]
    keys: list[ec.EllipticCurvePrivateKey]
    got: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """One account a name, each called by that name."""
        for name, key in zip(self.names, self.keys, strict=True):
            outcome = await enrolled(self.visitor, key, name, self.password, self.configuration)
            if isinstance(outcome, Enrolled):
                self.got.append(name)


@dataclass(slots=True)
class FreshIdentity:
    """EN-7: somebody who has a Node-ID asks again and again with other keys, and counts what else he is given."""

    visitor: EnrollmentClient
    account: str
    password: str
    configuration: Configuration
    keys: list[ec.EllipticCurvePrivateKey]
    had: list[NodeID]

    async def once(self) -> bool:
        """Try to have another Node-ID than those before."""
        outcome = await enrolled(self.visitor, self.keys.pop(), self.account, self.password, self.configuration)
        fresh = isinstance(outcome, Enrolled) and outcome.node_id not in self.had
        if fresh and isinstance(outcome, Enrolled):
            self.had.append(outcome.node_id)
        return fresh


async def enrolled(
    visitor: EnrollmentClient,
    key: ec.EllipticCurvePrivateKey,
    account: str,
    password: str,
    configuration: Configuration,
    coupon: bytes = b"",
    wanted: tuple[NodeID, ...] = (),
) -> Enrolled | EnrollmentReason:
    """What comes of an honest request."""
    try:
        certificate, node_ids = await visitor.certificate(
            key, account, password, configuration, coupon=coupon, wanted=wanted
        )
        return Enrolled(node_ids[0], certificate, key)
    except EnrollmentRefused as refused:
        return EnrollmentReason(refused.reason)
    except P2PSIPError:
        return EnrollmentReason.BUSY


@dataclass(slots=True)
class FloodingHost:
    """EN-9: one host of a flood; each of its connections asks under a login that does not exist, again and again.

    It solves puzzles when it has to, one at a time: a host has one processor.
    """

    visitors: list[EnrollmentClient]
    key: ec.EllipticCurvePrivateKey
    now: Callable[[], float]
    until: float
    asked: int = 0
    processor: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Keep all connections busy until it is enough."""
        await asyncio.gather(*(self._keep_asking(visitor) for visitor in self.visitors))

    async def _keep_asking(self, visitor: EnrollmentClient) -> None:
        while self.now() < self.until:
            try:
                await visitor.visit(self._ask)
            except EnrollmentRefused as refused:
                if refused.reason is not EnrollmentReason.FAILED_AUTHENTICATION:
                    await asyncio.sleep(PAUSE)
            except P2PSIPError:
                await asyncio.sleep(PAUSE)

    async def _ask(self, session: Session) -> None:
        await session.opened()
        self.asked += 1
        async with self.processor:
            nonce, solved = await challenge(session)
        csr = Part(certificate_request(self.key, "nobody@example.org", nonce), REQUEST)
        await post(session, {"csr": csr, "username": Part(b"nobody"), "password": Part(b""), **solved})


@dataclass(slots=True)
class CredentialThief:
    """EN-12: a phone of the thief's holds a copy of somebody's credential, and registers for her as any phone does.

    ``accepted`` are the moments (virtual s) at which that worked.
    """

    register: Callable[[], Awaitable[None]]
    now: Callable[[], float]
    tried: int = 0
    accepted: list[float] = field(default_factory=list)

    async def use(self) -> None:
        """Use the credential once."""
        self.tried += 1
        try:
            await self.register()
        except P2PSIPError:
            return
        self.accepted.append(self.now())
