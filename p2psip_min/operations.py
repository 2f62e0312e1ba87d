"""What the overlay's operator does while it runs: enrollment servers, configurations, revocation (draft 7.2.6).

Members need none of it to find each other, store and call (draft Req. 1): it is about who else may come, and who must
go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from p2psip_min.defences import Defences
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.client import EnrollmentClient, enroll
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.joincontrol import History, PermitDesk, Place
from p2psip_min.enrollment.provider import Provider
from p2psip_min.enrollment.server import EnrollmentServer
from p2psip_min.errors import LocalProtocolError, P2PSIPError
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures.configure import take, take_list
from p2psip_min.seams import Random
from p2psip_min.transport.network import Address, Network
from p2psip_min.world import one_of

HTTPS_PORT = 443
ENVELOPE = 1000
"""Bytes to leave in a ConfigUpdate beside the document: header, via list, certificate, signature."""

PERMITS = "/enrollment/permit"
"""The page where join control answers pleas, when it is at the enrollment server."""

ERRAND_PORT = 49152
"""The port from which a node speaks with an enrollment server."""


@dataclass(slots=True, eq=False)
class Server:
    """One enrollment server: a host on the network, no member of the overlay; ``service`` is None while it is off."""

    name: str
    node_id: NodeID
    address: Address
    service: EnrollmentServer | None = None

    kind: ClassVar[str] = "server"

    @property
    def on(self) -> bool:
        """Whether it serves."""
        return self.service is not None


def server_address(number: int) -> Address:
    """Where the ``number``-th enrollment server is, from 1: apart from the nodes."""
    return f"10.255.0.{number}", HTTPS_PORT


class Operations:
    """The operator of one overlay: any number of servers before one provider."""

    def __init__(self, network: Network, provider: Provider, servers: int) -> None:
        self.network = network
        self.provider = provider
        self.servers: dict[str, Server] = {}
        for number in range(1, servers + 1):
            name = "enroll" if number == 1 else f"enroll{number}"
            # No certificate gives a server a Node-ID, so its name does, for the trace.
            node_id = NodeID(ResourceID.of(f"{name}.{provider.overlay}"))
            self.servers[name] = Server(name, node_id, server_address(number))

    def turn_on(self, *names: str) -> None:
        """Have servers serve: the named ones, or all."""
        for server in self._named(names):
            if server.service is None:
                server.service = self.provider.serve(self.network, server.address, node_id=server.node_id)

    def turn_off(self, *names: str) -> None:
        """Have servers stop serving: the named ones, or all."""
        for server in self._named(names):
            if server.service is not None:
                server.service.close()
                server.service = None

    def _named(self, names: tuple[str, ...]) -> list[Server]:
        for name in names:
            one_of("server", name, self.servers)
        return [self.servers[name] for name in names or self.servers]

    def errand(self, address: Address, port: int = ERRAND_PORT) -> EnrollmentClient:
        """The way of the host at ``address`` to the servers, from this port of its."""
        servers = [server.address for server in self.servers.values()]
        return self.provider.client(self.network, (address[0], port), servers)

    async def enroll(
        self, user: str, address: Address, *, wanted: Sequence[NodeID] = ()
    ) -> tuple[Configuration, Credential]:
        """What a node at ``address`` goes through before it joins; by hand, and at once, where there are no servers."""
        if not self.servers:
            return self.provider.configuration, self.provider.enroll(user, self.network.loop.time(), wanted=wanted)
        account, password = self.provider.open_account(user)
        key, coupon = self.provider.key(user), self.provider.sell()
        return await enroll(self.errand(address), key, account, password, coupon=coupon, wanted=wanted)

    def control_joins(self, defences: Defences, bootstraps: Sequence[NodeID]) -> None:
        """Name the join control entities in the configuration, if there are to be any (draft 5.2)."""
        control, probation = defences.join_control, defences.probation
        if not (control.active or probation.seconds) or control.place is Place.NEIGHBORS:
            return
        entities = {
            Place.BOOTSTRAP_PEER: tuple(bootstraps),
            Place.BOOTSTRAP_SERVER: tuple(bootstraps[:1]),
            Place.ENROLLMENT_SERVER: self.provider.signer.node_ids,
        }
        now = self.network.loop.time
        self.provider.revise(now(), join_controls=entities[control.place])
        if control.place is Place.ENROLLMENT_SERVER:
            provider, history = self.provider, History(control, probation)
            for account in provider.registrar.ledger.accounts.values():
                history.know(account.person or account.name)
            desk = PermitDesk(
                provider.overlay,
                provider.registrar.ledger,
                provider.signer,
                provider.trust(),
                history,
            )
            provider.pages[PERMITS] = lambda plea: desk.answer(plea, now())

    async def plead(self, address: Address, plea: bytes) -> bytes:
        """Bring a plea to a server, or by hand where there are none; raises LinkRefused or RemoteFault."""
        if self.servers:
            return await self.errand(address).bring(PERMITS, plea)
        return self.provider.pages[PERMITS](plea) or b""

    async def hand_in(self, peer: Peer) -> None:
        """Have one peer take the newest configuration: from a server if one is on, else from the operator's hand."""
        configuration = self.provider.configuration
        size, limit = len(configuration.document) + ENVELOPE, peer.configuration.max_message_size
        if size > limit:
            raise LocalProtocolError(f"a document of {size} bytes with its message exceeds max-message-size, {limit}")
        if any(server.on for server in self.servers.values()):
            configuration = await self.errand(peer.address).configuration(peer.configuration)
        take(peer, configuration.document)

    async def ask_for_list(self, peer: Peer, delay: float) -> None:
        """Have a node fetch the list of revoked certificates, ``delay`` seconds from now."""
        await asyncio.sleep(delay)
        try:
            take_list(peer, await self.errand(peer.address).revocation_list(peer.configuration))
        except P2PSIPError:
            return  # no server is on: it goes on without

    async def keep_asking_for_lists(self, peer: Peer, every: float, dice: Random) -> None:
        """Have a node fetch the list every so many seconds, at moments of its own."""
        await asyncio.sleep(dice.random() * every)
        while True:
            await self.ask_for_list(peer, 0.0)
            await asyncio.sleep(every)

    async def keep_renewing(self, peer: Peer, take_up: Callable[[Credential], None], dice: Random) -> None:
        """Renew a node's certificate when half of its life is over, with its login; try on while no server is on."""
        life, account = self.provider.registrar.policy.life, peer.parts.identity.user
        while account in self.provider.registrar.ledger.accounts:
            await asyncio.sleep(life.interval * (1 + dice.random() / 4))
            key, login = peer.parts.identity.private_key, self.provider.open_account(account.partition("@")[0])
            try:
                credential = await self.errand(peer.address).enroll(key, *login, peer.configuration)
            except P2PSIPError:
                continue
            take_up(credential)
