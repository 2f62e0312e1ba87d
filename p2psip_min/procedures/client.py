"""How a client finds a peer to serve it, and another when that one goes (RFC 6940 §4.2.1)."""

from __future__ import annotations

from p2psip_min import trace as events
from p2psip_min.errors import LinkReason, LinkRefused, LocalProtocolError, RemoteFault
from p2psip_min.exchange import Received
from p2psip_min.ids import NodeID
from p2psip_min.peer import Peer
from p2psip_min.procedures.attach import attach
from p2psip_min.routing.topology.client import ClientTopology
from p2psip_min.transport.network import Address
from p2psip_min.wire.messages import LeaveAns


async def serve_client(peer: Peer, address: Address) -> NodeID:
    """Link a client with the peer at ``address`` and send everything through it from now on; raises LinkRefused."""
    topology = _client(peer)
    serving = await peer.links.connect(None, address)
    await attach(peer, (serving,), next_hop=serving)
    topology.serve_by(serving)
    peer.emit(events.ClientAttached(peer.now(), peer.node_id, 0, serving))
    return serving


def _client(peer: Peer) -> ClientTopology:
    if not isinstance(peer.topology, ClientTopology):
        raise LocalProtocolError("only a client is served by a peer")
    return peer.topology


def on_farewell(peer: Peer, received: Received) -> LeaveAns | None:
    """A peer that we are linked with leaves: if it served us, look for another."""
    leaving = NodeID(received.body.leaving_peer_id)
    if leaving != received.signer or received.previous_hop != leaving:
        return None
    service_ended(peer, leaving)
    return LeaveAns()


def service_failed(peer: Peer, remote: NodeID, reason: LinkReason) -> None:
    """A link is gone, and with it whoever was at its other end."""
    service_ended(peer, remote)


def service_ended(peer: Peer, gone: NodeID) -> None:
    """Go to the peer that served us before, or to a bootstrap node."""
    topology = _client(peer)
    if gone in topology.peers:
        address = peer.links.book.get(gone)
        topology.peers.remove(gone)
        if not topology.peers:
            peer.spawn(_find_service(peer, address), "find another peer")


async def _find_service(peer: Peer, gone: Address | None) -> None:
    for address in peer.configuration.bootstrap_nodes:
        if address == gone:
            continue
        try:
            await serve_client(peer, address)
        except (LinkRefused, RemoteFault):
            continue
        return
