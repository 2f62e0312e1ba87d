"""The overlays that are measured, and what is asked of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from lab.bench.floors import End, Pair, handshake
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.procedures import fetch, store
from p2psip_min.trace import Trace
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_link import TlsLink
from p2psip_min.transport.tls_links import TlsLinks
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import SIP_REGISTRATION, SipRegistration, SipRegistrationType
from p2psip_min.wire.messages import MessageCode

SEED = 7


class Work:
    """One settled overlay without periodic maintenance, so that what is measured is what was asked for."""

    def __init__(self, peers: int, *, links: str, defences: str) -> None:
        self.overlay = Overlay(peers=peers, links=links, defences=defences, seed=SEED, maintenance=False)
        self.nodes = list(self.overlay.nodes.values())
        self.rng = random.Random(f"bench:{SEED}")
        self.hops = 0
        self.signs = 0
        self.verifies = 0
        self.message = b""

    def any(self) -> Node:
        """A random node."""
        return self.nodes[int(self.rng.random() * len(self.nodes))]

    def lookups(self, count: int) -> float:
        """CPU seconds of so many Pings to random keys from random nodes, one after the other."""
        asked = [(self.any(), ResourceID(self.rng.getrandbits(128).to_bytes(16, "big"))) for _ in range(count)]

        async def look() -> None:
            for node, key in asked:
                await procedures.ping(node.peer, key)

        return self._timed(look)

    def stores(self, owners: Sequence[Node]) -> float:
        """CPU seconds of one store of each of ``owners``, with what it sets off, one after the other."""

        async def put() -> None:
            for node in owners:
                await store(node.peer, ResourceID.of(node.user), SIP_REGISTRATION, (_entry(node),))
                await asyncio.sleep(5.0)  # until the replicas have answered

        return self._timed(put)

    def gets(self, count: int, owners: Sequence[Node]) -> float:
        """CPU seconds of so many fetches of records of ``owners`` by random nodes, one after the other."""
        asked = [(self.any(), owners[int(self.rng.random() * len(owners))]) for _ in range(count)]

        async def get() -> None:
            for node, owner in asked:
                await fetch(node.peer, ResourceID.of(owner.user), SIP_REGISTRATION)

        return self._timed(get)

    def _timed(self, work: Callable[[], Coroutine[Any, Any, None]]) -> float:
        trace = self.overlay.trace
        assert isinstance(trace, Trace)
        first = len(trace)
        began = time.process_time()
        self.overlay.run(work())
        took = time.process_time() - began
        self._count(trace, first)
        return took

    def _count(self, trace: Trace, first: int) -> None:
        """Hops and signatures of what has just been done, from the trace."""
        self.hops = self.signs = self.verifies = 0
        for event in trace.events[first:]:
            if isinstance(event, events.MessageSent | events.MessageForwarded):
                self.hops += 1
                self.signs += isinstance(event, events.MessageSent)
                self.message = event.message
            elif isinstance(event, events.MessageDelivered | events.RecordStored | events.RecordReplaced):
                self.verifies += 1
            elif isinstance(event, events.StoreAcknowledged):
                self.signs += 1  # the value's own signature

    def close(self) -> None:
        """End the overlay."""
        self.overlay.close()


def _entry(node: Node) -> DictionaryEntry:
    value = encode(SipRegistration(SipRegistrationType.ROUTE, contact_prefs="", destination_list=(node.node_id,)))
    return DictionaryEntry(bytes(node.node_id), True, value)


def open_all(work: Work, at_once: int, sample: int) -> tuple[float, float, int]:
    """Open a link between all who are neighbors or fingers of each other, some at a time.

    Returns the CPU seconds of that and of one bare handshake (``sample`` of them timed after each lot), and the number
    of links.
    """
    nodes = work.overlay.nodes
    known = ((node.node_id, other) for node in work.nodes for other in node.peer.topology.table())
    # Not in the order of the ring, or each node's contexts would be used in one go.
    order = sorted(dict.fromkeys((min(pair), max(pair)) for pair in known), key=lambda pair: work.rng.random())
    opening = bare = 0.0
    bare_count = 0

    async def connect(part: Sequence[tuple[NodeID, NodeID]]) -> None:
        await asyncio.gather(*(nodes[one].peer.links.connect(other, nodes[other].address) for one, other in part))

    for start in range(0, len(order), at_once):
        part = order[start : start + at_once]
        began = time.process_time()
        work.overlay.run(connect(part))
        opening += time.process_time() - began
        ends = [(_identity(nodes[one]), _identity(nodes[other])) for one, other in part[:sample]]
        began = time.process_time()
        for client, server in ends:
            handshake(client, server)
        bare += time.process_time() - began
        bare_count += len(ends)
    return opening, bare / bare_count, len(order)


def use_all(work: Work) -> None:
    """Let a message and its answer pass every link that the tables name, so that no lookup has to open one.

    Where links are secured ``open_all`` sees to that.
    """

    async def use() -> None:
        for node in work.nodes:
            for other in node.peer.topology.table():
                if other not in node.peer.links.table:
                    await procedures.ping(node.peer, other)

    work.overlay.run(use())


def _identity(node: Node) -> TlsIdentity:
    links = node.peer.parts.links
    assert isinstance(links, TlsLinks)
    return links.identity


def live_pairs(work: Work) -> list[Pair]:
    """Both ends of every live link. While nobody sends, records may pass there unseen by the links."""
    ends: dict[tuple[NodeID, NodeID], End] = {}
    for node in work.nodes:
        for remote, link in node.peer.parts.links.table.items():
            assert isinstance(link, TlsLink)
            ends[node.node_id, remote] = End(link._tls, link._incoming, link._outgoing)
    return [(end, ends[remote, node]) for (node, remote), end in ends.items() if (remote, node) in ends]


def updates_a_join(overlay: Overlay) -> float:
    """Update requests sent since the overlay began, by joined peer."""
    trace = overlay.trace
    assert isinstance(trace, Trace)
    return sum(1 for _ in trace.select(events.MessageSent, code=MessageCode.UPDATE_REQ)) / len(overlay.nodes)
