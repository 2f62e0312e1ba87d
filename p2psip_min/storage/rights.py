"""Whether a value is its writer's, and its writer's to write: what storing peer and reader ask of each (draft 7.2.8).

Each defence works alone. Whoever has to know the writer makes values signed, whatever the switch of signatures says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from p2psip_min.errors import StoreReason
from p2psip_min.storage.access import Claim, at_own_place, permitted, user_match
from p2psip_min.storage.delegation import own_entry, shared
from p2psip_min.storage.policies import (
    CertificateFor,
    OwnerSignature,
    RecordSignaturePolicy,
    Signer,
    StorePolicies,
    signing_node,
)
from p2psip_min.storage.removal import NameBadge
from p2psip_min.storage.values import Held, Shelf, key_of
from p2psip_min.wire.data import StoredData, StoredDataValue
from p2psip_min.wire.kinds import GRANT, PUBLICATIONS, READERS, KindSpec

NOTHING: Mapping[int, Shelf] = MappingProxyType({})
"""The shelves of a resource of which nothing is known."""

GUARDED = frozenset({PUBLICATIONS, READERS, GRANT})
"""Kinds that storing peers judge others by: their owners sign them and nobody else writes them, whatever is on."""

_NOBODYS: Mapping[bytes, Held] = MappingProxyType({})
_OWNER_SIGNATURE = OwnerSignature()
_NAME_BADGE = NameBadge()


def names_writer(rules: StorePolicies) -> bool:
    """Whether one of the rules has to know who wrote a value."""
    asking = (rules.access, rules.parts, rules.delegation, rules.quota, rules.key_quota, rules.consent)
    return any([rule.names_writer for rule in asking])


def sealing(rules: StorePolicies, kind: int, value: StoredDataValue) -> RecordSignaturePolicy:
    """How ``value`` is sealed and its seal is read: signed where one of the rules has to know who wrote it."""
    if kind in GUARDED:
        return _OWNER_SIGNATURE
    if not value.exists:
        if rules.removal.named:
            return _NAME_BADGE
        if rules.removal.signed:
            return _OWNER_SIGNATURE
    return _OWNER_SIGNATURE if names_writer(rules) else rules.record_signature


def denied(
    rules: StorePolicies,
    claim: Claim,
    value: StoredDataValue,
    shelves: Mapping[int, Shelf],
    now: float,
    *,
    first_hand: bool = True,
) -> StoreReason | None:
    """Why the claim to write ``value`` is not to be granted; ``shelves`` hold what the resource has by now, by Kind.

    A copy from another holder is not ``first_hand``: whether a grant stood when the value came, that one has judged.
    """
    removes = not value.exists
    if shared(claim) and rules.delegation.listed and not first_hand:
        return None if user_match(claim) or own_entry(claim) else StoreReason.OTHERS_PART
    granted = rules.delegation.verdict(claim, value, shelves, now)
    if granted is not None:
        return None if granted else StoreReason.NOT_GRANTED
    strict = claim.spec.id in GUARDED or (removes and rules.removal.signed)
    if strict and not (at_own_place(claim) if claim.spec.id == READERS else permitted(claim)):
        return StoreReason.ACCESS_DENIED
    if removes and rules.removal.named:
        return None
    shelf = shelves.get(claim.spec.id)
    held = shelf.values if shelf else _NOBODYS
    if not rules.access.allows(claim, held):
        return StoreReason.ACCESS_DENIED
    if not rules.parts.allows(claim, held):
        return StoreReason.OTHERS_PART
    return None


def proven(
    rules: StorePolicies,
    resource: bytes,
    spec: KindSpec,
    stored: StoredData,
    certificates: CertificateFor,
    shelves: Mapping[int, Shelf] = NOTHING,
    *,
    now: float,
    first_hand: bool = True,
) -> Signer | StoreReason | None:
    """Who wrote the value and was allowed to, None where nobody has to be known, else why it does not count."""
    signer = sealing(rules, spec.id, stored.value).authenticate(resource, spec.id, stored, certificates)
    if signer is None or isinstance(signer, StoreReason):
        return signer
    node_id = signing_node(signer, stored.signature.identity)
    claim = Claim(resource, spec, key_of(stored.value), signer.user, node_id, rules.places.salts)
    return denied(rules, claim, stored.value, shelves, now, first_hand=first_hand) or signer


def grants(
    resource: bytes, spec: KindSpec, values: Iterable[StoredData], certificates: CertificateFor
) -> Mapping[int, Shelf]:
    """The grants among ``values`` as a shelf: who signed which is all that a chain needs to be followed."""
    shelf = Shelf(spec)
    for stored in values:
        signer = _OWNER_SIGNATURE.authenticate(resource, spec.id, stored, certificates)
        if signer is not None and not isinstance(signer, StoreReason):
            shelf.values[key_of(stored.value)] = Held(stored, 0.0, math.inf, signer.user, signer.der, 0)
    return {spec.id: shelf}
