"""Attacks by a peer on what it is trusted to store (draft 5.3, 11.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, cast

from p2psip_min.ids import ResourceID
from p2psip_min.seams import Coalition, PeerParts
from p2psip_min.storage.store import Store
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
        return replace(parts, store=cast(Store, _Emptying(parts.store)))


class _Emptying:
    """Answers every store as an honest peer would, and keeps nothing, so that every fetch finds nothing."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)

    def accept(self, request: Any, *, now: float, **context: Any) -> Any:
        outcome = self._inner.accept(request, now=now, **context)
        self._inner.drop(ResourceID(request.resource), now)
        if not isinstance(outcome, Rejected):
            outcome.events.clear()  # what was not kept is not in the trace either
        return outcome
