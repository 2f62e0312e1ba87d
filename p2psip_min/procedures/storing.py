"""What a storing peer answers to Store, Fetch, Stat and Find (RFC 6940 §7.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from p2psip_min import trace as events
from p2psip_min.errors import ErrorAnswer
from p2psip_min.exchange import Later, Received, Reply
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures import clearing
from p2psip_min.procedures.alarm import watch
from p2psip_min.procedures.clearing import certificates_of
from p2psip_min.procedures.replicate import copy_out, look_after_copies
from p2psip_min.storage.replication import GIVE_UP, HAND_OVER
from p2psip_min.storage.validation import Rejected, refuse
from p2psip_min.wire.messages import ErrorCode, FetchReq, FindAns, StatAns, StatReq, StoreReq

FORGOTTEN = 1.0
"""Seconds after which a peer that has given a resource up has forgotten it."""


def on_store(peer: Peer, received: Received) -> Reply | Later:
    """Judge and carry out a store, then send the copies on their way (§7.4.1.1); some are asked about first."""
    request: StoreReq = received.body
    if peer.leaving or (not peer.joined and request.replica_number == 0):
        raise ErrorAnswer(ErrorCode.FORBIDDEN, b"going" if peer.leaving else b"not a peer")
    if _first_hand(peer, received) and (peer.defences.consent.asks or peer.defences.quota.booked):
        changes = peer.store.judge(request, **_circumstances(peer, received))
        if not isinstance(changes, Rejected):
            asked = clearing.questions(peer, request.resource, changes, certificates_of(peer, received))
            if asked:
                return Later(_store_when_clear(peer, received, asked))
    return _carry_out(peer, received)


def _first_hand(peer: Peer, received: Received) -> bool:
    """Whether nobody whom we know has judged the store before us.

    A stray copy may come home from anybody, and a stranger's word that all was in order is worth nothing.
    """
    return received.body.replica_number == 0 or received.signer not in peer.topology.neighbors()


async def _store_when_clear(peer: Peer, received: Received, asked: Sequence[clearing.Question]) -> Reply:
    resource = received.body.resource
    for question in asked:
        if reason := await clearing.objection(peer, resource, question):
            transaction = received.envelope.transaction_id
            peer.emit(events.StoreRejected(peer.now(), peer.node_id, transaction, resource, question.kind, reason))
            refused = refuse(reason, question.kind)
            raise ErrorAnswer(refused.code, refused.info)
    return _carry_out(peer, received)


def _circumstances(peer: Peer, received: Received) -> dict[str, Any]:
    """What a store is judged by beside its contents."""
    request: StoreReq = received.body
    resource, topology = request.resource, peer.topology
    responsible = topology.responsible(resource)
    others = peer.defences.write.holders - 1
    return {
        "sender": received.signer,
        "sender_certificate": received.certificate,
        "certificates": certificates_of(peer, received),
        "responsible": responsible or (others > 0 and topology.holds(resource, others)),
        "plausible_replica_sender": topology.plausible_source(received.signer)
        or (responsible and request.replica_number in (GIVE_UP, HAND_OVER) and _may_come_home(peer, resource)),
        "now": peer.now(),
        "first_hand": _first_hand(peer, received),
    }


def _carry_out(peer: Peer, received: Received) -> Reply:
    request: StoreReq = received.body
    resource, topology = request.resource, peer.topology
    responsible = topology.responsible(resource)
    replicas = peer.defences.replication.choose(topology.replicas(resource, peer.defences.replication.copies))
    transaction_id = received.envelope.transaction_id
    outcome = peer.store.accept(
        request, transaction_id=transaction_id, replicas=replicas, **_circumstances(peer, received)
    )
    for event in outcome.events:
        peer.emit(event)
    if isinstance(outcome, Rejected):
        raise ErrorAnswer(outcome.code, outcome.info)
    if resource == peer.giving_up:
        peer.giving_up = None  # whoever sends it may count on us
    copied = outcome.covers and request.replica_number not in (0, GIVE_UP, HAND_OVER)
    if outcome.changed:
        watch(peer, request, certificates_of(peer, received))
        peer.copies.stored(resource, received.signer if copied else None)
        if request.replica_number == 0 and responsible:
            for replica_number, replica in enumerate(replicas, 1):
                copy_out(peer, resource, replica, replica_number)
        elif responsible:
            look_after_copies(peer)  # handed over to us: the replicas need it too
    elif copied:
        peer.copies.acknowledged(resource, received.signer)
    if request.replica_number == GIVE_UP:
        if outcome.covers and not peer.copies.missing(resource, received.signer):
            peer.loop.call_later(FORGOTTEN, _copy_again, peer, resource, received.signer)
        peer.copies.doubt(resource, received.signer)
    return Reply(outcome.answer)


def _copy_again(peer: Peer, resource: ResourceID, holder: NodeID) -> None:
    """Give a replica that took itself for none the resource again, to keep until it next looks after its copies."""
    replicas = peer.topology.replicas(resource, peer.defences.copies)
    if peer.joined and holder in replicas and peer.topology.responsible(resource) and peer.store.holds(resource):
        copy_out(peer, resource, holder, 1 + replicas.index(holder))


def _may_come_home(peer: Peer, resource: ResourceID) -> bool:
    """Whether a copy that went astray is taken from a stranger: its owner's signature speaks for it, but not its age.

    Where the last to arrive wins, it must not roll back what is held; only what is missing may come from anywhere.
    """
    return peer.defences.order.merges or not peer.store.holds(resource)


def on_fetch(peer: Peer, received: Received) -> Reply:
    """Hand out what is held, with the certificates that a reader needs (§7.4.2.2); or say what only we can say."""
    if (own_word := clearing.consent(peer, received.body)) is not None:
        return own_word
    _answerable(peer, received)
    found = peer.store.fetch(received.body, peer.now())
    if isinstance(found, Rejected):
        raise ErrorAnswer(found.code, found.info)
    vouching, own = peer.defences.vouching, peer.parts.identity
    answer = vouching.vouch(own.private_key, peer.identity, received.body.resource, found.answer)
    return Reply(answer, (*found.certificates, own.certificate) if vouching.signs else found.certificates)


def _answerable(peer: Peer, received: Received) -> None:
    """Raise ErrorAnswer when the requester may not read what he asks for; other holders may, since they hold it."""
    request: FetchReq | StatReq = received.body
    if not peer.defences.read_access.at_store or received.signer in peer.topology.neighbors():
        return
    user = received.certificate.user if received.certificate else ""
    if (withheld := peer.store.withheld(request, user, peer.now())) is not None:
        raise ErrorAnswer(withheld.code, withheld.info)


def on_fetch_at_client(peer: Peer, received: Received) -> Reply:
    """A client holds nothing; what only it can say, it says."""
    own_word = clearing.consent(peer, received.body)
    if own_word is None:
        raise ErrorAnswer(ErrorCode.FORBIDDEN, b"not a peer")
    return own_word


def on_stat(peer: Peer, received: Received) -> StatAns:
    """Tell of what is held without handing it out (§7.4.3)."""
    _answerable(peer, received)
    found = peer.store.stat(received.body, peer.now())
    if isinstance(found, Rejected):
        raise ErrorAnswer(found.code, found.info)
    return found


def on_find(peer: Peer, received: Received) -> FindAns:
    """Name the nearest resources held (§7.4.4)."""
    request = received.body
    found = peer.store.find(request, responsible=peer.topology.responsible(request.resource), now=peer.now())
    if isinstance(found, Rejected):
        raise ErrorAnswer(found.code, found.info)
    return found
