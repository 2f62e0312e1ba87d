"""No ring, and one hop: everybody knows everybody, and a key is whose Node-ID is nearest by XOR.

It has no fingers either, so what works on it does not depend on Chord (draft Req. 4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from p2psip_min.errors import Malformed
from p2psip_min.ids import ID_LENGTH, NodeID, ResourceID, to_int
from p2psip_min.routing.topology.base import NOTHING, Changes, Random


class FullMesh:
    """One node's list of all others; an Update is that list, Node-IDs end to end."""

    def __init__(self, node_id: NodeID) -> None:
        self.node_id = node_id
        self._peers: dict[NodeID, None] = {}
        self._heard: dict[NodeID, None] = {}
        self._gone: dict[NodeID, None] = {}
        self._nearest: tuple[NodeID, ...] = ()
        self._table: tuple[NodeID, ...] = ()

    def _rebuild(self) -> None:
        """What is asked far more often than ``_peers`` changes."""
        self._nearest = tuple(self._ranked(self.node_id, self._peers))
        self._table = tuple(sorted(self._peers))

    def _ranked(self, key: bytes, nodes: Collection[NodeID]) -> list[NodeID]:
        target = to_int(key)
        return sorted(nodes, key=lambda node: to_int(node) ^ target)

    def _everybody(self) -> list[NodeID]:
        return [self.node_id, *self._peers]

    def responsible(self, key: bytes) -> bool:
        """Whether nobody known is nearer to ``key``."""
        return self.owner(key) == self.node_id

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        """The nearest of all others: the responsible one itself."""
        if self.responsible(key):
            return None
        target = to_int(key)
        return min(
            (node for node in self._peers if node not in exclude), key=lambda node: to_int(node) ^ target, default=None
        )

    def neighbors(self) -> tuple[NodeID, ...]:
        """All others, the nearest first."""
        return self._nearest

    def table(self) -> tuple[NodeID, ...]:
        """All others, in order of Node-ID."""
        return self._table

    def snapshot(self) -> tuple[tuple[NodeID, ...], tuple[NodeID, ...]]:
        """One side only: there is no ring."""
        return (), self.neighbors()

    def share(self) -> float:
        """An equal part for everybody, on average."""
        return 1.0 / (1 + len(self._peers))

    def replicas(self, resource: bytes, count: int) -> tuple[NodeID, ...]:
        """The nearest after the responsible one."""
        return tuple(self._ranked(resource, self._peers)[:count])

    def holds(self, resource: bytes, count: int) -> bool:
        """Whether this node is among the nearest."""
        return self.node_id in self._ranked(resource, self._everybody())[: count + 1]

    @staticmethod
    def closer(one: bytes, other: bytes, key: bytes) -> bool:
        """By XOR."""
        return to_int(one) ^ to_int(key) < to_int(other) ^ to_int(key)

    def nearer(self, one: bytes, other: bytes, key: bytes) -> bool:
        """By XOR as well: the way is one hop."""
        return self.closer(one, other, key)

    def owner(self, resource: bytes) -> NodeID:
        """The nearest of all, this node included."""
        target = to_int(resource)
        return min(self._everybody(), key=lambda node: to_int(node) ^ target)

    def next_holder(self, resource: bytes, holders: tuple[NodeID, ...]) -> ResourceID | NodeID:
        """The nearest that is not among ``holders``, whom a reader may ask by name."""
        left = [node for node in self._ranked(resource, self._everybody()) if node not in holders]
        return left[0] if holders and left else ResourceID(resource)

    def plausible_responder(self, signer: bytes, resource: bytes) -> bool:
        """Whether nobody known is nearer than ``signer``."""
        return not any(self.closer(node, signer, resource) for node in self._peers)

    def plausible_source(self, sender: bytes) -> bool:
        """Everybody is a neighbor."""
        return sender in self._peers

    def crowding(self, sender: NodeID, update: bytes) -> float:
        """As many as ``sender`` knows, and itself."""
        return 1.0 + len(update) / ID_LENGTH

    def plausible_entry(self, node: bytes, spacings: float) -> bool:
        """Always: every node is everybody's contact."""
        return True

    def admitting_key(self) -> ResourceID:
        """This node's own place."""
        return ResourceID(self.node_id)

    def attach_targets(self) -> tuple[tuple[NodeID, ...], tuple[ResourceID, ...]]:
        """Everybody that was heard of."""
        return tuple(self._heard), ()

    def contacted(self, node: NodeID) -> Changes:
        """One more."""
        return self._add(node)

    def would_own(self, joining: bytes, resource: bytes) -> bool:
        """Whether ``joining`` is nearer to what is this node's now."""
        return self.responsible(resource) and self.closer(joining, self.node_id, resource)

    def admit(self, joining: NodeID, now: float) -> Changes:
        """One more."""
        return self._add(joining)

    def announce_self(self) -> Changes:
        """To all."""
        return Changes(gained=self.neighbors(), neighbors_changed=True, responsibility_changed=True)

    def _add(self, node: NodeID) -> Changes:
        self._gone.pop(node, None)
        self._heard.pop(node, None)
        if node in self._peers or node == self.node_id:
            return NOTHING
        self._peers[node] = None
        self._rebuild()
        return Changes(gained=(node,), neighbors_changed=True, responsibility_changed=True)

    def _hear(self, data: bytes) -> None:
        if len(data) % ID_LENGTH:
            raise Malformed(len(data), "half a Node-ID")
        for at in range(0, len(data), ID_LENGTH):
            node = NodeID(data[at : at + ID_LENGTH])
            if node != self.node_id and node not in self._peers and node not in self._gone:
                self._heard[node] = None

    def _named(self, changes: Changes) -> Changes:
        return Changes(
            candidates=tuple(self._heard),
            gained=changes.gained,
            lost=changes.lost,
            neighbors_changed=changes.neighbors_changed,
            responsibility_changed=changes.responsibility_changed,
        )

    def on_update(self, sender: NodeID, update: bytes, now: float) -> Changes:
        """Add the sender, and hear of those whom it names."""
        self._hear(update)
        return self._named(self._add(sender))

    def on_leave(self, leaving: NodeID, data: bytes, now: float) -> Changes:
        """Hear of those whom it names, and take it out."""
        self._hear(data)
        return self.remove(leaving, now)

    def remove(self, node: NodeID, now: float) -> Changes:
        """One less, and not to be named again."""
        self._gone[node] = None
        self._heard.pop(node, None)
        if node not in self._peers:
            return NOTHING
        del self._peers[node]
        self._rebuild()
        return self._named(Changes(lost=(node,), neighbors_changed=True, responsibility_changed=True))

    def unreachable(self, candidate: NodeID, now: float) -> Changes:
        """Not to be named again."""
        self._gone[candidate] = None
        self._heard.pop(candidate, None)
        return NOTHING

    def make_full_update(self, now: float) -> bytes:
        """All others, Node-IDs end to end."""
        return b"".join(self.table())

    def make_neighbor_update(self, now: float) -> bytes:
        """The same."""
        return self.make_full_update(now)

    def updates_for(self, changes: Changes, now: float) -> list[tuple[NodeID, bytes]]:
        """The new ones, from each of whom this node hears in turn."""
        if not changes.neighbors_changed:
            return []
        # Who joins tells everybody, and hears from everybody; nobody else needs to pass it on.
        update = self.make_full_update(now)
        return [(node, update) for node in changes.gained]

    def periodic_updates(self, now: float) -> list[tuple[NodeID, bytes]]:
        """Everybody."""
        return [(node, self.make_full_update(now)) for node in self.neighbors()]

    def make_leave_data(self, neighbor: NodeID) -> bytes:
        """All others."""
        return self.make_full_update(0.0)

    def finger_to_refresh(self, rng: Random) -> ResourceID | None:
        """There are no fingers."""
        return None

    def settle(self, ring: Sequence[NodeID], choose: Callable[[Sequence[NodeID]], NodeID] | None = None) -> None:
        """Everybody knows everybody."""
        self._peers = {node: None for node in ring if node != self.node_id}
        self._rebuild()
