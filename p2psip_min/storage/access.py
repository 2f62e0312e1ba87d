"""Who may write where: the access control policies of RFC 6940 §7.3.

A rule sees a claim (who wants to write which part of which resource) and says yes or no. The names that count are those
of a checked certificate; which of its Node-IDs wrote is what the signer's identity says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from p2psip_min.ids import NodeID, ResourceID
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


def at_salted_places(rules: Mapping[AccessPolicy, AccessRule], salts: int) -> Mapping[AccessPolicy, AccessRule]:
    """The same rules where a record may lie at ``salts`` places beside its own."""
    if not salts:
        return rules

    def at_any(rule: AccessRule) -> AccessRule:
        return lambda claim: rule(replace(claim, salts=salts))

    return {policy: at_any(rule) for policy, rule in rules.items()}


def user_match(claim: Claim) -> bool:
    """USER-MATCH: the user's name hashes to the resource (§7.3.1)."""
    return claim.lies_at(place_of(claim.user))


def node_match(claim: Claim) -> bool:
    """NODE-MATCH: the Node-ID hashes to the resource (§7.3.2)."""
    return claim.node_id is not None and claim.lies_at(place_of(claim.node_id))


def user_node_match(claim: Claim) -> bool:
    """USER-NODE-MATCH: the user's name hashes to the resource, and the Node-ID is the dictionary key (§7.3.3)."""
    return (
        claim.key == claim.node_id and claim.spec.model is DataModel.DICTIONARY and claim.lies_at(place_of(claim.user))
    )


def node_multiple(claim: Claim) -> bool:
    """NODE-MULTIPLE: the Node-ID with one byte i of 1 to the Kind's maximum hashes to the resource (§7.3.4).

    The RFC leaves i's width open; one byte, as in TurnServer's iteration (§9).
    """
    node_id = claim.node_id
    return node_id is not None and any(
        claim.lies_at(place_of(node_id + bytes((i,)))) for i in range(1, claim.spec.max_node_multiple + 1)
    )


ACCESS_RULES: Mapping[AccessPolicy, AccessRule] = {
    AccessPolicy.USER_MATCH: user_match,
    AccessPolicy.NODE_MATCH: node_match,
    AccessPolicy.USER_NODE_MATCH: user_node_match,
    AccessPolicy.NODE_MULTIPLE: node_multiple,
}
"""The rules of RFC 6940; a store takes another mapping for more."""
