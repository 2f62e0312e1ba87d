"""How many identities an account holds, for how long, and when it may have others (draft 7.2.6, 7.2.10, Req. 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from p2psip_min.enrollment.ledger import Account, Identity
from p2psip_min.errors import EnrollmentReason

DAY = 86_400.0
YEAR = 365 * DAY


class CapPolicy(Protocol):
    """How many Node-IDs: ``node_ids`` in one certificate, and in all."""

    @property
    def node_ids(self) -> int: ...

    def refusal(self, held: int, count: int) -> EnrollmentReason | None:
        """Why an account that holds ``held`` does not get ``count`` more."""


@dataclass(frozen=True, slots=True)
class NoCap:
    """As many as an account asks for, within what a certificate has room for."""

    node_ids: ClassVar[int] = 32

    def refusal(self, held: int, count: int) -> EnrollmentReason | None:
        """Never."""
        return None


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``identities`` Node-IDs at a time, at most ``node_ids`` of them in one certificate."""

    identities: int = 1
    node_ids: int = 1

    def refusal(self, held: int, count: int) -> EnrollmentReason | None:
        """Together they would be too many."""
        return EnrollmentReason.TOO_MANY_IDENTITIES if held + count > self.identities else None


class BindingPolicy(Protocol):
    """Whether Node-IDs stay with their account, and how soon others may come in their place."""

    def returning(self, account: Account, user: str, count: int, now: float) -> Identity | None:
        """The identity that an account takes up again when it comes with a new key."""

    def refusal(self, account: Account, count: int, cap: CapPolicy, now: float) -> EnrollmentReason | None:
        """Why it does not get ``count`` Node-IDs that it never had."""


@dataclass(frozen=True, slots=True)
class FreelyChanged:
    """They do not: who comes with a new key gets new ones."""

    def returning(self, account: Account, user: str, count: int, now: float) -> Identity | None:
        """None: nobody remembers."""
        return None

    def refusal(self, account: Account, count: int, cap: CapPolicy, now: float) -> EnrollmentReason | None:
        """Never."""
        return None


@dataclass(frozen=True, slots=True)
class Bound:
    """They do: who comes back when his certificate is over gets those he had, whatever key he brings (RFC 6940 §11.3).

    Others come within ``cool_down`` seconds only as far as the cap has room for so many at once. Whose credential was
    stolen does not wait for the next one, but for the one after that: else thefts would be a way to new Node-IDs.
    """

    cool_down: float = 7 * DAY

    def returning(self, account: Account, user: str, count: int, now: float) -> Identity | None:
        """The same user's that has ended."""
        for each in account.identities:
            ended = each.not_after <= now and not each.revoked
            if ended and each.user == user and len(each.node_ids) == count:
                return each
        return None

    def refusal(self, account: Account, count: int, cap: CapPolicy, now: float) -> EnrollmentReason | None:
        """It got others too lately."""
        lately, robbed = 0, False
        for each in account.identities:
            if now >= each.assigned + self.cool_down:
                continue
            if each.stolen and not robbed:
                robbed = True
            else:
                lately += len(each.node_ids)
        room = cap.identities if isinstance(cap, Cap) else count
        return EnrollmentReason.COOL_DOWN if lately + count > room else None


class LifePolicy(Protocol):
    """How long a certificate lives, and when the next one may come; in seconds."""

    @property
    def lifetime(self) -> float: ...

    @property
    def interval(self) -> float: ...

    @property
    def automatic(self) -> bool:
        """Whether nodes renew their certificates by themselves."""


@dataclass(frozen=True, slots=True)
class Perpetual:
    """As long as the root, and again whenever it is asked for: nobody renews a subscription."""

    lifetime: ClassVar[float] = 10 * YEAR
    interval: ClassVar[float] = 0.0
    automatic: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Renewal:
    """For ``lifetime``; a renewal is granted once the certificate is ``interval`` old, which keeps the Node-IDs."""

    lifetime: float = 30 * DAY
    interval: float = 15 * DAY
    automatic: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class ShortLife:
    """For ``lifetime`` only, so that a stolen one is soon over; nodes renew theirs by themselves, at half of it."""

    lifetime: float = 3600.0
    automatic: ClassVar[bool] = True

    @property
    def interval(self) -> float:
        """Half of the lifetime."""
        return self.lifetime / 2
