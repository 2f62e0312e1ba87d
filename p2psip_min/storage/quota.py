"""How much one identity may publish (draft 5.3 third, 7.2.10): a limit that counts the whole overlay, or one peer.

At the places that its names lead to, an identity can store only so much anyhow: there are few, and each Kind has its
limits. What is left is what may lie anywhere. A storing peer sees its own share of that, which says little: who spreads
his objects over keys spreads them over peers. So an identity keeps an account of its publications, a record at its own
place and of limited length, and a storing peer looks there whether an object is entered.

An entry lives as long as the object at least, and a tombstone in its place as long as the entry did: so at no moment
are there more objects than the account has room for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.storage.access import BOUND, PLACES, Claim


class QuotaPolicy(Protocol):
    """``limit`` objects of one identity: in the whole overlay where they are ``booked``, else at one storing peer."""

    @property
    def names_writer(self) -> bool: ...

    @property
    def booked(self) -> bool: ...

    @property
    def limit(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Unlimited:
    """Whoever may store may store as much as he likes."""

    names_writer = False
    booked = False
    limit = 0


@dataclass(frozen=True, slots=True)
class PublicationAccount:
    """``limit`` objects in the whole overlay, each entered into the account of its publisher."""

    limit: int = 16
    names_writer = True
    booked = True


@dataclass(frozen=True, slots=True)
class PeerQuota:
    """``limit`` objects of one identity at each storing peer, which asks nobody else."""

    limit: int = 16
    names_writer = True
    booked = False


class SharePolicy(Protocol):
    """How many of the values in one place one identity may have beside its own names' places; 0: no limit."""

    @property
    def names_writer(self) -> bool: ...

    @property
    def share(self) -> int: ...


@dataclass(frozen=True, slots=True)
class NoShare:
    """As many as the Kind lets lie there, so that nobody else gets in."""

    names_writer = False
    share = 0


@dataclass(frozen=True, slots=True)
class KeyQuota:
    """At most ``share``, whatever else the Kind has room for."""

    share: int = 4
    names_writer = True


def at_home(claim: Claim) -> bool:
    """Whether the place is one of the few that the writer's names lead to, so that nothing need be counted."""
    return claim.spec.access in BOUND and PLACES[claim.spec.access](claim)


def exceeded(limit: int, coming: Iterable[str], held: Iterable[str]) -> bool:
    """Whether some publisher would have more than ``limit`` values; both name the publisher of each value."""
    before = Counter(held)
    return any(before[user] + more > limit for user, more in Counter(coming).items())


def entry_key(resource: bytes, kind: int, key: bytes) -> bytes:
    """Under which key a value is entered into its publisher's account."""
    return resource + kind.to_bytes(4, "big") + key
