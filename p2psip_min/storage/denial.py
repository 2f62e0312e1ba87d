"""When a reader believes that a record does not exist (draft 5.2, second issue).

What is not there has no owner's signature, so a denial is as good as whoever makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.wire.codes import MessageCode


class DenialPolicy(Protocol):
    """How many of those who should hold a record must deny that it exists; 0: whoever answered will do."""

    @property
    def members(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AnybodysDenial:
    """A reader takes a no from whoever answers."""

    members = 0


@dataclass(frozen=True, slots=True)
class RootSetDenial:
    """A no counts when ``members`` of the root set, asked over links of the reader's own, say so under their names."""

    members: int = 3
    signed_codes = (MessageCode.PROBE_ANS, MessageCode.FETCH_ANS)
    """What is signed for it, also where other messages are not."""
