"""The storage's defences against holders that fail: how many copies there are, where, and how many must answer.

The rules of ``policies`` hold for these values too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.access import salted


class ReplicationPolicy(Protocol):
    """How many further peers hold a copy."""

    @property
    def copies(self) -> int: ...

    def choose(self, candidates: tuple[NodeID, ...]) -> tuple[NodeID, ...]: ...


@dataclass(frozen=True, slots=True)
class NoReplicas:
    """Only the responsible peer holds the value."""

    copies = 0

    def choose(self, candidates: tuple[NodeID, ...]) -> tuple[NodeID, ...]:
        """Nobody."""
        return ()


@dataclass(frozen=True, slots=True)
class Successors:
    """The responsible peer's next ``copies`` successors hold it too (RFC 6940 §10.4)."""

    copies: int = 2

    def choose(self, candidates: tuple[NodeID, ...]) -> tuple[NodeID, ...]:
        """The first of the successors, nearest first."""
        return candidates[: self.copies]


class PlacesPolicy(Protocol):
    """At how many places beside its own, each with a responsible peer of its own, a record lies."""

    @property
    def salts(self) -> int: ...

    def of(self, resource: ResourceID) -> tuple[ResourceID, ...]: ...


@dataclass(frozen=True, slots=True)
class OnePlace:
    """A record lies where its name says."""

    salts = 0

    def of(self, resource: ResourceID) -> tuple[ResourceID, ...]:
        """That place."""
        return (resource,)


@dataclass(frozen=True, slots=True)
class SaltedPlaces:
    """Its owner stores it at ``salts`` further places too, and a reader asks at all (RFC 6940 §5.1.2).

    Whoever holds one place, or stands on the way to it, has no better chance than anybody to hold another.
    """

    salts: int = 2

    def of(self, resource: ResourceID) -> tuple[ResourceID, ...]:
        """Its own place, then the others."""
        return (resource, *[salted(resource, salt) for salt in range(1, self.salts + 1)])


@dataclass(frozen=True, slots=True)
class ObscurePlaces:
    """A record lies at its salted place and not at its own: a name says where to no one who lacks the salt.

    Everybody who takes part has it.
    """

    salts = 1

    def of(self, resource: ResourceID) -> tuple[ResourceID, ...]:
        """The salted place."""
        return (salted(resource, 1),)


class WritePolicy(Protocol):
    """At how many holders of a place the owner stores himself, and how many must confirm before the store counts."""

    @property
    def holders(self) -> int: ...

    @property
    def needed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RootsWord:
    """The responsible peer's word is enough, also for the copies."""

    holders = 1
    needed = 1


@dataclass(frozen=True, slots=True)
class WriteQuorum:
    """The owner looks at the other holders and stores where the record is missing (RFC 6940 §7.4.1.2, draft 11.5).

    They take it from him as an original store, with all its checks: his signature speaks for it.
    """

    needed: int = 2
    holders: int = 3


class AuditPolicy(Protocol):
    """How often an owner looks after his records, in seconds; 0: never."""

    @property
    def every(self) -> float: ...


@dataclass(frozen=True, slots=True)
class NoAudit:
    """What was acknowledged stays, owners believe."""

    every = 0.0


@dataclass(frozen=True, slots=True)
class OwnerAudit:
    """Every so often the owner reads as anybody would, and stores again what he does not find (RFC 6940 §7.4.1.2)."""

    every: float = 300.0


class BackupPolicy(Protocol):
    """Whether records lie outside the overlay too."""

    @property
    def central(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class NoBackup:
    """The overlay is all there is."""

    central = False


@dataclass(frozen=True, slots=True)
class CentralBackup:
    """An enrollment server keeps a copy of each record, for readers who find none: it helps for as long as it is on."""

    central = True


class ReadPolicy(Protocol):
    """Whom a reader asks, and how many answers it needs."""

    @property
    def asked(self) -> int: ...

    @property
    def needed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RootOnly:
    """The responsible peer's word is enough."""

    asked = 1
    needed = 1


@dataclass(frozen=True, slots=True)
class ReadQuorum:
    """Ask ``asked`` holders, wait for ``needed`` of them, and take the youngest valid value (draft 11.5)."""

    needed: int = 2
    asked: int = 3
