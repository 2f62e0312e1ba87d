"""Who should hold which copies: the responsible peer and its next successors (RFC 6940 §10.4, §10.7.3).

When a neighbor table changes, every peer compares who held a resource before with who should now. For each resource
one of the old holders acts, the first that is still there; so the data also moves on when the responsible peer died.
What was sent and not acknowledged is seen again by ``repair``, which goes by a ledger of acknowledgements.
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.ids import NodeID, ResourceID, in_interval

HOLD_DOWN = 30.0
"""Seconds before a lost successor's copies are made anew; it may come back, or a better one turn up (§10.7.1)."""

HAND_OVER = 255
"""The replica number of copies for the new responsible peer: not 0, because the owner did not send them."""


class Why(enum.StrEnum):
    """What makes a transfer necessary."""

    HAND_OVER = "new responsible peer"
    NEW_REPLICA = "new in the replica set"
    LOST_REPLICA = "in place of a lost replica"
    UNCONFIRMED = "not yet acknowledged"
    MISPLACED = "held by the wrong peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Send copies of ``resource`` to ``to``, after ``delay`` seconds if that is then still right.

    ``to`` is None when the responsible peer is too far away to be known: the store is routed to the Resource-ID.
    """

    resource: ResourceID
    to: NodeID | None
    replica_number: int
    why: Why
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """Forget ``resource`` once all of ``after`` have acknowledged it; at once when nobody is named."""

    resource: ResourceID
    after: tuple[NodeID | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a peer has to do about its copies."""

    transfers: tuple[Transfer, ...] = ()
    discards: tuple[Discard, ...] = ()


class View(Protocol):
    """What a peer knows of who holds what."""

    def holders(self, resource: bytes) -> tuple[NodeID, ...] | None: ...

    def knows(self, node: NodeID) -> bool: ...


class Neighborhood:
    """The ring around ``node_id``: neighbors nearest first, and ``copies`` replicas beside the responsible peer."""

    __slots__ = ("_complete", "_copies", "_first", "_last", "_members", "node_id")

    def __init__(
        self, node_id: NodeID, predecessors: Sequence[NodeID], successors: Sequence[NodeID], copies: int
    ) -> None:
        self.node_id = node_id
        self._copies = copies
        self._members = sorted({node_id, *predecessors, *successors})
        # The two lists meet behind our back: then nobody is missing.
        self._complete = not (predecessors or successors) or not set(predecessors).isdisjoint(successors)
        self._first = predecessors[-1] if predecessors else node_id
        self._last = successors[-1] if successors else node_id

    def holders(self, resource: bytes) -> tuple[NodeID, ...] | None:
        """The responsible peer and the replicas, as far as known; None when it lies outside the neighborhood."""
        members = self._members
        if not (self._complete or in_interval(resource, self._first, self._last)):
            return None
        place = bisect_left(members, resource)
        count = len(members)
        found = [members[(place + step) % count] for step in range(min(self._copies + 1, count))]
        if not self._complete and self._last in found:
            found = found[: found.index(self._last) + 1]  # beyond it somebody may stand whom we do not know
        return tuple(found)

    def knows(self, node: NodeID) -> bool:
        """Whether the node stands in the neighborhood."""
        return node in self._members


def plan(held: Iterable[ResourceID], node_id: NodeID, before: View, after: View) -> Plan:
    """What the change from ``before`` to ``after`` asks of ``node_id``, which holds ``held``.

    A peer that leaves passes an ``after`` without itself.
    """
    transfers: list[Transfer] = []
    discards: list[Discard] = []
    for resource in sorted(held):
        old, new = before.holders(resource), after.holders(resource)
        if old is None or node_id not in old:
            old = ()
        if old == new:
            continue
        mine: list[Transfer] = []
        present = [node for node in old if node == node_id or after.knows(node)]
        if not present or present[0] == node_id:
            mine = _transfers(resource, node_id, old, new, after)
        transfers += mine
        if new is None or node_id not in new:
            discards.append(Discard(resource=resource, after=tuple([transfer.to for transfer in mine])))
    return Plan(transfers=tuple(transfers), discards=tuple(discards))


def _transfers(
    resource: ResourceID, node_id: NodeID, old: tuple[NodeID, ...], new: tuple[NodeID, ...] | None, after: View
) -> list[Transfer]:
    if new is None:
        return [Transfer(resource=resource, to=None, replica_number=HAND_OVER, why=Why.MISPLACED)]
    lost = any(not after.knows(node) for node in old[1:])
    found: list[Transfer] = []
    for number, node in enumerate(new):
        if node == node_id or node in old:
            continue
        if number == 0:
            why = Why.HAND_OVER if old else Why.MISPLACED
            found.append(Transfer(resource=resource, to=node, replica_number=HAND_OVER, why=why))
        elif lost and new[0] == node_id:
            found.append(
                Transfer(
                    resource=resource, to=node, replica_number=number, why=Why.LOST_REPLICA, delay=HOLD_DOWN
                )
            )
        else:
            found.append(Transfer(resource=resource, to=node, replica_number=number, why=Why.NEW_REPLICA))
    return found


class Ledger:
    """Which copies a peer knows to be where: who acknowledged, or sent, which state of a resource.

    A state is whatever changes when the resource does, such as its generation counters.
    """

    __slots__ = ("_states",)

    def __init__(self) -> None:
        self._states: dict[bytes, dict[NodeID, object]] = {}

    def confirm(self, resource: bytes, node: NodeID, state: object) -> None:
        """``node`` holds this state of the resource."""
        self._states.setdefault(resource, {})[node] = state

    def confirmed(self, resource: bytes, node: NodeID, state: object) -> bool:
        """Whether ``node`` is known to hold this very state."""
        return self._states.get(resource, {}).get(node) == state

    def forget_node(self, node: NodeID) -> None:
        """The node is gone, and may come back with nothing."""
        for nodes in self._states.values():
            nodes.pop(node, None)

    def forget(self, resource: bytes) -> None:
        """The resource is no longer held here."""
        self._states.pop(resource, None)


def repair(
    held: Iterable[tuple[ResourceID, object]], node_id: NodeID, view: View, ledger: Ledger, *, merges: bool
) -> Plan:
    """What is still to be sent, by what has been acknowledged; ``held`` gives each resource with its state.

    The responsible peer looks after its replicas. Replicas look after the responsible peer only where copies merge by
    storage time (``merges``): where the last one to arrive wins, an outdated replica would roll it back.
    """
    transfers: list[Transfer] = []
    discards: list[Discard] = []
    for resource, state in sorted(held, key=lambda item: item[0]):
        holders = view.holders(resource)
        if holders is None:
            transfers += _transfers(resource, node_id, (), None, view)
            discards.append(Discard(resource=resource, after=(None,)))
            continue
        if node_id not in holders:
            mine = _transfers(resource, node_id, (), holders, view)
            transfers += mine
            discards.append(Discard(resource=resource, after=tuple([transfer.to for transfer in mine])))
            continue
        wanted = list(enumerate(holders))[1:]
        if holders[0] != node_id:
            wanted = [(HAND_OVER, holders[0])] if merges else []
        transfers += [
            Transfer(resource=resource, to=node, replica_number=number, why=Why.UNCONFIRMED)
            for number, node in wanted
            if not ledger.confirmed(resource, node, state)
        ]
    return Plan(transfers=tuple(transfers), discards=tuple(discards))
