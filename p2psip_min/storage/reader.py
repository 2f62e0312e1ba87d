"""What a reader believes (RFC 6940 §7.4.2.2; draft 11.5): every value is verified, copies are compared, memory counts.

A holder can't make a value up, nor change one, where values are signed. It can hold back the newest and show an older
one that was once true: that takes a second holder to see, or a memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min import trace as events
from p2psip_min.clock import virtual
from p2psip_min.errors import ReadReason, StoreReason
from p2psip_min.ids import NodeID
from p2psip_min.storage.encryption import InClear, ValueEncryptionPolicy
from p2psip_min.storage.policies import CertificateFor, Recollection, StorePolicies
from p2psip_min.storage.rights import NOTHING, grants, proven
from p2psip_min.storage.validation import well_formed
from p2psip_min.storage.values import (
    CLASS_OF,
    MAX_LIFETIME,
    VALUE_RULES,
    Shelf,
    ValueRule,
    is_absence,
    key_of,
    precedence,
)
from p2psip_min.storage.vouching import NobodyVouches, VouchingPolicy
from p2psip_min.trace import Event
from p2psip_min.wire.data import StoredData, StoredDataValue
from p2psip_min.wire.encrypted import plain_kind
from p2psip_min.wire.kinds import GRANT, OUR_KINDS, KindSpec

CLOCK_SLACK = 60.0
"""Seconds by which an owner's clock may be behind the reader's before a value counts as too old to exist."""


@dataclass(slots=True)
class Answer:
    """What one holder gave for one Kind; ``certificates`` looks up signers in its message.

    ``place`` is where it was asked for, None for the record's own place: values are signed for the place they lie at.
    ``grants`` are what it has beside a record that is shared.
    """

    holder: NodeID
    values: Sequence[StoredData]
    certificates: CertificateFor
    place: bytes | None = None
    grants: Sequence[StoredData] = ()


@dataclass(slots=True)
class Value:
    """A value that the reader takes as true, a tombstone too; ``signer`` is empty where values are not signed."""

    key: bytes
    stored: StoredData
    signer: str


@dataclass(slots=True)
class Refusal:
    """A value that the reader was given by ``holder`` and does not take."""

    holder: NodeID
    key: bytes
    stored: StoredData
    reason: ReadReason


@dataclass(slots=True)
class Reading:
    """What a read came to: the believed values by key, the refused ones, and both as trace events."""

    values: tuple[Value, ...]
    refused: tuple[Refusal, ...]
    events: list[Event]

    @property
    def existing(self) -> tuple[Value, ...]:
        """The values without the tombstones."""
        return tuple([value for value in self.values if value.stored.value.exists])

    @property
    def partial(self) -> bool:
        """Whether something was left out that another value does not make up for."""
        taken = {value.key for value in self.values}
        return any(refusal.key not in taken for refusal in self.refused)


class Reader:
    """One node's judgement of what it reads, with its memory."""

    __slots__ = (
        "_encryption",
        "_max_lifetime",
        "_memory",
        "_private_key",
        "_rules",
        "_value_rules",
        "_vouching",
        "node_id",
    )

    def __init__(
        self,
        node_id: NodeID,
        rules: StorePolicies,
        memory: Recollection,
        *,
        encryption: ValueEncryptionPolicy = InClear(),
        private_key: ec.EllipticCurvePrivateKey | None = None,
        vouching: VouchingPolicy = NobodyVouches(),
        value_rules: Mapping[int, ValueRule] = VALUE_RULES,
        max_lifetime: int = MAX_LIFETIME,
    ) -> None:
        self.node_id = node_id
        self._rules = rules
        self._memory = memory
        self._encryption = encryption
        self._private_key = private_key
        self._vouching = vouching
        self._value_rules = value_rules
        self._max_lifetime = max_lifetime

    def read(
        self, resource: bytes, spec: KindSpec, answers: Sequence[Answer], now: float, transaction_id: int = 0
    ) -> Reading:
        """Verify every value of every answer, take the youngest of each key, and remember it."""
        best: dict[bytes, Value] = {}
        refused: list[Refusal] = []
        valid: list[tuple[NodeID, Value]] = []
        for answer in answers:
            taken, not_taken = self.verify(resource, spec, answer, now)
            refused += not_taken
            for value in taken:
                valid.append((answer.holder, value))
                known = best.get(value.key)
                if known is None or precedence(value.stored) > precedence(known.stored):
                    best[value.key] = value
        for holder, value in valid:
            # The same version lies at several places under as many signatures.
            if precedence(value.stored)[:-1] < precedence(best[value.key].stored)[:-1]:
                refused.append(Refusal(holder, value.key, value.stored, ReadReason.OUTVOTED))
        values = tuple([best[key] for key in sorted(best)])
        happened: list[Event] = [
            events.ValueRejected(
                now, self.node_id, transaction_id, resource, spec.id, no.key, no.stored.storage_time, no.reason
            )
            for no in refused
        ]
        for value in values:
            time, content = value.stored.storage_time, value.stored.value
            self._memory.note(resource, spec.id, value.key, time)
            happened.append(
                events.ValueRead(
                    now,
                    self.node_id,
                    transaction_id,
                    resource,
                    spec.id,
                    value.key,
                    time,
                    value.signer,
                    content.exists,
                    content.value,
                )
            )
        return Reading(values, tuple(refused), happened)

    def verify(self, resource: bytes, spec: KindSpec, answer: Answer, now: float) -> tuple[list[Value], list[Refusal]]:
        """The values of one answer that hold on their own, and those that do not.

        Absences that the holder made up are neither: they are its word, and prove nothing.
        """
        taken: list[Value] = []
        refused: list[Refusal] = []
        place = answer.place or resource
        shelves = grants(place, OUR_KINDS[GRANT], answer.grants, answer.certificates) if answer.grants else NOTHING
        for stored in answer.values:
            if is_absence(stored):
                continue
            key = key_of(stored.value)
            signer = self._judge(resource, answer, shelves, spec, key, stored, now)
            opened = signer if isinstance(signer, ReadReason) else self._open(resource, spec, stored)
            if isinstance(opened, ReadReason):
                refused.append(Refusal(answer.holder, key, stored, opened))
            else:
                taken.append(Value(key, opened, signer))
        return taken, refused

    def _open(self, resource: bytes, spec: KindSpec, stored: StoredData) -> StoredData | ReadReason:
        """The value as its owner meant it, decrypted where he has named readers."""
        opened = self._encryption.decrypt(resource, spec.id, stored.value, self._private_key)
        if isinstance(opened, ReadReason):
            return opened
        if opened is stored.value:
            return stored
        if not self._well_formed(replace(spec, id=plain_kind(spec.id)), opened):
            return ReadReason.INVALID_VALUE
        return StoredData(stored.storage_time, stored.lifetime, opened, stored.signature)

    def _well_formed(self, spec: KindSpec, value: StoredDataValue) -> bool:
        return not self._rules.validation.at_reader or well_formed(self._value_rules, spec, value)

    def _judge(
        self,
        resource: bytes,
        answer: Answer,
        shelves: Mapping[int, Shelf],
        spec: KindSpec,
        key: bytes,
        stored: StoredData,
        now: float,
    ) -> str | ReadReason:
        place, certificates = answer.place or resource, answer.certificates
        value = stored.value
        if type(value) is not CLASS_OF[spec.model]:
            return ReadReason.INVALID_VALUE
        signer = proven(self._rules, place, spec, stored, certificates, shelves, now=now)
        if isinstance(signer, StoreReason):
            return ReadReason[signer.name]
        if refusal := self._vouching.refusal(place, spec.id, stored, certificates):
            return refusal
        # A holder may stretch the lifetime, which is not signed, but not the storage time.
        if stored.lifetime == 0 or virtual(stored.storage_time) + self._max_lifetime + CLOCK_SLACK < now:
            return ReadReason.EXPIRED
        if not self._well_formed(spec, value):
            return ReadReason.INVALID_VALUE
        if stored.storage_time < self._memory.newest(resource, spec.id, key):
            return ReadReason.ROLLED_BACK
        return signer.user if signer else ""
