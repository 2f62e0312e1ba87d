"""CHORD-RELOAD: the ring, its neighbors, fingers and replicas (RFC 6940 §10).

Theory of operation
1. A node is responsible for the keys after its predecessor, up to and including its own Node-ID.
2. ``_peers`` are the linked nodes whose Update was heard, sorted around the ring. The neighbor table is the three
   before and the three after us in it, the finger table the first of it in each finger's range: both follow from
   ``_peers`` alone, so losing a node at once brings in the best substitute that is known (§10.7.1).
3. Whom we only hear of is a candidate, never an entry: an entry must have been reached (§10.7.3).
4. Who failed is no candidate for a while, whatever stale Updates say; an Update of its own brings it back at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Sequence

from p2psip_min.ids import RING, NodeID, ResourceID, distance, in_interval, to_int
from p2psip_min.routing.topology.base import NOTHING, Changes, Random
from p2psip_min.wire.chord import ChordLeaveData, ChordLeaveType, ChordUpdate, ChordUpdateType
from p2psip_min.wire.codec import decode, encode

DISBELIEF = 900.0
"""Seconds for which others' word does not bring a failed node back: longer than an update interval."""

BITS = 128


class Chord:
    """One node's ring tables."""

    def __init__(self, node_id: NodeID, *, neighbors: int = 3, fingers: int = 16) -> None:
        if not 1 <= neighbors <= 64 or not 1 <= fingers <= BITS:
            raise ValueError("1 to 64 neighbors on each side and 1 to 128 fingers")
        self.node_id = node_id
        self._width = neighbors
        self._finger_count = fingers
        self._peers: list[NodeID] = []
        self._predecessors: tuple[NodeID, ...] = ()
        self._successors: tuple[NodeID, ...] = ()
        self._fingers: dict[int, NodeID] = {}
        self._pinned: dict[int, NodeID] = {}
        self._table: list[NodeID] = []
        self._heard: dict[NodeID, None] = {}
        self._disbelieved: dict[NodeID, float] = {}
        self._started = 0.0
        base = to_int(node_id)
        self._ranges = tuple(
            (
                NodeID.from_int(base + (1 << (BITS - i))),
                NodeID.from_int(base + (1 << (BITS - i + 1)) - 1),
            )
            for i in range(1, fingers + 1)
        )

    # --- questions -------------------------------------------------------------------------------------------

    def responsible(self, key: bytes) -> bool:
        """Whether ``key`` lies after our predecessor and not after us; a lone node has the whole ring."""
        if not self._predecessors:
            return True
        start, end = self._predecessors[0], self.node_id
        if start < end:
            return start < key <= end
        return key > start or key <= end

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        """The entry closest before ``key``, else the first one after it (§10.3)."""
        table = self._table
        if not table or self.responsible(key):
            return None
        if exclude:
            table = [entry for entry in table if entry not in exclude]
            if not table:
                return None
        at = bisect_right(table, key)
        candidate = table[at - 1]
        me = self.node_id
        # In (me, key]? Otherwise no entry lies between us and the key, and the next one after it is our successor.
        between = me < candidate <= key if me < key else (candidate > me or candidate <= key)
        return candidate if between else table[at % len(table)]

    def neighbors(self) -> tuple[NodeID, ...]:
        """Successors and predecessors in turn, the nearest first."""
        mixed: dict[NodeID, None] = {}
        for i in range(self._width):
            for side in (self._successors, self._predecessors):
                if i < len(side):
                    mixed[side[i]] = None
        return tuple(mixed)

    def table(self) -> tuple[NodeID, ...]:
        """Neighbors and fingers, in order of Node-ID."""
        return tuple(self._table)

    def linked(self) -> tuple[NodeID, ...]:
        """Every peer that was heard of at first hand, in order of Node-ID."""
        return tuple(self._peers)

    def fingers(self) -> dict[int, NodeID]:
        """The valid fingers by index, 1 for the opposite side."""
        return dict(self._fingers)

    def snapshot(self) -> tuple[tuple[NodeID, ...], tuple[NodeID, ...]]:
        """Predecessors and successors, each from the nearest outwards."""
        return self._predecessors, self._successors

    def share(self) -> float:
        """Our range as a part of the ring."""
        if not self._predecessors:
            return 1.0
        return distance(self._predecessors[0], self.node_id) / RING

    def replicas(self, resource: bytes, count: int) -> tuple[NodeID, ...]:
        """Our next ``count`` successors (§10.4)."""
        return self._successors[:count]

    def holds(self, resource: bytes, count: int) -> bool:
        """Whether at most ``count`` of our predecessors lie between ``resource`` and us (§10.7.3)."""
        if len(self._predecessors) <= count:
            return True
        return in_interval(resource, self._predecessors[count], self.node_id)

    def owner(self, resource: bytes) -> NodeID:
        """The first known node at or after ``resource``."""
        if self.responsible(resource) or not self._peers:
            return self.node_id
        first = self._peers[bisect_left(self._peers, resource) % len(self._peers)]
        return min(first, self.node_id, key=lambda node: distance(resource, node))

    def next_holder(self, resource: bytes, holders: tuple[NodeID, ...]) -> ResourceID:
        """The key just behind the last known holder belongs to its successor."""
        last = holders[-1] if holders else resource
        return ResourceID(NodeID.from_int(to_int(last) + 1) if holders else resource)

    def plausible_responder(self, signer: bytes, resource: bytes) -> bool:
        """Whether no neighbor, nor we, lie between ``resource`` and ``signer``."""
        reach = distance(resource, signer)
        return all(
            distance(resource, node) >= reach
            for node in (self.node_id, *self._successors, *self._predecessors)
            if node != signer
        )

    def plausible_source(self, sender: bytes) -> bool:
        """Whether ``sender`` is a neighbor, or would be one."""
        return sender in self._successors or sender in self._predecessors or self._near(NodeID(sender))

    # --- joining ---------------------------------------------------------------------------------------------

    def admitting_key(self) -> ResourceID:
        """Node-ID plus one: the key of our successor-to-be."""
        return ResourceID(NodeID.from_int(to_int(self.node_id) + 1))

    def attach_targets(self) -> tuple[tuple[NodeID, ...], tuple[ResourceID, ...]]:
        """The best neighbors heard of so far, and the start of each range that no known peer is in."""
        return self._candidates(0.0), tuple(
            ResourceID(low) for i, (low, _) in enumerate(self._ranges, 1) if i not in self._fingers
        )

    def would_own(self, joining: bytes, resource: bytes) -> bool:
        """Whether ``resource`` lies in our range and not after ``joining``."""
        return self.responsible(resource) and in_interval(resource, self.node_id, joining)

    def admit(self, joining: NodeID, now: float) -> Changes:
        """The joining node becomes our predecessor."""
        return self._add(joining, now)

    def announce_self(self) -> Changes:
        """Everybody we know has to hear that we are there."""
        return Changes(neighbors_changed=True, responsibility_changed=True)

    # --- learning --------------------------------------------------------------------------------------------

    def on_update(self, sender: NodeID, update: bytes, now: float) -> Changes:
        """The sender becomes an entry, and those it names candidates (§10.7.3)."""
        body = decode(ChordUpdate, update)
        self._disbelieved.pop(sender, None)
        changed = self._add(sender, now)
        for node in (*body.predecessors, *body.successors):
            if node != self.node_id and node not in self._heard:
                self._heard[node] = None
        return self._with_candidates(changed, now)

    def on_leave(self, leaving: NodeID, data: bytes, now: float) -> Changes:
        """The leaving neighbor's list of its far side tells who comes next."""
        for node in decode(ChordLeaveData, data).nodes:
            if node != self.node_id:
                self._heard[node] = None
        return self.remove(leaving, now)

    def remove(self, node: NodeID, now: float) -> Changes:
        """Forget a peer, name substitutes; when the lists have become short, ask the outermost neighbors."""
        self._disbelieved[node] = now + DISBELIEF
        self._heard.pop(node, None)
        at = bisect_left(self._peers, node)
        if at == len(self._peers) or self._peers[at] != node:
            return NOTHING
        del self._peers[at]
        before = self._predecessors, self._successors
        self._rebuild()
        changed = self._compare(before)
        ask: dict[NodeID, None] = {}
        if changed.neighbors_changed:
            for side in (self._successors, self._predecessors):
                if side:
                    ask[side[-1]] = None
        return self._with_candidates(
            Changes((), tuple(ask), changed.neighbors_changed, changed.responsibility_changed), now
        )

    def unreachable(self, candidate: NodeID, now: float) -> Changes:
        """Nobody there: look for the next best."""
        if candidate in self._peers:
            return NOTHING
        self._disbelieved[candidate] = now + DISBELIEF
        self._heard.pop(candidate, None)
        return self._with_candidates(NOTHING, now)

    def _add(self, node: NodeID, now: float) -> Changes:
        if node == self.node_id:
            return NOTHING
        at = bisect_left(self._peers, node)
        if at < len(self._peers) and self._peers[at] == node:
            return NOTHING
        self._heard.pop(node, None)
        self._peers.insert(at, node)
        before = self._predecessors, self._successors
        self._rebuild()
        return self._compare(before)

    def _compare(self, before: tuple[tuple[NodeID, ...], tuple[NodeID, ...]]) -> Changes:
        predecessors, successors = before
        return Changes(
            neighbors_changed=predecessors != self._predecessors or successors != self._successors,
            responsibility_changed=predecessors[:1] != self._predecessors[:1],
        )

    def _with_candidates(self, changes: Changes, now: float) -> Changes:
        candidates = self._candidates(now)
        if not candidates:
            return changes
        return Changes(candidates, changes.ask, changes.neighbors_changed, changes.responsibility_changed)

    def _candidates(self, now: float) -> tuple[NodeID, ...]:
        """Those heard of that would be neighbors if they were linked; the others are forgotten."""
        for node in [node for node, until in self._disbelieved.items() if until <= now]:
            del self._disbelieved[node]
        near = [node for node in self._heard if node not in self._disbelieved and self._near(node)]
        self._heard = dict.fromkeys(near)
        if len(near) <= 1:
            return tuple(near)
        ring = sorted({*self._peers, *near})
        predecessors, successors = self._sides(ring)
        return tuple(node for node in near if node in successors or node in predecessors)

    def _near(self, node: NodeID) -> bool:
        """Whether ``node`` would be in the neighbor table."""
        if node == self.node_id or node in self._successors or node in self._predecessors:
            return False
        successors, predecessors = self._successors, self._predecessors
        return (
            len(successors) < self._width
            or distance(self.node_id, node) < distance(self.node_id, successors[-1])
            or distance(node, self.node_id) < distance(predecessors[-1], self.node_id)
        )

    def _sides(self, ring: Sequence[NodeID]) -> tuple[tuple[NodeID, ...], tuple[NodeID, ...]]:
        """The nearest of a sorted ``ring`` without us before and after us."""
        count = len(ring)
        width = min(self._width, count)
        at = bisect_left(ring, self.node_id)
        return (
            tuple([ring[(at - 1 - i) % count] for i in range(width)]),
            tuple([ring[(at + i) % count] for i in range(width)]),
        )

    def _rebuild(self) -> None:
        peers = self._peers
        if not peers:
            self._predecessors = self._successors = ()
            self._fingers = {}
            self._table = []
            return
        self._predecessors, self._successors = self._sides(peers)
        self._fingers = fingers = {}
        for i, (low, high) in enumerate(self._ranges, 1):
            pinned = self._pinned.get(i)
            first = pinned if pinned is not None and pinned in peers else peers[bisect_left(peers, low) % len(peers)]
            if low <= first <= high if low <= high else first >= low or first <= high:
                fingers[i] = first
        self._table = sorted({*self._predecessors, *self._successors, *fingers.values()})

    # --- Updates and Leaves ----------------------------------------------------------------------------------

    def make_full_update(self, now: float) -> bytes:
        """Neighbors and fingers, the latter in ascending order (§10.7)."""
        fingers = tuple(sorted(set(self._fingers.values())))
        return encode(
            ChordUpdate(self._uptime(now), ChordUpdateType.FULL, self._predecessors, self._successors, fingers)
        )

    def make_neighbor_update(self, now: float) -> bytes:
        """Predecessors and successors."""
        return encode(
            ChordUpdate(self._uptime(now), ChordUpdateType.NEIGHBORS, self._predecessors, self._successors)
        )

    def updates_for(self, changes: Changes, now: float) -> list[tuple[NodeID, bytes]]:
        """Lists to the neighbors; when our range changed, a sign of life to everybody else we are linked with."""
        if not (changes.neighbors_changed or changes.responsibility_changed):
            return []
        near = self.neighbors()
        lists = self.make_neighbor_update(now)
        updates = [(node, lists) for node in near]
        if changes.responsibility_changed:
            ready = encode(ChordUpdate(self._uptime(now), ChordUpdateType.PEER_READY))
            updates += [(node, ready) for node in self._peers if node not in near]
        return updates

    def make_leave_data(self, neighbor: NodeID) -> bytes:
        """Our predecessors for a successor, our successors for a predecessor: what it does not know (§10.9)."""
        if neighbor in self._predecessors:
            return encode(ChordLeaveData(ChordLeaveType.FROM_SUCC, self._successors))
        return encode(ChordLeaveData(ChordLeaveType.FROM_PRED, self._predecessors))

    def finger_to_refresh(self, rng: Random) -> ResourceID | None:
        """Walk the invalid fingers from the far side, each taken with probability one half (§10.7.4.2)."""
        for i, (low, _) in enumerate(self._ranges, 1):
            if i not in self._fingers and rng.random() < 0.5:
                return ResourceID(low)
        return None

    def started(self, now: float) -> None:
        """Note when the node came up, for Updates' uptime."""
        self._started = now

    def _uptime(self, now: float) -> int:
        return max(0, int(now - self._started))

    # --- settled rings ---------------------------------------------------------------------------------------

    def settle(self, ring: Sequence[NodeID], choose: Callable[[Sequence[NodeID]], NodeID] | None = None) -> None:
        """Fill the tables from the sorted ``ring`` as joins would have left them.

        A finger is the first peer in its range, or the one that ``choose`` picks from it.
        """
        me = bisect_left(ring, self.node_id)
        others = [*ring[:me], *ring[me + 1 :]]
        wanted: dict[NodeID, None] = {}
        for side in self._sides(others) if others else ():
            wanted.update(dict.fromkeys(side))
        for i, (low, high) in enumerate(self._ranges, 1):
            inside = _between(others, low, high)
            if inside:
                picked = choose(inside) if choose is not None else inside[0]
                wanted[picked] = None
                if choose is not None:
                    self._pinned[i] = picked
        self._peers = sorted(wanted)
        self._rebuild()

    def meet(self, node: NodeID) -> None:
        """Know ``node`` as a linked peer without a message, as a settled ring needs it."""
        if node != self.node_id and node not in self._peers:
            insort(self._peers, node)
            self._rebuild()


def _between(ring: Sequence[NodeID], low: NodeID, high: NodeID) -> list[NodeID]:
    """The nodes of a sorted ring from ``low`` to ``high`` clockwise, both included, in that order."""
    start, end = bisect_left(ring, low), bisect_right(ring, high)
    return list(ring[start:end]) if low <= high else [*ring[start:], *ring[:end]]
