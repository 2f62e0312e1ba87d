"""The seam between a peer and its overlay algorithm (RFC 6940 §4.5, draft Req. 4).

A plug-in holds a node's tables and makes every decision about them; it never waits and never sends. The procedures
carry its decisions out. Nothing above this seam knows what an identifier space looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.ids import NodeID, ResourceID


class Random(Protocol):
    """The draws that a plug-in may make."""

    def random(self) -> float: ...

    def getrandbits(self, k: int, /) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What came of new knowledge: whom to attach to, whom to send an Update, and what has become different.

    ``candidates`` are unlinked nodes that belong into the neighbor table; attach through whoever named them (§10.6).
    ``tell`` are nodes that see the overlay differently: an Update to each corrects them, or shows that they are dead.
    ``gained`` and ``lost`` are the neighbor table's new and former members.
    """

    candidates: tuple[NodeID, ...] = ()
    tell: tuple[NodeID, ...] = ()
    gained: tuple[NodeID, ...] = ()
    lost: tuple[NodeID, ...] = ()
    neighbors_changed: bool = False
    responsibility_changed: bool = False

    def merged(self, later: Changes) -> Changes:
        """Both changes as one announcement; candidates and ``tell`` have been acted upon already."""
        return Changes(
            gained=tuple(dict.fromkeys((*self.gained, *later.gained))),
            lost=tuple(dict.fromkeys((*self.lost, *later.lost))),
            neighbors_changed=self.neighbors_changed or later.neighbors_changed,
            responsibility_changed=self.responsibility_changed or later.responsibility_changed,
        )


NOTHING = Changes()


class TopologyPlugin(Protocol):
    """One node's view of the overlay."""

    node_id: NodeID

    def responsible(self, key: bytes) -> bool:
        """Whether this node is the one that stores ``key``."""

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        """The routable peer to send a message for ``key`` to; None when this node is responsible or knows nobody."""

    def neighbors(self) -> tuple[NodeID, ...]:
        """The neighbor table, without repetition, the nearest first."""

    def table(self) -> tuple[NodeID, ...]:
        """Every routable peer: neighbors and further contacts."""

    def snapshot(self) -> tuple[tuple[NodeID, ...], tuple[NodeID, ...]]:
        """The neighbor table's two sides, each from the nearest outwards (one side may stay empty)."""

    def share(self) -> float:
        """The part of the identifier space that this node is responsible for, from 0 to 1."""

    def replicas(self, resource: bytes, count: int) -> tuple[NodeID, ...]:
        """The peers that hold copies of ``resource`` beside the responsible one, in order, as seen from there."""

    def holds(self, resource: bytes, count: int) -> bool:
        """Whether this node is responsible for ``resource`` or one of its ``count`` replicas, as far as it knows."""

    def closer(self, one: bytes, other: bytes, key: bytes) -> bool:
        """Whether ``one`` has a better claim to ``key`` than ``other``."""

    def nearer(self, one: bytes, other: bytes, key: bytes) -> bool:
        """Whether a request for ``key`` has less way to go from ``one`` than from ``other``, neither responsible."""

    def owner(self, resource: bytes) -> NodeID:
        """The node that is responsible for ``resource``, among those known here."""

    def next_holder(self, resource: bytes, holders: tuple[NodeID, ...]) -> ResourceID | NodeID:
        """Where to ask for the holder of ``resource`` that comes after ``holders``, for a reader outside."""

    def plausible_responder(self, signer: bytes, resource: bytes) -> bool:
        """Whether nobody in the neighbor table is closer to ``resource`` than ``signer`` (RFC 6940 §6.3.4)."""

    def plausible_source(self, sender: bytes) -> bool:
        """Whether ``sender`` may hand copies to this node: a neighbor (RFC 6940 §7.4.1.1)."""

    def crowding(self, sender: NodeID, update: bytes) -> float:
        """How many peers the overlay would have if all of it were as crowded as ``sender``'s part, by its Update."""

    def plausible_entry(self, node: bytes, spacings: float) -> bool:
        """Whether ``node`` may be an entry where its Node-ID puts it: near us, or ``spacings`` mean distances at most
        from where it would have to be."""

    def admitting_key(self) -> ResourceID:
        """The key whose responsible peer admits this node (RFC 6940 §10.5, step 2)."""

    def attach_targets(self) -> tuple[tuple[NodeID, ...], tuple[ResourceID, ...]]:
        """Whom a joining node links with: the neighbors it has heard of, and places for further contacts (step 3)."""

    def contacted(self, node: NodeID) -> Changes:
        """A node that is joining has attached to ``node``, which is a peer (step 4)."""

    def would_own(self, joining: bytes, resource: bytes) -> bool:
        """Whether ``joining`` takes ``resource`` over from this node when it is admitted (step 6)."""

    def admit(self, joining: NodeID, now: float) -> Changes:
        """Take ``joining`` into the tables as a peer (step 7)."""

    def announce_self(self) -> Changes:
        """What a node that has just become a peer has to announce (step 9)."""

    def on_update(self, sender: NodeID, update: bytes, now: float) -> Changes:
        """Learn from the Update of a linked peer, which makes it routable (§10.7.3); Malformed on other bytes."""

    def on_leave(self, leaving: NodeID, data: bytes, now: float) -> Changes:
        """Take out a peer that says good-bye, and learn from what it leaves behind (§10.9)."""

    def remove(self, node: NodeID, now: float) -> Changes:
        """Take out a peer that does not answer any more (§10.7.1, §10.7.2)."""

    def unreachable(self, candidate: NodeID, now: float) -> Changes:
        """A candidate could not be attached to: do not name it again for a while."""

    def make_full_update(self, now: float) -> bytes:
        """The body of an Update with the whole table."""

    def make_neighbor_update(self, now: float) -> bytes:
        """The body of an Update with the neighbor table."""

    def updates_for(self, changes: Changes, now: float) -> list[tuple[NodeID, bytes]]:
        """Who is to be sent which Update after ``changes``, in order (§10.7)."""

    def periodic_updates(self, now: float) -> list[tuple[NodeID, bytes]]:
        """Who is to be sent which Update once an update interval, in order (§10.7.4.1)."""

    def make_leave_data(self, neighbor: NodeID) -> bytes:
        """What a Leave to ``neighbor`` carries (§10.9)."""

    def finger_to_refresh(self, rng: Random) -> ResourceID | None:
        """The place of one contact that is missing, None when there is nothing to look for (§10.7.4.2)."""

    def settle(self, ring: Sequence[NodeID], choose: Callable[[Sequence[NodeID]], NodeID] | None = None) -> None:
        """Fill the tables as joins of all of the sorted ``ring`` would have; ``choose`` picks among equal contacts."""
