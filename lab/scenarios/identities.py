"""What those may do who enroll (draft 7.2.6, 7.2.10, 11.5, 11.7): EN-6, EN-7, EN-8.

One person takes many identities; a peer changes its Node-ID as it likes; an attacker comes in by an open door.
"""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.applicants import Enrolled, FreshIdentity, ManyIdentities
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.devices import Device
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.errors import P2PSIPError
from p2psip_min.overlay import Node

BEGIN = 2.0
"""The virtual second at which everybody begins."""


class ApplicantsStage(Stage):
    """Newcomers enroll, one of them more often than she should."""

    users: ClassVar[tuple[str, ...]] = ()
    deeds: ClassVar[tuple[Deed, ...]] = ()
    tries: ClassVar[int]
    budget: ClassVar[int] = 2
    """How many identities mallory could pay for."""
    newcomers: ClassVar[int] = 4

    def cast(self) -> None:
        """Mallory is a customer as everybody, with an address for each try, and so are the newcomers."""
        overlay = self.overlay
        provider = overlay.provider
        self.carols = [Device(overlay, f"carol{number}") for number in range(1, self.newcomers + 1)]
        account, password = provider.open_account("mallory")
        self.many = ManyIdentities(
            visitors=[overlay.operations.errand(overlay.free_address()) for _ in range(self.tries)],
            account=account,
            password=password,
            configuration=provider.configuration,
            keys=[provider.key(f"mallory {number}") for number in range(self.tries)],
            coupons=[coupon for _ in range(self.budget) if (coupon := provider.sell())],
        )

    def served(self) -> str:
        """How many honest operations worked."""
        return f"{sum(operation.ok for operation in self.operations)} of {len(self.operations)}"


# --- EN-6 -------------------------------------------------------------------------------------------------------------

PACE = 20.0
"""Seconds between two of mallory's tries."""


class ManyIdentitiesStage(ApplicantsStage):
    """In ten minutes mallory tries to enroll thirty times, and four newcomers do once."""

    tries: ClassVar[int] = 30

    async def story(self) -> None:
        """The newcomers first; then mallory, every twenty seconds."""
        await self.until(BEGIN)
        for device in self.carols:
            await self.perform("enroll", device.enroll())
        for number in range(self.tries):
            await self.until(BEGIN + PACE * (number + 1))
            if self.setting.attack:
                await self.many.once()

    def figure(self) -> float:
        """How many identities mallory has."""
        return float(len(self.many.got))

    def facts(self) -> tuple[str, ...]:
        """What an identity costs her, and how the newcomers fared."""
        ledger = self.overlay.provider.registrar.ledger
        spent = sum(ledger.charged(account) for account in ledger.accounts if account.startswith(("mallory", "nobody")))
        return f"{spent / max(1, len(self.many.got)):g}", self.served()


EN_6 = declare(
    "EN-6",
    title="One person takes many identities",
    attacker="a customer with many keys, names and addresses",
    preset="none",
    defence=("identity-cap", "strong-identity"),
    decoys=("enrollment-rate",),
    claims=(("enrollment-charge",), ("enrollment-reputation", "identity-cap")),
    metric="identities that one person gets, of 30 tried",
    unit="identities",
    span=(0.0, 30.0),
    whole=30,
    word=Word.OVERRUN,
    least_peers=1,
    numbers={},
    rows=("price of one for mallory", "newcomers enrolled"),
    notes={"baseline": "mallory has enough with none", "attacked": "mallory enrolls again and again, under many names"},
    stage=ManyIdentitiesStage,
)


# --- EN-7 -------------------------------------------------------------------------------------------------------------

TRIES = 8
WAIT = 60.0


class FreshIdentityStage(Stage):
    """A peer asks every minute for another certificate, with another key."""

    users: ClassVar[tuple[str, ...]] = ()
    deeds: ClassVar[tuple[Deed, ...]] = ()

    def cast(self) -> None:
        """Mallory is one of the peers, by the dice."""
        overlay = self.overlay
        living = overlay.peers()
        self.mallory = living[int(overlay.rng("cast").random() * len(living))]
        self.people[self.mallory.node_id] = "mallory"
        account = self.mallory.user
        _, password = overlay.provider.open_account(account.partition("@")[0])
        self.fresh = FreshIdentity(
            visitor=overlay.operations.errand(self.mallory.address),
            account=account,
            password=password,
            configuration=overlay.provider.configuration,
            keys=[overlay.provider.key(f"mallory {number}") for number in range(TRIES)],
            had=[self.mallory.node_id],
        )
        self.carols = [Device(overlay, f"carol{number}") for number in (1, 2, 3)]
        self.moved: list[float] = []

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    async def story(self) -> None:
        """Newcomers enroll; mallory asks."""
        await self.until(BEGIN)
        for device in self.carols:
            await self.perform("enroll", device.enroll())
        for number in range(TRIES):
            await self.until(BEGIN + WAIT * (number + 1))
            if self.setting.attack and await self.fresh.once():
                self.moved.append(self.overlay.now)

    def figure(self) -> float:
        """How often mallory was given another Node-ID."""
        return float(len(self.fresh.had) - 1)

    def facts(self) -> tuple[str, ...]:
        """How long another Node-ID takes, and how the newcomers fared."""
        spans = [later - sooner for sooner, later in zip([BEGIN, *self.moved], self.moved, strict=False)]
        took = f"{sum(spans) / len(spans):.0f} s" if spans else "never"
        return took, f"{sum(operation.ok for operation in self.operations)} of {len(self.operations)}"


EN_7 = declare(
    "EN-7",
    title="A peer changes its Node-ID as it likes",
    attacker="a peer with many keys",
    preset="none",
    defence=("bound-node-id",),
    decoys=("hashed-node-ids",),
    claims=(("identity-cap",),),
    metric="changes of a Node-ID, of 8 tried in 8 minutes",
    unit="changes",
    span=(0.0, 8.0),
    whole=8,
    word=Word.MOVED,
    least_peers=2,
    numbers={},
    rows=("time to another Node-ID", "newcomers enrolled"),
    notes={"baseline": "mallory stays who she is", "attacked": "mallory enrolls every minute with another key"},
    stage=FreshIdentityStage,
)


# --- EN-8 -------------------------------------------------------------------------------------------------------------


class InfiltrationStage(ApplicantsStage):
    """Ten newcomers enroll and join; so does mallory, as often as she can."""

    tries: ClassVar[int] = 20
    newcomers: ClassVar[int] = 10

    def cast(self) -> None:
        """What mallory brings in is counted later."""
        super().cast()
        self.spies: list[Device] = []

    async def story(self) -> None:
        """By turns: two tries of mallory's, one newcomer."""
        await self.until(BEGIN)
        for device in self.carols:
            for _ in range(self.tries // self.newcomers if self.setting.attack else 0):
                if await self.many.once():
                    await self._bring_in(self.many.got[-1])
            await self.perform("enroll and join", device.come())

    async def _bring_in(self, got: Enrolled) -> None:
        """A node of mallory's joins, which will throw away what it is to keep."""
        configuration = self.many.configuration
        credential = Credential(
            node_ids=(got.node_id,),
            user="",
            certificate=got.certificate,
            private_key=got.key,
            chain=configuration.roots,
        )
        name = f"spy{len(self.spies) + 1}"
        device = Device.holding(self.overlay, name, configuration, credential, equip=RecordDiscard().equip, label="spy")
        self.spies.append(device)
        try:
            await device.come()
        except P2PSIPError:
            return  # its certificate was not good enough

    def figure(self) -> float:
        """Mallory's share of the nodes that were admitted, as peers or for now as clients."""
        since = self.trace.events[self.start :]
        came = {event.node: None for event in since if isinstance(event, events.NodeJoined | events.ClientAttached)}
        admitted, spies = list(came), {device.node_id for device in self.spies}
        return round(sum(node in spies for node in admitted) / len(admitted), 6) if admitted else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many nodes mallory has in, and how the newcomers fared."""
        return f"{sum(device.node is not None and device.node.alive for device in self.spies)}", self.served()


EN_8 = declare(
    "EN-8",
    title="Open enrollment lets attackers in",
    attacker="a person who enrolls under invented names",
    preset="none",
    defence=("strong-identity", "identity-cap"),
    decoys=("longer-keys",),
    claims=(("enrollment-charge",), ("enrollment-reputation", "identity-cap")),
    metric="share of the admitted nodes that are mallory's, of 1",
    unit="share of nodes",
    span=(0.0, 1.0),
    whole=0,
    word=Word.OVERRUN,
    least_peers=2,
    numbers={},
    rows=("nodes that mallory has in", "newcomers enrolled and joined"),
    notes={"baseline": "mallory stays away", "attacked": "mallory enrolls under twenty names, and every one joins"},
    stage=InfiltrationStage,
)

SCENARIOS = (EN_6, EN_7, EN_8)
"""The threats of this family."""
