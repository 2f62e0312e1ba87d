"""Attacks by a peer that forwards for others (draft 11.1, 11.2, Figure 6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.seams import Coalition, Equip, Forwarding, NodeView, PeerParts
from p2psip_min.wire.header import Envelope, encode_destination, reroute
from p2psip_min.wire.messages import MessageCode


@dataclass(slots=True)
class KeepStores:
    """Forwards honestly, and keeps the first StoreReq for each resource that passes."""

    inner: Forwarding
    coalition: Coalition

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if envelope.code == MessageCode.STORE_REQ and isinstance(decision, Forward) and previous_hop is not None:
            target = envelope.destinations  # in clear for every forwarder: the resource it is for
            self.coalition.notes.setdefault(target, (now, envelope))
        return decision


@dataclass(slots=True)
class ReplayStores:
    """Sends what was kept once more, ``after`` seconds from its capture, as if it came from its owner again."""

    coalition: Coalition
    after: float

    async def run(self, view: NodeView) -> None:
        sent: set[object] = set()
        while True:
            await view.sleep(1.0)
            for target, (kept_at, envelope) in list(self.coalition.notes.items()):
                if target not in sent and view.now() - kept_at >= self.after:
                    sent.add(target)
                    # The signature covers contents and transaction, not the lists: a fresh way there is allowed.
                    view.route(reroute(envelope, ttl=100, via=b"", destinations=envelope.destinations))


def replay_stores(after: float = 38.0) -> Equip:
    """RP-2: store a PUT that is only passing through, and send it again later."""

    def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
        return replace(
            parts,
            forwarding=KeepStores(parts.forwarding, coalition),
            agent=ReplayStores(coalition, after),
        )

    return equip


__all__ = ["KeepStores", "ReplayStores", "replay_stores", "ResourceID", "encode_destination"]
