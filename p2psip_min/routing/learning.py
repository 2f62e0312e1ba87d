"""What a peer must see before others' messages change its tables, as values (draft 5.2 first issue, 7.2.8).

Each has a null object that takes the same path, and works alone. What is said of third nodes never makes an entry:
whom others name is a candidate, to be attached to, and enters with an Update of its own. These policies say more about
that Update: who signs it, who may send it, and what its sender has to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.wire.codes import MessageCode


class TableWritePolicy(Protocol):
    """From whom an Update or Leave is taken."""

    def admits(self, attached: bool) -> bool:
        """Whether who is in no table may enter by its Update; ``attached``: we have attached to it, or it to us."""


@dataclass(frozen=True, slots=True)
class AnyWrite:
    """Whoever is at the other end of a link is taken at its word, as to who it is too."""

    def admits(self, attached: bool) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class SignedWrites:
    """Who changes tables signs that, and has attached before: an Update that nobody asked for is none."""

    signed_codes = (MessageCode.UPDATE_REQ, MessageCode.LEAVE_REQ, MessageCode.JOIN_REQ)
    """What is signed for it, also where other messages are not."""

    def admits(self, attached: bool) -> bool:
        """Only after an Attach."""
        return attached


class EntryPolicy(Protocol):
    """What a node shows before it enters a table."""

    @property
    def spacings(self) -> float:
        """How far from the beginning of its range a finger may be, in mean distances of our neighbors; 0: anywhere."""


@dataclass(frozen=True, slots=True)
class FirstHand:
    """Its own Update will do."""

    spacings = 0.0


@dataclass(frozen=True, slots=True)
class VerifiedEntries:
    """It answers a Ping over its own link, signed under a certificate that names it, and is plausible where it is.

    Of Node-IDs chosen by chance, one range in three thousand begins with eight mean distances of nobody.
    """

    spacings: float = 8.0
    signed_codes = (MessageCode.PING_ANS,)
    """What is signed for it, also where other messages are not."""


class RefreshPolicy(Protocol):
    """Whether tables are asked for beside what RFC 6940 exchanges."""

    @property
    def every(self) -> float:
        """Seconds between two questions; 0: none."""


@dataclass(frozen=True, slots=True)
class NoRefresh:
    """What is exchanged will do."""

    every = 0.0


@dataclass(frozen=True, slots=True)
class SameNeighbor:
    """The nearest neighbor is asked for its table over and over."""

    every: float = 5.0
