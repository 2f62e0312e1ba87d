"""Who gets which identity: the rules of enrollment (RFC 6940 §11.3, draft 7.2.6, 7.2.7, 7.2.10).

1. An account logs in, and asks by a PKCS#10 request for a certificate under one of its user names. Who has no account
   may get one with the request; how, is for applicants.py to say, as what an identity costs.
2. The request carries the server's nonce as its challengePassword (RFC 2985 §5.4.1), under the request's own signature:
   that proves the key's possession *now* (freshness.py). A nonce serves once, and not for long: neither a repeated nor
   a delayed request enrolls anybody.
3. Node-IDs are the server's choice (assignment.py says what else there is). Who comes back gets those he had
   (holdings.py): with the same key that is a renewal, with another one only when the old certificate is over. So nobody
   changes place by enrolling again.
4. ``decide`` changes nothing. The registrar (registrar.py) carries out what it grants, and spends nonce and coupon.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from p2psip_min.enrollment.answers import AnswerSignature, ExchangeProtection
from p2psip_min.enrollment.applicants import (
    ChargePolicy,
    Free,
    Login,
    NoHistory,
    ProofPolicy,
    ReputationPolicy,
    VouchedFor,
)
from p2psip_min.enrollment.assignment import NodeIdAssignment, ServerRandom
from p2psip_min.enrollment.certificates import PublicKey, key_info, legal_user
from p2psip_min.enrollment.doors import NoLimit, RatePolicy
from p2psip_min.enrollment.freshness import (
    Expires,
    ExpiryPolicy,
    KeyPolicy,
    NoncePolicy,
    PossessionPolicy,
    Proven,
    SingleUse,
    UsualKeys,
)
from p2psip_min.enrollment.holdings import DAY, BindingPolicy, Bound, Cap, CapPolicy, LifePolicy, Renewal
from p2psip_min.enrollment.keys import hash_password, same
from p2psip_min.enrollment.ledger import Account, Identity, Ledger
from p2psip_min.enrollment.pkcs10 import SigningRequest
from p2psip_min.enrollment.puzzles import NoPuzzle, PuzzlePolicy
from p2psip_min.enrollment.vouching import Voucher
from p2psip_min.errors import EnrollmentReason
from p2psip_min.ids import NodeID
from p2psip_min.storage.sightings import NoAlarm, SecondUsePolicy

NONCE_LIFETIME = 60.0
"""Seconds in which a challenge must come back."""


RESEND = 120.0
"""Seconds in which who proves to have the key is given its certificate once more: the answer may have been lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentPolicy:
    """What an enrollment server allows, under user names of ``domain`` (None: any); by default what it should."""

    domain: str | None = None
    nonce: NoncePolicy = SingleUse()
    expiry: ExpiryPolicy = Expires(NONCE_LIFETIME)
    possession: PossessionPolicy = Proven()
    keys: KeyPolicy = UsualKeys()
    assignment: NodeIdAssignment = ServerRandom()
    cap: CapPolicy = Cap()
    binding: BindingPolicy = Bound()
    life: LifePolicy = Renewal()
    proof: ProofPolicy = VouchedFor()
    charge: ChargePolicy = Free()
    reputation: ReputationPolicy = NoHistory()
    protection: ExchangeProtection = ExchangeProtection(tls=True)
    signature: AnswerSignature = AnswerSignature(False)
    rate: RatePolicy = NoLimit()
    puzzle: PuzzlePolicy = NoPuzzle()
    second_use: SecondUsePolicy = NoAlarm()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentRequest:
    """What a client sends: login, PKCS#10 request (DER), and how many Node-IDs it wants.

    ``voucher`` says who the applicant is, ``coupon`` pays, ``solution`` is a puzzle's: each where it is asked for.
    """

    account: str
    password: str = field(repr=False)
    csr: bytes
    node_ids: int = 1
    voucher: Voucher | None = None
    coupon: bytes = b""
    solution: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Yes: a certificate for ``user`` and this key, with these Node-IDs, or with ``count`` that are yet to be drawn.

    ``again``: the very certificate that ``former`` has.
    """

    account: Account
    user: str
    public_key: PublicKey
    key: bytes
    count: int
    former: Identity | None
    node_ids: tuple[NodeID, ...]
    price: float
    again: bool
    not_before: float
    not_after: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and why; ``user`` as far as it is known."""

    reason: EnrollmentReason
    user: str = ""


def sign_up(
    request: EnrollmentRequest,
    csr: SigningRequest | None,
    ledger: Ledger,
    policy: EnrollmentPolicy,
    overlay: str,
    now: float,
) -> Account | Refusal | None:
    """The account to open for an applicant whom nobody knows, or why there is none; None where it has one, or can't."""
    if csr is None or request.account in ledger.accounts:
        return None
    login = Login(request.account, request.password, request.voucher)
    outcome = policy.proof.sign_up(login, csr, ledger, overlay, now)
    return Refusal(outcome, csr.user) if isinstance(outcome, EnrollmentReason) else outcome


def decide(
    request: EnrollmentRequest, csr: SigningRequest | None, ledger: Ledger, policy: EnrollmentPolicy, now: float
) -> Grant | Refusal:
    """Whether the server grants the request at ``now``; ``csr`` is its PKCS#10 part as read, None if unreadable."""
    account = ledger.accounts.get(request.account)
    # An unknown account costs as much time as a wrong password.
    salt, expected = (account.salt, account.password_hash) if account else (b"", b"")
    if not same(hash_password(request.password, salt), expected) or account is None:
        return Refusal(EnrollmentReason.FAILED_AUTHENTICATION)
    if account.revoked:
        return Refusal(EnrollmentReason.REVOKED)
    if csr is None:
        return Refusal(EnrollmentReason.BAD_CSR)
    nonce = ledger.nonces.get(csr.nonce)
    stale = policy.nonce.refusal(nonce) or policy.expiry.refusal(nonce, now)
    if reason := stale or policy.possession.refusal(csr) or policy.keys.refusal(csr):
        return Refusal(reason, csr.user)
    if not _available(csr.user, account, policy):
        return Refusal(EnrollmentReason.USERNAME_NOT_AVAILABLE, csr.user)
    fresh = nonce is not None and not nonce.used
    return _identify(request, csr, account, ledger, policy, now, fresh=fresh)


def _available(user: str, account: Account, policy: EnrollmentPolicy) -> bool:
    if user not in account.users or not legal_user(user):
        return False
    return policy.domain is None or user.endswith("@" + policy.domain)


def _identify(
    request: EnrollmentRequest,
    csr: SigningRequest,
    account: Account,
    ledger: Ledger,
    policy: EnrollmentPolicy,
    now: float,
    *,
    fresh: bool,
) -> Grant | Refusal:
    """Which identity the request, which is ``fresh`` or was made before, renews, takes up again or adds."""
    count, key, user = request.node_ids, key_info(csr.public_key), csr.user
    if not 1 <= count <= policy.cap.node_ids:
        return Refusal(EnrollmentReason.NODE_IDS_NOT_AVAILABLE, user)
    if ledger.keys.get(key, account.name) != account.name:
        return Refusal(EnrollmentReason.BAD_CSR, user)  # one key, one holder
    former, again = account.holding(key), False
    if former is None:
        former = policy.binding.returning(account, user, count, now)
    elif reason := _unrenewable(former, user, count, policy.life, now):
        again = reason is EnrollmentReason.RENEWAL_TOO_EARLY and fresh and now < former.issued + RESEND
        if not again:
            return Refusal(reason, user)
    if reason := policy.cap.refusal(account.held(now, former), count):
        return Refusal(reason, user)
    outcome = (former.node_ids, 0.0) if former else _add(request, csr, account, ledger, policy, now)
    if isinstance(outcome, EnrollmentReason):
        return Refusal(outcome, user)
    chosen, price = outcome
    lifetime = account.lifetime or policy.life.lifetime
    return Grant(
        account=account, user=user, public_key=csr.public_key, key=key, count=count, former=former, node_ids=chosen,
        price=price, again=again, not_before=now // 1, not_after=(now + lifetime) // 1,
    )  # fmt: skip


def _add(
    request: EnrollmentRequest,
    csr: SigningRequest,
    account: Account,
    ledger: Ledger,
    policy: EnrollmentPolicy,
    now: float,
) -> tuple[tuple[NodeID, ...], float] | EnrollmentReason:
    """The Node-IDs of one more identity, none if they are yet to be drawn, and its price; or why there is none."""
    price = policy.charge.price(ledger, request.coupon)
    if isinstance(price, EnrollmentReason):
        return price
    reason = policy.binding.refusal(account, request.node_ids, policy.cap, now)
    if reason := reason or policy.reputation.refusal(account, now):
        return reason
    chosen = policy.assignment.choose(csr.wanted, csr.public_key, request.node_ids)
    if chosen is None or not ledger.taken.isdisjoint(chosen):
        return EnrollmentReason.NODE_IDS_NOT_AVAILABLE
    return chosen, price


def _unrenewable(former: Identity, user: str, count: int, life: LifePolicy, now: float) -> EnrollmentReason | None:
    """Why the identity of this key is not renewed."""
    if former.revoked:
        return EnrollmentReason.REVOKED
    if former.user != user:
        return EnrollmentReason.USERNAME_NOT_AVAILABLE
    if len(former.node_ids) != count:
        return EnrollmentReason.NODE_IDS_NOT_AVAILABLE
    early = now < min(former.issued + life.interval, former.not_after)
    return EnrollmentReason.RENEWAL_TOO_EARLY if early else None


__all__ = [
    "DAY",
    "EnrollmentPolicy",
    "EnrollmentRequest",
    "Grant",
    "Refusal",
    "decide",
    "sign_up",
]
