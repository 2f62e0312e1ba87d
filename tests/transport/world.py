"""Hosts with links on one network, for the tests of every kind of links."""

from __future__ import annotations

import random

from p2psip_min.errors import LinkReason
from p2psip_min.ids import NodeID
from p2psip_min.trace import LinkClosed, LinkRejected, Trace
from p2psip_min.transport.loop import VirtualLoop
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.plain import PlainLinks
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLinks
from tests.transport.authority import Authority

HOSTS: list[Address] = [(f"10.0.0.{number}", 6084) for number in range(1, 6)]
IDS = [NodeID(bytes([number]) * 16) for number in range(1, 6)]
STRANGER: Address = ("10.9.9.9", 6084)


def flip(data: bytes) -> list[tuple[float, bytes]]:
    """An attacker on the path who changes one bit of each packet."""
    return [(0.0, data[:-1] + bytes([data[-1] ^ 1]) if data else data)]


class Node:
    """Links, and what they told their peer."""

    def __init__(self, links: PlainLinks | TlsLinks) -> None:
        self.links = links
        self.messages: list[tuple[NodeID, bytes]] = []
        self.opened: list[NodeID] = []
        self.failed: list[tuple[NodeID, LinkReason]] = []
        self.undelivered: list[tuple[NodeID, bytes]] = []
        links.on_message = lambda remote, message: self.messages.append((remote, message))
        links.on_opened = self.opened.append
        links.on_failed = lambda remote, reason: self.failed.append((remote, reason))
        links.on_undelivered = lambda remote, message: self.undelivered.append((remote, message))


class World:
    """Hosts on one network; ``add`` makes a node, ``run`` lets virtual time pass."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.loop = VirtualLoop()
        self.trace = Trace()
        self.network = Network(self.loop, random.Random(3), self.trace)
        self.authority = Authority()
        self.nodes: list[Node] = []

    def add(self, number: int, identity: TlsIdentity | None = None) -> Node:
        """Node ``number`` at its host, with this world's kind of links."""
        links: PlainLinks | TlsLinks
        if self.kind == "plain":
            links = PlainLinks(self.network, HOSTS[number], IDS[number], trace=self.trace, max_message=20_000)
        else:
            links = TlsLinks(
                self.network,
                HOSTS[number],
                IDS[number],
                identity=identity or self.authority.identity(IDS[number]),
                check=self.authority.check,
                trace=self.trace,
                max_message=20_000,
            )
        node = Node(links)
        self.nodes.append(node)
        return node

    def pair(self) -> tuple[Node, Node]:
        """Two nodes, the first of which knows where the second is."""
        a, b = self.add(0), self.add(1)
        a.links.learn(IDS[1], HOSTS[1])
        return a, b

    def run(self, seconds: float = 20.0) -> None:
        """Let virtual time pass."""
        self.loop.run_until(self.loop.time() + seconds)

    def rejected(self) -> list[tuple[bytes, bytes, str]]:
        """Links not made: node, remote, reason."""
        return [(event.node, event.remote, event.reason) for event in self.trace.select(LinkRejected)]

    def closed(self) -> list[tuple[bytes, bytes, str]]:
        """Links ended: node, remote, reason."""
        return [(event.node, event.remote, event.reason) for event in self.trace.select(LinkClosed)]
