"""The storing peer's checklist (RFC 6940 §7.4.1.1): judged in the RFC's order, all Kinds or none.

Nothing here changes what is held: a request becomes a list of changes, or a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from p2psip_min.errors import Malformed, StoreReason
from p2psip_min.ids import NodeID
from p2psip_min.storage.access import Claim
from p2psip_min.storage.policies import CertificateFor, Signer, StorePolicies, signing_node
from p2psip_min.storage.quota import at_home, exceeded
from p2psip_min.storage.rights import GUARDED, denied, proven
from p2psip_min.storage.values import CLASS_OF, Held, Shelf, ValueRule, key_of, precedence
from p2psip_min.trace import Event
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import APPEND, ArrayEntry, StoredData, StoredDataValue, StoreKindData
from p2psip_min.wire.kinds import GRANT, PUBLICATIONS, KindRegistry, KindSpec
from p2psip_min.wire.messages import ErrorCode, StoreAns, StoreKindResponse, StoreReq

ERROR_OF: Mapping[StoreReason, ErrorCode] = {
    StoreReason.NOT_RESPONSIBLE: ErrorCode.FORBIDDEN,
    StoreReason.NOT_A_REPLICA: ErrorCode.FORBIDDEN,
    StoreReason.UNKNOWN_KIND: ErrorCode.UNKNOWN_KIND,
    StoreReason.REPEATED_KIND: ErrorCode.INVALID_MESSAGE,
    StoreReason.MODEL_MISMATCH: ErrorCode.INVALID_MESSAGE,
    StoreReason.INVALID_VALUE: ErrorCode.INVALID_MESSAGE,
    StoreReason.UNSIGNED: ErrorCode.FORBIDDEN,
    StoreReason.BAD_SIGNATURE: ErrorCode.FORBIDDEN,
    StoreReason.UNKNOWN_SIGNER: ErrorCode.FORBIDDEN,
    StoreReason.CERTIFICATE_REFUSED: ErrorCode.FORBIDDEN,
    StoreReason.ACCESS_DENIED: ErrorCode.FORBIDDEN,
    StoreReason.REQUESTER_DENIED: ErrorCode.FORBIDDEN,
    StoreReason.OTHERS_PART: ErrorCode.FORBIDDEN,
    StoreReason.NOT_GRANTED: ErrorCode.FORBIDDEN,
    StoreReason.OVER_QUOTA: ErrorCode.FORBIDDEN,
    StoreReason.OVER_SHARE: ErrorCode.FORBIDDEN,
    StoreReason.NOT_BOOKED: ErrorCode.FORBIDDEN,
    StoreReason.NO_CONSENT: ErrorCode.FORBIDDEN,
    StoreReason.READER_DENIED: ErrorCode.FORBIDDEN,
    StoreReason.GENERATION_TOO_LOW: ErrorCode.GENERATION_COUNTER_TOO_LOW,
    StoreReason.GENERATION_TOO_HIGH: ErrorCode.GENERATION_COUNTER_TOO_LOW,
    StoreReason.GENERATION_REQUIRED: ErrorCode.GENERATION_COUNTER_TOO_LOW,
    StoreReason.DATA_TOO_OLD: ErrorCode.DATA_TOO_OLD,
    StoreReason.STALE_TIMESTAMP: ErrorCode.DATA_TOO_OLD,
    StoreReason.FUTURE_TIMESTAMP: ErrorCode.FORBIDDEN,
    StoreReason.TOO_LARGE: ErrorCode.DATA_TOO_LARGE,
    StoreReason.TOO_MANY: ErrorCode.DATA_TOO_LARGE,
    StoreReason.LIFETIME: ErrorCode.INVALID_MESSAGE,
    StoreReason.TOMBSTONE_TOO_SHORT: ErrorCode.INVALID_MESSAGE,
}
"""What the requester is told; where RFC 6940 names no error, Error_Invalid_Message for what no clock can mend."""

MOST_GENERATION = 1 << 63
"""The highest generation counter that is taken from another holder; it counts on from there in 64 bits."""

MAX_LISTED_KINDS = 63
"""What fits behind the one length byte of Error_Unknown_Kind's list."""


@dataclass(slots=True)
class Accepted:
    """The request was carried out; ``responses`` is the StoreAns's content.

    ``changed`` says whether anything is held now that was not before, ``repeated`` that the answer comes from memory,
    ``covers`` that it brought copies of all that is held for the resource now: its sender lacks nothing.
    """

    responses: tuple[StoreKindResponse, ...]
    events: list[Event]
    changed: bool
    repeated: bool = False
    covers: bool = False

    @property
    def answer(self) -> StoreAns:
        """The body to answer with."""
        return StoreAns(self.responses)


@dataclass(slots=True)
class Rejected:
    """Nothing was changed, because of ``kind`` (0: of the whole request); ``code`` and ``info`` tell the sender."""

    reason: StoreReason
    kind: int
    code: ErrorCode
    info: bytes
    events: list[Event]


@dataclass(slots=True)
class Change:
    """What a request does to one Kind: the values in the order of the request, each with what it replaces."""

    kind: int
    spec: KindSpec
    generation: int
    entries: list[tuple[bytes, Held, Held | None]]


@dataclass(slots=True)
class Checklist:
    """What one storing peer judges by."""

    kinds: KindRegistry
    rules: StorePolicies
    value_rules: Mapping[int, ValueRule]
    max_lifetime: int

    def judge(
        self,
        request: StoreReq,
        shelves: Mapping[int, Shelf],
        *,
        sender: NodeID,
        sender_certificate: Signer | None,
        certificates: CertificateFor,
        responsible: bool,
        plausible_replica_sender: bool,
        now: float,
        first_hand: bool | None = None,
    ) -> list[Change] | Rejected:
        """The changes that ``request`` of ``sender`` makes to ``shelves``, or the first reason against it.

        ``sender_certificate`` is None where messages are not signed. ``certificates`` looks up the values' signers.
        ``responsible``: this node is the resource's peer; ``plausible_replica_sender``: it expects copies of the
        resource from ``sender``. ``first_hand``: no other holder has judged it before; unless said, that is true of
        original stores.
        """
        original = request.replica_number == 0
        first_hand = original if first_hand is None else first_hand
        if original and not responsible:
            return refuse(StoreReason.NOT_RESPONSIBLE)
        if not (original or plausible_replica_sender):
            return refuse(StoreReason.NOT_A_REPLICA)
        groups = request.kind_data
        if refusal := self._kinds_refused(groups):
            return refusal
        changes: list[Change] = []
        for group in groups:
            spec = self.kinds[group.kind]
            shelf = shelves.get(group.kind)
            signers: list[Signer | None] = []
            around = _with_grants(shelves, changes)
            for stored in group.values:
                if type(stored.value) is not CLASS_OF[spec.model]:
                    return refuse(StoreReason.MODEL_MISMATCH, group.kind)
                signer = proven(
                    self.rules, request.resource, spec, stored, certificates, around, now=now, first_hand=first_hand
                )
                if isinstance(signer, StoreReason):
                    return refuse(signer, group.kind)
                # The owner who sends his own value, from his only node, has just been allowed to.
                alike = sender_certificate is signer and signer is not None and len(signer.node_ids) == 1
                if original and sender_certificate is not None and not alike:
                    user, salts = sender_certificate.user, self.rules.places.salts
                    claim = Claim(request.resource, spec, key_of(stored.value), user, sender, salts)
                    if denied(self.rules, claim, stored.value, around, now):
                        return refuse(StoreReason.REQUESTER_DENIED, group.kind)
                signers.append(signer)
            if group.raw:
                return refuse(StoreReason.MODEL_MISMATCH, group.kind)
            if reason := self._generation_refused(group, shelf, original):
                return refuse(reason, group.kind, _counters(groups, shelves))
            outcome = self._values(group, spec, shelf, signers, request.replica_number, now)
            if isinstance(outcome, StoreReason):
                return refuse(outcome, group.kind)
            if self.rules.key_quota.share and self._over_share(request.resource, group, outcome, shelf, signers):
                return refuse(StoreReason.OVER_SHARE, group.kind)
            changes.append(outcome)
        return changes

    def _kinds_refused(self, groups: Sequence[StoreKindData]) -> Rejected | None:
        unknown = [group.kind for group in groups if group.kind not in self.kinds.models]
        if unknown:
            return refuse(StoreReason.UNKNOWN_KIND, unknown[0], unknown_kinds(unknown))
        if len(groups) > 1:
            seen = [group.kind for group in groups]
            for place, kind in enumerate(seen):
                if kind in seen[:place]:
                    return refuse(StoreReason.REPEATED_KIND, kind)
        return None

    def _generation_refused(self, group: StoreKindData, shelf: Shelf | None, original: bool) -> StoreReason | None:
        claimed = group.generation_counter
        if original:
            return self.rules.version.verdict(claimed, shelf.generation if shelf else 0)
        # Copies are taken with the counter that they come with, whatever ours says; but never without one, and with
        # none that leaves no room to count on, since nobody has signed it.
        if claimed > MOST_GENERATION:
            return StoreReason.GENERATION_TOO_HIGH
        return None if claimed else StoreReason.GENERATION_REQUIRED

    def _values(
        self,
        group: StoreKindData,
        spec: KindSpec,
        shelf: Shelf | None,
        signers: Sequence[Signer | None],
        replica: int,
        now: float,
    ) -> Change | StoreReason:
        """Storage times, limits and lifetimes of one Kind's values, each taken as if those before it were stored."""
        held = shelf.values if shelf else {}
        coming: dict[bytes, Held] = {}
        entries: list[tuple[bytes, Held, Held | None]] = []
        timestamp = self.rules.timestamp
        for stored, signer in zip(group.values, signers, strict=True):
            value = stored.value
            if isinstance(value, ArrayEntry) and value.index == APPEND:
                if replica:
                    return StoreReason.INVALID_VALUE
                last = max(max(held, default=b""), max(coming, default=b""))
                index = int.from_bytes(last, "big") + 1 if last else 0
                if index == APPEND:
                    return StoreReason.TOO_MANY
                value = ArrayEntry(index, value.exists, value.value)
                stored = StoredData(stored.storage_time, stored.lifetime, value, stored.signature)
            key = key_of(value)
            old = coming.get(key) or held.get(key)
            if replica and old is not None and same(old.stored, stored):
                continue
            if old is not None and self._too_old(group.kind, stored, old.stored, replica):
                return StoreReason.DATA_TOO_OLD
            if not replica and (reason := timestamp.verdict(stored.storage_time, now)):
                return reason
            if reason := self.invalid(spec, stored):
                return reason
            if not (value.exists or replica) and old is not None and now + stored.lifetime < old.expires:
                return StoreReason.TOMBSTONE_TOO_SHORT
            new = Held(
                stored,
                now,
                now + stored.lifetime,
                signer.user if signer else "",
                signer.der if signer else b"",
                replica,
            )
            coming[key] = new
            entries.append((key, new, old))
        if coming and len(held) + sum(key not in held for key in coming) > self._most(spec):
            return StoreReason.TOO_MANY
        generation = shelf.generation if shelf else 0
        if replica:
            generation = group.generation_counter
        elif entries:
            generation += 1
        return Change(group.kind, spec, generation, entries)

    def _over_share(
        self,
        resource: bytes,
        group: StoreKindData,
        change: Change,
        shelf: Shelf | None,
        signers: Sequence[Signer | None],
    ) -> bool:
        """Whether somebody would have more values here than one identity may have where none of its names leads."""
        if change.kind in GUARDED:
            return False
        salts, held = self.rules.places.salts, shelf.values if shelf else {}
        nodes = {
            stored.signature: signing_node(signer, stored.signature.identity)
            for stored, signer in zip(group.values, signers, strict=True)
            if signer is not None
        }
        coming = [
            new.user
            for key, new, old in change.entries
            if old is None
            and not at_home(Claim(resource, change.spec, key, new.user, nodes.get(new.stored.signature), salts))
        ]
        return exceeded(self.rules.key_quota.share, coming, [one.user for one in held.values()])

    def _most(self, spec: KindSpec) -> int:
        """How many values of the Kind may lie at one resource."""
        quota = self.rules.quota
        if spec.id == PUBLICATIONS and quota.booked:
            return quota.limit * (1 + self.rules.places.salts)
        return spec.max_count

    def _too_old(self, kind: int, new: StoredData, old: StoredData, replica: int) -> bool:
        """Whether a value comes too late to replace another; copies that merge go by all of their precedence."""
        order, time, held = self.rules.order, new.storage_time, old.storage_time
        if kind in GUARDED or (not new.value.exists and self.rules.removal.too_old(time, held)):
            return time <= held
        return order.merges and precedence(new) < precedence(old) if replica else order.too_old(time, held)

    def invalid(self, spec: KindSpec, stored: StoredData) -> StoreReason | None:
        """What is wrong with the value itself, whoever wrote it, where the storing peer looks (draft 7.2.9)."""
        if not self.rules.validation.at_store:
            return None
        if len(stored.value.value) > spec.max_size:
            return StoreReason.TOO_LARGE
        if not 0 < stored.lifetime <= self.max_lifetime:
            return StoreReason.LIFETIME
        return None if well_formed(self.value_rules, spec, stored.value) else StoreReason.INVALID_VALUE


def _with_grants(shelves: Mapping[int, Shelf], changes: Sequence[Change]) -> Mapping[int, Shelf]:
    """The shelves with the grants that the same request brings, which stand before what they allow."""
    coming = {key: new for change in changes if change.kind == GRANT for key, new, _ in change.entries}
    if not coming:
        return shelves
    held = shelves[GRANT].values if GRANT in shelves else {}
    spec = next(change.spec for change in changes if change.kind == GRANT)
    return {**shelves, GRANT: Shelf(spec, 0, {**held, **coming})}


def well_formed(rules: Mapping[int, ValueRule], spec: KindSpec, value: StoredDataValue) -> bool:
    """Whether the bytes are what the Kind says: a value of it, and none in a tombstone."""
    if not value.exists:
        return not value.value
    rule = rules.get(spec.id)
    if rule is not None:
        try:
            rule(value.value)
        except Malformed:
            return False
    return True


def refuse(reason: StoreReason, kind: int = 0, info: bytes | None = None) -> Rejected:
    """The refusal for ``reason``; its text goes along where the error has no structure of its own."""
    return Rejected(reason, kind, ERROR_OF[reason], reason.value.encode() if info is None else info, [])


def unknown_kinds(kinds: Sequence[int]) -> bytes:
    """Error_Unknown_Kind's information: the list of Kind-IDs behind one byte of length (RFC 6940 §7.4.1.2)."""
    packed = b"".join([kind.to_bytes(4, "big") for kind in kinds[:MAX_LISTED_KINDS]])
    return bytes((len(packed),)) + packed


def _counters(groups: Sequence[StoreKindData], shelves: Mapping[int, Shelf]) -> bytes:
    """Error_Generation_Counter_Too_Low's information: a StoreAns with the right counters, and no replicas."""
    return encode(
        StoreAns(
            tuple(
                StoreKindResponse(group.kind, shelf.generation if (shelf := shelves.get(group.kind)) else 0)
                for group in groups
            )
        )
    )


def same(one: StoredData, other: StoredData) -> bool:
    """Whether both are one value, whatever is left of their lifetimes."""
    return one.storage_time == other.storage_time and one.value == other.value and one.signature == other.signature
