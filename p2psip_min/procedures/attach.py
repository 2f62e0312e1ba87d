"""Attach: two nodes learn each other's address through the overlay and link (RFC 6940 §6.5.1).

An Attach changes no routing table: a node becomes routable by the Update that it sends once the link is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache

from p2psip_min import trace as events
from p2psip_min.errors import ErrorAnswer, LinkRefused, RequestTimedOut
from p2psip_min.exchange import Received
from p2psip_min.ids import Destination, NodeID
from p2psip_min.peer import Peer
from p2psip_min.transport.network import Address
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.messages import (
    AppAttachAns,
    AppAttachReq,
    AttachAns,
    AttachReq,
    ErrorCode,
    IceCandidate,
    OverlayLinkType,
    UpdateReq,
)

LINK_WAIT = 10.0
"""Seconds that the side which asked waits for the other one's link before it opens one itself."""

HOST_PRIORITY = 0x7E7F00FF
"""The priority of a lone host candidate, preference 126 (RFC 8445 §5.1.2.1)."""


def candidates(peer: Peer, address: Address) -> tuple[IceCandidate, ...]:
    """Our one candidate: the host's address, since the simulated network has no NAT."""
    return _candidates(address, peer.defences.link_protection.tls)


@lru_cache(maxsize=4096)
def _candidates(address: Address, tls: bool) -> tuple[IceCandidate, ...]:
    kind = OverlayLinkType.TLS_TCP_FH_NO_ICE if tls else OverlayLinkType.DTLS_UDP_SR_NO_ICE
    return (IceCandidate(IpAddressPort(*address), kind, b"1", HOST_PRIORITY),)


def address_in(offered: tuple[IceCandidate, ...]) -> Address:
    """Where the other side is reached; ErrorAnswer(Invalid_Message) when it does not say."""
    if not offered:
        raise ErrorAnswer(ErrorCode.INVALID_MESSAGE, b"no candidate")
    return (offered[0].addr_port.address, offered[0].addr_port.port)


def _token(peer: Peer, size: int) -> bytes:
    return peer.rng.getrandbits(4 * size).to_bytes(size // 2, "big").hex().encode()


async def attach(
    peer: Peer,
    destinations: Sequence[Destination],
    *,
    send_update: bool = False,
    next_hop: NodeID | None = None,
) -> NodeID:
    """Link with the node at the end of ``destinations`` and return its Node-ID.

    Raises ErrorAnswer, RequestTimedOut or LinkRefused. The node itself is returned when it is its own destination.
    """
    target = destinations[-1]
    direct = target if isinstance(target, NodeID) else None
    if direct is not None:
        peer.attaching[direct] = peer.attaching.get(direct, 0) + 1
    request = AttachReq(_token(peer, 4), _token(peer, 22), b"passive", candidates(peer, peer.address), send_update)
    try:
        received = await peer.request(destinations, request, next_hop=next_hop)
    except ErrorAnswer as error:
        if error.code != ErrorCode.IN_PROGRESS or direct is None:
            raise
        # Both asked at once and the larger Node-ID's request goes on: its link is ours (§6.5.1.2).
        peer.attached[direct] = None
        await _linked(peer, direct, peer.links.book.get(direct))
        return direct
    finally:
        if direct is not None:
            peer.attaching[direct] -= 1
            if not peer.attaching[direct]:
                del peer.attaching[direct]
    remote = received.signer
    if remote == peer.node_id:
        return remote
    if (reason := peer.stranger(received.message, remote)) is not None:
        peer.links.forget(remote, reason)
        peer.emit(events.LinkRejected(peer.now(), peer.node_id, 0, remote, reason))
        raise LinkRefused(reason)
    peer.attached[remote] = None
    peer.introduce(remote)
    address = address_in(received.body.candidates)
    _note(peer, remote, address)
    await _linked(peer, remote, address)
    return remote


def _note(peer: Peer, remote: NodeID, address: Address) -> None:
    """Learn where a node says that it is reached, unless a link to it is up: then it is reached there."""
    if remote not in peer.links.table:
        peer.links.learn(remote, address)


async def _linked(peer: Peer, remote: NodeID, address: Address | None) -> None:
    """The answering side opens the link (§6.5.1.1: who sent the Attach is the TLS server); help it when it does not."""
    if not peer.defences.link_protection.tls or remote in peer.links.table:
        return
    try:
        await peer.link_up(remote, LINK_WAIT)
    except RequestTimedOut:
        if address is None:
            raise
        await peer.links.connect(remote, address)


def on_attach(peer: Peer, received: Received) -> AttachAns:
    """Answer an Attach, then open the link from our side."""
    body: AttachReq = received.body
    remote = received.signer
    if remote in peer.attaching and peer.node_id > remote:
        raise ErrorAnswer(ErrorCode.IN_PROGRESS, b"attach in progress")
    address = address_in(body.candidates)
    if remote != peer.node_id:
        peer.attached[remote] = None
        _note(peer, remote, address)
        if body.send_update or peer.defences.link_protection.tls:
            peer.spawn(_after_attach(peer, remote, address, body.send_update), "after attach")
    return AttachAns(_token(peer, 4), _token(peer, 22), b"active", candidates(peer, peer.address), False)


async def _after_attach(peer: Peer, remote: NodeID, address: Address, send_update: bool) -> None:
    if remote not in peer.links.table and peer.defences.link_protection.tls:
        # The answer leaves first: the other side must know whom to expect.
        await asyncio.sleep(0)
        try:
            await peer.links.connect(remote, address)
        except LinkRefused:
            return
    if send_update and peer.joined:
        peer.tell(remote, UpdateReq(peer.topology.make_full_update(peer.now())))


async def app_attach(
    peer: Peer, destinations: Sequence[Destination], application: int, address: Address
) -> tuple[Received, Address]:
    """Ask the node at the end of ``destinations`` for a link of an application (RFC 6940 §6.5.2).

    ``address`` is where our end listens; returns the other node's answer and where its end listens.
    """
    request = AppAttachReq(_token(peer, 4), _token(peer, 22), application, b"passive", candidates(peer, address))
    received = await peer.request(destinations, request)
    return received, address_in(received.body.candidates)


def on_app_attach(peer: Peer, received: Received) -> AppAttachAns:
    """Answer for the usage that serves the application; Not_Found when none does."""
    body: AppAttachReq = received.body
    for usage in peer.parts.usages:
        if usage.application == body.application:
            peer.known_as[received.signer] = received.certificate.user if received.certificate is not None else ""
            address = usage.accept(received.signer, address_in(body.candidates))
            return AppAttachAns(
                _token(peer, 4), _token(peer, 22), body.application, b"active", candidates(peer, address)
            )
    raise ErrorAnswer(ErrorCode.NOT_FOUND, b"no such application")
