"""Who controls the place of a record (draft 7.2.10): ST-16, a victim's key is eclipsed."""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min.attacks.eclipse import KeyEclipse
from p2psip_min.devices import Device
from p2psip_min.errors import EnrollmentRefused, JoinRefused
from p2psip_min.ids import ResourceID

REGISTERS, JOINS, LOOKS, REGISTERS_AGAIN, LATER_LOOKS = 2.0, 10.0, (40.0, 44.0), 45.0, (60.0, 70.0)
"""Virtual seconds of the story."""


class EclipseStage(Stage):
    """Alice registers; mallory's devices want to be where it lies, and join; alice registers anew; bob looks."""

    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Alice's registration is what it is about, and bob may read it."""
        overlay = self.overlay
        self.owner = "alice"
        self.subject = ResourceID.of(overlay.aor("alice"))
        self.resources = {self.subject: overlay.aor("alice")}
        bob = overlay.node("bob")
        overlay.node("alice").peer.readers = {bob.user: bob.peer.parts.identity.certificate}
        self.devices: list[Device] = []
        self.looked = [0, 0]
        self.granted = 0

    async def occupy(self) -> None:
        """Every device enrolls, if it can under the Node-ID that it wants, and joins."""
        attack = KeyEclipse(self.overlay.defences.places.of(ResourceID(self.subject)))
        for number, wish in enumerate(attack.wishes(int(self.numbers["identities"])), 1):
            name = f"mallory{number}"
            device = Device(self.overlay, name, equip=attack.equip, label="knows nothing of alice")
            self.devices.append(device)
            try:
                try:
                    await device.enroll((wish,))
                    self.granted += 1
                except EnrollmentRefused:
                    await device.enroll()
                await device.join()
            except (EnrollmentRefused, JoinRefused):
                continue
            self.people[device.node_id or b""] = name

    async def story(self) -> None:
        """PUT, perhaps the joins, GET, PUT, GET."""
        alice = self.overlay.phone("alice")
        await self.until(REGISTERS)
        await self.perform("register", alice.register())
        await self.until(JOINS)
        if self.setting.attack:
            await self.occupy()
        await self.look(LOOKS)
        await self.until(REGISTERS_AGAIN)
        await self.perform("register", alice.register())
        await self.look(LATER_LOOKS)

    async def look(self, moments: tuple[float, ...]) -> None:
        """Have bob look alice up at these moments."""
        for moment in moments:
            await self.until(moment)
            self.looked[0] += await self.perform(
                "resolve", self.overlay.phone("bob").resolve(self.overlay.aor("alice"))
            )
            self.looked[1] += 1

    def figure(self) -> float:
        """The share of bob's looks that found nothing."""
        found, looks = self.looked
        return round(1 - found / looks, 6) if looks else 0.0

    def facts(self) -> tuple[str, ...]:
        """How often bob found alice, and how many of the wanted Node-IDs mallory got."""
        return f"{self.looked[0]} of {self.looked[1]}", f"{self.granted} of {len(self.devices)}"


ST_16 = declare(
    "ST-16",
    title="A victim's key is eclipsed",
    attacker="mallory, who enrolls three devices and wants them at the places of alice's record",
    preset="none",
    defence=("server-node-ids", "salted-places"),
    decoys=("value-encryption",),
    claims=(("server-node-ids",),),
    metric="looks at the record that find nothing, of 1",
    unit="share of looks",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=4,
    numbers={"identities": 3.0},
    rows=("bob finds alice", "wanted Node-IDs granted"),
    notes={"baseline": "nobody joins", "attacked": "mallory's devices join at the places of alice's record"},
    stage=EclipseStage,
)

SCENARIOS = (ST_16,)
