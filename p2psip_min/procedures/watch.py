"""Passing a request on once more when no answer has passed (``routing.watch`` has the rules)."""

from __future__ import annotations

from p2psip_min import trace as events
from p2psip_min.peer import Peer
from p2psip_min.routing.watch import WatchingForwarder
from p2psip_min.wire.header import open_envelope


def expect(peer: Peer, forwarder: WatchingForwarder, transaction_id: int, seconds: float) -> None:
    """Look after a request when an answer should have passed."""
    peer.loop.call_later(seconds, _look, peer, forwarder, transaction_id)


def _look(peer: Peer, forwarder: WatchingForwarder, transaction_id: int) -> None:
    if not peer.alive or peer.parts.forwarding is not forwarder:
        return  # what another part decides is that part's affair
    found = forwarder.again(transaction_id, peer.now())
    if found is None:
        return
    previous_hop, forward = found
    if not peer.links.send(forward.next_hop, forward.message):
        return
    now, code, hop = peer.now(), open_envelope(forward.message).code, forward.next_hop
    if previous_hop is None:
        peer.emit(events.MessageSent(now, peer.node_id, transaction_id, code, hop, forward.message))
    else:
        peer.emit(events.MessageForwarded(now, peer.node_id, transaction_id, code, previous_hop, hop, forward.message))
