"""Records: stored, fetched and removed by their owner and readers (RFC 6940 §7.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from p2psip_min import trace as events
from p2psip_min.clock import milliseconds
from p2psip_min.enrollment.conviction import Wanted
from p2psip_min.errors import ErrorAnswer, NotFound, RemoteFault, RequestTimedOut
from p2psip_min.exchange import Received
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.node import Publication
from p2psip_min.peer import Peer
from p2psip_min.procedures.backup import find_backup, keep_backup
from p2psip_min.procedures.clearing import certificates_of, may_see
from p2psip_min.procedures.lookup import ask
from p2psip_min.procedures.report import examine, promised
from p2psip_min.procedures.standing import confirm
from p2psip_min.procedures.survey import ask_root_set
from p2psip_min.storage.access import Claim, place_of
from p2psip_min.storage.quota import at_home, entry_key
from p2psip_min.storage.reader import Answer, Refusal, Value
from p2psip_min.storage.readership import list_key
from p2psip_min.storage.rights import GUARDED, sealing
from p2psip_min.storage.selection import whole
from p2psip_min.storage.values import key_of, same_version
from p2psip_min.wire.data import APPEND, DictionaryEntry, StoredData, StoredDataValue, StoreKindData
from p2psip_min.wire.kinds import BLINDED_REGISTRATION, GRANT, PUBLICATIONS, READERS, AccessPolicy
from p2psip_min.wire.messages import ErrorCode, FetchReq, PingReq, StoreReq
from p2psip_min.wire.security import UNSIGNED

T = TypeVar("T")

_APPENDED = APPEND.to_bytes(4, "big")

ENTRY_SLACK = 60
"""Seconds by which an account's entry outlasts its object, so that it is there when the object arrives."""

WRITERS = 4
"""How many nodes may write to one record at the same time: of those that name the same version, one gets through."""

LIFETIME = 3600
"""Seconds that a record lives when its owner does not say."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a StoreAns said: the new generation counter, and who was to get copies."""

    generation: int
    replicas: tuple[NodeID, ...]


# --- the owner --------------------------------------------------------------------------------------------------------


async def store(
    peer: Peer, resource: ResourceID, kind: int, values: Iterable[StoredDataValue], *, lifetime: int = LIFETIME
) -> Stored:
    """Store values of one Kind under ``resource`` (§7.4.1); ``lifetime`` in seconds.

    Raises ErrorAnswer when the storing peer refuses, RequestTimedOut when it may or may not have stored.
    """
    encryption = peer.defences.value_encryption
    # The owner reads its own; nobody named means that everybody may.
    readers = (*peer.readers.values(), peer.parts.identity.certificate) if peer.readers else ()
    placed, plain = encryption.kind_for(kind, readers), tuple(values)
    if placed != kind and (resource, kind) in peer.generations:
        # What everybody could read so far goes first, so that the younger one is the encrypted one.
        gone = tuple([replace(value, exists=False, value=b"") for value in plain if key_of(value) != _APPENDED])
        if gone:
            await store_in_clear(peer, resource, kind, gone, max(lifetime, LIFETIME))
        del peer.generations[resource, kind]
    await _list_readers(peer, resource, kind, lifetime)
    entries = tuple([encryption.encrypt(resource, placed, value, readers, peer.rng) for value in plain])
    stored = await store_in_clear(peer, resource, placed, entries, lifetime)
    if peer.defences.audit.every:
        peer.published[resource, kind] = Publication(plain, peer.now() + lifetime)
        peer.on_published()
    return stored


async def _list_readers(peer: Peer, resource: ResourceID, kind: int, lifetime: int) -> None:
    """See that those who may read what we are about to store are listed beside it, and nobody else."""
    if not peer.defences.read_access.listed or kind == BLINDED_REGISTRATION:
        return  # who knows a blinded place may read there
    wanted = frozenset([list_key(kind, user) for user in peer.readers])
    held, until = peer.listed.get((resource, kind), (frozenset(), 0.0))
    if wanted == held and (not wanted or until >= peer.now() + lifetime):
        return
    entries = [DictionaryEntry(key, key in wanted, b"") for key in sorted(wanted | held)]
    await store_in_clear(peer, resource, READERS, entries, max(lifetime, LIFETIME) + ENTRY_SLACK)
    peer.listed[resource, kind] = wanted, peer.now() + max(lifetime, LIFETIME)


async def store_in_clear(
    peer: Peer, resource: ResourceID, kind: int, entries: Sequence[StoredDataValue], lifetime: int
) -> Stored:
    places = peer.defences.places.of(resource)
    await _enter(peer, places, kind, entries, lifetime)
    when = peer.next_storage_time(milliseconds(peer.now()))
    if len(places) == 1:
        return await _store_at(peer, places[0], kind, entries, lifetime, when)
    tries = [_outcome(_store_at(peer, place, kind, entries, lifetime, when)) for place in places]
    outcomes = await asyncio.gather(*tries)
    for outcome in outcomes:
        if isinstance(outcome, Stored):
            return outcome
    raise _first_fault(outcomes)


async def _outcome(work: Coroutine[Any, Any, T]) -> T | RemoteFault:
    """What comes of one of several things that are done at once."""
    try:
        return await work
    except RemoteFault as fault:
        return fault


def _first_fault(outcomes: Iterable[object]) -> RemoteFault:
    return next(outcome for outcome in outcomes if isinstance(outcome, RemoteFault))


async def _store_at(
    peer: Peer, place: ResourceID, kind: int, values: Sequence[StoredDataValue], lifetime: int, when: int
) -> Stored:
    for _ in range(WRITERS):
        try:
            return await _store(peer, place, kind, values, lifetime, when)
        except ErrorAnswer as error:
            failure = error
            if error.code != ErrorCode.GENERATION_COUNTER_TOO_LOW or not peer.defences.version.claim(1):
                break
        # Somebody else wrote, or we forgot: ask for the counter and try once more (§7.4.1.1).
        await _learn_generation(peer, place, kind)
        when = peer.next_storage_time(milliseconds(peer.now()))
    raise failure


async def _enter(
    peer: Peer, places: Iterable[ResourceID], kind: int, values: Sequence[StoredDataValue], lifetime: int
) -> None:
    """Enter into our account what is to lie outside our own places; raises ErrorAnswer when the account is full."""
    if not peer.defences.quota.booked or kind in GUARDED:
        return
    own, spec, salts = peer.parts.identity, peer.surroundings.kinds[kind], peer.defences.places.salts
    keys = [
        entry_key(place, kind, key_of(value))
        for place in places
        for value in values
        if value.exists and not at_home(Claim(place, spec, key_of(value), own.user, own.node_id, salts))
    ]
    if not keys:
        return
    until = peer.now() + lifetime
    async with peer.entering:  # one change of the account at a time, since each names the version that it replaces
        if new := [key for key in keys if peer.entered.get(key, 0.0) < until]:
            entries = [DictionaryEntry(key, True, b"") for key in new]
            await store_in_clear(peer, place_of(own.user), PUBLICATIONS, entries, lifetime + ENTRY_SLACK)
            peer.entered.update(dict.fromkeys(new, until))


async def _store(
    peer: Peer, resource: ResourceID, kind: int, values: Sequence[StoredDataValue], lifetime: int, when: int
) -> Stored:
    identity = peer.parts.identity
    sealed = tuple(
        sealing(peer.defences, kind, value).seal(
            identity.private_key, peer.identity, resource, kind, when, lifetime, value
        )
        for value in values
    )
    generation = peer.defences.version.claim(peer.generations.get((resource, kind), 0))
    # Where messages are not signed, nothing else brings the owner's certificate along.
    proof = (identity.certificate,) if any(each.signature != UNSIGNED for each in sealed) else ()
    body = _original(resource, kind, generation, sealed)
    received = await ask(peer, resource, body, certificates=proof)
    response = next((one for one in received.body.kind_responses if one.kind == kind), None)
    if response is None:
        raise RemoteFault("the answer to a store leaves out its Kind")
    peer.generations[resource, kind] = response.generation_counter
    if peer.defences.receipts.given:
        promised(peer, resource, kind, body, received)
    peer.emit(
        events.StoreAcknowledged(
            peer.now(),
            peer.node_id,
            received.envelope.transaction_id,
            resource,
            kind,
            response.generation_counter,
            response.replicas,
        )
    )
    if peer.defences.write.holders > 1:
        await _at_other_holders(peer, resource, kind, sealed, proof, received.signer)
    if peer.defences.backup.central:
        await keep_backup(peer, body, proof)
    return Stored(response.generation_counter, response.replicas)


def _original(resource: ResourceID, kind: int, generation: int, sealed: tuple[StoredData, ...]) -> StoreReq:
    return StoreReq(resource, 0, (StoreKindData(kind, generation, sealed),))


async def _at_other_holders(
    peer: Peer, place: ResourceID, kind: int, sealed: tuple[StoredData, ...], proof: tuple[bytes, ...], first: NodeID
) -> None:
    """See that those after the ``first`` holder have it too; RequestTimedOut when too few confirm that.

    Who they are is not taken from the first one's word.
    """
    policy = peer.defences.write
    holders, confirmed, needed = [first], 1, policy.needed
    while len(holders) < policy.holders:
        try:
            holder = await _next_holder(peer, place, tuple(holders))
            if holder in holders:
                needed = min(needed, len(holders))  # there are no more
                break
        except RemoteFault:
            break
        holders.append(holder)
        confirmed += await _outcome(_confirmed(peer, holder, place, kind, sealed, proof)) is True
    if confirmed < needed:
        raise RequestTimedOut(f"{confirmed} of {needed} holders confirmed the store")


async def _confirmed(
    peer: Peer,
    holder: NodeID,
    place: ResourceID,
    kind: int,
    sealed: tuple[StoredData, ...],
    proof: tuple[bytes, ...],
) -> bool:
    """Whether ``holder`` has what the owner stored, by a copy or from the owner himself."""
    look = FetchReq(place, (whole(peer.surroundings.kinds[kind]),))
    for last in (False, True):
        received = await peer.request((holder,), look)
        group = next((one for one in received.body.kind_responses if one.kind == kind), None)
        if group is not None and all(any(same_version(one, held) for held in group.values) for one in sealed):
            return True
        if last or group is None:
            break
        try:
            claimed = peer.defences.version.claim(group.generation)
            await peer.request((holder,), _original(place, kind, claimed, sealed), certificates=proof)
        except ErrorAnswer:
            continue  # perhaps the copy has just arrived
        return True
    return False


async def _learn_generation(peer: Peer, resource: ResourceID, kind: int) -> None:
    received = await ask(peer, resource, FetchReq(resource, (whole(peer.surroundings.kinds[kind]),)))
    for response in received.body.kind_responses:
        if response.kind == kind:
            peer.generations[resource, kind] = response.generation


# --- readers ----------------------------------------------------------------------------------------------------------


async def fetch(peer: Peer, resource: ResourceID, kind: int) -> tuple[Value, ...]:
    """What a reader may believe of one Kind under ``resource`` (§7.4.2), tombstones left out.

    Every value is checked; raises NotFound when none is left, RequestTimedOut when too few holders answered.
    """
    if peer.defences.read_access.at_reader and not await may_see(peer, resource, kind):
        raise NotFound("not for this reader")
    try:
        return await _fetch(peer, resource, kind)
    except RemoteFault:
        spare = await find_backup(peer, resource, kind) if peer.defences.backup.central else None
        if spare is None:
            raise
        reading = peer.reader.read(resource, peer.surroundings.kinds[kind], (spare,), peer.now())
        if not reading.existing:
            raise
        return reading.existing


async def _fetch(peer: Peer, resource: ResourceID, kind: int) -> tuple[Value, ...]:
    places = peer.defences.places.of(resource)
    kinds = peer.defences.value_encryption.kinds(kind)
    gathered = await asyncio.gather(*[_gather(peer, place, kinds) for place in places])
    answers = [answer for found in gathered for answer in found.answers]
    members = peer.defences.denial.members
    if len(answers) < peer.defences.read.needed and not members:
        fault = next((found.fault for found in gathered if found.fault), None)
        raise fault or RequestTimedOut(f"{len(answers)} of {peer.defences.read.needed} holders answered")
    existing = _read(peer, resource, kinds, answers)
    if not existing and members:
        # Whoever answered so far may have had no say in it.
        heard = [await ask_root_set(peer, place, _fetch_all(peer, place, kinds), members) for place in places]
        answers = [(each, place) for place, found in zip(places, heard, strict=True) for each in found]
        existing = _read(peer, resource, kinds, answers)
    if not existing:
        raise NotFound(f"nothing to believe at {resource!r}")
    return existing


def _fetch_all(peer: Peer, resource: ResourceID, kinds: Sequence[int]) -> FetchReq:
    """Asks for all of these Kinds, and for the grants where one of them is shared."""
    specs = [peer.surroundings.kinds[kind] for kind in kinds]
    if peer.defences.delegation.listed and any(spec.access is AccessPolicy.USER_CHAIN_ACL for spec in specs):
        specs.append(peer.surroundings.kinds[GRANT])
    return FetchReq(resource, tuple([whole(spec) for spec in specs]))


def _read(
    peer: Peer, resource: ResourceID, kinds: Sequence[int], answers: Sequence[tuple[Received, ResourceID]]
) -> tuple[Value, ...]:
    """What the reader takes of these answers, tombstones left out."""
    best: dict[bytes, Value] = {}
    refused: list[Refusal] = []
    for each in kinds:
        shown = [_answer(peer, received, each, place) for received, place in answers]
        reading = peer.reader.read(resource, peer.surroundings.kinds[each], shown, peer.now())
        for event in reading.events:
            peer.emit(event)
        for value in reading.values:
            known = best.get(value.key)
            if known is None or known.stored.storage_time < value.stored.storage_time:
                best[value.key] = value
        refused += reading.refused
    if peer.defences.conviction.wants is not Wanted.NOTHING:
        for received, place in answers:
            examine(peer, _fetch_all(peer, place, kinds), received, refused)
    return tuple([best[key] for key in sorted(best) if best[key].stored.value.exists])


@dataclass(slots=True)
class _Gathered:
    """What the holders of one place answered, each with the place, and why no more of them did."""

    answers: list[tuple[Received, ResourceID]]
    fault: RemoteFault | None = None


async def _gather(peer: Peer, resource: ResourceID, kinds: Sequence[int]) -> _Gathered:
    policy = peer.defences.read
    gathered = _Gathered([])
    answers = gathered.answers
    asked: list[NodeID] = []
    body = _fetch_all(peer, resource, kinds)
    try:
        root = await ask(peer, resource, body)
        asked.append(root.signer)
        answers.append((root, resource))
    except RemoteFault as error:
        gathered.fault = error
    while len(asked) < policy.asked:
        try:
            holder = await _next_holder(peer, resource, tuple(asked))
            if holder in asked:
                break
            asked.append(holder)
            received = await peer.request((holder,), body)
            await confirm(peer, received.signer, body.code)
            answers.append((received, resource))
        except RemoteFault as error:
            gathered.fault = error
            break
    return gathered


async def _next_holder(peer: Peer, resource: ResourceID, known: tuple[NodeID, ...]) -> NodeID:
    """Who holds the next copy: the overlay algorithm says where to ask, and the answer is signed."""
    place = peer.topology.next_holder(resource, known)
    if isinstance(place, NodeID):
        return place
    return (await ask(peer, place, PingReq())).signer


def _answer(peer: Peer, received: Received, kind: int, place: ResourceID) -> Answer:
    groups = {group.kind: group.values for group in received.body.kind_responses}
    beside = groups.get(GRANT, ()) if kind != GRANT else ()
    return Answer(received.signer, groups.get(kind, ()), certificates_of(peer, received), place, beside)


async def remove(peer: Peer, resource: ResourceID, kind: int, key: bytes, *, lifetime: int = LIFETIME) -> Stored:
    """Put a tombstone in the place of our dictionary entry (§7.4.1.3); it must outlive what it removes."""
    return await store(peer, resource, kind, (DictionaryEntry(key, False, b""),), lifetime=lifetime)
