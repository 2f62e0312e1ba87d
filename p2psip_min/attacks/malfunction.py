"""Machines that do harm without anybody meaning it (draft 7.2.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from p2psip_min.attacks.holders import Wrapped, altered_answer, instead
from p2psip_min.seams import Coalition, PeerParts
from p2psip_min.storage.store import Found, Store
from p2psip_min.storage.validation import Rejected
from p2psip_min.wire.messages import FetchReq


@dataclass(slots=True)
class BitRot:
    """DT-2: a failing disk: what comes from it has a bit wrong, until the disk is ``mended``."""

    breaks: ClassVar[tuple[str, ...]] = ("keeps_what_it_held", "keeps_what_it_accepts")
    """The clauses of the seams that a node with this store does not keep."""
    mended: bool = False

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Put a store on such a disk in the place of the node's own."""
        return instead(parts, _Rotten(parts.store, self))


class _Rotten(Wrapped):
    """Keeps what it is given, and can't read it back."""

    def __init__(self, inner: Store, fault: BitRot) -> None:
        self._inner = inner
        self._fault = fault

    def fetch(self, request: FetchReq, now: float) -> Found | Rejected:
        found = self._inner.fetch(request, now)
        return found if self._fault.mended or isinstance(found, Rejected) else altered_answer(found)
