"""Devices: machines that somebody owns, enrolls and switches on and off; honest users have them and attackers too.

A device goes through the overlay's own doors: a server for its credential, bootstrap nodes for its place. It keeps its
address and its credential, and the addresses of the peers that its last node had met (RFC 6940 §11.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from p2psip_min import procedures
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.errors import JoinDeferred, LinkReason, LinkRefused, LocalProtocolError, P2PSIPError, RemoteFault
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.seams import Equip
from p2psip_min.transport.network import Address


class Device:
    """One machine with at most one node on it; ``equip`` is its owner's software where that is not the usual one.

    ``owner`` is whose account it enrolls under, by default its own name's.
    """

    def __init__(
        self, overlay: Overlay, name: str, *, owner: str = "", equip: Equip | None = None, label: str = "hostile"
    ) -> None:
        self.name = name
        self.node: Node | None = None
        self._overlay = overlay
        self._owner = owner or name
        self._equip = equip
        self._label = label
        self._address: Address | None = None
        self._papers: tuple[Configuration, Credential] | None = None
        self._met: dict[NodeID, Address] = {}

    @classmethod
    def of(cls, overlay: Overlay, node: Node) -> Device:
        """The device that a node of the overlay runs on."""
        device = cls(overlay, node.name, owner=node.user)
        device.node, device._address = node, node.address
        device._papers = (node.peer.configuration, node.peer.parts.identity)
        return device

    @classmethod
    def holding(
        cls,
        overlay: Overlay,
        name: str,
        configuration: Configuration,
        credential: Credential,
        *,
        equip: Equip | None = None,
        label: str = "hostile",
    ) -> Device:
        """A device that came by its credential in some other way."""
        device = cls(overlay, name, equip=equip, label=label)
        device._papers = (configuration, credential)
        return device

    @classmethod
    def enrolled(cls, overlay: Overlay, name: str, *, equip: Equip | None = None, label: str = "hostile") -> Device:
        """A device whose owner has enrolled beforehand."""
        credential = overlay.provider.enroll(name, overlay.now)
        return cls.holding(overlay, name, overlay.provider.configuration, credential, equip=equip, label=label)

    @property
    def node_id(self) -> NodeID | None:
        """The Node-ID that the device holds a certificate for; None before it has enrolled."""
        return None if self._papers is None else self._papers[1].node_id

    @property
    def is_peer(self) -> bool:
        """Whether its node is a peer of the overlay now."""
        return self.node is not None and self.node.alive and self.node.peer.joined

    # --- coming and going ----------------------------------------------------------------------------------------

    async def enroll(self, wanted: Sequence[NodeID] = ()) -> NodeID:
        """Ask a server for a credential, once, perhaps under a ``wanted`` Node-ID; LinkRefused or EnrollmentRefused."""
        if self._papers is None:
            self._papers = await self._overlay.operations.enroll(self._owner, self._place(), wanted=wanted)
        return self._papers[1].node_id

    async def join(self) -> None:
        """Start a node that joins as a peer, through the bootstrap nodes; raises JoinRefused, perhaps JoinDeferred."""
        node = await self._start(is_client=False)
        try:
            await procedures.join(node.peer, node.peer.configuration.bootstrap_nodes)
        except P2PSIPError:
            self._halt()
            raise

    async def come(self) -> bool:
        """Join as a peer, or be a client where the overlay wants no peer yet; which of the two. Raises JoinRefused."""
        try:
            await self.join()
        except JoinDeferred:
            await self.attach()
        return self.is_peer

    async def join_in_time(self) -> None:
        """Join as a peer; where the overlay says not yet, be a client until it lets us. Raises JoinRefused."""
        while True:
            try:
                return await self.join()
            except JoinDeferred as deferred:
                await self.attach()
                await asyncio.sleep(max(0.0, deferred.until - self._overlay.now))

    async def attach(self) -> None:
        """Start a node that is a client of the first bootstrap node that serves it; raises LinkRefused."""
        node = await self._start(is_client=True)
        for address in node.peer.configuration.bootstrap_nodes:
            try:
                await procedures.serve_client(node.peer, address)
            except (LinkRefused, RemoteFault):
                continue
            return
        self._halt()
        raise LinkRefused(LinkReason.UNREACHABLE)

    async def leave(self) -> None:
        """Have the node say good-bye; a peer hands over what it holds."""
        await procedures.leave(self._running().peer)
        self._halt()

    def crash(self) -> None:
        """Switch the node off without a word."""
        procedures.crash(self._running().peer)
        self._halt()

    # --- the machine ---------------------------------------------------------------------------------------------

    def _place(self) -> Address:
        if self._address is None:
            self._address = self._overlay.free_address()
        return self._address

    def _running(self) -> Node:
        if self.node is None or not self.node.alive:
            raise LocalProtocolError(f"nothing runs on {self.name}")
        return self.node

    async def _start(self, *, is_client: bool) -> Node:
        await self.enroll()
        assert self._papers is not None
        self._halt()
        configuration, credential = self._papers
        node = self._overlay.install(credential, self.name, configuration, is_client=is_client, address=self._place())
        node.peer.acquaintances.update(self._met)
        if self._equip is not None:
            self._overlay.turn(node.name, self._equip, self._label)
        self.node = node
        return node

    def _halt(self) -> None:
        """Take down what still runs, keep what it learned."""
        if self.node is None:
            return
        peer = self.node.peer
        self._met.update(peer.acquaintances)
        peer.stop()
        peer.links.close_all()
