"""Who may have an identity: whom somebody vouches for, who has paid, who has a history (draft 7.2.6, 11.5, 11.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.enrollment.certificates import legal_user
from p2psip_min.enrollment.keys import hash_password
from p2psip_min.enrollment.ledger import Account, Ledger
from p2psip_min.enrollment.pkcs10 import SigningRequest
from p2psip_min.enrollment.vouching import Voucher, vouched
from p2psip_min.errors import EnrollmentReason

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Login:
    """What an applicant says of himself: account, password, and perhaps what somebody else says of him."""

    account: str
    password: str
    voucher: Voucher | None = None


class ProofPolicy(Protocol):
    """How somebody without an account gets one."""

    def sign_up(
        self, login: Login, csr: SigningRequest, ledger: Ledger, overlay: str, now: float
    ) -> Account | EnrollmentReason | None:
        """The account to open for somebody who has none, or why not; None: as for any unknown account."""


@dataclass(frozen=True, slots=True)
class SelfAsserted:
    """He asks for it under any name that is free: enrollment is open to everybody, as often as he likes."""

    def sign_up(
        self, login: Login, csr: SigningRequest, ledger: Ledger, overlay: str, now: float
    ) -> Account | EnrollmentReason | None:
        """An account for the name in the request."""
        if csr.user in ledger.users or not legal_user(csr.user):
            return EnrollmentReason.USERNAME_NOT_AVAILABLE
        return _account(login, csr, now)


@dataclass(frozen=True, slots=True)
class VouchedFor:
    """The operator opens it for a person he knows, or a third party vouches for the person: one account for each."""

    def sign_up(
        self, login: Login, csr: SigningRequest, ledger: Ledger, overlay: str, now: float
    ) -> Account | EnrollmentReason | None:
        """An account for the person whom the voucher names."""
        voucher = login.voucher
        if voucher is None:
            return None
        if ledger.voucher is None or not vouched(voucher, login.account, overlay, ledger.voucher):
            return EnrollmentReason.NOT_VOUCHED_FOR
        if voucher.person in ledger.persons:
            return EnrollmentReason.PERSON_KNOWN
        if csr.user in ledger.users or not legal_user(csr.user):
            return EnrollmentReason.USERNAME_NOT_AVAILABLE
        return _account(login, csr, now, voucher.person)


def _account(login: Login, csr: SigningRequest, now: float, person: str = "") -> Account:
    salt = login.account.encode()
    return Account(login.account, salt, hash_password(login.password, salt), (csr.user,), person, now)


class ChargePolicy(Protocol):
    """What an identity costs."""

    def price(self, ledger: Ledger, coupon: bytes) -> float | EnrollmentReason:
        """What is paid with this coupon, or why it does not do."""

    def sold(self, sell: Callable[[float], bytes]) -> bytes:
        """What a customer buys before he enrolls: a coupon of ``sell``, or nothing."""


@dataclass(frozen=True, slots=True)
class Free:
    """Nothing."""

    def price(self, ledger: Ledger, coupon: bytes) -> float | EnrollmentReason:
        """0."""
        return 0.0

    def sold(self, sell: Callable[[float], bytes]) -> bytes:
        """Nothing."""
        return b""


@dataclass(frozen=True, slots=True)
class Charged:
    """``amount``, paid beforehand: a request brings a coupon that was sold for it, and each is good once."""

    amount: float = 5.0

    def price(self, ledger: Ledger, coupon: bytes) -> float | EnrollmentReason:
        """The amount."""
        return self.amount if ledger.coupons.get(coupon, 0.0) >= self.amount else EnrollmentReason.PAYMENT_REQUIRED

    def sold(self, sell: Callable[[float], bytes]) -> bytes:
        """A coupon for one identity."""
        return sell(self.amount)


class ReputationPolicy(Protocol):
    """What an account's past is good for."""

    def refusal(self, account: Account, now: float) -> EnrollmentReason | None:
        """Why its past does not do."""


@dataclass(frozen=True, slots=True)
class NoHistory:
    """Nothing: nobody keeps one."""

    def refusal(self, account: Account, now: float) -> EnrollmentReason | None:
        """Never."""
        return None


@dataclass(frozen=True, slots=True)
class Reputation:
    """Who is nobody's acquaintance waits ``probation`` seconds from signing up to the first identity.

    And an account of which ``strikes`` identities were revoked gets no more.
    """

    probation: float = DAY
    strikes: int = 3

    def refusal(self, account: Account, now: float) -> EnrollmentReason | None:
        """Too new, or too often revoked."""
        if sum(each.revoked for each in account.identities) >= self.strikes:
            return EnrollmentReason.BAD_REPUTATION
        stranger = not account.person and not account.identities
        return EnrollmentReason.PROBATION if stranger and now < account.opened + self.probation else None
