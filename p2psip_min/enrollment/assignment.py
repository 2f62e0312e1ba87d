"""Who chooses a new Node-ID (draft 7.2.10, Req. 7; RFC 6940 §11.3).

A place in the overlay is worth having: next to a key, or where everybody passes. Whoever can choose one has it at
once; whoever can try has it soon. So the server draws, and an applicant's wish or key has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.enrollment.certificates import PublicKey, self_signed_ids
from p2psip_min.ids import NodeID


class NodeIdAssignment(Protocol):
    """Whose choice a new Node-ID is."""

    def choose(self, wanted: tuple[NodeID, ...], key: PublicKey, count: int) -> tuple[NodeID, ...] | None:
        """The ``count`` Node-IDs of a new identity; none of them: the server draws; None: the wish is refused."""


@dataclass(frozen=True, slots=True)
class SelfChosen:
    """The applicant's: he gets what he asks for, as long as nobody has it; who does not care gets a drawn one."""

    def choose(self, wanted: tuple[NodeID, ...], key: PublicKey, count: int) -> tuple[NodeID, ...] | None:
        """What is asked for."""
        return wanted if len(wanted) in (0, count) else None


@dataclass(frozen=True, slots=True)
class ServerRandom:
    """The server's, by its dice: unpredictable to whoever asks (RFC 6940 §11.3)."""

    def choose(self, wanted: tuple[NodeID, ...], key: PublicKey, count: int) -> tuple[NodeID, ...] | None:
        """No wish is heard."""
        return None if wanted else ()


@dataclass(frozen=True, slots=True)
class HashOfKey:
    """Nobody's, it seems: the digest of the key, as in self-signed certificates (RFC 6940 §11.3.1).

    Keys cost next to nothing, so whoever wants a place makes keys until one falls there.
    """

    def choose(self, wanted: tuple[NodeID, ...], key: PublicKey, count: int) -> tuple[NodeID, ...] | None:
        """The digest; a wish for anything else is refused."""
        digests = self_signed_ids(key, "sha256", count)
        return digests if wanted in ((), digests) else None
