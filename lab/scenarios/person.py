"""The stage of the stories about one person who gets what anybody can get, and more of it than is good."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import ec

from lab.scenarios.base import Deed, Stage
from p2psip_min.attacks.applicants import Enrolled, ManyIdentities
from p2psip_min.attacks.identity import Recruiter
from p2psip_min.devices import Device
from p2psip_min.enrollment.certificates import Credential, self_signed_ids
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node
from p2psip_min.seams import Coalition, PeerParts

HOLDERS = 3
"""The responsible peer and its two replicas."""

LOOK, LATEST = 1.0, 500.0
"""Virtual seconds between two looks at what mallory does, and for which she may go on."""


@lru_cache(maxsize=4096)
def digest_of(key: ec.EllipticCurvePrivateKey) -> NodeID:
    """The Node-ID that a key would have where Node-IDs are digests of keys (RFC 6940 §11.3.1)."""
    return self_signed_ids(key.public_key(), "sha256")[0]


class PersonStage(Stage):
    """Mallory is a customer, with a client, keys, an address for each, and machines; carol comes in honestly."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "mallory")
    deeds: ClassVar[tuple[Deed, ...]] = ()
    machines: ClassVar[int]
    spare_keys: ClassVar[int] = 0
    account: ClassVar[str] = "mallory"
    """Under which customer's account she enrolls."""

    def cast(self) -> None:
        """Alice's registration is what it is about."""
        overlay, provider = self.overlay, self.overlay.provider
        self.owner = "alice"
        self.subject = ResourceID.of(overlay.aor("alice"))
        self.resources = {self.subject: overlay.aor("alice")}
        self.carol = Device(overlay, "carol")
        account, password = provider.open_account(self.account)
        wanted = self.machines if self.setting.attack else 0
        self.many = ManyIdentities(
            visitors=[overlay.operations.errand(overlay.free_address()) for _ in range(max(1, wanted))],
            account=account,
            password=password,
            configuration=provider.configuration,
            keys=[provider.key(f"mallory {number}") for number in range(2 * wanted + self.spare_keys)],
        )
        self.mine: list[Device] = []
        closer = overlay.peers()[0].peer.topology.closer
        self.recruiter = Recruiter(self.many, self._machine, closer, digest_of)

    def _machine(self, got: Enrolled) -> Device:
        """A machine of mallory's with an identity that she has enrolled."""
        configuration = self.many.configuration
        credential = Credential(
            node_ids=(got.node_id,), user="", certificate=got.certificate, private_key=got.key,
            chain=configuration.roots,
        )  # fmt: skip
        name = f"mallory{len(self.mine) + 1}"
        device = Device.holding(
            self.overlay, name, configuration, credential, equip=self.software, label="one of mallory's"
        )
        self.mine.append(device)
        self.people[got.node_id] = "mallory"
        return device

    def software(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """What runs on mallory's machines: what runs everywhere."""
        return parts

    def attackers(self) -> tuple[Node, ...]:
        """Mallory's client; her machines come later."""
        return (self.overlay.node("mallory"),)

    def attack(self) -> None:
        """Nothing is to be seen yet."""

    async def carry_out(self, plot: Any) -> None:
        """Mallory does what she is up to, if she is up to anything; the others wait."""
        if self.setting.attack:
            self.overlay.turn("mallory", plot.equip, "brings machines in")
            began = self.overlay.now
            while not plot.done and self.overlay.now < began + LATEST:
                await self.until(self.overlay.now + LOOK)
        await self.until(self.overlay.now + LOOK)

    async def withdraw(self) -> None:
        """All machines of mallory's leave."""
        for device in self.mine:
            if device.is_peer:
                await device.leave()
        await self.until(self.overlay.now + LOOK)

    async def welcome(self) -> None:
        """Carol enrolls and comes, as everybody may."""
        await self.perform("come", self._carol())

    async def _carol(self) -> None:
        await self.carol.enroll()
        await self.carol.come()

    def owned(self, resource: ResourceID) -> int:
        """How many of the peers that hold ``resource`` are mallory's machines: the responsible one and two replicas."""
        root = self.overlay.root(resource)
        mine = {device.node_id for device in self.mine if device.is_peer}
        holders = (root.node_id, *root.peer.topology.replicas(resource, HOLDERS - 1))
        return sum(holder in mine for holder in holders)

    def served(self) -> str:
        """How many honest operations worked."""
        return f"{sum(operation.ok for operation in self.operations)} of {len(self.operations)}"
