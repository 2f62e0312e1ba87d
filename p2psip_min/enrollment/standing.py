"""Whether members ask the operator about each other's certificates, or judge them by themselves (draft 7.2.1, Req. 1).

A certificate verifies without anybody's help, by the root's signature, its dates, and what one has heard of revocation.
An operator may still want to be asked each time. What he knows is then never old, and nothing works without him.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.wire.codes import MessageCode

STANDING = "/enrollment/standing"
"""The page: a Node-ID is brought to it, and GOOD or REVOKED comes back."""

GOOD, REVOKED = b"good", b"revoked"


class CheckPolicy(Protocol):
    """For what a node asks the operator about another one, where the operator wants to be asked."""

    def asks(self, code: int) -> bool:
        """Whether before it relies on the answer to a request of this code."""


@dataclass(frozen=True, slots=True)
class OnEveryUse:
    """For everything."""

    def asks(self, code: int) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class OnReading:
    """For what it reads, which is what most messages are about."""

    def asks(self, code: int) -> bool:
        """Before a value is believed."""
        return code == MessageCode.FETCH_REQ


@dataclass(frozen=True, slots=True)
class Offline:
    """For nothing: certificates speak for themselves."""

    def asks(self, code: int) -> bool:
        """Never."""
        return False
