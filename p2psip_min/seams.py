"""The seams: what a node is put together from, and what an attacker may put in place of a part (draft 3.4, 6.2).

Rules
1. An honest node and a hostile one run the same ``Peer``; they differ in their parts only.
2. An attack is a function ``equip(parts, coalition) -> PeerParts`` that wraps parts, usually one of them.
3. An attacker knows what its own parts see, and what its coalition shares. Nothing hands it another node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from p2psip_min.ids import Destination, NodeID

if TYPE_CHECKING:
    from p2psip_min.enrollment.certificates import Credential
    from p2psip_min.routing.forwarding import Decision
    from p2psip_min.routing.topology.base import TopologyPlugin
    from p2psip_min.storage.store import Store
    from p2psip_min.transport.link import Links
    from p2psip_min.transport.network import Address
    from p2psip_min.wire.header import Envelope
    from p2psip_min.wire.message import Message


class Random(Protocol):
    """The two draws that are the same on every platform and in every version."""

    def random(self) -> float: ...

    def getrandbits(self, k: int, /) -> int: ...


class Received(Protocol):
    """An answer: what it said, and who signed it."""

    message: Message
    signer: NodeID

    @property
    def body(self) -> Any: ...


class Forwarding(Protocol):
    """Decides what becomes of a message that arrived or is about to leave (RFC 6940 §6.1)."""

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision: ...


class Usage(Protocol):
    """An application on top of the overlay: answers AppAttach for its application id (RFC 6940 §6.5.2)."""

    application: int

    def accept(self, caller: NodeID, address: Address) -> Address:
        """Agree to a link with ``caller``, who is reached at ``address``; returns where this end listens."""


class Machine(Protocol):
    """A device that somebody owns: it enrolls, comes and goes through the doors that everybody uses."""

    @property
    def node_id(self) -> NodeID | None:
        """The Node-ID that it holds a certificate for."""

    async def enroll(self) -> NodeID:
        """Get a certificate, if there is none; raises LinkRefused or EnrollmentRefused."""

    async def come(self) -> bool:
        """Start a node and join, as a peer (True) or as a client; raises JoinRefused or LinkRefused."""

    async def leave(self) -> None:
        """Have the node say good-bye and stop."""

    def crash(self) -> None:
        """Switch it off without a word."""


class NodeView(Protocol):
    """All that an agent has of the world: its own node's sends, requests, clock and dice."""

    node_id: NodeID
    rng: Random

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...

    def send(self, next_hop: NodeID, message: bytes) -> bool: ...

    def route(self, message: bytes) -> None: ...

    def routing_table(self) -> tuple[NodeID, ...]: ...

    async def request(
        self, destinations: Sequence[Destination], body: Any, *, certificates: tuple[bytes, ...] = ()
    ) -> Received: ...


class Agent(Protocol):
    """A node's own initiative: runs beside it until the node stops."""

    async def run(self, view: NodeView) -> None: ...


class Quiet:
    """The agent of an honest node: none."""

    async def run(self, view: NodeView) -> None:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerParts:
    """What one node is made of; every part can be wrapped on its own."""

    identity: Credential
    topology: TopologyPlugin
    forwarding: Forwarding
    store: Store
    links: Links
    usages: tuple[Usage, ...] = ()
    agent: Agent = field(default_factory=Quiet)


@dataclass(slots=True)
class Coalition:
    """What colluding attackers share: who they are, and a notebook."""

    members: list[NodeID] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


Equip = Callable[[PeerParts, Coalition], PeerParts]
"""An attack on the inside of one node."""
