"""What a message's signatures are worth to somebody who has nothing but the message, and what TLS puts around it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from lab import text
from lab.frames import World
from p2psip_min.errors import Malformed
from p2psip_min.ids import ResourceID
from p2psip_min.wire.data import StoredData, stored_input
from p2psip_min.wire.framing import DATA_OVERHEAD
from p2psip_min.wire.header import open_envelope
from p2psip_min.wire.kinds import KNOWN_KINDS
from p2psip_min.wire.message import Message, decode_message, message_input
from p2psip_min.wire.security import Signature, SignatureAlgorithm, encode_identity, verify

RECORD_HEADER, RECORD_TAIL = 5, 17
"""Bytes of a TLS 1.3 record around what it carries: its header, and content type and tag (RFC 8446 §5.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One signature: of the ``record`` or of the message, by whom, and whether it is valid.

    ``valid`` is None where the message itself can't tell: nobody signed, or the signer's certificate is not in it.
    """

    record: bool
    signer: str
    valid: bool | None
    signed: bool = True


@dataclass(frozen=True, slots=True)
class _Holder:
    user: str
    key: Any
    digest: bytes


def proofs(message: bytes, world: World) -> tuple[Proof, ...]:
    """The signatures of a message, the records' first; none of bytes that are no message."""
    try:
        decoded = decode_message(message, KNOWN_KINDS)
    except Malformed:
        return ()
    holders = tuple(_holders(decoded.security.certificates))
    found = []
    for kind, stored, resource in _records(decoded):
        places = [resource] if resource else [world.subject, *world.resources]
        inputs = [stored_input(ResourceID(place), kind, stored) for place in places if place]
        found.append(_proof(stored.signature, inputs, holders, record=True))
    signature = decoded.security.signature
    envelope = open_envelope(message)
    covered = message_input(
        envelope.overlay, envelope.transaction_id, decoded.contents, encode_identity(signature.identity)
    )
    found.append(_proof(signature, [covered], holders, record=False))
    return tuple(found)


def _records(message: Message) -> Iterable[tuple[int, StoredData, bytes]]:
    """The values that a message carries, with their Kinds and, where it says so, their Resource-IDs."""
    body = message.body
    for part in ("kind_data", "kind_responses"):
        for group in getattr(body, part, ()):
            for stored in getattr(group, "values", ()):
                if isinstance(stored, StoredData):
                    yield group.kind, stored, bytes(getattr(body, "resource", b""))


def _holders(certificates: Iterable[bytes]) -> Iterable[_Holder]:
    for der in certificates:
        try:
            loaded = x509.load_der_x509_certificate(der)
            names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound):
            continue
        users = names.get_values_for_type(x509.RFC822Name)
        yield _Holder(users[0] if users else text.NONE, loaded.public_key(), hashlib.sha256(der).digest())


def _proof(signature: Signature, inputs: Sequence[bytes], holders: Sequence[_Holder], *, record: bool) -> Proof:
    if signature.algorithm == SignatureAlgorithm.ANONYMOUS:
        return Proof(record=record, signer="", valid=None, signed=False)
    for holder in holders:
        if any(verify(holder.key, signature, covered) for covered in inputs):
            return Proof(record=record, signer=holder.user, valid=True)
    named = next((holder.user for holder in holders if holder.digest == signature.identity.digest), "")
    return Proof(record=record, signer=named, valid=False if named else None)


def record_size(message: bytes) -> int:
    """How many bytes the TLS record around a message has, with the frame that RFC 6940 §6.6.1 puts between them."""
    return RECORD_HEADER + DATA_OVERHEAD + len(message) + RECORD_TAIL


def record_header(message: bytes) -> bytes:
    """What an outsider sees of the record: application data, the version of old times, a length."""
    return b"\x17\x03\x03" + (record_size(message) - RECORD_HEADER).to_bytes(2, "big")
