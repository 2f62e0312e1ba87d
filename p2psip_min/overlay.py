"""The running world: many nodes, one network, one clock, one seed (draft 3.3, 3.4).

An overlay is built *settled* (nodes enrolled, tables filled as joins would have left them, links opened on use) or
*grown* by real joins. Its methods block, for notebooks; ``overlay.run`` takes any coroutine of ``procedures``.

Same seed and same actions: same events, byte for byte, in any process. Every draw comes from ``rng(label)``.
"""

from __future__ import annotations

import random
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from p2psip_min import procedures
from p2psip_min.application.telephone import Telephone
from p2psip_min.defences import Defences, LinkProtection, preset
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.provider import Provider
from p2psip_min.handlers import CLIENT_HANDLERS, PEER_HANDLERS
from p2psip_min.ids import NodeID, ResourceID, overlay_hash
from p2psip_min.peer import Peer, Surroundings
from p2psip_min.procedures.join import become_member
from p2psip_min.procedures.maintain import link_failed
from p2psip_min.roles import Roles
from p2psip_min.routing.forwarding import Forwarder
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.topology.client import ClientTopology
from p2psip_min.seams import Coalition, Equip, PeerParts
from p2psip_min.storage.store import Record, Store
from p2psip_min.trace import CountingTrace, Trace
from p2psip_min.transport.driver import InlineDriver, Runs
from p2psip_min.transport.link import Links
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.plain import PlainLinks
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLinks
from p2psip_min.view import View

T = TypeVar("T")

ROUTING = ("recursive", "iterative")
PORT = 6084
SIP_PORT = 5061


@dataclass(slots=True)
class Node:
    """One node as the overlay's operator sees it."""

    name: str
    user: str
    peer: Peer
    address: Address
    is_client: bool
    phone: Telephone | None = None

    @property
    def node_id(self) -> NodeID:
        """Its Node-ID."""
        return self.peer.node_id

    @property
    def alive(self) -> bool:
        """Whether it has neither left nor crashed."""
        return self.peer.alive


class Overlay:
    """One overlay, its network and its clock.

    ``links`` ("tls", "plain") overrides what ``defences`` (a preset's name or a value) says; ``trusted`` is how many of
    an untrusted base's peers are the operator's. Unknown names raise a ValueError or KeyError that lists the known ones.
    """

    def __init__(
        self,
        *,
        peers: int = 32,
        clients: Sequence[str] = (),
        base: str = "untrusted",
        routing: str = "recursive",
        links: str | None = None,
        defences: Defences | str = "reload",
        seed: int = 1,
        grown: bool = False,
        trusted: int = 0,
        trace: str = "full",
        name: str = "overlay.example.org",
        neighbors: int = 3,
        fingers: int = 16,
        finger_choice: str = "first",
        maintenance: bool = True,
        servers: int = 1,
        driver: Runs | None = None,
    ) -> None:
        _one_of("routing style", routing, ROUTING)
        _one_of("trace", trace, ("full", "counting"))
        _one_of("finger choice", finger_choice, ("first", "random"))
        if peers < 1:
            raise ValueError(f"an overlay has at least one peer, not {peers}")
        if not 0 <= trusted <= peers:
            raise ValueError(f"of {peers} peers 0 to {peers} can be trusted, not {trusted}")
        self.seed = seed
        self.name = name
        self.routing = routing
        self.roles = Roles(base)
        self.defences = preset(defences) if isinstance(defences, str) else defences
        if links is not None:
            _one_of("kind of link", links, ("plain", "tls"))
            self.defences = replace(self.defences, link_protection=LinkProtection(links == "tls"))
        self.driver: Runs = InlineDriver() if driver is None else driver
        self.loop = self.driver.loop
        self.trace: Trace | CountingTrace = Trace() if trace == "full" else CountingTrace()
        self.network = Network(self.loop, self.rng("network"), self.trace)
        self.coalition = Coalition()
        self.nodes: dict[NodeID, Node] = {}
        self.by_name: dict[str, Node] = {}
        self._neighbors, self._fingers, self._finger_choice = neighbors, fingers, finger_choice
        self._maintenance = maintenance
        self._hosts = 0
        self.provider = Provider(name, seed=seed, rng=self.rng("enrollment"), trace=self.trace)
        self.surroundings = Surroundings(
            loop=self.loop,
            trace=self.trace,
            defences=self.defences,
            kinds=self.provider.configuration.registry(),
            overlay_name=name,
            overlay=overlay_hash(name),
        )
        self.driver.call(lambda: self._populate(peers, grown, trusted))
        if grown:
            self._grow()
        for user in clients:
            self.add_client(user)

    # --- building --------------------------------------------------------------------------------------------

    def rng(self, label: str) -> random.Random:
        """The dice of one purpose; another purpose's draws do not move them."""
        return random.Random(f"{self.seed}:{label}")

    def _populate(self, peers: int, grown: bool, trusted: int) -> None:
        credentials = sorted(
            (self.provider.enroll(f"peer{i}", self.loop.time()) for i in range(peers)),
            key=lambda credential: credential.node_id,
        )
        members = [
            self._make(credential, f"p{number:02d}", is_client=False)
            for number, credential in enumerate(credentials)
        ]
        bootstraps = members[: min(3, len(members))]
        self.provider.bootstrap_at([node.address for node in bootstraps], self.loop.time())
        chance = self.rng("trusted")
        for node in _sample(members, trusted, chance):
            self.roles.trusted[node.node_id] = None
        for node in members:
            node.peer.configuration = self.provider.configuration
            node.peer.acquaintances.update({other.node_id: other.address for other in bootstraps if other is not node})
        if not grown:
            self._settle(members)

    def _settle(self, members: list[Node]) -> None:
        ring = [node.node_id for node in members]
        addresses = {node.node_id: node.address for node in members}
        chance = self.rng("fingers")
        choose = None
        if self._finger_choice == "random":

            def choose(inside: Sequence[NodeID]) -> NodeID:
                return inside[int(chance.random() * len(inside))]

        for node in members:
            topology = node.peer.topology
            topology.settle(ring, choose)
            for other in topology.table():
                node.peer.links.learn(other, addresses[other])
                # Who was attached to knows us as well, though we are in nobody's table by that alone.
                self.nodes[other].peer.links.learn(node.node_id, node.address)
        for node in members:
            become_member(node.peer, b"", settled=True, maintained=self._maintenance)

    def _grow(self) -> None:
        members = list(self.nodes.values())
        order = self.rng("growth")
        first, *others = _sample(members, len(members), order)
        self.driver.call(lambda: become_member(first.peer, b"", maintained=self._maintenance))
        entrance = [first.address]
        for node in others:
            self.run(procedures.join(node.peer, entrance))

    def _make(self, credential: Credential, name: str, *, is_client: bool) -> Node:
        address = self._next_address()
        node_id = credential.node_id
        trust = self.provider.trust()
        links = self._links(credential, address, trust)
        topology: Any = (
            ClientTopology(node_id, Chord(node_id))
            if is_client
            else Chord(node_id, neighbors=self._neighbors, fingers=self._fingers)
        )
        configuration = self.provider.configuration
        parts = PeerParts(
            identity=credential,
            topology=topology,
            forwarding=Forwarder(
                node_id,
                self.surroundings.overlay,
                topology,
                links.connected,
                initial_ttl=configuration.initial_ttl,
                max_message_size=configuration.max_message_size,
            ),
            store=Store(node_id, self.surroundings.kinds, self.defences),
            links=links,
        )
        peer = Peer(
            parts,
            surroundings=self.surroundings,
            trust=trust,
            configuration=configuration,
            rng=self.rng(f"node:{node_id.hex()}"),
            handlers=CLIENT_HANDLERS if is_client else PEER_HANDLERS,
            address=address,
            is_client=is_client,
            iterative=self.routing == "iterative",
        )
        peer.on_link_failed = lambda remote, reason: link_failed(peer, remote, reason)
        node = Node(name, credential.user, peer, address, is_client)
        self.nodes[node_id] = node
        self.by_name[name] = node
        return node

    def _links(self, credential: Credential, address: Address, trust: Any) -> Links:
        if not self.defences.link_protection.tls:
            return PlainLinks(self.network, address, credential.node_id, trace=self.trace)
        identity = TlsIdentity(
            roots=self.provider.roots_pem, certificate=credential.certificate_pem(), key=credential.key_pem()
        )
        return TlsLinks(
            self.network, address, credential.node_id, identity=identity, check=trust.refusal, trace=self.trace
        )

    def _next_address(self) -> Address:
        self._hosts += 1
        return f"10.{self._hosts >> 16}.{self._hosts >> 8 & 255}.{self._hosts & 255}", PORT

    # --- running ---------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds of virtual time."""
        return self.loop.time()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the overlay's time and return what it returns."""
        return self.driver.run(coroutine)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.driver.advance(seconds)

    def step(self) -> bool:
        """Run the next callback; False when there is none."""
        return self.driver.step()

    def digest(self) -> str:
        """The trace's digest: equal for equal runs, in any process."""
        return self.trace.digest()

    def close(self) -> None:
        """End all nodes and the loop."""
        self.driver.call(self.stop)
        self.driver.close()

    def stop(self) -> None:
        """End every node where it stands."""
        for node in self.nodes.values():
            node.peer.stop()

    def __enter__(self) -> Overlay:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- members ---------------------------------------------------------------------------------------------

    def node(self, name: str | NodeID) -> Node:
        """A node by name or Node-ID; KeyError lists the known names."""
        found = self.nodes.get(name) if isinstance(name, NodeID) else self.by_name.get(name)
        if found is None:
            raise KeyError(f"no node {name!r}; known: {', '.join(self.by_name)}")
        return found

    def peers(self) -> list[Node]:
        """The living peers of the ring, in order of Node-ID."""
        return sorted(
            (node for node in self.nodes.values() if node.peer.joined and node.alive), key=lambda node: node.node_id
        )

    def add_peer(self, name: str | None = None, *, through: str | None = None) -> Node:
        """Enroll one more peer and have it join; raises JoinRefused."""
        node = self.new_peer(name)
        self.run(self.join(node, through))
        return node

    def new_peer(self, name: str | None = None) -> Node:
        """Enroll one more peer without joining."""
        label = name or f"p{sum(not node.is_client for node in self.nodes.values()):02d}"
        if label in self.by_name:
            raise ValueError(f"there is a node {label} already")
        node = self._make(self.provider.enroll(label, self.now), label, is_client=False)
        node.peer.acquaintances.update(
            {
                other.node_id: other.address
                for other in self.nodes.values()
                if other.address in self.provider.configuration.bootstrap_nodes
            }
        )
        return node

    async def join(self, node: Node, through: str | None = None) -> NodeID:
        """Join by real messages, through a named peer or the bootstrap nodes that are up."""
        if through is not None:
            entrances = [self.node(through).address]
        else:
            entrances = [address for address in self.provider.configuration.bootstrap_nodes]
            entrances += [other.address for other in self.peers() if other.address not in entrances][:3]
        return await procedures.join(node.peer, entrances)

    def add_client(self, user: str, *, at: str | None = None) -> Node:
        """Enroll a user with a phone, served by the peer ``at`` or by one drawn from the seed."""
        if user in self.by_name:
            raise ValueError(f"there is a node {user} already")
        node = self._make(self.provider.enroll(user, self.now), user, is_client=True)
        phone_address = (node.address[0], SIP_PORT)
        credential = node.peer.parts.identity
        phone = Telephone(
            node.peer, credential.user, self._links(credential, phone_address, node.peer.trust), phone_address
        )
        node.phone = phone
        node.peer.equip(replace(node.peer.parts, usages=(phone,)))
        if at is None:
            living = self.peers()
            at = living[int(self.rng(f"attach:{user}").random() * len(living))].name
        self.attach_client(user, at)
        return node

    def attach_client(self, user: str, at: str) -> None:
        """Have a client move to another peer."""
        self.run(procedures.serve_client(self.node(user).peer, self.node(at).address))

    # --- use -------------------------------------------------------------------------------------------------

    def phone(self, user: str) -> Telephone:
        """The phone of a client."""
        phone = self.node(user).phone
        if phone is None:
            raise KeyError(f"{user} has no phone; clients have one")
        return phone

    def register(self, user: str) -> None:
        """Store where ``user`` is."""
        self.run(self.phone(user).register())

    def call(self, caller: str, callee: str) -> NodeID:
        """Have ``caller`` call the AOR of ``callee``; returns the node that answered."""
        return self.run(self.phone(caller).call(self.aor(callee)))

    def resolve(self, reader: str, user: str) -> tuple[tuple[bytes, ...], ...]:
        """The routes to ``user`` that ``reader`` believes."""
        return self.run(self.phone(reader).resolve(self.aor(user)))

    def aor(self, user: str) -> str:
        """The address of record of a user of this overlay."""
        return user if "@" in user else f"{user}@{self.name}"

    def lookup(self, start: str, key: ResourceID) -> NodeID:
        """Ping whoever is responsible for ``key`` from a node."""
        return self.run(procedures.ping(self.node(start).peer, key))

    # --- faults and attacks ----------------------------------------------------------------------------------

    def leave(self, name: str) -> None:
        """Have a peer leave with a hand-over."""
        self.run(procedures.leave(self.node(name).peer))

    def crash(self, name: str) -> None:
        """Stop a node without a word."""
        node = self.node(name)
        self.driver.call(lambda: procedures.crash(node.peer))

    def make_hostile(self, name: str, equip: Equip, label: str = "hostile") -> None:
        """Give a node an attacker's parts; raises TrustedBase where its base forbids it."""
        node = self.node(name)
        self.roles.permit(node.node_id, name, peer=not node.is_client)
        self.driver.call(lambda: self._equip(node, equip, label))

    def _equip(self, node: Node, equip: Equip, label: str) -> None:
        self.roles.hostile[node.node_id] = label
        self.coalition.members.append(node.node_id)
        before = node.peer.parts.agent
        parts = equip(node.peer.parts, self.coalition)
        node.peer.equip(parts)
        if parts.agent is not before:
            node.peer.spawn(parts.agent.run(View(node.peer)), "agent")

    # --- looking ---------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[NodeID, tuple[tuple[NodeID, ...], tuple[NodeID, ...]]]:
        """The neighbor tables of all living peers: predecessors and successors, nearest first."""
        return {node.node_id: node.peer.topology.snapshot() for node in self.peers()}

    def records(self) -> dict[NodeID, list[Record]]:
        """What every living peer holds."""
        return {node.node_id: list(node.peer.store.records()) for node in self.peers()}

    def root(self, resource: ResourceID) -> Node:
        """The living peer that is responsible for ``resource`` on an ideal ring."""
        living = self.peers()
        return next((node for node in living if node.node_id >= resource), living[0])

    def route(self, start: str, resource: ResourceID) -> list[Node]:
        """The nodes that a message from ``start`` would pass by today's tables, the responsible one last."""
        node = self.node(start)
        way: list[Node] = []
        while len(way) < len(self.nodes):
            following = node.peer.topology.next_hop(resource)
            if following is None:
                break
            node = self.nodes[following]
            way.append(node)
        return way


def _one_of(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise ValueError(f"no {what} {value!r}; known: {', '.join(known)}")


def _sample(nodes: Sequence[Node], count: int, rng: random.Random) -> list[Node]:
    pool = list(nodes)
    return [pool.pop(int(rng.random() * len(pool))) for _ in range(count)]

