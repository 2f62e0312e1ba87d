"""What clients may do beyond what an owner has allowed them (draft 7.2.8, 7.2.11): ST-1."""

from __future__ import annotations

from lab.scenarios.base import declare
from lab.scenarios.clients import ATTACKS, READS, REGISTERS, REGISTERS_AGAIN, ClientStage
from lab.text import Word
from p2psip_min.attacks.initiative import Initiative
from p2psip_min.attacks.reading import RestrictedRead
from p2psip_min.wire.kinds import SIP_REGISTRATION


class RestrictedStage(ClientStage):
    """Owners let one friend read where they are; mallory asks too."""

    def plan(self) -> Initiative:
        """Where each of them is."""
        return RestrictedRead(ATTACKS, self.places, SIP_REGISTRATION)

    async def story(self) -> None:
        """PUT for one reader, GET by him, PUT again."""
        for user in self.owners:
            self.overlay.allow(user, self.reader)
        await self.until(REGISTERS)
        await self.register_all()
        await self.until(READS)
        await self.read_all()
        await self.until(REGISTERS_AGAIN)
        await self.register_all()

    def figure(self) -> float:
        """How many of the owners' Node-IDs mallory has read in a registration."""
        got = self.assault.got if isinstance(self.assault, RestrictedRead) else {}
        found = [
            any(bytes(self.overlay.node(user).node_id) in value for value in got.get(self.place(user), ()))
            for user in self.owners
        ]
        return float(sum(found))

    def harmed_since(self) -> float | None:
        """Mallory reads when she asks."""
        return ATTACKS if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """How many names the friend could resolve, and how the honest PUTs fared."""
        return self.worked("resolve"), self.worked("register")


ST_1 = declare(
    "ST-1",
    title="A client reads restricted records",
    attacker="mallory, an enrolled client whom nobody has allowed to read",
    preset="none",
    defence=("readers-list",),
    decoys=("client-read-check",),
    claims=(("value-encryption",),),
    metric="restricted records read, of 3",
    unit="records",
    span=(0.0, 3.0),
    whole=3,
    word=Word.READ,
    least_peers=1,
    numbers={},
    rows=("names that the friend resolves", "honest PUTs accepted"),
    notes={"baseline": "mallory asks for nothing", "attacked": "mallory fetches with software of her own"},
    stage=RestrictedStage,
)

SCENARIOS = (ST_1,)
