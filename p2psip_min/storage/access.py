"""Who may write where: the access control policies of RFC 6940 §7.3, and what an overlay makes of them.

A rule sees a claim (who wants to write which part of which resource) and says yes or no. The names that count are those
of a checked certificate; which of its Node-IDs wrote is what the signer's identity says.

Most policies have one half: the *place*, where only certain names lead. Two have another: the *part*, where only one
node may write in a record that several share (draft Req. 13). Each half is a defence of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.values import Held
from p2psip_min.wire.kinds import AccessPolicy, DataModel, KindSpec


@dataclass(slots=True)
class Claim:
    """``user``, at the node ``node_id`` (None: its identity names none), wants to write ``key`` of ``resource``.

    ``key`` is the dictionary key; empty for a single value, 4 bytes of index for an array. ``salts`` is at how many
    salted places beside its own a record may lie.
    """

    resource: bytes
    spec: KindSpec
    key: bytes
    user: str
    node_id: NodeID | None
    salts: int = 0

    def lies_at(self, place: ResourceID) -> bool:
        """Whether the claimed resource is ``place``, or one of its salted places."""
        resource = self.resource
        return place == resource or any(salted(place, salt) == resource for salt in range(1, self.salts + 1))


AccessRule = Callable[[Claim], bool]


@lru_cache(maxsize=4096)
def place_of(name: str | bytes) -> ResourceID:
    """Where the resource of that name lies (§10.2); owners store again and again."""
    return ResourceID.of(name)


@lru_cache(maxsize=4096)
def salted(resource: ResourceID, salt: int) -> ResourceID:
    """The ``salt``-th further place of a record, from 1; salt 0 is its own.

    RFC 6940 §5.1.2 leaves random copies to the usage: a well-known constant goes into the name, here into its hash.
    """
    return ResourceID.of(resource + bytes((salt,))) if salt else resource


# --- the place --------------------------------------------------------------------------------------------------------


def user_match(claim: Claim) -> bool:
    """USER-MATCH: the user's name hashes to the resource (§7.3.1)."""
    return claim.lies_at(place_of(claim.user))


def node_match(claim: Claim) -> bool:
    """NODE-MATCH: the Node-ID hashes to the resource (§7.3.2)."""
    return claim.node_id is not None and claim.lies_at(place_of(claim.node_id))


def node_multiple(claim: Claim) -> bool:
    """NODE-MULTIPLE: the Node-ID with one byte i of 1 to the Kind's maximum hashes to the resource (§7.3.4).

    The RFC leaves i's width open; one byte, as in TurnServer's iteration (§9).
    """
    node_id = claim.node_id
    return node_id is not None and any(
        claim.lies_at(place_of(node_id + bytes((i,)))) for i in range(1, claim.spec.max_node_multiple + 1)
    )


def anywhere(claim: Claim) -> bool:
    """NODE-ID-MATCH binds no place: several nodes offer the same service under one name (RFC 7374)."""
    return True


PLACES: Mapping[AccessPolicy, AccessRule] = {
    AccessPolicy.USER_MATCH: user_match,
    AccessPolicy.NODE_MATCH: node_match,
    AccessPolicy.USER_NODE_MATCH: user_match,
    AccessPolicy.NODE_MULTIPLE: node_multiple,
    AccessPolicy.NODE_ID_MATCH: anywhere,
    AccessPolicy.USER_CHAIN_ACL: user_match,
}
"""Whose place a resource is, by the Kind's policy; what others may do by grant is not asked here (RFC 8076)."""

BOUND = frozenset(PLACES) - {AccessPolicy.NODE_ID_MATCH}
"""The policies that bind a place to somebody."""

# --- the part ---------------------------------------------------------------------------------------------------------

SHARED = frozenset({AccessPolicy.USER_NODE_MATCH, AccessPolicy.NODE_ID_MATCH})
"""The policies of records with a part for each node (§7.3.3, RFC 7374)."""


def own_key(claim: Claim) -> bool:
    """The dictionary key is the Node-ID of who writes."""
    return claim.key == claim.node_id and claim.spec.model is DataModel.DICTIONARY


def at_own_place(claim: Claim) -> bool:
    """Whether one of the writer's names leads here, whichever."""
    return user_match(claim) or node_match(claim) or node_multiple(claim)


def permitted(claim: Claim) -> bool:
    """Whether the Kind's access control policy lets the claim through, place and part."""
    access = claim.spec.access
    return PLACES[access](claim) and (access not in SHARED or own_key(claim))


# --- the defences -----------------------------------------------------------------------------------------------------


class AccessControlPolicy(Protocol):
    """Whether a place belongs to somebody; ``held`` is what of the Kind lies there by now.

    ``names_writer``: values must be signed for it.
    """

    @property
    def names_writer(self) -> bool: ...

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool: ...


@dataclass(frozen=True, slots=True)
class AnyWriter:
    """Whoever writes may write anywhere."""

    names_writer = False

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class AccessControl:
    """A place is written by whom its name belongs to, by the certificate that enrollment gave him (§7.3)."""

    names_writer = True

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool:
        """By the Kind's policy."""
        return PLACES[claim.spec.access](claim)


@dataclass(frozen=True, slots=True)
class FirstCome:
    """First come, first served: a place belongs to whoever wrote there first, with ``per_key`` values at most."""

    per_key: int = 4
    names_writer = True

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool:
        """Nobody else is there, and this one has not too much there already."""
        others = [key for key, one in held.items() if one.user != claim.user]
        return not others and (claim.key in held or len(held) < self.per_key)


class PartPolicy(Protocol):
    """Who may write which part of a shared record; ``held`` is what of it lies there by now."""

    @property
    def names_writer(self) -> bool: ...

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool: ...


@dataclass(frozen=True, slots=True)
class AnyPart:
    """Parts belong to nobody."""

    names_writer = False

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class OwnPart:
    """In a shared record each node writes its own part and no other (draft 7.2.8, §7.3.3)."""

    names_writer = True

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool:
        """The part is the one that bears the writer's Node-ID."""
        return claim.spec.access not in SHARED or own_key(claim)


@dataclass(frozen=True, slots=True)
class OneList:
    """One list for the whole record: whoever has a part in it may write all of it, and anybody may enter himself."""

    names_writer = True

    def allows(self, claim: Claim, held: Mapping[bytes, Held]) -> bool:
        """The writer is on the list, or enters it."""
        return claim.spec.access not in SHARED or claim.node_id in held or own_key(claim)
