"""CHORD-RELOAD: the ring, its neighbors, fingers and replicas (RFC 6940 §10).

Theory of operation
1. A node is responsible for the keys after its predecessor, up to and including its own Node-ID.
2. ``_peers`` are the linked nodes whose Update was heard, sorted by Node-ID. Neighbor table, finger table and the
   ring that messages are routed by follow from it alone: the nearest on each side, the first in each finger's
   range, and all of these together. So losing a node brings in the best substitute that is known (§10.7.1).
3. Whom we only hear of is a candidate, never an entry: an entry has been reached, and has said that it is a peer.
   So a stale list can't bring a dead node back, and no list can take a living one out: only ``remove`` does. And
   whoever names nodes that do not answer is soon listened to no more, so invented ones cost us few Attaches.
4. Updates carry no answer, so who sees in one that the sender lacks a neighbor tells the sender, and has a look at
   the one it lacks: it may be dead. That is how two views of the ring become one again, and fast.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from p2psip_min.ids import ID_LENGTH, INVALID, RING, WILDCARD, NodeID, ResourceID, distance, in_interval, to_int
from p2psip_min.routing.topology.base import NOTHING, Changes, Random
from p2psip_min.routing.topology.gaps import crowding, mean_gap
from p2psip_min.wire.chord import ChordLeaveData, ChordLeaveType, ChordUpdate, ChordUpdateType
from p2psip_min.wire.codec import decode, encode

BITS = 8 * ID_LENGTH

DISBELIEF = 120.0
"""Seconds for which others' word does not make us try a failed node again; its own Update counts at once."""

PATIENCE = 10.0
"""Seconds between two Updates that correct the same node: the first may still be on its way."""

SPARES = 64
"""Linked peers kept beside the tables as substitutes; the oldest goes first."""

MEMORY = 256
"""How many nodes each of the other notes may speak of, whatever others send."""

_NOBODY = (WILDCARD, INVALID)


class Chord:
    """One node's view of the ring: ``neighbors`` on each side (or ``successors`` after it) and ``fingers``.

    ``started`` is when the node came up, in seconds of virtual time.
    """

    # What every message touches lies together in the object, all else in its dictionary.
    __slots__ = ("__dict__", "__weakref__", "_predecessors", "_ring", "node_id")

    def __init__(
        self,
        node_id: NodeID,
        *,
        neighbors: int = 3,
        successors: int | None = None,
        fingers: int = 16,
        started: float = 0.0,
    ) -> None:
        ahead = neighbors if successors is None else successors
        if not 1 <= neighbors <= 64 or not 1 <= ahead <= 64 or not 1 <= fingers <= BITS:
            raise ValueError("1 to 64 neighbors on each side and 1 to 128 fingers")
        self.node_id = node_id
        self._behind = neighbors
        self._ahead = ahead
        self._finger_count = fingers
        self._me = to_int(node_id)
        self._peers: list[NodeID] = []
        self._index: dict[NodeID, int] = {}
        self._pinned: dict[int, NodeID] = {}
        self._heard: dict[NodeID, NodeID] = {}  # with the one that named it
        self._wanted: tuple[NodeID, ...] | None = ()  # the candidates among them; None where that is to be found anew
        self._disbelieved: dict[NodeID, tuple[float, NodeID]] = {}  # until when, and who had named it
        self._told: dict[NodeID, float] = {}
        self._lists: dict[NodeID, tuple[NodeID, ...]] = {}
        self._announced = False
        self._started = started
        self._rebuild()

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
        """The last entry not after ``key``, else the first one after it (§10.3)."""
        ring = self._ring
        me = self.node_id
        at = bisect_left(ring, key)
        after = ring[at] if at < len(ring) else ring[0]
        if after is me:
            return None
        if exclude:
            ring = [node for node in ring if node is me or node not in exclude]
            at = bisect_left(ring, key)
            after = ring[at] if at < len(ring) else ring[0]
            if after is me:
                # Every entry from the key up to us is excluded, so the last one before it is all that is left.
                return None if len(ring) == 1 else ring[at - 1]
        if after == key:
            return after
        before = ring[at - 1]
        return after if before is me else before

    def neighbors(self) -> tuple[NodeID, ...]:
        """Successors and predecessors in turn, the nearest first."""
        mixed: dict[NodeID, None] = {}
        for i in range(max(self._ahead, self._behind)):
            for side in (self._successors, self._predecessors):
                if i < len(side):
                    mixed[side[i]] = None
        return tuple(mixed)

    def table(self) -> tuple[NodeID, ...]:
        """Neighbors and fingers, in order of Node-ID."""
        return tuple([node for node in self._ring if node is not self.node_id])

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
        return distance(self._predecessors[0], self.node_id) / RING if self._predecessors else 1.0

    @staticmethod
    def closer(one: bytes, other: bytes, key: bytes) -> bool:
        """Whether ``one`` comes before ``other`` clockwise from ``key``, and so has the better claim to it."""
        return (one < key, one) < (other < key, other)

    def nearer(self, one: bytes, other: bytes, key: bytes) -> bool:
        """Whether ``one`` has less of the ring before it up to ``key``; who has just passed the key has most."""
        return distance(one, key) < distance(other, key)

    # --- who holds what --------------------------------------------------------------------------------------

    def replicas(self, resource: bytes, count: int) -> tuple[NodeID, ...]:
        """Our next ``count`` successors (§10.4)."""
        return self._successors[:count]

    def holds(self, resource: bytes, count: int) -> bool:
        """Whether at most ``count`` of our predecessors lie between ``resource`` and us (§10.7.3)."""
        return len(self._predecessors) <= count or in_interval(resource, self._predecessors[count], self.node_id)

    def owner(self, resource: bytes) -> NodeID:
        """The first known node at or after ``resource``."""
        at = bisect_left(self._peers, resource)
        if not self._peers:
            return self.node_id
        first = self._peers[at] if at < len(self._peers) else self._peers[0]
        return min(first, self.node_id, key=lambda node: distance(resource, node))

    def next_holder(self, resource: bytes, holders: tuple[NodeID, ...]) -> ResourceID:
        """The key just behind the last known holder belongs to its successor."""
        return ResourceID(NodeID.from_int(to_int(holders[-1]) + 1) if holders else resource)

    def plausible_responder(self, signer: bytes, resource: bytes) -> bool:
        """Whether no neighbor, nor we, lie between ``resource`` and ``signer``."""
        reach = distance(resource, signer)
        return all(distance(resource, node) >= reach for node in (self.node_id, *self._successors, *self._predecessors))

    def plausible_source(self, sender: bytes) -> bool:
        """Whether ``sender`` is a neighbor, or would be one."""
        return sender in self._successors or sender in self._predecessors or self._near(NodeID(sender))

    def crowding(self, sender: NodeID, update: bytes) -> float:
        """The ring over the mean gap between the neighbors that the sender lists; their number where that is all."""
        return crowding(sender, decode(ChordUpdate, update))

    def plausible_entry(self, node: bytes, spacings: float) -> bool:
        """Whether ``node`` is a neighbor, or may be the first peer in its finger's range by the distances around us."""
        if node in self._index or self._near(NodeID(node)):
            return True
        beginning = self._at(1 << (BITS - self._finger_index(node)))
        return distance(beginning, node) <= spacings * mean_gap(*self.snapshot())

    # --- joining ---------------------------------------------------------------------------------------------

    def admitting_key(self) -> ResourceID:
        """Node-ID plus one: the key of our successor-to-be."""
        return ResourceID(self._at(1))

    def attach_targets(self) -> tuple[tuple[NodeID, ...], tuple[ResourceID, ...]]:
        """The best neighbors heard of so far, and the start of each range about which they tell nothing."""
        candidates = self._candidates()
        ring = sorted({*self._peers, *candidates})
        if len(ring) <= self._ahead:
            return candidates, ()  # the admitting peer's list was short: that is everybody
        _, successors = self._sides(ring)
        return candidates, tuple(ResourceID(self._at(1 << (BITS - i))) for i in self._missing(successors))

    def contacted(self, node: NodeID) -> Changes:
        """A joining node enters whom it has attached to (step 4), or it would take all up to its admitting peer for its
        own range. Later, only Updates count."""
        return NOTHING if self._announced else self._add(node)

    def would_own(self, joining: bytes, resource: bytes) -> bool:
        """Whether ``resource`` lies in our range and not after ``joining``."""
        return self.responsible(resource) and in_interval(resource, self.node_id, joining)

    def admit(self, joining: NodeID, now: float) -> Changes:
        """The joining node becomes our predecessor."""
        return self._add(joining)

    def announce_self(self) -> Changes:
        """Everybody we know has to hear that we are there; from now on we also correct others."""
        self._announced = True
        return Changes(gained=self.neighbors(), neighbors_changed=True, responsibility_changed=True)

    # --- learning --------------------------------------------------------------------------------------------

    def on_update(self, sender: NodeID, update: bytes, now: float) -> Changes:
        """The sender becomes an entry, those it names candidates; where it errs, it is told (§10.7.3)."""
        body = decode(ChordUpdate, update)
        if sender == self.node_id:
            return NOTHING
        changed = self._add(sender)
        if body.type == ChordUpdateType.PEER_READY:
            return changed
        named = (*body.successors, *body.predecessors)
        if sender in self._successors or sender in self._predecessors:
            self._lists[sender] = named
        self._hear(sender, (*named, *body.fingers), now)
        return self._answer(changed, self._disagreement(sender, body, now))

    def on_leave(self, leaving: NodeID, data: bytes, now: float) -> Changes:
        """The leaving neighbor's list of its far side tells who comes next."""
        return self._without(leaving, decode(ChordLeaveData, data).nodes, now)

    def remove(self, node: NodeID, now: float) -> Changes:
        """Forget a peer and name substitutes, of those known and of those heard of."""
        return self._without(node, (), now)

    def _without(self, node: NodeID, named: Sequence[NodeID], now: float) -> Changes:
        self._disbelieve(node, now)
        if node not in self._index:
            return NOTHING
        before = self._predecessors, self._successors
        self._drop(node)
        self._rebuild()
        self._hear(node, named, now)
        return self._answer(self._compare(before))

    def unreachable(self, candidate: NodeID, now: float) -> Changes:
        """The candidate could not be attached to; the next best one heard of takes its place."""
        self._disbelieve(candidate, now)
        return self._answer(NOTHING)

    def _add(self, node: NodeID) -> Changes:
        self._disbelieved.pop(node, None)
        self._heard.pop(node, None)
        if node == self.node_id or node in self._index:
            return NOTHING
        self._peers.insert(bisect_left(self._peers, node), node)
        self._index[node] = self._finger_index(node)
        before = self._predecessors, self._successors
        self._rebuild()
        if len(self._peers) > len(self._ring) + SPARES:
            self._drop(next(peer for peer in self._index if peer not in self._ring))
        return self._compare(before)

    def _drop(self, node: NodeID) -> None:
        del self._peers[bisect_left(self._peers, node)]
        del self._index[node]
        self._told.pop(node, None)
        self._lists.pop(node, None)
        self._pinned = {i: peer for i, peer in self._pinned.items() if peer != node}

    def _disbelieve(self, node: NodeID, now: float) -> None:
        namer, self._wanted = self._heard.pop(node, node), None
        self._disbelieved.pop(node, None)
        self._disbelieved[node] = now + DISBELIEF, namer
        if len(self._disbelieved) > MEMORY:
            del self._disbelieved[next(iter(self._disbelieved))]

    def _hear(self, sender: NodeID, nodes: Iterable[NodeID], now: float) -> None:
        """Note whom the sender named, if it may belong into the neighbor table and the sender has credit left."""
        disbelieved, known = self._disbelieved, self._index
        credit = -1
        for node in nodes:
            if node in known or node in _NOBODY:
                continue
            if node in disbelieved:
                if disbelieved[node][0] > now:
                    continue
                del disbelieved[node]
            if node not in self._heard and self._near(node) and len(self._heard) < MEMORY:
                credit = self._credit(sender, now) if credit < 0 else credit
                if not credit:
                    return
                credit -= 1
                self._heard[node] = sender
                self._wanted = None

    def _credit(self, sender: NodeID, now: float) -> int:
        """How many more nodes the sender may name: two neighbor tables' worth may be unanswered at a time."""
        waiting = sum([namer == sender for namer in self._heard.values()])
        failed = sum([namer == sender and until > now for until, namer in self._disbelieved.values()])
        return max(0, 2 * (self._ahead + self._behind) - waiting - failed)

    def _candidates(self) -> tuple[NodeID, ...]:
        """Those heard of that would be neighbors if they were linked, successors first; who can't be is forgotten."""
        if self._wanted is None:
            self._heard = near = {node: namer for node, namer in self._heard.items() if self._near(node)}
            predecessors, successors = self._sides(sorted({*self._peers, *near})) if near else ((), ())
            self._wanted = tuple(dict.fromkeys(node for node in (*successors, *predecessors) if node in near))
        return self._wanted

    def _near(self, node: NodeID) -> bool:
        """Whether ``node`` is unlinked and would be in the neighbor table."""
        if node == self.node_id or node in self._index:
            return False
        if self._rim is None:
            return True
        start, end = self._rim
        return start < node < end if start < end else node > start or node < end

    def _disagreement(self, sender: NodeID, body: ChordUpdate, now: float) -> tuple[NodeID, ...]:
        """Whom to send our lists: a sender that lacks us or a neighbor of ours, and the neighbor that it lacks."""
        if not self._announced:
            return ()
        ahead, behind = body.successors, body.predecessors
        named = {*ahead, *behind, sender}
        reach = distance(sender, ahead[-1]) if len(ahead) >= self._ahead else RING
        back = distance(behind[-1], sender) if len(behind) >= self._behind else RING
        lacking = [
            node
            for node in (self.node_id, *self._successors, *self._predecessors)
            if node not in named and (distance(sender, node) < reach or distance(node, sender) < back)
        ]
        if not lacking:
            return ()
        tell = []
        for node in dict.fromkeys((sender, *lacking)):
            if node != self.node_id and self._told.get(node, now) <= now:
                self._told[node] = now + PATIENCE
                tell.append(node)
        return tuple(tell)

    def _compare(self, before: tuple[tuple[NodeID, ...], tuple[NodeID, ...]]) -> Changes:
        predecessors, successors = self._predecessors, self._successors
        if before == (predecessors, successors):
            return NOTHING
        then, now = (*before[1], *before[0]), (*successors, *predecessors)
        return Changes(
            gained=tuple(dict.fromkeys(node for node in now if node not in then)),
            lost=tuple(dict.fromkeys(node for node in then if node not in now)),
            neighbors_changed=True,
            responsibility_changed=before[0][:1] != predecessors[:1],
        )

    def _answer(self, changes: Changes, tell: tuple[NodeID, ...] = ()) -> Changes:
        candidates = self._candidates()
        return replace(changes, candidates=candidates, tell=tell) if candidates or tell else changes

    # --- tables ----------------------------------------------------------------------------------------------

    def _sides(self, ring: list[NodeID]) -> tuple[tuple[NodeID, ...], tuple[NodeID, ...]]:
        """The nearest of a sorted ``ring`` without us before and after us."""
        at = bisect_left(ring, self.node_id)
        onward = ring[at:] + ring[:at]
        return tuple(onward[: -self._behind - 1 : -1]), tuple(onward[: self._ahead])

    def _rebuild(self) -> None:
        peers, index = self._peers, self._index
        self._predecessors, self._successors = behind, ahead = self._sides(peers)
        # The outermost neighbors, where both lists are full and there is room between their ends.
        full = len(ahead) == self._ahead and len(behind) == self._behind
        apart = full and distance(self.node_id, ahead[-1]) < distance(self.node_id, behind[-1])
        self._rim, self._wanted = (behind[-1], ahead[-1]) if apart else None, None
        at = bisect_left(peers, self.node_id)
        # From the far side back to us, so that the first peer of each range is the one that stays.
        fingers = {index[node]: node for node in (*peers[:at][::-1], *peers[at:][::-1])}
        fingers.update(self._pinned)
        self._fingers = {i: node for i, node in fingers.items() if i <= self._finger_count}
        self._ring = sorted({self.node_id, *self._predecessors, *self._successors, *self._fingers.values()})

    def _finger_index(self, node: bytes) -> int:
        """The one i in whose range [us + 2^(128-i), us + 2^(129-i) - 1] ``node`` lies (§10.7.4.2)."""
        return BITS + 1 - ((int.from_bytes(node, "big") - self._me) % RING).bit_length()

    def _at(self, steps: int) -> bytes:
        """The place so many steps after us."""
        return ((self._me + steps) % RING).to_bytes(ID_LENGTH, "big")

    def _missing(self, successors: tuple[NodeID, ...]) -> list[int]:
        """The fingers to look for: beyond the successors, held by nobody or by a predecessor for want of better."""
        known = distance(self.node_id, successors[-1]) if successors else 0
        return [
            i
            for i in range(1, self._finger_count + 1)
            if 1 << (BITS - i) > known and self._fingers.get(i, self.node_id) in (self.node_id, *self._predecessors)
        ]

    def finger_to_refresh(self, rng: Random) -> ResourceID | None:
        """A random place in the range of one missing finger, early ones more often (§10.7.4.2)."""
        for i in self._missing(self._successors):
            if rng.random() < 0.5:
                size = BITS - i
                return ResourceID(self._at((1 << size) + (rng.getrandbits(size) if size else 0)))
        return None

    def settle(self, ring: Sequence[NodeID], choose: Callable[[Sequence[NodeID]], NodeID] | None = None) -> None:
        """Take the place that joins would have led to in the sorted ``ring``, us included.

        A finger is the first peer in its range, or the one that ``choose`` picks from those in it.
        """
        count, at = len(ring), bisect_left(ring, self.node_id)
        wanted = {ring[(at + step) % count]: None for step in range(-self._behind, self._ahead + 1) if step % count}
        nearest = self._finger_index(ring[(at + 1) % count])
        for i in range(1, min(self._finger_count, nearest) + 1) if wanted else ():
            first = bisect_left(ring, self._at(1 << (BITS - i)))
            finger = ring[first % count]
            if self._finger_index(finger) != i:
                continue
            if choose is not None:
                end = bisect_left(ring, self._at(1 << (BITS + 1 - i)))
                finger = choose(ring[first:end] if first < end else [*ring[first:], *ring[:end]])
                self._pinned[i] = finger
            wanted[finger] = None
        self._index = {node: self._finger_index(node) for node in wanted}
        self._peers = sorted(wanted)
        self._announced = True
        self._rebuild()

    # --- Updates and Leaves ----------------------------------------------------------------------------------

    def make_full_update(self, now: float) -> bytes:
        """Neighbors and fingers, the latter in ascending order (§10.7)."""
        fingers = tuple(sorted(set(self._fingers.values())))
        full = ChordUpdate(self._uptime(now), ChordUpdateType.FULL, self._predecessors, self._successors, fingers)
        return encode(full)

    def make_neighbor_update(self, now: float) -> bytes:
        """Predecessors and successors."""
        return encode(ChordUpdate(self._uptime(now), ChordUpdateType.NEIGHBORS, self._predecessors, self._successors))

    def updates_for(self, changes: Changes, now: float) -> list[tuple[NodeID, bytes]]:
        """Our lists to the neighbors for whom they are news.

        §10.7.3 sends every change to every linked node, most of whom know already or can do nothing with it. If we are
        wrong about what a neighbor knows, its next Update gets it corrected.
        """
        if not (changes.neighbors_changed or changes.responsibility_changed):
            return []
        near = self.neighbors()
        self._lists = {node: named for node, named in self._lists.items() if node in near}
        lists = self.make_neighbor_update(now)
        return [(node, lists) for node in near if node in changes.gained or self._is_news(changes, node, len(near))]

    def periodic_updates(self, now: float) -> list[tuple[NodeID, bytes]]:
        """Our lists to the neighbors, and a sign of life to the fingers, which shows whether they live (§10.7.4.1)."""
        near = self.neighbors()
        lists = self.make_neighbor_update(now)
        ready = encode(ChordUpdate(self._uptime(now), ChordUpdateType.PEER_READY))
        return [*((node, lists) for node in near), *((node, ready) for node in self.table() if node not in near)]

    def _is_news(self, changes: Changes, neighbor: NodeID, neighbors: int) -> bool:
        """Whether a neighbor, of so many, should have a gained or lost node in its lists or not, and may not know."""
        theirs = self._lists.get(neighbor, ())
        gained = [node for node in changes.gained if node not in theirs and neighbor not in self._lists.get(node, ())]
        # Who made room for a nearer one is lost to us only.
        lost = [node for node in changes.lost if node not in self._index and (node in theirs or not theirs)]
        if not gained and not lost:
            return False
        if neighbors < len(self._predecessors) + len(self._successors):
            return True  # the ring is so small that everybody sees everybody
        origin = self._predecessors[-1]
        line = sorted(
            {*self._predecessors, self.node_id, *self._successors, *lost},
            key=lambda node: distance(origin, node),
        )
        at = line.index(neighbor)
        window = line[max(0, at - self._behind) : at + self._ahead + 1]
        return any(node in window for node in (*gained, *lost))

    def make_leave_data(self, neighbor: NodeID) -> bytes:
        """Our predecessors for a successor, our successors for a predecessor: what it does not know (§10.9)."""
        if neighbor in self._predecessors:
            return encode(ChordLeaveData(ChordLeaveType.FROM_SUCC, self._successors))
        return encode(ChordLeaveData(ChordLeaveType.FROM_PRED, self._predecessors))

    def _uptime(self, now: float) -> int:
        return max(0, int(now - self._started))
