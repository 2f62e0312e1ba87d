"""Nodes that have nothing but their topologies: procedures in one step each, messages in a queue.

It does with a plug-in what the procedures do, without links, loop or time of its own, so that rules can be tested by
the thousand. A message to a dead node comes back as a failed link, an Attach to one as unreachable.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Any

from p2psip_min.ids import NodeID
from p2psip_min.invariants import Snapshot
from p2psip_min.routing.topology.base import Changes, TopologyPlugin

Factory = Callable[[NodeID], Any]

STEPS = 200_000


class Village:
    """Living members by Node-ID, and the messages between them that are under way."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.now = 0.0
        self.nodes: dict[NodeID, TopologyPlugin] = {}
        self.members: dict[NodeID, None] = {}
        self.queue: deque[Callable[[], None]] = deque()
        self.courting: dict[tuple[NodeID, NodeID], None] = {}
        self.joining: dict[NodeID, NodeID] = {}
        self.sent: Counter[str] = Counter()
        self.watch: Callable[[], None] = lambda: None

    # --- what a node does ------------------------------------------------------------------------------------

    def react(self, node: NodeID, changes: Changes) -> None:
        if node not in self.nodes:
            return
        topology = self.nodes[node]
        for candidate in changes.candidates:
            if (node, candidate) not in self.courting:
                self.courting[node, candidate] = None
                self.queue.append(partial(self.attach, node, candidate))
        for remote in changes.tell:
            self.post(node, remote, topology.make_neighbor_update(self.now))
        if node in self.members:
            for remote, update in topology.updates_for(changes, self.now):
                self.post(node, remote, update)

    def post(self, sender: NodeID, remote: NodeID, update: bytes) -> None:
        self.sent["update"] += 1
        self.queue.append(lambda: self.deliver(sender, remote, update))

    def deliver(self, sender: NodeID, remote: NodeID, update: bytes) -> None:
        if remote in self.nodes:
            self.react(remote, self.nodes[remote].on_update(sender, update, self.now))
        elif sender in self.nodes:
            self.react(sender, self.nodes[sender].remove(remote, self.now))

    def attach(self, node: NodeID, remote: NodeID) -> None:
        """Link, and be sent the other's Update, as send_update asks for; a node that is no member sends none."""
        self.courting.pop((node, remote), None)
        if node not in self.nodes or remote in self.nodes[node].table():
            return  # it has announced itself meanwhile
        self.sent["attach"] += 1
        if remote not in self.nodes:
            self.react(node, self.nodes[node].unreachable(remote, self.now))
        elif remote in self.members:
            if node not in self.members:
                self.nodes[node].contacted(remote)
            self.post(remote, node, self.nodes[remote].make_full_update(self.now))
            if node in self.members:
                self.post(node, remote, self.nodes[node].make_neighbor_update(self.now))

    # --- procedures ------------------------------------------------------------------------------------------

    def first(self, node: NodeID) -> None:
        self.nodes[node] = self.factory(node)
        self.become_member(node)

    def become_member(self, node: NodeID) -> None:
        self.members[node] = None
        self.react(node, self.nodes[node].announce_self())

    def begin_join(self, node: NodeID, bootstrap: NodeID) -> bool:
        """RFC 6940 §10.5, steps 1 to 4; the answers are under way."""
        joining = self.nodes[node] = self.factory(node)
        admitting = self.find(bootstrap, joining.admitting_key())
        if admitting is None:
            return self._give_up(node)
        self.joining[node] = admitting
        joining.on_update(admitting, self.nodes[admitting].make_full_update(self.now), self.now)
        neighbors, places = joining.attach_targets()
        for remote in neighbors:
            self.attach(node, remote)
        for place in places:
            holder = self.find(admitting, place)
            self.sent["search"] += 1
            if holder is not None and holder != node:
                self.attach(node, holder)
        return True

    def finish_join(self, node: NodeID) -> bool:
        """Steps 5 to 9; False: the admitting peer is not responsible any more."""
        joining, admitting = self.nodes[node], self.joining.pop(node)
        if admitting not in self.members or not self.nodes[admitting].responsible(node):
            return self._give_up(node)
        for remote in joining.attach_targets()[0]:
            self.attach(node, remote)
        changes = self.nodes[admitting].admit(node, self.now)
        joining.on_update(admitting, self.nodes[admitting].make_full_update(self.now), self.now)
        self.sent["update"] += 1
        self.react(admitting, changes)
        self.become_member(node)
        return True

    def join(self, node: NodeID, bootstrap: NodeID) -> bool:
        """All of it while nothing else happens."""
        if not self.begin_join(node, bootstrap):
            return False
        self.settle_down()
        return self.finish_join(node)

    def _give_up(self, node: NodeID) -> bool:
        del self.nodes[node]
        return False

    def leave(self, node: NodeID) -> None:
        leaving = self.nodes[node]
        good_byes = [(neighbor, leaving.make_leave_data(neighbor)) for neighbor in leaving.neighbors()]
        self.fail(node)
        for neighbor, data in good_byes:
            if neighbor in self.nodes:
                self.react(neighbor, self.nodes[neighbor].on_leave(node, data, self.now))

    def fail(self, node: NodeID) -> None:
        """Die silently: nobody is told."""
        del self.nodes[node]
        del self.members[node]

    def stabilize(self, node: NodeID) -> None:
        topology = self.nodes[node]
        for remote, update in topology.periodic_updates(self.now):
            self.post(node, remote, update)

    # --- the world -------------------------------------------------------------------------------------------

    def settle_down(self) -> None:
        """Let every message arrive, and what follows from them, in order."""
        self.deliver_some(STEPS)
        assert not self.queue, "the nodes do not stop talking"

    def deliver_some(self, count: int) -> None:
        """Let the next ``count`` messages arrive."""
        for _ in range(count):
            if not self.queue:
                return
            self.queue.popleft()()
            self.watch()

    def round(self, seconds: float = 600.0) -> None:
        """One update interval in which everybody stabilises once."""
        self.now += seconds
        for node in sorted(self.members):
            if node in self.members:
                self.stabilize(node)
        self.settle_down()

    def find(self, start: NodeID, key: bytes) -> NodeID | None:
        """Route from ``start``; a dead next hop is noticed and another one taken. None: it ends nowhere."""
        path = self.path(start, key)
        return path[-1] if path else None

    def path(self, start: NodeID, key: bytes) -> tuple[NodeID, ...]:
        """The nodes that a request for ``key`` passes, both ends included; empty when it ends nowhere."""
        at, way = start, [start]
        for _ in range(10 * len(self.nodes) + 10):
            following = self.nodes[at].next_hop(key)
            if following is None:
                return tuple(way) if at in self.members else ()
            if following in self.nodes:
                at = following
                way.append(at)
            else:
                self.react(at, self.nodes[at].remove(following, self.now))
        return ()

    def snapshot(self) -> Snapshot:
        return {node: self.nodes[node].snapshot() for node in sorted(self.members)}
