"""Who gets which identity: the rules of enrollment (RFC 6940 §11.3, draft 7.2.6, 7.2.7, 7.2.10).

1. An account logs in, and asks by a PKCS#10 request for a certificate under one of its user names.
2. The request carries the server's nonce as its challengePassword (RFC 2985 §5.4.1), under the request's own signature:
   that proves the key's possession *now*. A nonce serves once, and not for long: neither a repeated nor a delayed
   request enrolls anybody.
3. Node-IDs are the server's choice (assignment.py says what else there is). Who comes back gets those he had: with the
   same key that is a renewal, with another one only when the old certificate is over. So nobody changes place by
   enrolling again.
4. ``decide`` changes nothing. The registrar (registrar.py) carries out what it grants, and spends the nonce.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from p2psip_min.enrollment.assignment import NodeIdAssignment, ServerRandom
from p2psip_min.enrollment.certificates import PublicKey, key_digest, legal_user
from p2psip_min.enrollment.keys import hash_password, same
from p2psip_min.enrollment.pkcs10 import SigningRequest
from p2psip_min.errors import EnrollmentReason
from p2psip_min.ids import NodeID

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentPolicy:
    """What an enrollment server allows; times in seconds.

    An account holds at most ``identities`` Node-IDs at a time, at most ``node_ids`` of them in one certificate, under
    user names of ``domain`` (None: any); ``assignment`` says who chooses them. A certificate lives for ``lifetime`` and
    may be renewed once it is ``renewal_interval`` old. ``nonce`` and ``possession`` False leave those checks out, for
    comparison.
    """

    identities: int = 1
    node_ids: int = 1
    domain: str | None = None
    lifetime: float = 30 * DAY
    renewal_interval: float = 15 * DAY
    nonce_lifetime: float = 60.0
    nonce: bool = True
    possession: bool = True
    assignment: NodeIdAssignment = ServerRandom()


@dataclass(slots=True)
class Identity:
    """An identity that was granted: Node-IDs bound to a key (SHA-256 of its SPKI) and a certificate."""

    node_ids: tuple[NodeID, ...]
    user: str
    key: bytes
    serial: int
    issued: float
    not_after: float
    revoked: bool = False


@dataclass(slots=True)
class Account:
    """A customer: how he logs in, which user names are his, what he was granted."""

    name: str
    salt: bytes
    password_hash: bytes
    users: tuple[str, ...]
    identities: list[Identity] = field(default_factory=list)
    revoked: bool = False

    def live(self, now: float) -> Iterator[Identity]:
        """The identities that count at ``now``."""
        return (each for each in self.identities if not each.revoked and now < each.not_after)


@dataclass(slots=True)
class Nonce:
    """A challenge that was handed out at ``issued``."""

    issued: float
    used: bool = False


@dataclass(slots=True)
class Ledger:
    """What the servers of one overlay remember together."""

    accounts: dict[str, Account] = field(default_factory=dict)
    nonces: dict[bytes, Nonce] = field(default_factory=dict)
    taken: set[NodeID] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=dict)
    """Account by user name."""
    keys: dict[bytes, str] = field(default_factory=dict)
    """Account by the SHA-256 of an enrolled key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentRequest:
    """What a client sends: login, PKCS#10 request (DER), and how many Node-IDs it wants."""

    account: str
    password: str = field(repr=False)
    csr: bytes
    node_ids: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Yes: a certificate for ``user`` and this key, with these Node-IDs, or with ``count`` that are yet to be drawn."""

    account: Account
    user: str
    public_key: PublicKey
    key: bytes
    count: int
    former: Identity | None
    node_ids: tuple[NodeID, ...]
    not_before: float
    not_after: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and why; ``user`` as far as it is known."""

    reason: EnrollmentReason
    user: str = ""


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
    if policy.nonce and (reason := _stale(csr.nonce, ledger, policy, now)):
        return Refusal(reason, csr.user)
    if policy.possession and not csr.proven():
        return Refusal(EnrollmentReason.NO_POSSESSION, csr.user)
    if not _available(csr.user, account, policy):
        return Refusal(EnrollmentReason.USERNAME_NOT_AVAILABLE, csr.user)
    return _identify(request, csr, account, ledger, policy, now)


def _stale(nonce: bytes, ledger: Ledger, policy: EnrollmentPolicy, now: float) -> EnrollmentReason | None:
    issued = ledger.nonces.get(nonce)
    if issued is None:
        return EnrollmentReason.UNKNOWN_NONCE
    if issued.used:
        return EnrollmentReason.NONCE_USED
    if now >= issued.issued + policy.nonce_lifetime:
        return EnrollmentReason.NONCE_EXPIRED
    return None


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
) -> Grant | Refusal:
    """Which identity the request renews, takes up again or adds."""
    count, key = request.node_ids, key_digest(csr.public_key)
    if not 1 <= count <= policy.node_ids:
        return Refusal(EnrollmentReason.NODE_IDS_NOT_AVAILABLE, csr.user)
    if ledger.keys.get(key, account.name) != account.name:
        return Refusal(EnrollmentReason.BAD_CSR, csr.user)  # one key, one holder
    former = next((each for each in account.identities if each.key == key), None)
    if former is not None:
        if former.revoked:
            return Refusal(EnrollmentReason.REVOKED, csr.user)
        if former.user != csr.user:
            return Refusal(EnrollmentReason.USERNAME_NOT_AVAILABLE, csr.user)
        if len(former.node_ids) != count:
            return Refusal(EnrollmentReason.NODE_IDS_NOT_AVAILABLE, csr.user)
        if now < min(former.issued + policy.renewal_interval, former.not_after):
            return Refusal(EnrollmentReason.RENEWAL_TOO_EARLY, csr.user)
    else:
        former = next(
            (
                each
                for each in account.identities
                if not each.revoked and each.not_after <= now and each.user == csr.user and len(each.node_ids) == count
            ),
            None,
        )
    held = sum(len(each.node_ids) for each in account.live(now) if each is not former)
    if held + count > policy.identities:
        return Refusal(EnrollmentReason.TOO_MANY_IDENTITIES, csr.user)
    chosen = former.node_ids if former else policy.assignment.choose(csr.wanted, csr.public_key, count)
    if chosen is None or (former is None and not ledger.taken.isdisjoint(chosen)):
        return Refusal(EnrollmentReason.NODE_IDS_NOT_AVAILABLE, csr.user)
    return Grant(
        account=account, user=csr.user, public_key=csr.public_key, key=key, count=count, former=former,
        node_ids=chosen, not_before=now // 1, not_after=(now + policy.lifetime) // 1,
    )  # fmt: skip
