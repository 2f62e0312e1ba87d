"""What an outsider may do to the exchange with an enrollment server (draft 7.2.7, 11.1, 11.8): EN-4, EN-5, EN-11.

Newcomers enroll over the network. Somebody on the wire sends their requests again, holds them back, or reads, alters
and drops what is said.
"""

from __future__ import annotations

from typing import Any, ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.text import Word
from p2psip_min.attacks.enrollment import EnrollmentMeddler, EnrollmentReplay, HeldBack
from p2psip_min.enrollment.client import EnrollmentClient
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.provider import Provider
from p2psip_min.operations import ERRAND_PORT
from p2psip_min.transport.network import Address

APPLICANTS = 3
ENROLL = 2.0
"""The virtual second at which the first of the newcomers enrolls."""


class EnrollmentStage(Stage):
    """Newcomers enroll with the first server, each from an address of his own."""

    users: ClassVar[tuple[str, ...]] = ()
    deeds: ClassVar[tuple[Deed, ...]] = ()

    def cast(self) -> None:
        """The newcomers, and from where they call."""
        free = self.overlay.free_address
        self.applicants = {f"carol{number}": (free()[0], ERRAND_PORT) for number in range(1, APPLICANTS + 1)}
        self.server = self.overlay.servers["enroll"].address
        self.lair = free()

    def visitor(self) -> EnrollmentClient:
        """The attacker's own way to the servers: anybody has one."""
        return self.overlay.operations.errand(self.lair)

    async def enroll(self, user: str, place: Address) -> Any:
        """What a newcomer goes through."""
        return await self.overlay.operations.enroll(user, place)

    def served(self) -> str:
        """How many honest enrollments worked."""
        return f"{sum(operation.ok for operation in self.operations)} of {len(self.operations)}"


# --- EN-4 -------------------------------------------------------------------------------------------------------------

REPLAYS = 30.0


class ReplayedEnrollmentStage(EnrollmentStage):
    """Three newcomers enroll; mallory has listened, and sends what she heard again."""

    def attack(self) -> None:
        """Listen between each newcomer and the server."""
        keys = [derive_key(self.setting.seed, f"mallory {number}") for number in range(APPLICANTS)]
        self.replay = EnrollmentReplay(self.server, self.visitor(), keys)
        for place in self.applicants.values():
            self.overlay.network.tap(self.replay.tap, (place, self.server))

    async def story(self) -> None:
        """All enroll, then the replays."""
        await self.until(ENROLL)
        for user, place in self.applicants.items():
            await self.perform("enroll", self.enroll(user, place))
        await self.until(REPLAYS)
        if self.setting.attack:
            await self.replay.replay()

    def figure(self) -> float:
        """How many certificates mallory was given."""
        return float(len(self.replay.repeated) + len(self.replay.own)) if self.setting.attack else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many of them are for mallory's keys, and how the newcomers fared."""
        own = len(self.replay.own) if self.setting.attack else 0
        return f"{own} of {APPLICANTS}", self.served()


EN_4 = declare(
    "EN-4",
    title="A request to enroll is sent again",
    attacker="an outsider between newcomers and the enrollment server",
    preset="none",
    defence=("enrollment-nonce", "key-possession", "enrollment-tls"),
    decoys=("key-possession",),
    claims=(("enrollment-tls",), ("enrollment-nonce", "key-possession"), ("identity-cap", "bound-node-id")),
    metric="certificates issued on replayed requests, of 6",
    unit="certificates",
    span=(0.0, 6.0),
    whole=6,
    word=Word.STOLEN,
    least_peers=1,
    numbers={},
    rows=("for mallory's own keys", "newcomers enrolled"),
    notes={
        "baseline": "nobody listens",
        "attacked": "mallory repeats each request, and asks with each login for a key",
    },
    stage=ReplayedEnrollmentStage,
)


# --- EN-5 -------------------------------------------------------------------------------------------------------------

AGAIN, DELIVERS = 60.0, 200.0


class HeldBackStage(EnrollmentStage):
    """Three newcomers' first requests are held back; they try again, and then the first requests are delivered."""

    def attack(self) -> None:
        """Sit on the way of each newcomer to the server."""
        self.held = [HeldBack(self.visitor()) for _ in self.applicants]
        for each, place in zip(self.held, self.applicants.values(), strict=True):
            self.overlay.network.on_path(place, self.server, each.on_path)

    async def story(self) -> None:
        """All enroll, who failed enrolls again, from another device; the late delivery."""
        await self.until(ENROLL)
        failed = {}
        for user, place in self.applicants.items():
            if not await self.perform("enroll", self.enroll(user, place)):
                failed[user] = place
        await self.until(AGAIN)
        for user, place in failed.items():
            await self.perform("enroll again", self._from_another_device(user, place))
        await self.until(DELIVERS)
        if self.setting.attack:
            for each in self.held:
                await each.deliver()

    async def _from_another_device(self, user: str, place: Address) -> None:
        provider = self.overlay.provider
        key = derive_key(self.setting.seed, f"{user}'s other device")
        errand = self.overlay.operations.errand(place)
        await errand.enroll(key, *provider.open_account(user), provider.configuration, coupon=provider.sell())

    def figure(self) -> float:
        """How many of the requests that were held back were honoured."""
        return float(sum(bool(each.honoured) for each in self.held)) if self.setting.attack else 0.0

    def facts(self) -> tuple[str, ...]:
        """Who has two identities now, and how the newcomers fared."""
        accounts = self.overlay.provider.registrar.ledger.accounts
        held = [len(accounts[self.overlay.aor(user)].identities) for user in self.applicants]
        return f"{sum(count > 1 for count in held)} of {APPLICANTS}", self.served()


EN_5 = declare(
    "EN-5",
    title="A request to enroll is held back",
    attacker="an outsider between newcomers and the enrollment server",
    preset="none",
    defence=("enrollment-nonce", "nonce-expiry"),
    decoys=("enrollment-nonce", "key-possession"),
    claims=(("nonce-expiry",), ("enrollment-tls",)),
    metric="requests honoured three minutes late, of 3",
    unit="requests",
    span=(0.0, 3.0),
    whole=3,
    word=Word.LATE,
    least_peers=1,
    numbers={},
    rows=("newcomers with a second identity", "enrollments that worked"),
    notes={"baseline": "nothing is held back", "attacked": "mallory delivers each first request after three minutes"},
    stage=HeldBackStage,
)


# --- EN-11 ------------------------------------------------------------------------------------------------------------


class MeddlingStage(EnrollmentStage):
    """Three newcomers enroll; on the way to the first server somebody reads, alters and drops."""

    def options(self) -> dict[str, Any]:
        """A second server stands elsewhere."""
        return {"servers": 2}

    def cast(self) -> None:
        """Mallory runs an overlay of the same name, to lead newcomers into."""
        super().cast()
        overlay = self.overlay
        other = Provider(
            overlay.name, seed="mallory", rng=overlay.rng("mallory"), bootstrap_nodes=(self.lair,), policy=None
        )
        self.meddler = EnrollmentMeddler(other.configuration.document)
        self.believed: list[bytes] = []

    def attack(self) -> None:
        """Read all three, alter what the second is told, drop what the third asks."""
        network = self.overlay.network
        _, second, third = self.applicants.values()
        for place in self.applicants.values():
            network.tap(self.meddler.tap, (place, self.server))
        network.on_path(self.server, second, self.meddler.alter)
        network.on_path(third, self.server, self.meddler.drop)

    async def story(self) -> None:
        """All enroll."""
        await self.until(ENROLL)
        self.harmed = 0
        for user, place in self.applicants.items():
            self.believed.clear()
            ok = await self.perform("enroll", self.enroll(user, place))
            read = self.overlay.provider.open_account(user)[1].encode() in self.meddler.passwords
            self.harmed += not ok or read or self._misled()

    async def enroll(self, user: str, place: Address) -> Any:
        """As everybody, in two steps: what the first brought is looked at later."""
        provider = self.overlay.provider
        errand = self.overlay.operations.errand(place)
        configuration = await errand.configuration()
        self.believed.append(configuration.document)
        account, password = provider.open_account(user)
        await errand.enroll(provider.key(user), account, password, configuration, coupon=provider.sell())

    def _misled(self) -> bool:
        return any(document != self.overlay.provider.configuration.document for document in self.believed)

    def figure(self) -> float:
        """How many exchanges were read, altered without notice, or lost."""
        return float(self.harmed)

    def facts(self) -> tuple[str, ...]:
        """The passwords that mallory has, and how the newcomers fared."""
        return f"{len(self.meddler.passwords)} of {APPLICANTS}", self.served()


EN_11 = declare(
    "EN-11",
    title="Enrollment is read, altered or lost on the way",
    attacker="an outsider on the way to the first enrollment server",
    preset="none",
    defence=("enrollment-tls", "signed-answer"),
    decoys=("encrypted-answer",),
    claims=(("enrollment-tls",),),
    metric="exchanges read, altered or lost, of 3",
    unit="exchanges",
    span=(0.0, 3.0),
    whole=3,
    word=Word.READ,
    least_peers=1,
    numbers={},
    rows=("passwords read", "newcomers enrolled"),
    notes={
        "baseline": "nobody is on the way",
        "attacked": "mallory reads all three, alters one answer, drops one request",
    },
    stage=MeddlingStage,
)

SCENARIOS = (EN_4, EN_5, EN_11)
"""The threats of this family."""
