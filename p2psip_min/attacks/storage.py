"""Attacks by a peer on what it is trusted to store (draft 11.5, 5.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from p2psip_min.seams import Coalition, Equip, PeerParts
from p2psip_min.storage.store import Store


class Discarding:
    """Says "stored" to every StoreReq and keeps nothing, so that every Fetch finds nothing."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)

    def accept(self, request: Any, **context: Any) -> Any:
        """Judge as an honest peer would, answer as it would, and forget."""
        answer = self._inner.accept(request, **context)
        self._inner.discard(request.resource)
        return answer


def discard_records() -> Equip:
    """ST-13: the responsible peer deletes what it holds and discards what comes."""

    def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
        for resource in tuple(parts.store.resources()):
            parts.store.discard(resource)
        return replace(parts, store=Discarding(parts.store))

    return equip
