"""Letting others write to one's record (draft 7.2.8, Req. 14), after the shared resources of RFC 8076.

1. The owner may do everything, as ever. Whoever else writes needs a grant for that Kind, operation and moment.
2. A grant counts when the owner signed it, or somebody who has a grant that lets him pass it on: a chain, in which each
   link must allow what is done. So nobody passes on more than he has, nor for longer.
3. Who writes by a grant writes entries of his own, under his Node-ID. The owner's are out of his reach.
4. A grant ends at its time, or when a tombstone takes its place. A chain with a link less is no chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from p2psip_min.clock import milliseconds
from p2psip_min.errors import Malformed
from p2psip_min.storage.access import Claim, user_match
from p2psip_min.storage.values import Held, Shelf
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import StoredDataValue
from p2psip_min.wire.encrypted import plain_kind
from p2psip_min.wire.grants import Grant, Operations
from p2psip_min.wire.kinds import GRANT, AccessPolicy


class DelegationPolicy(Protocol):
    """How an owner lets others write to Kinds that can be shared: ``listed``, he stores grants beside what he shares;
    ``key_shared``, he gives his key away.
    """

    @property
    def names_writer(self) -> bool: ...

    @property
    def listed(self) -> bool: ...

    @property
    def key_shared(self) -> bool: ...

    def verdict(
        self, claim: Claim, value: StoredDataValue, shelves: Mapping[int, Shelf], now: float
    ) -> bool | None: ...


def shared(claim: Claim) -> bool:
    """Whether the Kind is one that can be shared."""
    return claim.spec.access is AccessPolicy.USER_CHAIN_ACL


@dataclass(frozen=True, slots=True)
class NoDelegation:
    """Nothing is said about sharing: whoever may write at a place may write there."""

    names_writer = False
    listed = False
    key_shared = False

    def verdict(self, claim: Claim, value: StoredDataValue, shelves: Mapping[int, Shelf], now: float) -> bool | None:
        """None: other rules decide."""
        return None


@dataclass(frozen=True, slots=True)
class SharedKey:
    """Whoever has the owner's key is the owner: nothing else opens a record, and nothing takes the key back."""

    names_writer = True
    listed = False
    key_shared = True

    def verdict(self, claim: Claim, value: StoredDataValue, shelves: Mapping[int, Shelf], now: float) -> bool | None:
        """Whether the owner's key signed."""
        return user_match(claim) if shared(claim) else None


@dataclass(frozen=True, slots=True)
class SignedGrants:
    """Whoever is not the owner needs a chain of grants."""

    names_writer = True
    listed = True
    key_shared = False

    def verdict(self, claim: Claim, value: StoredDataValue, shelves: Mapping[int, Shelf], now: float) -> bool | None:
        """Whether the owner writes, or a chain of grants allows what is done; None for Kinds that can't be shared."""
        if not shared(claim):
            return None
        if user_match(claim):
            return True
        if not own_entry(claim):
            return False
        chain = _Chain(claim, shelves.get(GRANT), milliseconds(now))
        if claim.spec.id != GRANT:
            wanted = Operations.WRITE if value.exists else Operations.REMOVE
            return chain.allows(claim.user, plain_kind(claim.spec.id) or claim.spec.id, wanted)
        if not value.exists:
            return True  # what somebody has passed on he may take back
        grant = read_grant(value.value)
        return grant is not None and chain.allows(claim.user, grant.kind, Operations(0), passing_on=True)


def own_entry(claim: Claim) -> bool:
    """Whether the key is one of the writer's own: his Node-ID, with a number behind it where it is a grant's."""
    return claim.node_id is not None and claim.key[: len(claim.node_id)] == claim.node_id


def read_grant(value: bytes) -> Grant | None:
    """The grant in a value; None when it is none."""
    try:
        return decode(Grant, value)
    except Malformed:
        return None


class _Chain:
    """The grants beside a record, and who may do what by them at a moment (ms since 1970)."""

    def __init__(self, claim: Claim, shelf: Shelf | None, now: int) -> None:
        self._claim = claim
        held: Mapping[bytes, Held] = shelf.values if shelf else {}
        self._grants = [
            (one.user, grant)
            for one in held.values()
            if one.stored.value.exists and (grant := read_grant(one.stored.value.value)) and grant.expires > now
        ]

    def allows(
        self, user: str, kind: int, wanted: Operations, *, passing_on: bool = False, seen: tuple[str, ...] = ()
    ) -> bool:
        """Whether links of good grants lead from the owner to ``user``; loops lead nowhere."""
        return any(
            user_match(replace(self._claim, user=giver))
            or (giver not in seen and self.allows(giver, kind, wanted, passing_on=True, seen=(*seen, user)))
            for giver, grant in self._grants
            if grant.to_user == user.encode()
            and grant.kind == kind
            and grant.operations & wanted == wanted
            and (grant.allow_delegation or not passing_on)
        )
