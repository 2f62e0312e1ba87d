"""Who has to send which copies to whom, and who may forget (RFC 6940 §10.4, §10.7.3).

Rules
1. The responsible peer sees that every replica has what it holds.
2. A replica sees that the responsible peer has it too. It waits first: a new responsible peer is usually given
   everything by the one before it, and where the last to arrive wins, an outdated copy should not be the last.
3. Who is neither gives what it holds to the responsible peer, and forgets it once that has acknowledged. What a peer
   with more than ``count`` predecessors before it holds, nobody will ask it for. An earlier acknowledgement is not
   enough: where two parts of an overlay find each other, whoever gave it may have been cut off meanwhile, or it takes
   us for a replica, and has to be told that we are none.

All go by the ledger of ``copies``, so what is not acknowledged is sent again at the next look, and by rules 1 and 2
what is acknowledged is not sent twice. Whoever gives a resource up is struck from it. Where copies belong is the
overlay algorithm's affair: it is asked, through ``Places``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.copies import Copies

HOLD_DOWN = 30.0
"""Seconds before a lost neighbor's copies are made anew; it may come back, or a better one turn up (§10.7.1)."""

HAND_OVER = 255
"""The replica number of copies for the responsible peer: not 0, because it is not their owner who sends them."""

GIVE_UP = 254
"""The same, from a peer that will forget the resource when it is acknowledged."""


class Places(Protocol):
    """What replication asks of the overlay algorithm; ``count`` is the number of replicas."""

    @property
    def node_id(self) -> NodeID: ...

    def responsible(self, key: bytes) -> bool: ...

    def replicas(self, resource: bytes, count: int) -> tuple[NodeID, ...]: ...

    def holds(self, resource: bytes, count: int) -> bool: ...

    def owner(self, resource: bytes) -> NodeID: ...


class Why(enum.StrEnum):
    """What makes a transfer necessary."""

    REPLICA = "a replica is missing"
    ROOT = "the responsible peer may not have it"
    JOINING = "a joining peer takes over"
    LEAVING = "its holder leaves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Send copies of ``resource`` to ``to``, if that is still right after ``delay`` seconds."""

    resource: ResourceID
    to: NodeID
    replica_number: int
    why: Why
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Give ``resource`` to ``to``, and forget it once that is acknowledged."""

    resource: ResourceID
    to: NodeID


Duty = Transfer | GiveUp


def duties(resource: ResourceID, places: Places, copies: Copies, count: int) -> tuple[Duty, ...]:
    """What a peer that holds ``resource`` has to do about its ``count`` replicas now."""
    if places.responsible(resource):
        return tuple(
            [
                Transfer(resource=resource, to=replica, replica_number=number, why=Why.REPLICA)
                for number, replica in enumerate(places.replicas(resource, count), 1)
                if copies.missing(resource, replica)
            ]
        )
    root = places.owner(resource)
    if root == places.node_id:
        return ()
    if places.holds(resource, count):
        if not copies.missing(resource, root):
            return ()
        return (Transfer(resource=resource, to=root, replica_number=HAND_OVER, why=Why.ROOT, delay=HOLD_DOWN),)
    return (GiveUp(resource=resource, to=root),)


def for_joining(
    resources: Iterable[ResourceID], joining: NodeID, takes_over: Callable[[ResourceID], bool], copies: Copies
) -> tuple[Transfer, ...]:
    """What the admitting peer gives to ``joining`` of what it holds (§10.5, step 6)."""
    return tuple(
        [
            Transfer(resource=resource, to=joining, replica_number=HAND_OVER, why=Why.JOINING)
            for resource in sorted(resources)
            if takes_over(resource) and copies.missing(resource, joining)
        ]
    )


def for_leaving(resources: Iterable[ResourceID], places: Places, copies: Copies, count: int) -> tuple[Transfer, ...]:
    """What a peer that leaves gives to those who will hold it then.

    The next peer becomes responsible for what it was responsible for, and needs replicas. Of what it was a replica of,
    those after it get a copy as well: that the responsible peer still lives, it can't know.
    """
    found: list[Transfer] = []
    for resource in sorted(resources):
        responsible = places.responsible(resource)
        heirs = places.replicas(resource, count + 1 if responsible else count)
        for number, heir in enumerate(heirs):
            if copies.missing(resource, heir):
                named = number or GIVE_UP if responsible else GIVE_UP
                found.append(Transfer(resource=resource, to=heir, replica_number=named, why=Why.LEAVING))
    return tuple(found)
