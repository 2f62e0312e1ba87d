"""Following the overlay's configuration: who has an old document is sent the newer one (RFC 6940 §6.3.2.1, §6.5.4).

1. Whoever takes a document passes it on to the peers of its table, in an order of its own and one after the other, so
   that those who heard it elsewhere meanwhile are spared.
2. Whoever answers a request made under an older document says so and sends the newer one after; who was told that its
   own is newer sends that. Then the request is made again.
3. Taking a document ends the links with the nodes that it names as bad.
"""

from __future__ import annotations

from collections.abc import Sequence

from p2psip_min import trace as events
from p2psip_min.enrollment.configuration import accept, accept_kinds
from p2psip_min.enrollment.revocation import RevocationList
from p2psip_min.errors import ConfigurationReason, ErrorAnswer, LinkReason, RemoteFault, RequestTimedOut
from p2psip_min.exchange import Received
from p2psip_min.ids import Destination, NodeID
from p2psip_min.peer import Peer
from p2psip_min.procedures.maintain import react
from p2psip_min.wire.messages import ConfigUpdateAns, ConfigUpdateReq, ConfigUpdateType, ErrorCode

DOCUMENT_WAIT = 10.0
"""Seconds in which the newer document must come from whoever said that ours is too old."""


def take(peer: Peer, document: bytes, source: NodeID | None = None) -> ConfigurationReason | None:
    """Follow a signed document from now on, if the present one says that we must; else why not.

    ``source`` is who sent it and so need not be told.
    """
    now = peer.now()
    outcome = accept(peer.configuration, document, now, trust=peer.trust)
    if isinstance(outcome, ConfigurationReason):
        peer.emit(events.ConfigurationRejected(now, peer.node_id, 0, outcome))
        return outcome
    peer.follow(outcome)
    if outcome.kinds:
        peer.know_kinds(outcome.kinds)
    peer.emit(events.ConfigurationTaken(now, peer.node_id, 0, outcome.sequence))
    cut_off(peer)
    if peer.joined and not peer.leaving:
        peer.spawn(_pass_on(peer, source), "pass configuration on")
    return None


def take_list(peer: Peer, revoked: RevocationList) -> bool:
    """Follow the authority's list of revoked certificates; False when it is not newer than the one followed."""
    if not peer.trust.revocations.take(revoked, peer.now()):
        return False
    peer.emit(events.RevocationsTaken(peer.now(), peer.node_id, 0, revoked.number))
    cut_off(peer)
    return True


def cut_off(peer: Peer) -> None:
    """End the links with nodes that may no longer take part, and take them out of the tables."""
    bad = peer.trust.revocations.bad_nodes
    suspects = dict.fromkeys((*peer.links.table, *peer.links.book, *peer.topology.table()))
    for node in suspects:
        if node in bad or _revoked(peer, node):
            peer.links.forget(node, LinkReason.REVOKED)
            peer.acquaintances.pop(node, None)
            peer.copies.forget_holder(node)
            if not peer.is_client:
                react(peer, peer.topology.remove(node, peer.now()))


def _revoked(peer: Peer, node: NodeID) -> bool:
    link = peer.links.table.get(node)
    certificate = None if link is None else link.remote_certificate
    return certificate is not None and peer.trust.refusal(certificate, None, peer.now()) is LinkReason.REVOKED


async def _pass_on(peer: Peer, source: NodeID | None) -> None:
    sequence = peer.configuration.sequence
    waiting = [node for node in peer.topology.table() if node != source]
    while waiting and peer.configuration.sequence == sequence:
        node = waiting.pop(int(peer.rng.random() * len(waiting)))
        if peer.informed.get(node) != sequence:
            await send_configuration(peer, (node,), node)


async def send_configuration(peer: Peer, destinations: Sequence[Destination], next_hop: NodeID | None) -> bool:
    """Send our document to one node; whether it follows it now, or did already."""
    configuration = peer.configuration
    body = ConfigUpdateReq(ConfigUpdateType.CONFIG, configuration.document)
    try:
        received = await peer.request(destinations, body, next_hop=next_hop)
    except RemoteFault:
        return False
    peer.informed[received.signer] = configuration.sequence
    return True


def bring_up_to_date(peer: Peer, received: Received) -> None:
    """Whoever made this request follows an older document: send it ours, the way the request came."""
    node, hop = received.signer, received.previous_hop
    if hop is not None and node not in peer.informing:
        peer.informing[node] = None
        peer.spawn(_inform(peer, node, (hop, *received.message.via[::-1]), hop), "send configuration")


async def _inform(peer: Peer, node: NodeID, destinations: Sequence[Destination], hop: NodeID) -> None:
    try:
        await send_configuration(peer, destinations, hop)
    finally:
        peer.informing.pop(node, None)


async def reconcile(
    peer: Peer, error: int, responder: NodeID, destinations: Sequence[Destination], next_hop: NodeID | None, ours: int
) -> bool:
    """After Error_Config_Too_Old or _Too_New to a request of sequence ``ours``: whether to make it again."""
    if error == ErrorCode.CONFIG_TOO_NEW:
        return await send_configuration(peer, (*destinations[:-1], responder), next_hop)
    if peer.configuration.sequence == ours:
        try:
            await peer.configuration_taken(DOCUMENT_WAIT)
        except RequestTimedOut:
            return False
    return True


def on_config_update(peer: Peer, received: Received) -> ConfigUpdateAns:
    """Take a newer document or Kinds, whoever brings them: their signatures count, not the bearer (§6.5.4)."""
    body: ConfigUpdateReq = received.body
    if body.type == ConfigUpdateType.KIND:
        known = peer.surroundings.kinds
        kinds = accept_kinds(peer.configuration, body.kinds, peer.now(), trust=peer.trust, known=known)
        if isinstance(kinds, ConfigurationReason):
            peer.emit(events.ConfigurationRejected(peer.now(), peer.node_id, 0, kinds))
            raise ErrorAnswer(ErrorCode.FORBIDDEN, kinds.encode())
        peer.know_kinds(kinds)
        return ConfigUpdateAns()
    if body.type != ConfigUpdateType.CONFIG:
        raise ErrorAnswer(ErrorCode.INVALID_MESSAGE, b"no such configuration data")
    refusal = None
    if body.config_data != peer.configuration.document:
        refusal = take(peer, body.config_data, received.signer)
    if refusal is ConfigurationReason.NOT_NEWER:
        peer.on_outdated(received)
        raise ErrorAnswer(ErrorCode.CONFIG_TOO_OLD, refusal.encode())
    if refusal is not None:
        raise ErrorAnswer(ErrorCode.FORBIDDEN, refusal.encode())
    peer.informed[received.signer] = peer.configuration.sequence
    return ConfigUpdateAns()
