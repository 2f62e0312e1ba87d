"""What one node holds: takes stores, answers Fetch, Stat and Find, lets values age, and packs copies (RFC 6940 §7.4).

Rules
1. A store is judged whole before anything is touched (``validation``); carrying it out can't fail.
2. What is over counts as absent at once, whether or not ``expire`` has been called.
3. What happened comes back as trace events for the node to emit; the store emits nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from p2psip_min import trace as events
from p2psip_min.errors import StoreReason
from p2psip_min.ids import NodeID, ResourceID, distance
from p2psip_min.storage.policies import Answers, CertificateFor, StorePolicies
from p2psip_min.storage.quota import exceeded
from p2psip_min.storage.readership import may_read
from p2psip_min.storage.rights import NOTHING, proven
from p2psip_min.storage.selection import select
from p2psip_min.storage.validation import (
    MOST_GENERATION,
    Accepted,
    Change,
    Checklist,
    Rejected,
    refuse,
    same,
    unknown_kinds,
)
from p2psip_min.storage.values import (
    CLASS_OF,
    MAX_LIFETIME,
    VALUE_RULES,
    Held,
    Shelf,
    ValueRule,
    aged,
    is_absence,
    key_of,
    precedence,
    with_lifetime,
)
from p2psip_min.trace import Event
from p2psip_min.wire.data import (
    FetchKindResponse,
    StatKindResponse,
    StoredData,
    StoreKindData,
    meta_data,
)
from p2psip_min.wire.kinds import READERS, KindRegistry, KindSpec
from p2psip_min.wire.messages import (
    FetchAns,
    FetchReq,
    FindAns,
    FindKindData,
    FindReq,
    StatAns,
    StatReq,
    StoreKindResponse,
    StoreReq,
)

EXPORT_LIMIT = 4000
"""Bytes of values and certificates that go into one store of copies, well under the default max-message-size."""


@dataclass(slots=True)
class Found:
    """What a Fetch found, and the certificates (DER) that a reader needs to verify it."""

    answer: FetchAns
    certificates: tuple[bytes, ...]


@dataclass(slots=True)
class Export:
    """One store of copies: the request, and the certificates (DER) that belong into its message."""

    request: StoreReq
    certificates: tuple[bytes, ...]


@dataclass(slots=True)
class Adopted:
    """What came of another holder's values: ``refused`` did not count, by Kind and key, for a StoreReason each.

    ``covers``: the other holder has all that is held here now.
    """

    events: list[Event]
    changed: bool
    covers: bool
    refused: tuple[tuple[int, bytes, StoreReason], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One held value as tables show it; ``expires`` in virtual s, ``replica`` 0 for the original."""

    resource: ResourceID
    kind: int
    key: bytes
    generation: int
    stored: StoredData
    signer: str
    replica: int
    since: float
    expires: float


class Store:
    """The storage of the node ``node_id``; ``rules`` are its policies (``Defences`` has them all)."""

    __slots__ = ("_answers", "_checklist", "_expiries", "_resources", "kinds", "node_id", "rules")

    def __init__(
        self,
        node_id: NodeID,
        kinds: KindRegistry,
        rules: StorePolicies,
        *,
        value_rules: Mapping[int, ValueRule] = VALUE_RULES,
        max_lifetime: int = MAX_LIFETIME,
    ) -> None:
        self.node_id = node_id
        self.kinds = kinds
        self.rules = rules
        self._checklist = Checklist(kinds, rules, value_rules, max_lifetime)
        self._answers: Answers[object] = rules.memory.start()
        self._resources: dict[bytes, dict[int, Shelf]] = {}
        self._expiries: list[tuple[float, bytes, int, bytes]] = []

    def know_kinds(self, kinds: KindRegistry) -> None:
        """Judge by these Kinds from now on; what is held stays."""
        self.kinds = kinds
        self._checklist = replace(self._checklist, kinds=kinds)

    # --- storing ---------------------------------------------------------------------------------------------

    def accept(
        self,
        request: StoreReq,
        *,
        sender: NodeID,
        transaction_id: int,
        now: float,
        replicas: tuple[NodeID, ...] = (),
        **circumstances: Any,
    ) -> Accepted | Rejected:
        """Judge a StoreReq signed by ``sender`` and carry it out whole, or not at all (RFC 6940 §7.4.1.1).

        The circumstances are those of ``Checklist.judge``. ``replicas`` are named in the answer to an original store.
        """
        known = self._answers.recall(sender, transaction_id, now)
        if isinstance(known, Accepted):
            return Accepted(known.responses, [], False, True)
        happened: list[Event] = self.expire(now)
        resource = request.resource
        changes = self.judge(request, sender=sender, now=now, **circumstances)
        if isinstance(changes, Rejected):
            happened.append(
                events.StoreRejected(now, self.node_id, transaction_id, resource, changes.kind, changes.reason)
            )
            changes.events = happened
            return changes
        changed = False
        for change in changes:
            changed = self._carry_out(resource, change, transaction_id, now, happened) or changed
        named = replicas if request.replica_number == 0 else ()
        responses = tuple([StoreKindResponse(change.kind, change.generation, named) for change in changes])
        covers = request.replica_number != 0 and self._covers(request)
        accepted = Accepted(responses, happened, changed, covers=covers)
        self._answers.keep(sender, transaction_id, accepted, now)
        return accepted

    def judge(self, request: StoreReq, **circumstances: Any) -> list[Change] | Rejected:
        """What ``accept`` would change under the same circumstances, without changing it."""
        changes = self._checklist.judge(request, self._resources.get(request.resource, {}), **circumstances)
        quota = self.rules.quota
        if quota.booked or not quota.limit or isinstance(changes, Rejected):
            return changes
        coming = [new.user for change in changes for _, new, old in change.entries if old is None]
        if exceeded(quota.limit, coming, [record.signer for record in self.records()] if coming else ()):
            return refuse(StoreReason.OVER_QUOTA, changes[0].kind)
        return changes

    def _carry_out(
        self, resource: bytes, change: Change, transaction_id: int, now: float, happened: list[Event]
    ) -> bool:
        shelf = self._shelf(resource, change.kind)
        if shelf is None:
            if not change.entries:
                return False
            shelf = self._resources.setdefault(resource, {}).setdefault(change.kind, Shelf(change.spec))
        shelf.generation = change.generation
        values, node_id, kind = shelf.values, self.node_id, change.kind
        for key, new, old in change.entries:
            values[key] = new
            heapq.heappush(self._expiries, (new.expires, resource, kind, key))
            stored, user, replica = new.stored, new.user, new.replica
            time, value = stored.storage_time, stored.value
            event: Event
            if not value.exists:
                replaced = old.stored.storage_time if old else 0
                event = events.RecordRemoved(
                    now, node_id, transaction_id, resource, kind, key, time, user, replica, replaced
                )
            elif old is None:
                event = events.RecordStored(
                    now, node_id, transaction_id, resource, kind, key, time, user, replica, value.value
                )
            else:
                replaced = old.stored.storage_time
                event = events.RecordReplaced(
                    now, node_id, transaction_id, resource, kind, key, time, user, replica, value.value, replaced
                )
            happened.append(event)
        return bool(change.entries)

    def _covers(self, request: StoreReq) -> bool:
        """Whether accepted copies are all that is held; what was named is held as it came."""
        held = sum([len(shelf.values) for shelf in self._resources.get(request.resource, {}).values()])
        return held == sum([len(group.values) for group in request.kind_data])

    def adopt(self, resource: ResourceID, answer: FetchAns, *, certificates: CertificateFor, now: float) -> Adopted:
        """Take over what another holder has that is younger than ours, after it refused our copies as too old.

        Values are judged one by one, like copies, and merged in the order of their storage times whatever the order
        policy says (RFC 6940 §7.4.1.1, the rules for healing).
        """
        happened: list[Event] = self.expire(now)
        refused: list[tuple[int, bytes, StoreReason]] = []
        changed = False
        theirs: dict[tuple[int, bytes], StoredData] = {}
        for group in answer.kind_responses:
            spec = self.kinds.get(group.kind)
            if spec is None:
                continue
            shelf = self._shelf(resource, group.kind)
            theirs_counts = group.generation <= MOST_GENERATION
            ours = shelf.generation if shelf else 0
            change = Change(group.kind, spec, max(group.generation, ours) if theirs_counts else max(1, ours), [])
            coming: dict[bytes, Held] = dict(shelf.values) if shelf else {}
            for stored in group.values:
                if is_absence(stored):
                    continue
                new = self._adoptable(resource, spec, stored, certificates, now)
                if isinstance(new, StoreReason):
                    refused.append((group.kind, key_of(stored.value), new))
                    continue
                key = key_of(stored.value)
                theirs[group.kind, key] = stored
                old = coming.get(key)
                if old is not None and precedence(stored) <= precedence(old.stored):
                    continue
                if old is None and len(coming) >= spec.max_count:
                    refused.append((group.kind, key, StoreReason.TOO_MANY))
                    continue
                coming[key] = new
                change.entries.append((key, new, old))
            changed = self._carry_out(resource, change, 0, now, happened) or changed
        covers = all(
            (kind, key) in theirs and same(theirs[kind, key], held.stored)
            for kind, shelf in self._resources.get(resource, {}).items()
            for key, held in shelf.values.items()
        )
        return Adopted(happened, changed, covers, tuple(refused))

    def _adoptable(
        self, resource: bytes, spec: KindSpec, stored: StoredData, certificates: CertificateFor, now: float
    ) -> Held | StoreReason:
        if type(stored.value) is not CLASS_OF[spec.model]:
            return StoreReason.MODEL_MISMATCH
        shelves = self._resources.get(resource, NOTHING)
        signer = proven(self.rules, resource, spec, stored, certificates, shelves, now=now, first_hand=False)
        if isinstance(signer, StoreReason):
            return signer
        if reason := self._checklist.invalid(spec, stored):
            return reason
        user, der = (signer.user, signer.der) if signer else ("", b"")
        return Held(stored, now, now + stored.lifetime, user, der, 1)

    # --- answering -------------------------------------------------------------------------------------------

    def fetch(self, request: FetchReq, now: float) -> Found | Rejected:
        """The values asked for, with what is left of their lifetimes; unsigned absences for those not known here.

        No values where the reader's generation is current. Refused: unknown Kinds, ranges overlapping or backwards.
        """
        groups: list[FetchKindResponse] = []
        certificates: dict[bytes, None] = {}
        for specifier in request.specifiers:
            spec = self.kinds.get(specifier.kind)
            if spec is None:
                return self._unknown(request)
            shelf = self._shelf(request.resource, specifier.kind)
            chosen = select(spec, shelf, specifier, now)
            if chosen is None:
                return refuse(StoreReason.INVALID_VALUE, spec.id)
            values: list[StoredData] = []
            for item in chosen:
                if isinstance(item, Held):
                    values.append(aged(item, now))
                    if item.certificate:
                        certificates[item.certificate] = None
                else:
                    values.append(item)
            groups.append(FetchKindResponse(spec.id, shelf.generation if shelf else 0, tuple(values)))
        return Found(FetchAns(tuple(groups)), tuple(certificates))

    def stat(self, request: StatReq, now: float) -> StatAns | Rejected:
        """What ``fetch`` would answer, as metadata (RFC 6940 §7.4.3)."""
        groups: list[StatKindResponse] = []
        for specifier in request.specifiers:
            spec = self.kinds.get(specifier.kind)
            if spec is None:
                return self._unknown(request)
            shelf = self._shelf(request.resource, specifier.kind)
            chosen = select(spec, shelf, specifier, now)
            if chosen is None:
                return refuse(StoreReason.INVALID_VALUE, spec.id)
            values = [meta_data(aged(item, now) if isinstance(item, Held) else item) for item in chosen]
            groups.append(StatKindResponse(spec.id, shelf.generation if shelf else 0, tuple(values)))
        return StatAns(tuple(groups))

    def find(self, request: FindReq, *, responsible: bool, now: float) -> FindAns | Rejected:
        """For each Kind the next Resource-ID held here, clockwise from the one asked for (RFC 6940 §7.4.4).

        "Closest" is clockwise because the RFC walks the overlay with nearest(1 + R).
        """
        if not responsible:
            return refuse(StoreReason.NOT_RESPONSIBLE)
        if len(set(request.kinds)) != len(request.kinds):
            return refuse(StoreReason.REPEATED_KIND)
        results = []
        for kind in request.kinds:
            having = [
                resource
                for resource, shelves in self._resources.items()
                if (shelf := shelves.get(kind)) and any(held.expires > now for held in shelf.values.values())
            ]
            closest = min(having, key=lambda resource: distance(request.resource, resource), default=None)
            results.append(FindKindData(kind, None if closest is None else ResourceID(closest)))
        return FindAns(tuple(results))

    def withheld(self, request: FetchReq | StatReq, user: str, now: float) -> Rejected | None:
        """The refusal of a request for what ``user`` may not read."""
        shelf = self._shelf(request.resource, READERS)
        held = shelf.values if shelf else {}
        listed = {key: one.user for key, one in held.items() if one.stored.value.exists and one.expires > now}
        denied = [each.kind for each in request.specifiers if not may_read(listed, each.kind, user)]
        return refuse(StoreReason.READER_DENIED, denied[0]) if denied else None

    def _unknown(self, request: FetchReq | StatReq) -> Rejected:
        unknown = [one.kind for one in request.specifiers if one.kind not in self.kinds.models]
        return refuse(StoreReason.UNKNOWN_KIND, unknown[0], unknown_kinds(unknown))

    # --- time ------------------------------------------------------------------------------------------------

    def next_expiry(self) -> float | None:
        """When the next value's lifetime ends, in virtual s."""
        expiries = self._expiries
        while expiries:
            expires, resource, kind, key = expiries[0]
            held = self._held(resource, kind, key)
            if held is not None and held.expires == expires:
                return expires
            heapq.heappop(expiries)  # replaced meanwhile, or gone
        return None

    def expire(self, now: float) -> list[Event]:
        """Drop what is over at ``now``."""
        happened: list[Event] = []
        expiries = self._expiries
        while expiries and expiries[0][0] <= now:
            expires, resource, kind, key = heapq.heappop(expiries)
            held = self._held(resource, kind, key)
            if held is None or held.expires != expires:
                continue
            shelves = self._resources[resource]
            values = shelves[kind].values
            del values[key]
            if not values:
                del shelves[kind]
                if not shelves:
                    del self._resources[resource]
            happened.append(events.RecordExpired(now, self.node_id, 0, resource, kind, key, held.stored.storage_time))
        return happened

    def _shelf(self, resource: bytes, kind: int) -> Shelf | None:
        shelves = self._resources.get(resource)
        return shelves.get(kind) if shelves else None

    def _held(self, resource: bytes, kind: int, key: bytes) -> Held | None:
        shelf = self._shelf(resource, kind)
        return shelf.values.get(key) if shelf else None

    # --- copies ----------------------------------------------------------------------------------------------

    def export(
        self, resource: ResourceID, replica_number: int, now: float, *, limit: int = EXPORT_LIMIT
    ) -> tuple[Export, ...]:
        """The resource as stores of copies, lifetimes lowered by the time spent here (RFC 6940 §7.4.1.1).

        In as many parts as it takes to keep each under ``limit`` bytes; copies merge value by value, so the parts may
        come in any order. What has less than a second left is not worth sending.
        """
        parts: list[Export] = []
        groups: dict[int, list[StoredData]] = {}
        certificates: dict[bytes, None] = {}
        size = 0
        shelves = self._resources.get(resource, {})

        def close() -> None:
            data = [StoreKindData(kind, shelves[kind].generation, tuple(values)) for kind, values in groups.items()]
            parts.append(Export(StoreReq(resource, replica_number, tuple(data)), tuple(certificates)))

        for kind in sorted(shelves):
            shelf = shelves[kind]
            for key in sorted(shelf.values):
                held = shelf.values[key]
                left = int(held.expires - now)
                if left <= 0:
                    continue
                signature = held.stored.signature
                needs = (
                    64 + len(key) + len(held.stored.value.value) + len(signature.value) + len(signature.identity.digest)
                )
                carries = len(held.certificate) if held.certificate not in certificates else 0
                if groups and size + needs + carries > limit:
                    close()
                    groups, certificates, size = {}, {}, 0
                    carries = len(held.certificate)
                size += needs + carries
                groups.setdefault(kind, []).append(with_lifetime(held.stored, left))
                if held.certificate:
                    certificates[held.certificate] = None
        if groups:
            close()
        return tuple(parts)

    def drop(self, resource: ResourceID, now: float) -> list[Event]:
        """Forget the resource because others hold it (RFC 6940 §10.7.3)."""
        shelves = self._resources.pop(resource, {})
        return [events.RecordHandedOver(now, self.node_id, 0, resource, kind) for kind in sorted(shelves)]

    # --- looking ---------------------------------------------------------------------------------------------

    def resources(self) -> tuple[ResourceID, ...]:
        """The Resource-IDs held here, in their order."""
        return tuple([ResourceID(resource) for resource in sorted(self._resources)])

    def holds(self, resource: bytes) -> bool:
        """Whether anything is held for the resource."""
        return resource in self._resources

    def generation(self, resource: bytes, kind: int) -> int:
        """The generation counter; 0 when nothing is held."""
        shelf = self._shelf(resource, kind)
        return shelf.generation if shelf else 0

    def records(self) -> Iterator[Record]:
        """All that is held, by resource, Kind and key."""
        for resource, shelves in sorted(self._resources.items()):
            for kind, shelf in sorted(shelves.items()):
                for key, held in sorted(shelf.values.items()):
                    yield Record(
                        resource=ResourceID(resource),
                        kind=kind,
                        key=key,
                        generation=shelf.generation,
                        stored=held.stored,
                        signer=held.user,
                        replica=held.replica,
                        since=held.since,
                        expires=held.expires,
                    )

    def __len__(self) -> int:
        """How many resources are held."""
        return len(self._resources)
