"""Letting others write to one's record, and writing to another's (draft 7.2.8, RFC 8076)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.clock import milliseconds
from p2psip_min.errors import LocalProtocolError
from p2psip_min.peer import Peer
from p2psip_min.procedures.lookup import ask
from p2psip_min.procedures.records import LIFETIME, store, store_in_clear
from p2psip_min.storage.access import place_of
from p2psip_min.storage.policies import OwnerSignature
from p2psip_min.storage.values import MAX_LIFETIME
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry, StoreKindData
from p2psip_min.wire.grants import Grant, Operations, grant_key
from p2psip_min.wire.kinds import GRANT
from p2psip_min.wire.messages import StoreReq
from p2psip_min.wire.security import identity_of


@dataclass(frozen=True, slots=True)
class Key:
    """An owner's key and certificate (DER) in other hands."""

    private_key: ec.EllipticCurvePrivateKey
    certificate: bytes


async def grant(
    peer: Peer,
    owner: str,
    to_user: str,
    kind: int,
    *,
    number: int,
    until: float,
    operations: Operations = Operations.WRITE,
    passing_on: bool = False,
) -> Key | None:
    """Let ``to_user`` write values of ``kind`` to the record of ``owner`` until virtual second ``until``.

    ``number`` tells this node's grants there apart. Where owners share their keys, the key is what is given.
    """
    if peer.defences.delegation.key_shared:
        own = peer.parts.identity
        return Key(own.private_key, own.certificate)
    lifetime = math.ceil(until - peer.now())
    if not 0 < lifetime <= MAX_LIFETIME:
        raise LocalProtocolError(f"a grant lasts up to {MAX_LIFETIME} s")
    if peer.defences.delegation.listed:
        given = Grant(to_user.encode(), kind, passing_on, int(operations), milliseconds(until))
        entry = DictionaryEntry(grant_key(peer.node_id, number), True, encode(given))
        await store_in_clear(peer, place_of(owner), GRANT, (entry,), lifetime)
    return None


async def revoke(peer: Peer, owner: str, number: int) -> None:
    """Take this node's ``number``-th grant back; the tombstone outlives every grant."""
    if peer.defences.delegation.listed:
        entry = DictionaryEntry(grant_key(peer.node_id, number), False, b"")
        await store_in_clear(peer, place_of(owner), GRANT, (entry,), MAX_LIFETIME)


async def write_for(peer: Peer, owner: str, kind: int, value: bytes, *, key: Key | None = None) -> None:
    """Write an entry of our own to another's record, by his grant or with his key; raises what ``store`` raises."""
    resource, entry = place_of(owner), DictionaryEntry(bytes(peer.node_id), True, value)
    if key is None:
        await store(peer, resource, kind, (entry,))
        return
    when, identity = peer.next_storage_time(milliseconds(peer.now())), identity_of(key.certificate)
    stored = OwnerSignature().seal(key.private_key, identity, resource, kind, when, LIFETIME, entry)
    await ask(
        peer, resource, StoreReq(resource, 0, (StoreKindData(kind, 0, (stored,)),)), certificates=(key.certificate,)
    )
