"""Whether a value is its writer's, and its writer's to write: what storing peer and reader ask of each (draft 7.2.8).

Each defence works alone. Whoever has to know the writer makes values signed, whatever the switch of signatures says.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from p2psip_min.errors import StoreReason
from p2psip_min.storage.access import Claim, at_own_place, permitted
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
from p2psip_min.wire.kinds import PUBLICATIONS, READERS, KindSpec

NOTHING: Mapping[int, Shelf] = MappingProxyType({})
"""The shelves of a resource of which nothing is known."""

GUARDED = frozenset({PUBLICATIONS, READERS})
"""Kinds that storing peers judge others by: their owners sign them and nobody else writes them, whatever is on."""

_NOBODYS: Mapping[bytes, Held] = MappingProxyType({})
_OWNER_SIGNATURE = OwnerSignature()
_NAME_BADGE = NameBadge()


def names_writer(rules: StorePolicies) -> bool:
    """Whether one of the rules has to know who wrote a value."""
    return any([rule.names_writer for rule in (rules.access, rules.parts, rules.quota, rules.consent)])


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


def denied(rules: StorePolicies, claim: Claim, shelves: Mapping[int, Shelf], *, removes: bool) -> StoreReason | None:
    """Why the claim is not to be granted; ``shelves`` hold what the resource has by now, by Kind."""
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
) -> Signer | StoreReason | None:
    """Who wrote the value and was allowed to, None where nobody has to be known, else why it does not count."""
    signer = sealing(rules, spec.id, stored.value).authenticate(resource, spec.id, stored, certificates)
    if signer is None or isinstance(signer, StoreReason):
        return signer
    node_id = signing_node(signer, stored.signature.identity)
    claim = Claim(resource, spec, key_of(stored.value), signer.user, node_id, rules.places.salts)
    return denied(rules, claim, shelves, removes=not stored.value.exists) or signer
