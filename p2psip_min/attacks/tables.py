"""Attacks on other peers' routing tables (draft 5.2 first issue, 7.2.8).

Mallory's machine has more ports than one. ``Ends`` opens links on another one under whatever Node-ID is said there;
where links ask for a certificate, it shows her own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from p2psip_min.attacks.forging import Pen, answered, fresh
from p2psip_min.attacks.forwarding import LOOK
from p2psip_min.errors import LinkRefused, RemoteFault
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.seams import Coalition, Forwarding, NodeView, PeerParts
from p2psip_min.transport.link import Links
from p2psip_min.transport.network import Address
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.header import Envelope, decode_destinations, open_envelope
from p2psip_min.wire.message import Message
from p2psip_min.wire.messages import AttachAns, LeaveReq, MessageCode, PingReq, UpdateReq

RING = 1 << 128

Ends = Callable[[NodeID], tuple[Links, Address]]
"""Opens links under a Node-ID, at an address of one's own machine."""


def beside(node: NodeID, steps: int) -> NodeID:
    """The Node-ID so many steps after ``node``; chance puts nobody there."""
    return NodeID.from_int((int.from_bytes(node, "big") + steps) % RING)


def table_of(like: TopologyPlugin, node: NodeID, others: tuple[NodeID, ...]) -> Any:
    """The tables that ``node`` would have if these were all there is, by the overlay's own algorithm."""
    kind: Any = type(like)  # the overlay's algorithm needs no more than whose view it is
    invented = kind(node)
    invented.settle(sorted((node, *others)))
    return invented


# --- RM-2 -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ForgedWrites:
    """RM-2: says good-bye to its neighbors in each other's names, and announces nobody to them.

    ``sent`` are the transactions, ``taken`` those that were acknowledged: whoever carries a write out says so.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """The clauses of the seams that a node with this agent does not keep: what it does, it does on another port."""
    ends: Ends
    sent: dict[int, None] = field(default_factory=dict)
    taken: dict[int, None] = field(default_factory=dict)
    parts: PeerParts | None = None

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act on the node's own initiative."""
        self.parts = parts
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """Write into every neighbor's table, once."""
        assert self.parts is not None
        parts, topology = self.parts, self.parts.topology
        near = topology.neighbors()
        pattern = (await view.request((near[0],), PingReq())).message
        for victim, other in zip(near, (*near[1:], near[0]), strict=True):
            nobody = beside(victim, 1)
            table = table_of(topology, nobody, (victim,)).make_full_update(view.now())
            for name, body in ((other, LeaveReq(other, topology.make_leave_data(victim))), (nobody, UpdateReq(table))):
                transaction_id = view.rng.getrandbits(64)
                self.sent[transaction_id] = None
                links, _ = self.ends(name)
                links.on_message = self.heard
                links.learn(victim, parts.links.book[victim])
                links.send(victim, fresh(Pen(parts), pattern, victim, body, transaction_id))

    def heard(self, remote: NodeID, data: bytes) -> None:
        """Note what was acknowledged."""
        answer = open_envelope(data)
        if answer.transaction_id in self.sent and answer.code != MessageCode.ERROR:
            self.taken[answer.transaction_id] = None


# --- RM-1 -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FakeTable:
    """RM-1: whoever asks for its table gets one of nodes that do not exist; each of them is a port of its machine."""

    breaks: ClassVar[tuple[str, ...]] = ("tells_its_table",)
    """The clauses of the seams that a node with these parts does not keep."""
    ends: Ends
    invented: dict[NodeID, tuple[Links, Address]] = field(default_factory=dict)
    announcing: list[tuple[NodeID, NodeID, Address, bytes]] = field(default_factory=list)
    asking: NodeID | None = None
    parts: PeerParts | None = None

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Lie about the tables, answer for the invented nodes, and announce them."""
        self.parts = parts
        forwarding = _Introducing(parts.forwarding, Pen(parts), self)
        return replace(parts, topology=_Lying(parts.topology, self), forwarding=forwarding, agent=self)

    async def run(self, view: NodeView) -> None:
        """Send the Updates that make entries of the invented nodes, over links of their own."""
        while True:
            await view.sleep(LOOK)
            while self.announcing:
                name, victim, address, update = self.announcing.pop(0)
                links, _ = self.invented[name]
                links.learn(victim, address)
                try:
                    await links.connect(victim, address)
                except (LinkRefused, RemoteFault):
                    continue
                links.send(victim, update)


class _Lying:
    """Tables that are told truly to nobody who asks."""

    def __init__(self, inner: TopologyPlugin, attack: FakeTable) -> None:
        self._inner = inner
        self._attack = attack

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def make_full_update(self, now: float) -> bytes:
        """A table of nodes right beside the one that asked last."""
        victim = self._attack.asking
        if victim is None:
            return self._inner.make_full_update(now)
        crowd = tuple(beside(victim, steps) for steps in (1, 2, 3, -1, -2, -3))
        for name in crowd:
            if name not in self._attack.invented:
                self._attack.invented[name] = self._attack.ends(name)
        update: bytes = table_of(self._inner, victim, crowd).make_full_update(now)
        return update


@dataclass(slots=True)
class _Introducing:
    """Answers an Attach to an invented node in its name, with the address of its port."""

    inner: Forwarding
    pen: Pen
    attack: FakeTable

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if envelope.code == MessageCode.ROUTE_QUERY_REQ or envelope.code == MessageCode.ATTACH_REQ:
            self.attack.asking = previous_hop
        name = decode_destinations(envelope.destinations)[-1]
        if previous_hop is None or envelope.code != MessageCode.ATTACH_REQ or name not in self.attack.invented:
            return self.inner.decide(envelope, previous_hop, now)
        request = self.pen.read(envelope)
        assert request is not None
        assert isinstance(name, NodeID)
        return Forward(previous_hop, self.agree(request, previous_hop, name, now))

    def agree(self, request: Message, victim: NodeID, name: NodeID, now: float) -> bytes:
        """The invented node's answer; its Update follows."""
        asked, port = request.body, IpAddressPort(*self.attack.invented[name][1])
        offered = asked.candidates[0].addr_port
        assert self.attack.parts is not None
        tables = table_of(self.attack.parts.topology, name, (victim,))
        update = fresh(self.pen, request, victim, UpdateReq(tables.make_full_update(now)), request.transaction_id ^ 1)
        self.attack.announcing.append((name, victim, (offered.address, offered.port), update))
        here = tuple(replace(each, addr_port=port) for each in asked.candidates[:1])
        return answered(self.pen, request, victim, AttachAns(asked.ufrag, asked.password, b"active", here), name)
