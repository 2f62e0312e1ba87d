"""Attacks by a peer that forwards for others (draft 11.1, Figure 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.seams import Coalition, Forwarding, NodeView, PeerParts
from p2psip_min.wire.header import Envelope, reroute
from p2psip_min.wire.messages import MessageCode

INITIAL_TTL = 100

LOOK = 0.25
"""Seconds between two looks at what is due."""


def is_request(envelope: Envelope) -> bool:
    """Whether this is a request, which has an odd code; errors have one too (RFC 6940 §14.8)."""
    return bool(envelope.code & 1) and envelope.code != MessageCode.ERROR


@dataclass(slots=True)
class Kept:
    """A store that passed by, and when to send it again (virtual s)."""

    envelope: Envelope
    due: float


@dataclass(slots=True)
class StoreReplay:
    """RP-2: keeps the first StoreReq for each resource that passes, and sends it again ``after`` seconds later."""

    breaks: ClassVar[tuple[str, ...]] = ("sends_nothing_that_is_not_its_own",)
    """The clauses of the seams that a node with this forwarding does not keep."""
    after: float
    kept: dict[bytes, Kept] = field(default_factory=dict)

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding, and act for it later."""
        return replace(parts, forwarding=_Keeping(parts.forwarding, self), agent=self)

    async def run(self, view: NodeView) -> None:
        """Send what is due by the node's own tables, as if it came from its owner again."""
        while True:
            await view.sleep(LOOK)
            for target, kept in list(self.kept.items()):
                if view.now() >= kept.due:
                    kept.due = math.inf
                    # The signature covers contents and transaction, not the lists: a fresh start is allowed.
                    view.route(reroute(kept.envelope, ttl=INITIAL_TTL, via=b"", destinations=target))

    def resend_now(self) -> None:
        """Do not wait any longer."""
        for kept in self.kept.values():
            kept.due = 0.0


@dataclass(slots=True)
class _Keeping:
    """Forwards as it should, and keeps what it wants."""

    inner: Forwarding
    attack: StoreReplay

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if envelope.code == MessageCode.STORE_REQ and previous_hop is not None and isinstance(decision, Forward):
            # Where it goes stands in clear for every forwarder, and so does all that it carries.
            self.attack.kept.setdefault(envelope.destinations, Kept(envelope, now + self.attack.after))
        return decision


class WrongHop:
    """KB-4: sends requests that it should pass on back to where they came from, whose tables name it again."""

    breaks: ClassVar[tuple[str, ...]] = (
        "forwards_towards_the_destination",
        "answers_arrive_over_it",
        "passes_contents_on_as_they_are",
    )
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return replace(parts, forwarding=_Returning(parts.forwarding))


@dataclass(slots=True)
class _Returning:
    """Looks busy: takes one off the ttl, keeps the via list, and mistakes the direction."""

    inner: Forwarding

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if previous_hop is not None and isinstance(decision, Forward) and is_request(envelope):
            return Forward(previous_hop, decision.message)
        return decision
