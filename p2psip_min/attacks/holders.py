"""Attacks by a peer that holds others' records, as the responsible one or as a replica (draft 11.5, 11.7)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar, cast

from p2psip_min.attacks.forging import changed
from p2psip_min.errors import RemoteFault
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.seams import Coalition, NodeView, PeerParts
from p2psip_min.storage.replication import HAND_OVER
from p2psip_min.storage.selection import whole
from p2psip_min.storage.store import Found, Store
from p2psip_min.storage.validation import Accepted, Rejected
from p2psip_min.wire.data import StoredData, StoreKindData
from p2psip_min.wire.messages import FetchAns, FetchReq, StoreKindResponse, StoreReq


class Wrapped:
    """A store that does what the one inside does."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)


def instead(parts: PeerParts, store: Wrapped) -> PeerParts:
    """The parts with ``store`` in the place of their own."""
    return replace(parts, store=cast(Store, store))


class UpdateIgnored:
    """ST-11: says yes to every store from now on and carries none out, so that what it held stays as it was."""

    breaks: ClassVar[tuple[str, ...]] = (
        "keeps_what_it_accepts",
        "refuses_what_its_owner_did_not_sign",
        "refuses_what_is_older",
        "reports_what_it_stores",
        "sends_copies",
    )
    """The clauses of the seams that a node with this store does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Put a store that only nods in the place of the node's own."""
        return instead(parts, _Nodding(parts.store))


class _Nodding(Wrapped):
    """Answers as if everything were stored."""

    def accept(self, request: Any, *, replicas: tuple[NodeID, ...] = (), **context: Any) -> Any:
        return Accepted(
            tuple(
                StoreKindResponse(group.kind, self._inner.generation(request.resource, group.kind) + 1, replicas)
                for group in request.kind_data
            ),
            [],
            False,
        )


class RecordForgery:
    """ST-12: changes what it holds when it is asked for it."""

    breaks: ClassVar[tuple[str, ...]] = ("keeps_what_it_held", "keeps_what_it_accepts")
    """The clauses of the seams that a node with this store does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Put a store that changes what it hands out in the place of the node's own."""
        return instead(parts, _Forging(parts.store))


class _Forging(Wrapped):
    """Hands out values of its own making."""

    def fetch(self, request: FetchReq, now: float) -> Found | Rejected:
        found = self._inner.fetch(request, now)
        return found if isinstance(found, Rejected) else altered_answer(found)


def altered_answer(found: Found) -> Found:
    """The same values, each with a bit wrong."""
    groups = tuple(
        replace(group, values=tuple(_altered(stored) for stored in group.values))
        for group in found.answer.kind_responses
    )
    return Found(FetchAns(groups), found.certificates)


def _altered(stored: StoredData) -> StoredData:
    return replace(stored, value=changed(stored.value))


class OldAnswers:
    """ST-14: stores and copies as it should, but answers with the first version that it had; else with a forged one.

    The old version is its owner's own, signature and all.
    """

    breaks: ClassVar[tuple[str, ...]] = ("keeps_what_it_held", "keeps_what_it_accepts")
    """The clauses of the seams that a node with this store does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Put a store that remembers and lies in the place of the node's own."""
        return instead(parts, _Outdated(parts.store, {}))


First = dict[tuple[bytes, int], Found]
"""The first version that a holder had of each Kind of each resource."""


class _Outdated(Wrapped):
    """Keeps the first version of everything for those who ask."""

    def __init__(self, inner: Store, first: First) -> None:
        self._inner = inner
        self._first = first

    def accept(self, request: Any, *, now: float, **context: Any) -> Any:
        for group in request.kind_data:
            kept = (request.resource, group.kind)
            if kept not in self._first and self._inner.generation(*kept):
                before = self._inner.fetch(FetchReq(request.resource, (whole(self._inner.kinds[group.kind]),)), now)
                if isinstance(before, Found):
                    self._first[kept] = before
        return self._inner.accept(request, now=now, **context)

    def fetch(self, request: FetchReq, now: float) -> Found | Rejected:
        old = self._first.get((request.resource, request.specifiers[0].kind)) if request.specifiers else None
        if old is not None:
            return old
        found = self._inner.fetch(request, now)
        return found if isinstance(found, Rejected) else altered_answer(found)


class PoisonedRepair:
    """ST-15: answers with old versions, and brings them to the other holders as copies that need repair."""

    breaks: ClassVar[tuple[str, ...]] = ("keeps_what_it_held", "keeps_what_it_accepts")
    """The clauses of the seams that a node with this store does not keep."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._first: First = {}
        self._number = 0

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Put a store that remembers in the place of the node's own, and act on what it remembers."""
        self._number = len(coalition.members)
        return replace(instead(parts, _Outdated(parts.store, self._first)), agent=self)

    async def run(self, view: NodeView) -> None:
        """Hand the first versions over to whoever is responsible, every few seconds."""
        await view.sleep(self._number)  # not all at once
        while True:
            await view.sleep(self.every)
            for (resource, kind), found in list(self._first.items()):
                group = next(each for each in found.answer.kind_responses if each.kind == kind)
                copy = StoreReq(ResourceID(resource), HAND_OVER, (StoreKindData(kind, group.generation, group.values),))
                with suppress(RemoteFault):
                    await view.request((ResourceID(resource),), copy, certificates=found.certificates)
