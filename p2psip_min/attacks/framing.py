"""Attacks on exclusion itself: false reports, and votes that were never meant (draft 7.2.12, Figure 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from p2psip_min.errors import P2PSIPError, RemoteFault
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.seams import Coalition, NodeView, PeerParts
from p2psip_min.wire.evidence import Exhibit, Plea, Report, seal_report
from p2psip_min.wire.kinds import TURN_SERVICE
from p2psip_min.wire.message import encode_contents
from p2psip_min.wire.messages import FetchReq, StoredDataSpecifier
from p2psip_min.wire.security import identity_of

Bring = Callable[[bytes], Awaitable[Any]]
"""Brings a report to the configuration server, as any node can."""


@dataclass(slots=True)
class FalseReports:
    """DT-3: complains of honest nodes, vouches for its own, and offers pieces of the truth as evidence.

    ``overlay`` is the overlay's number in messages; ``friends`` are vouched for; with ``words_only`` nothing is shown.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """The clauses of the seams that such a node does not keep: it stores and forwards as it should."""
    bring: Bring
    overlay: int
    targets: Sequence[NodeID]
    friends: Sequence[NodeID] = ()
    words_only: bool = False
    identity: Any = None

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act for the node, under its own name."""
        self.identity = parts.identity
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """Vouch, then accuse one after the other by all means."""
        for friend in self.friends:
            await self._say(Report(friend, Plea.VOUCH))
        for target in self.targets:
            await self._say(Report(target, Plea.COMPLAINT))
            for exhibits in () if self.words_only else await _pieces(view, target):
                await self._say(Report(target, Plea.EVIDENCE, exhibits))

    async def _say(self, report: Report) -> None:
        own = self.identity
        data = seal_report(report, self.overlay, own.certificate, identity_of(own.certificate), own.private_key)
        with suppress(P2PSIPError):
            await self.bring(data)


async def _pieces(view: NodeView, target: NodeID) -> Sequence[tuple[Exhibit, ...]]:
    """What the target did say: under another question, with another word in it, and in the wrong order."""
    asked = FetchReq(ResourceID(target), (StoredDataSpecifier(TURN_SERVICE),))
    try:
        answer = (await view.request((target,), asked)).message.envelope.data
    except RemoteFault:
        return ()
    other = FetchReq(ResourceID(view.node_id), asked.specifiers)
    spoilt = bytearray(answer)
    spoilt[len(answer) // 2] ^= 1
    true = Exhibit(encode_contents(asked), answer)
    return tuple(_pairs(true, Exhibit(encode_contents(other), answer), Exhibit(true.request, bytes(spoilt))))


def _pairs(true: Exhibit, other: Exhibit, spoilt: Exhibit) -> Iterator[tuple[Exhibit, ...]]:
    yield ()
    yield (other,)
    yield (spoilt,)
    yield (true, true)
