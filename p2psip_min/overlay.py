"""The running world: many nodes, one network, one clock, one seed (draft 3.3, 3.4).

An overlay is built *settled* (nodes enrolled, tables filled as joins would have left them, links opened on use) or
*grown* by real joins. Its methods block, for notebooks; ``overlay.run`` takes any coroutine of ``procedures``.

Same seed and same actions: same events, byte for byte, in any process. Every draw comes from ``rng(label)``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

from p2psip_min import procedures
from p2psip_min.application.telephone import Telephone
from p2psip_min.construction import Construction, Node, TopologyFactory, peer_address, settle
from p2psip_min.defences import Defences, LinkProtection, preset
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.provider import Provider
from p2psip_min.errors import LocalProtocolError
from p2psip_min.exclusion import Exclusion
from p2psip_min.ids import NodeID, ResourceID, overlay_hash
from p2psip_min.node import Surroundings
from p2psip_min.operations import Operations, Server, server_address
from p2psip_min.procedures.join import become_member
from p2psip_min.roles import Roles
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.seams import Coalition, Equip
from p2psip_min.storage.store import Record
from p2psip_min.trace import RecordDiscarded
from p2psip_min.transport.driver import Runs
from p2psip_min.transport.link import Links
from p2psip_min.transport.network import Address
from p2psip_min.use import Use
from p2psip_min.view import View
from p2psip_min.wire.kinds import KindSpec
from p2psip_min.world import one_of, several, whole

ROUTING = ("recursive", "iterative")
BOOTSTRAPS = 3
"""How many peers the first configuration names as bootstrap nodes."""

__all__ = ["ROUTING", "Node", "Overlay", "Server"]


class Overlay(Use):
    """One overlay, its network and its clock.

    ``peers`` counts the ``users`` (peers with a phone) too; ``clients`` are users whose phones are no peers. ``links``
    ("tls", "plain") overrides what ``defences`` (a preset's name or a value) says; ``trusted`` is how many of an
    untrusted base's peers are the operator's; ``servers`` counts enrollment servers, with 0 all is enrolled beforehand;
    ``service_time`` is how many seconds each request keeps them busy; ``checks_online`` has members ask them about each
    other's certificates, unless the ``defences`` do without; ``self_signed`` has everybody make his own certificate;
    ``kinds`` are defined beside the registered ones, and make a document that needs a larger ``max_message_size`` (in
    bytes) to be passed on; ``topology`` makes a node's overlay algorithm, Chord by default.
    Unknown names raise a ValueError or KeyError that lists the known ones.
    """

    def __init__(
        self,
        *,
        peers: int = 32,
        clients: Sequence[str] = (),
        users: Sequence[str] = (),
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
        service_time: float = 0.0,
        checks_online: bool = False,
        self_signed: bool = False,
        kinds: Sequence[KindSpec] = (),
        max_message_size: int = 5000,
        topology: TopologyFactory | None = None,
        driver: Runs | None = None,
    ) -> None:
        for what, number in (("peers", peers), ("seed", seed), ("trusted", trusted), ("servers", servers)):
            whole(what, number)
        clients, users = several("clients", clients), several("users", users)
        one_of("routing style", routing, ROUTING)
        one_of("finger choice", finger_choice, ("first", "random"))
        if peers < max(1, len(users)):
            raise ValueError(f"an overlay has at least one peer, and one for each of {len(users)} users, not {peers}")
        if not 0 <= trusted <= peers:
            raise ValueError(f"of {peers} peers 0 to {peers} can be trusted, not {trusted}")
        if self_signed and servers:
            raise ValueError("where everybody makes his own certificate there are no enrollment servers: servers=0")
        self.routing = routing
        self.roles = Roles(base)
        self.defences = preset(defences) if isinstance(defences, str) else defences
        if links is not None:
            one_of("kind of link", links, ("plain", "tls"))
            self.defences = replace(self.defences, link_protection=LinkProtection(links == "tls"))
        super().__init__(seed=seed, name=name, trace=trace, driver=driver)
        self.coalition = Coalition()
        self.nodes: dict[NodeID, Node] = {}
        self.by_name: dict[str, Node] = {}
        self.strangers: list[Node] = []
        self._finger_choice = finger_choice
        servers += self.defences.enrollment_doors.more if servers else 0
        self.provider = Provider(
            name,
            seed=seed,
            rng=self.rng("enrollment"),
            trace=self.trace,
            bootstrap_nodes=tuple(peer_address(number) for number in range(1, min(BOOTSTRAPS, peers) + 1)),
            enrollment_servers=tuple(
                f"https://{server_address(number)[0]}/enrollment" for number in range(1, servers + 1)
            ),
            policy=self.defences.enrollment(),
            service_time=service_time,
            digest="sha256" if self_signed else None,
            chord_update_interval=self.defences.update_interval.seconds,
            kinds=tuple(kinds),
            max_message_size=max_message_size,
            shared_secret=self.defences.link_protection.secret(self.rng("shared secret")),
        )
        self.provider.on_alarm = self._withdraw
        self.operations = Operations(self.network, self.provider, servers)
        self.surroundings = Surroundings(
            loop=self.loop,
            trace=self.trace,
            defences=self.defences,
            kinds=self.defences.value_encryption.registry(self.provider.configuration.registry().values()),
            overlay_name=name,
            overlay=overlay_hash(name),
            checks_online=checks_online,
        )
        algorithm = topology or (lambda node_id: Chord(node_id, neighbors=neighbors, fingers=fingers))
        self._construction = Construction(
            self.network,
            self.provider,
            self.surroundings,
            self.rng,
            algorithm,
            iterative=routing == "iterative",
            maintained=maintenance,
        )
        self.exclusion = Exclusion(
            self.provider, self.operations, self.surroundings, self.peers, algorithm(NodeID(bytes(16))).nearer
        )
        self.driver.call(lambda: self._populate(peers, tuple(users), grown, trusted))
        if grown:
            self._grow()
        self.servers_on()
        for user in clients:
            self.add_client(user, credential=self.provider.enroll(user, self.now))

    # --- building --------------------------------------------------------------------------------------------

    def _populate(self, peers: int, users: tuple[str, ...], grown: bool, trusted: int) -> None:
        owners = [*users, *(f"peer{number}" for number in range(peers - len(users)))]
        credentials = sorted(
            ((self.provider.enroll(owner, self.loop.time()), owner) for owner in owners),
            key=lambda enrolled: enrolled[0].node_id,
        )
        self.operations.control_joins(self.defences, [credential.node_id for credential, _ in credentials[:BOOTSTRAPS]])
        configuration = self.provider.configuration
        members = [
            self.install(credential, owner if owner in users else f"p{number:02d}", configuration)
            for number, (credential, owner) in enumerate(credentials)
        ]
        for node in _sample(members, trusted, self.rng("trusted")):
            self.roles.trusted[node.node_id] = None
        for node in members:
            self._introduce(node)
            if node.name in users:
                self._construction.give_phone(node)
        if not grown:
            self._settle(members)

    def _introduce(self, node: Node) -> None:
        """Let a peer know the bootstrap nodes as acquaintances."""
        known = node.peer.configuration.bootstrap_nodes
        for other in self.nodes.values():
            if other.address in known and other is not node:
                node.peer.acquaintances[other.node_id] = other.address

    def _settle(self, members: list[Node]) -> None:
        chance = self.rng("fingers")
        choose = None
        if self._finger_choice == "random":

            def choose(inside: Sequence[NodeID]) -> NodeID:
                return inside[int(chance.random() * len(inside))]

        settle(members, choose)

    def _grow(self) -> None:
        members = list(self.nodes.values())
        order = self.rng("growth")
        first, *others = _sample(members, len(members), order)
        self.driver.call(lambda: become_member(first.peer, b""))
        entrance = [first.address]
        for node in others:
            self.run(procedures.join_in_time(node.peer, entrance))

    def stop(self) -> None:
        """End every node where it stands."""
        for node in (*self.nodes.values(), *self.strangers):
            node.peer.stop()

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
        """Enroll one more peer with a server and have it join; raises LinkRefused, EnrollmentRefused or JoinRefused."""
        label = self._free_name(name)
        address = self._construction.next_address()
        configuration, credential = self.run(self.operations.enroll(label, address))
        node = self.install(credential, label, configuration, address=address)
        self.run(self.join(node, through))
        return node

    def new_peer(self, name: str | None = None, *, credential: Credential | None = None) -> Node:
        """One more peer that was enrolled beforehand, or has this ``credential``, and has not joined yet."""
        label = self._free_name(name)
        credential = self.provider.enroll(label, self.now) if credential is None else credential
        return self.install(credential, label, self.provider.configuration)

    def install(self, credential: Credential, name: str, configuration: Configuration, **how: Any) -> Node:
        """A node with that credential, in nobody's table yet; ``how`` as Construction takes it."""
        node = self._construction.node(credential, name, configuration, **how)
        self.nodes[node.node_id] = self.by_name[name] = node
        node.peer.on_plea = lambda plea: self.operations.plead(node.address, plea)
        self._introduce(node)
        if self.defences.certificate_life.automatic and self.servers:
            dice, take_up = self.rng(f"renewal:{node.node_id.hex()}"), partial(self._construction.renew, node)
            node.peer.spawn(self.operations.keep_renewing(node.peer, take_up, dice), "renew")
        if every := self.defences.revocation.every:
            dice = self.rng(f"lists:{node.node_id.hex()}")
            node.peer.spawn(self.operations.keep_asking_for_lists(node.peer, every, dice), "ask for lists")
        return node

    def double(self, name: str) -> Node:
        """One more machine with the credential of a node, as a client with a phone; the overlay does not know of it."""
        peer = self.node(name).peer
        node = self._construction.node(peer.parts.identity, name, peer.configuration, is_client=True)
        self._construction.give_phone(node)
        self.strangers.append(node)
        return node

    def free_address(self) -> Address:
        """An address that no node has."""
        return self._construction.next_address()

    def outside(self, credential: Credential) -> Links:
        """The overlay's kind of links at a fresh address, for somebody who is no node and shows this credential."""
        return self._construction.links(credential, self._construction.next_address(), self.provider.trust())

    def _free_name(self, name: str | None) -> str:
        label = name or f"p{sum(not node.is_client for node in self.nodes.values()):02d}"
        if label in self.by_name:
            raise ValueError(f"there is a node {label} already")
        return label

    async def join(self, node: Node, through: str | None = None) -> NodeID:
        """Join by real messages, through a named peer or the bootstrap nodes that are up."""
        if through is not None:
            entrances = [self.node(through).address]
        else:
            entrances = list(node.peer.configuration.bootstrap_nodes)
            entrances += [other.address for other in self.peers() if other.address not in entrances][:3]
        return await procedures.join_in_time(node.peer, entrances)

    def add_client(self, user: str, *, at: str | None = None, credential: Credential | None = None) -> Node:
        """A user with a phone, served by the peer ``at`` or by one drawn from the seed.

        Without a credential the user enrolls with a server first; raises LinkRefused or EnrollmentRefused.
        """
        label = self._free_name(user)
        address = self._construction.next_address()
        configuration = self.provider.configuration
        if credential is None:
            configuration, credential = self.run(self.operations.enroll(user, address))
        node = self.install(credential, label, configuration, is_client=True, address=address)
        self.driver.call(lambda: self._construction.give_phone(node))
        if at is None:
            living = self.peers()
            at = living[int(self.rng(f"attach:{user}").random() * len(living))].name
        self.attach_client(user, at)
        return node

    def give_phone(self, name: str) -> Telephone:
        """Put a phone of its user on a node that has none."""
        node = self.node(name)
        return node.phone or self.driver.call(lambda: self._construction.give_phone(node))

    def attach_client(self, user: str, at: str) -> None:
        """Have a client move to another peer."""
        self.run(procedures.serve_client(self.node(user).peer, self.node(at).address))

    # --- enrollment and configuration ------------------------------------------------------------------------

    @property
    def servers(self) -> dict[str, Server]:
        """The enrollment servers by name."""
        return self.operations.servers

    def servers_on(self, *names: str) -> None:
        """Switch enrollment servers on: the named ones, or all."""
        self.driver.call(lambda: self.operations.turn_on(*names))

    def servers_off(self, *names: str) -> None:
        """Switch enrollment servers off: the named ones, or all; members do without (draft Req. 1)."""
        self.driver.call(lambda: self.operations.turn_off(*names))

    def enroll(self, user: str) -> Credential:
        """Enroll ``user`` with a server over TLS, for no node yet; raises LinkRefused or EnrollmentRefused."""
        return self.run(self.operations.enroll(user, self._construction.next_address()))[1]

    def reconfigure(self, **changes: Any) -> Configuration:
        """Publish the next configuration and have one peer take it; from there it spreads by ConfigUpdate.

        ConfigurationTaken says who follows it when.
        """
        configuration = self.provider.revise(self.now, **changes)
        self._hand_in(configuration)
        return configuration

    async def enroll_anew(self, name: str) -> Node:
        """Have a client's user log in for another credential with a fresh key, and its device start anew with it.

        For whom the old one was withdrawn; raises LinkRefused or EnrollmentRefused.
        """
        old = self.node(name)
        (account, password), key = self.provider.open_account(name), self.provider.key(f"{name}:{old.node_id.hex()}")
        errand = self.operations.errand(old.address)
        coupon = self.provider.sell()
        credential = await errand.enroll(key, account, password, self.provider.configuration, coupon=coupon)
        old.peer.stop()
        old.peer.links.close_all()
        if old.phone is not None:
            old.phone.links.close_all()
        node = self.install(credential, name, self.provider.configuration, is_client=True)
        self._construction.give_phone(node)
        return node

    def revoke(self, name: str, *, by: str = "configuration", within: float = 60.0) -> None:
        """Withdraw a node's certificate.

        By ``configuration``: the next one names it as a bad node. By ``list``: every node asks a server for the list of
        revoked certificates, at a moment of its own ``within`` so many seconds.
        """
        one_of("way to revoke", by, ("configuration", "list"))
        node = self.node(name)
        if by == "configuration":
            self._hand_in(self.provider.revoke(node.node_id, self.now))
            return
        self.provider.registrar.revoke(node.node_id)
        chance = self.rng(f"revoke:{name}")
        for other in self.nodes.values():
            if other.alive and other is not node:
                asking = self.operations.ask_for_list(other.peer, chance.random() * within)
                other.peer.spawn(asking, "ask for revocations")

    def followers(self) -> list[Node]:
        """The living nodes that follow the configuration published last."""
        sequence = self.provider.configuration.sequence
        return [node for node in self.nodes.values() if node.alive and node.peer.configuration.sequence == sequence]

    def _hand_in(self, configuration: Configuration) -> None:
        entry = self.exclusion.entry(configuration)
        if entry is None:
            raise LocalProtocolError("no peer is there to take the configuration")
        self.run(self.operations.hand_in(entry))

    def _withdraw(self, node_id: NodeID) -> None:
        """A credential was shown to be in two hands: withdraw it, and say so as the defences have it."""
        if self.defences.revocation.published:
            self.exclusion.pass_on(self.provider.revoke(node_id, self.now))
        else:
            self.provider.registrar.revoke(node_id)

    # --- faults and attacks ----------------------------------------------------------------------------------

    def leave(self, name: str) -> None:
        """Have a node leave, a peer with a hand-over."""
        node = self.node(name)
        self.run(procedures.leave(node.peer))
        if node.phone is not None:
            self.driver.call(node.phone.links.close_all)

    def crash(self, name: str) -> None:
        """Stop a node without a word."""
        node = self.node(name)
        self.driver.call(lambda: procedures.crash(node.peer))
        if node.phone is not None:
            self.driver.call(node.phone.links.crash)

    def make_hostile(self, name: str, equip: Equip, label: str = "hostile") -> None:
        """Give a node an attacker's parts; raises TrustedBase where its base forbids it."""
        self.driver.call(lambda: self.turn(name, equip, label))

    def turn(self, name: str, equip: Equip, label: str = "hostile") -> None:
        """As ``make_hostile``, from within the overlay's own time."""
        node = self.node(name)
        self.roles.permit(node.node_id, name, peer=not node.is_client)
        self._equip(node, equip, label)

    def _equip(self, node: Node, equip: Equip, label: str) -> None:
        self.roles.hostile[node.node_id] = label
        self.coalition.members.append(node.node_id)
        agent, held = node.peer.parts.agent, list(node.peer.store.records())
        parts = equip(node.peer.parts, self.coalition)
        node.peer.equip(parts)
        for resource, kind in dict.fromkeys((record.resource, record.kind) for record in held):
            if not parts.store.holds(resource):
                self.trace.emit(RecordDiscarded(self.now, node.node_id, 0, resource, kind))
        if parts.agent is not agent:
            node.peer.spawn(parts.agent.run(View(node.peer)), "agent")

    def counterfeit(self, peers: int) -> list[Node]:
        """An attacker's own overlay on the same network, under the same name; its nodes are none of this one's."""
        made = self._construction.counterfeit(peers, f"{self.seed}:counterfeit")
        self.strangers += made
        return made

    # --- looking ---------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[NodeID, tuple[tuple[NodeID, ...], tuple[NodeID, ...]]]:
        """The neighbor tables of all living peers: predecessors and successors, nearest first."""
        return {node.node_id: node.peer.topology.snapshot() for node in self.peers()}

    def records(self) -> dict[NodeID, list[Record]]:
        """What every living peer holds."""
        return {node.node_id: list(node.peer.store.records()) for node in self.peers()}

    def overview(self) -> dict[str, Any]:
        """What this overlay is and how it is doing, for a glance."""
        living = [node for node in self.nodes.values() if node.alive]
        return {
            "name": self.name,
            "base": self.roles.base,
            "peers": len(self.peers()),
            "clients": [node.name for node in living if node.is_client],
            "servers": [server.name for server in self.servers.values() if server.on],
            "routing": self.routing,
            "defences": list(self.defences.names()),
            "configuration": self.provider.configuration.sequence,
            "records": sum(len(held) for held in self.records().values()),
            "now": self.now,
            "events": len(self.trace),
        }

    def root(self, resource: ResourceID) -> Node:
        """The living peer that is responsible for ``resource`` where all tables are right."""
        living = [node_id for node_id, node in self.nodes.items() if node.peer.joined and node.alive]
        closer = self.nodes[living[0]].peer.topology.closer
        return self.nodes[reduce(lambda best, other: other if closer(other, best, resource) else best, living)]

    def route(self, start: str, resource: ResourceID) -> list[Node]:
        """The nodes that a message from ``start`` would pass by today's tables, the responsible one last."""
        node = self.node(start)
        way: list[Node] = []
        while len(way) < len(self.nodes):
            following = node.peer.topology.next_hop(resource)
            if following not in self.nodes:
                break  # the last one, or one whose tables name nobody
            node = self.nodes[following]
            way.append(node)
        return way


def _sample(nodes: Sequence[Node], count: int, rng: random.Random) -> list[Node]:
    pool = list(nodes)
    return [pool.pop(int(rng.random() * len(pool))) for _ in range(count)]
