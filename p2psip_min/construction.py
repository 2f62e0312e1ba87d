"""How a node is put together: its certificate, links, tables, store and rules made into one ``Peer``; and its phone.

Addresses follow from the order of making, so that one node more moves no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from p2psip_min.application.telephone import Telephone
from p2psip_min.defences.transport import Measure
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.client import EnrollmentClient
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.provider import Provider
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.handlers import CLIENT_HANDLERS, PEER_HANDLERS
from p2psip_min.ids import NodeID
from p2psip_min.node import Surroundings
from p2psip_min.operations import HTTPS_PORT
from p2psip_min.peer import Peer
from p2psip_min.procedures.admission import know
from p2psip_min.procedures.audit import look_after_records
from p2psip_min.procedures.client import service_failed
from p2psip_min.procedures.configure import bring_up_to_date, reconcile
from p2psip_min.procedures.join import become_member
from p2psip_min.procedures.leave import crash
from p2psip_min.procedures.maintain import link_failed
from p2psip_min.procedures.watch import expect
from p2psip_min.routing.forwarding import Forwarder
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.routing.topology.client import ClientTopology
from p2psip_min.routing.watch import WatchingForwarder
from p2psip_min.routing.ways import WayForwarder
from p2psip_min.seams import PeerParts, Random
from p2psip_min.storage.store import Store
from p2psip_min.transport.half_measures import CheckedLinks, GreetedLinks, Papers
from p2psip_min.transport.link import Check, Links
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.plain import PlainLinks
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLinks

PORT = 6084
SIP_PORT = 5061

ERRAND_PORTS = 50_000
"""From here on are the ports from which nodes speak with enrollment servers while they run."""
ELSEWHERE = 0x640000
"""Where the hosts of another overlay are counted from: 10.100.0.1."""

TopologyFactory = Callable[[NodeID], TopologyPlugin]
"""Makes the overlay algorithm of one node."""


@dataclass(slots=True, eq=False)
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

    @property
    def kind(self) -> str:
        """What it is: "peer" or "client"."""
        return "client" if self.is_client else "peer"


def peer_address(number: int) -> Address:
    """The address of the overlay's ``number``-th node, from 1."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", PORT


class Construction:
    """Makes the nodes of one overlay."""

    def __init__(
        self,
        network: Network,
        provider: Provider,
        surroundings: Surroundings,
        dice: Callable[[str], Random],
        topology: TopologyFactory,
        *,
        iterative: bool,
        maintained: bool,
    ) -> None:
        self.network = network
        self.provider = provider
        self.surroundings = surroundings
        self._dice = dice
        self._topology = topology
        self._iterative = iterative
        self._maintained = maintained
        self._hosts = 0
        self._errands = 0
        self._lives: Counter[NodeID] = Counter()

    def next_address(self) -> Address:
        """The address of the next node."""
        self._hosts += 1
        return peer_address(self._hosts)

    def node(
        self,
        credential: Credential,
        name: str,
        configuration: Configuration,
        *,
        is_client: bool = False,
        address: Address | None = None,
    ) -> Node:
        """A node that holds a credential and a configuration, and is no member yet."""
        address = self.next_address() if address is None else address
        node_id = credential.node_id
        defences = self.surroundings.defences
        trust = configuration.trust(cache=self.provider.cache)
        links = self.links(credential, address, trust)
        topology: Any = self._topology(node_id)
        if is_client:
            topology = ClientTopology(node_id, topology)
        forwarder = self._kind_of_forwarder()(
            node_id,
            self.surroundings.overlay,
            topology,
            links.connected,
            initial_ttl=configuration.initial_ttl,
            max_message_size=configuration.max_message_size,
            unsigned=not defences.message_authentication.signed,
            progress=defences.progress,
            linked=links.table,
        )
        parts = PeerParts(
            identity=credential,
            topology=topology,
            forwarding=forwarder,
            store=Store(node_id, self.surroundings.kinds, defences),
            links=links,
        )
        peer = Peer(
            parts,
            surroundings=self.surroundings,
            trust=trust,
            configuration=configuration,
            rng=self._dice(self._life(node_id)),
            handlers=CLIENT_HANDLERS if is_client else PEER_HANDLERS,
            address=address,
            is_client=is_client,
            iterative=self._iterative,
            maintained=self._maintained,
        )
        failed = service_failed if is_client else link_failed
        peer.on_link_failed = lambda remote, reason: failed(peer, remote, reason)
        peer.on_configuration = lambda taken: forwarder.limit(
            initial_ttl=taken.initial_ttl, max_message_size=taken.max_message_size
        )
        if isinstance(forwarder, WatchingForwarder):
            forwarder.expect = partial(expect, peer, forwarder)
        peer.on_overrun = lambda: crash(peer)
        peer.on_outdated = lambda received: bring_up_to_date(peer, received)
        peer.on_configuration_error = lambda *case: reconcile(peer, *case)
        peer.on_published = lambda: look_after_records(peer)
        peer.errand = lambda: self._errand(peer)
        return Node(name, credential.user, peer, address, is_client)

    def counterfeit(self, peers: int, seed: str) -> list[Node]:
        """The peers of another overlay with the same name, run by the same software under an authority of its own."""
        provider = Provider(self.provider.overlay, seed=seed, rng=self._dice(seed))
        maker = Construction(
            self.network, provider, self.surroundings, lambda label: self._dice(f"{seed}:{label}"), self._topology,
            iterative=self._iterative, maintained=False,
        )  # fmt: skip
        maker._hosts = ELSEWHERE
        now = self.network.loop.time()
        credentials = sorted(
            (provider.enroll(f"peer{number}", now) for number in range(peers)), key=lambda each: each.node_id
        )
        nodes = [maker.node(each, f"x{number:02d}", provider.configuration) for number, each in enumerate(credentials)]
        settle(nodes)
        return nodes

    def _errand(self, peer: Peer) -> EnrollmentClient | None:
        """A way of a node to the enrollment servers of its configuration, each from a port of its own."""
        servers = [(url.split("/")[2], HTTPS_PORT) for url in peer.configuration.enrollment_servers]
        if not servers:
            return None
        self._errands += 1
        return self.provider.client(self.network, (peer.address[0], ERRAND_PORTS + self._errands % 10_000), servers)

    def _life(self, node_id: NodeID) -> str:
        """The label of a node's dice: one that comes back must not repeat its transactions."""
        self._lives[node_id] += 1
        life = self._lives[node_id]
        return f"node:{node_id.hex()}" if life == 1 else f"node:{node_id.hex()}:{life}"

    def _kind_of_forwarder(self) -> Callable[..., Forwarder]:
        """The plainest one that the defences allow: none looks for what nobody asks for."""
        defences = self.surroundings.defences
        watch = defences.watch.start()
        if watch is not None:
            return partial(WatchingForwarder, watch=watch)
        return WayForwarder if defences.other_ways else Forwarder

    def give_phone(self, node: Node) -> Telephone:
        """Put a telephone of the node's user on it."""
        address = (node.address[0], SIP_PORT)
        credential = node.peer.parts.identity
        links = self.links(credential, address, node.peer.trust)
        phone = node.phone = Telephone(node.peer, credential.user, links, address)
        node.peer.equip(replace(node.peer.parts, usages=(*node.peer.parts.usages, phone)))
        return phone

    def renew(self, node: Node, credential: Credential) -> None:
        """Have a node, and its phone, show this certificate from now on."""
        node.peer.renew(credential)
        for links in (node.peer.links, None if node.phone is None else node.phone.links):
            if isinstance(links, TlsLinks):
                links.identity = self._tls_identity(credential)

    def _anybody(self) -> bool:
        """Whether TLS asks for no certificate.

        A TLS server of Python's takes no client's certificate that it has no root for: where everybody makes his own,
        messages must speak for themselves.
        """
        by_password = self.surroundings.defences.link_protection.measure is Measure.PASSWORD
        return by_password or self.provider.configuration.self_signed is not None

    def _tls_identity(self, credential: Credential) -> TlsIdentity:
        certified = not self._anybody()
        return TlsIdentity(
            roots=self.provider.roots_pem,
            certificate=credential.certificate_pem(),
            key=credential.key_pem(),
            mutual=certified,
            verify=certified,
        )

    def links(self, credential: Credential, address: Address, trust: TrustStore) -> Links:
        """The overlay's kind of links at ``address``, for whoever holds the credential."""
        defences, trace = self.surroundings.defences, self.surroundings.trace
        node_id, measure = credential.node_id, defences.link_protection.measure
        if defences.link_protection.tls:
            password = measure is Measure.PASSWORD
            anybody = self._anybody()
            check = trust.refusal if defences.link_authentication.certificate else claim_believed(trust)
            return TlsLinks(
                self.network,
                address,
                node_id,
                identity=self._tls_identity(credential),
                check=None if anybody else check,
                password=(self.provider.configuration.shared_secret or "").encode() if password else b"",
                watched=defences.hop_acknowledgement.awaited,
                trace=trace,
            )
        if measure is Measure.CHECKSUM:
            return CheckedLinks(self.network, address, node_id, trace=trace)
        if measure in (Measure.CERTIFICATE_SHOWN, Measure.CERTIFICATE_PROVEN):
            papers = Papers(credential.certificate, credential.private_key, trust.refusal)
            prove = measure is Measure.CERTIFICATE_PROVEN
            return GreetedLinks(self.network, address, node_id, papers=papers, prove=prove, trace=trace)
        return PlainLinks(self.network, address, node_id, trace=trace)


def settle(members: Sequence[Node], choose: Callable[[Sequence[NodeID]], NodeID] | None = None) -> None:
    """Give nodes, sorted by Node-ID, what joins of all of them would have led to; ``choose`` as in TopologyPlugin."""
    ring = [node.node_id for node in members]
    by_id = {node.node_id: node for node in members}
    for node in members:
        topology = node.peer.topology
        topology.settle(ring, choose)
        for other in topology.table():
            node.peer.links.learn(other, by_id[other].address)
            # Who was attached to knows us as well, though we are in nobody's table by that alone.
            by_id[other].peer.links.learn(node.node_id, node.address)
            node.peer.attached[other] = by_id[other].peer.attached[node.node_id] = None
    for node in members:
        become_member(node.peer, b"", settled=True)
        if node.peer.defences.probation.seconds:
            counted = members if node.node_id in node.peer.configuration.join_controls else []
            know(node.peer, [(other.node_id, other.peer.parts.identity.user) for other in counted])


def claim_believed(trust: TrustStore) -> Check:
    """The judgement of links without link authentication: any good certificate will do for the Node-ID claimed."""
    return lambda certificate, node_id, now: trust.refusal(certificate, None, now)
