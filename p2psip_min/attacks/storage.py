"""Attacks by a peer on what it is trusted to store (draft 5.3, 11.5)."""

from __future__ import annotations

from typing import Any, ClassVar

from p2psip_min.attacks.holders import Wrapped, instead
from p2psip_min.ids import ResourceID
from p2psip_min.seams import Coalition, PeerParts
from p2psip_min.storage.validation import Rejected


class RecordDiscard:
    """ST-13: a responsible peer throws away what it holds, and what comes."""

    breaks: ClassVar[tuple[str, ...]] = (
        "keeps_what_it_held",
        "keeps_what_it_accepts",
        "refuses_what_is_older",
        "reports_what_it_stores",
        "sends_copies",
    )
    """The clauses of the seams that a node with this store does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Empty the store, and put one in its place that never fills."""
        for resource in parts.store.resources():
            parts.store.drop(resource, 0.0)
        return instead(parts, _Emptying(parts.store))


class _Emptying(Wrapped):
    """Answers every store as an honest peer would, and keeps nothing, so that every fetch finds nothing."""

    def accept(self, request: Any, *, now: float, **context: Any) -> Any:
        outcome = self._inner.accept(request, now=now, **context)
        self._inner.drop(ResourceID(request.resource), now)
        if not isinstance(outcome, Rejected):
            outcome.events.clear()  # what was not kept is not in the trace either
        return outcome
