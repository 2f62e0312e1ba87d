"""A stage for stories about clients: users register, one of the clients does what it should not, users read.

The attacker is a client, so the story is the same on both bases: what a client can do, a peer can as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar

from lab.scenarios.base import Stage
from p2psip_min.attacks.initiative import Initiative
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node
from p2psip_min.wire.codec import encode
from p2psip_min.wire.kinds import SipRegistration, SipRegistrationType

REGISTERS, ATTACKS, READS, REGISTERS_AGAIN = 5.0, 40.0, 90.0, 100.0
"""Virtual seconds of the story; with every defence on, a store takes up to five."""


class ClientStage(Stage):
    """``owners`` have records, ``reader`` reads them, mallory is one more client."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "mallory")
    owners: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol")
    reader: ClassVar[str] = "dave"
    assault: Initiative | None = None

    def cast(self) -> None:
        """The owners' records are what it is about."""
        overlay = self.overlay
        self.mallory = overlay.node("mallory")
        self.owner = self.owners[0]
        self.resources = {self.place(user): overlay.aor(user) for user in self.owners}
        self.subject = self.place(self.owner)

    def place(self, user: str) -> ResourceID:
        """Where a user's registration lies."""
        return ResourceID.of(self.overlay.aor(user))

    @property
    def places(self) -> tuple[ResourceID, ...]:
        """Where the owners' registrations lie."""
        return tuple(self.place(user) for user in self.owners)

    def contact(self, *nodes: Node) -> bytes:
        """A registration that is reached over these nodes, the last one being the phone."""
        route = tuple(node.node_id for node in nodes)
        return encode(SipRegistration(SipRegistrationType.ROUTE, "", "(sip.schemes=SIP)", route))

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    def plan(self) -> Initiative:
        """What mallory is going to do."""
        raise NotImplementedError

    def attack(self) -> None:
        """Let mallory begin; she waits for her moment."""
        self.assault = self.plan()
        self.overlay.turn("mallory", self.assault.equip, type(self.assault).__name__)

    def accepted(self) -> int:
        """How many of mallory's stores were accepted."""
        return self.assault.accepted if self.assault else 0

    async def each(self, name: str, work: Sequence[Coroutine[Any, Any, Any]]) -> None:
        """Several users do something at once."""
        await asyncio.gather(*[self.perform(name, one) for one in work])

    async def register_all(self) -> None:
        """Every owner registers."""
        await self.each("register", [self.overlay.phone(user).register() for user in self.owners])

    async def read_all(self) -> None:
        """The reader resolves every owner's name."""
        reader = self.overlay.phone(self.reader)
        await self.each("resolve", [reader.resolve(self.overlay.aor(user)) for user in self.owners])

    def worked(self, name: str) -> str:
        """How many honest operations of one name worked."""
        done = [operation.ok for operation in self.operations if operation.name == name]
        return f"{sum(done)} of {len(done)}"
