"""What a storing peer asks others before it stores, and what those answer (draft 5.3).

1. A record that leads to another node than its writer's: that node is asked whether it agrees (``contact-consent``).
2. An object outside its publisher's own places: his account is asked whether it is entered (``publication-account``).

Nobody is asked about what would be refused anyhow, nor about copies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2psip_min.clock import milliseconds, virtual
from p2psip_min.errors import LinkReason, RemoteFault, StoreReason
from p2psip_min.exchange import Received, Reply
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.procedures.lookup import ask
from p2psip_min.storage.access import Claim, place_of
from p2psip_min.storage.consent import MOST_AGE, Lead, leads
from p2psip_min.storage.policies import CertificateFor, OwnerSignature, Signer, signing_node
from p2psip_min.storage.quota import at_home, entry_key
from p2psip_min.storage.reader import Answer, Value
from p2psip_min.storage.readership import may_read
from p2psip_min.storage.rights import GUARDED
from p2psip_min.storage.selection import whole
from p2psip_min.storage.validation import Change
from p2psip_min.storage.values import absent
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import FetchKindResponse, SingleValue, StoredDataSpecifier
from p2psip_min.wire.kinds import (
    CONSENT,
    PUBLICATIONS,
    READERS,
    SIP_REGISTRATION,
    DataModel,
    SipRegistration,
    SipRegistrationType,
)
from p2psip_min.wire.messages import FetchAns, FetchReq
from p2psip_min.wire.security import SignerIdentity

if TYPE_CHECKING:
    from p2psip_min.enrollment.certificates import Certificate
    from p2psip_min.peer import Peer

CONSENT_WAIT = 8.0
"""Seconds in which a contact has to answer, less than those for which the writer waits."""

CONSENT_LIFETIME = 60
"""Seconds that a contact gives its word for."""

_SIGNATURE = OwnerSignature()


def certificates_of(peer: Peer, received: Received) -> Callable[[SignerIdentity], Certificate | LinkReason | None]:
    """How to find the signer of a value that came with this message."""
    bucket = received.message.security.certificates
    return lambda identity: peer.certificate_for(identity, bucket)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be found out before values of ``kind`` are stored: where they lead, or whose account they are in.

    ``lifetime`` is how long, in seconds, the account's entry has to last.
    """

    kind: int
    key: bytes = b""
    lead: Lead | None = None
    publisher: str = ""
    lifetime: int = 0


def questions(
    peer: Peer, resource: ResourceID, changes: Sequence[Change], certificates: CertificateFor
) -> tuple[Question, ...]:
    """What has to be asked about changes that are in order otherwise, each question once."""
    found = [each for change in changes for each in _questions(peer, resource, change, certificates)]
    return tuple(dict.fromkeys(found))


def _questions(peer: Peer, resource: ResourceID, change: Change, certificates: CertificateFor) -> Iterator[Question]:
    rules = peer.defences
    for key, new, _ in change.entries:
        stored, signer = new.stored, certificates(new.stored.signature.identity)
        if not stored.value.exists or signer is None or isinstance(signer, LinkReason):
            continue
        writer = signing_node(signer, stored.signature.identity)
        if rules.consent.asks:
            for lead in leads(change.kind, stored.value.value, writer):
                yield Question(change.kind, lead=lead)
        claim = Claim(resource, change.spec, key, signer.user, writer, rules.places.salts)
        if rules.quota.booked and change.kind not in GUARDED and not at_home(claim):
            yield Question(change.kind, key, publisher=signer.user, lifetime=stored.lifetime)


async def objection(peer: Peer, resource: ResourceID, asked: Question) -> StoreReason | None:
    """Ask; None when nothing speaks against storing."""
    if asked.lead is None:
        return None if await _entered(peer, resource, asked) else StoreReason.NOT_BOOKED
    routes = (asked.lead,) if isinstance(asked.lead, tuple) else await _routes(peer, asked.lead)
    agreed = [await _agreed(peer, resource, route) for route in routes]
    return None if agreed and all(agreed) else StoreReason.NO_CONSENT


async def _look(peer: Peer, resource: ResourceID, asked: StoredDataSpecifier) -> tuple[Value, ...]:
    """What this node believes to lie somewhere, without the tombstones; nothing when nobody answers."""
    try:
        received = await ask(peer, resource, FetchReq(resource, (asked,)))
    except RemoteFault:
        return ()
    values = [value for group in received.body.kind_responses if group.kind == asked.kind for value in group.values]
    answer = Answer(received.signer, values, certificates_of(peer, received))
    return peer.reader.read(resource, peer.surroundings.kinds[asked.kind], (answer,), peer.now()).existing


async def may_see(peer: Peer, resource: ResourceID, kind: int) -> bool:
    """Whether this node's user is listed as a reader, or nobody is."""
    found = await _look(peer, resource, whole(peer.surroundings.kinds[READERS]))
    return may_read({value.key: value.signer for value in found}, kind, peer.parts.identity.user)


# --- a publisher's account --------------------------------------------------------------------------------------------


async def _entered(peer: Peer, resource: ResourceID, asked: Question) -> bool:
    key = entry_key(resource, asked.kind, asked.key)
    found = await _look(peer, place_of(asked.publisher), StoredDataSpecifier(PUBLICATIONS, 0, None, (key,)))
    return any(value.signer == asked.publisher and value.stored.lifetime >= asked.lifetime for value in found)


# --- a contact's consent ----------------------------------------------------------------------------------------------


async def _routes(peer: Peer, name: str) -> tuple[tuple[Destination, ...], ...]:
    """The phones that a name leads to; names that lead on to others count for nothing."""
    found = await _look(peer, place_of(name), whole(peer.surroundings.kinds[SIP_REGISTRATION]))
    registrations = [decode(SipRegistration, value.stored.value.value) for value in found]
    return tuple(each.destination_list for each in registrations if each.type == SipRegistrationType.ROUTE)


async def _agreed(peer: Peer, resource: ResourceID, route: tuple[Destination, ...]) -> bool:
    """Whether the node at the end of the route says now, signed, that the resource may lead to it."""
    contact = route[-1]
    if not isinstance(contact, NodeID):
        return False
    try:
        async with asyncio.timeout(CONSENT_WAIT):
            received = await peer.request(route, FetchReq(resource, (StoredDataSpecifier(CONSENT),)))
    except (RemoteFault, TimeoutError):
        return False
    for group in received.body.kind_responses:
        for stored in group.values if group.kind == CONSENT else ():
            signer = _SIGNATURE.authenticate(resource, CONSENT, stored, certificates_of(peer, received))
            age = abs(peer.now() - virtual(stored.storage_time))
            if _is_word_of(contact, signer, stored.signature.identity) and stored.value.exists and age <= MOST_AGE:
                return True
    return False


def _is_word_of(contact: NodeID, signer: Signer | StoreReason | None, identity: SignerIdentity) -> bool:
    return signer is not None and not isinstance(signer, StoreReason) and signing_node(signer, identity) == contact


def consent(peer: Peer, request: FetchReq) -> Reply | None:
    """This node's own word on whether a resource may lead to it; None when something else is asked."""
    if tuple([each.kind for each in request.specifiers]) != (CONSENT,):
        return None
    resource, own = request.resource, peer.parts.identity
    stored = absent(DataModel.SINGLE, b"")
    certificates: tuple[bytes, ...] = ()
    if any(resource in peer.defences.places.of(agreed) for agreed in peer.agreed):
        value, when = SingleValue(True, b""), milliseconds(peer.now())
        stored = _SIGNATURE.seal(own.private_key, peer.identity, resource, CONSENT, when, CONSENT_LIFETIME, value)
        certificates = (own.certificate,)
    return Reply(FetchAns((FetchKindResponse(CONSENT, 1, (stored,)),)), certificates)
