"""What the servers of one overlay remember together: customers, what each holds and owes, and challenges."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from p2psip_min.enrollment.certificates import PublicKey
from p2psip_min.ids import NodeID


@dataclass(slots=True)
class Identity:
    """An identity that was granted: Node-IDs bound to a key (its ``key_info``) and a certificate.

    ``assigned`` is when the Node-IDs were first given, ``issued`` when the present certificate was. ``stolen``: it was
    shown to be in two hands.
    """

    node_ids: tuple[NodeID, ...]
    user: str
    key: bytes
    serial: int
    issued: float
    not_after: float
    assigned: float
    certificate: bytes = b""
    revoked: bool = False
    stolen: bool = False


@dataclass(slots=True)
class Account:
    """A customer: how he logs in, which user names are his, what he was granted.

    ``person`` is who vouches or the operator say that he is; empty for one who came by himself, at ``opened``. His
    certificates live for ``lifetime`` seconds, where that is not left to the policy.
    """

    name: str
    salt: bytes
    password_hash: bytes
    users: tuple[str, ...]
    person: str = ""
    opened: float = 0.0
    lifetime: float = 0.0
    identities: list[Identity] = field(default_factory=list)
    revoked: bool = False

    def holding(self, key: bytes) -> Identity | None:
        """The identity of this key."""
        for each in self.identities:
            if each.key == key:
                return each
        return None

    def held(self, now: float, apart: Identity | None) -> int:
        """How many Node-IDs count at ``now``, those of ``apart`` not among them."""
        held = 0
        for each in self.identities:
            if each is not apart and not each.revoked and now < each.not_after:
                held += len(each.node_ids)
        return held


@dataclass(slots=True)
class Nonce:
    """A challenge that was handed out at ``issued``, with a puzzle of ``bits`` to be solved for it."""

    issued: float
    used: bool = False
    bits: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """An account paid ``amount`` for an identity at ``when``."""

    account: str
    amount: float
    when: float


@dataclass(slots=True)
class Ledger:
    """All of it."""

    accounts: dict[str, Account] = field(default_factory=dict)
    nonces: OrderedDict[bytes, Nonce] = field(default_factory=OrderedDict)
    """By age: the oldest go first, which a dictionary takes ever longer to find."""
    taken: set[NodeID] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=dict)
    """Account by user name."""
    keys: dict[bytes, str] = field(default_factory=dict)
    """Account by an enrolled key."""
    persons: dict[str, str] = field(default_factory=dict)
    """Account by the person whom it belongs to."""
    coupons: dict[bytes, float] = field(default_factory=dict)
    """What a coupon that was sold and not yet used is worth."""
    charges: list[Charge] = field(default_factory=list)
    voucher: PublicKey | None = None
    """The key of the third party that says who is who, where there is one."""

    def add(self, account: Account) -> None:
        """Open an account."""
        self.accounts[account.name] = account
        self.users.update(dict.fromkeys(account.users, account.name))
        if account.person:
            self.persons[account.person] = account.name

    def charged(self, account: str) -> float:
        """What an account has paid in all."""
        return sum(each.amount for each in self.charges if each.account == account)
