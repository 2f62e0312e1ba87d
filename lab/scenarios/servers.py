"""When enrollment servers are flooded or out of reach (draft 7.2.1, 11.7): EN-9, EN-10."""

from __future__ import annotations

import asyncio
import math
from typing import Any, ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.applicants import FloodingHost
from p2psip_min.attacks.enrollment import CutOff
from p2psip_min.devices import Device
from p2psip_min.enrollment.session import TIMEOUT
from p2psip_min.ids import ResourceID
from p2psip_min.wire.kinds import SIP_REGISTRATION

# --- EN-9 -------------------------------------------------------------------------------------------------------------

SERVICE_TIME = 0.2
"""Seconds of the server's time that one request takes."""

HOSTS, CONNECTIONS = 10, 7
FLOOD, FLOOD_ENDS = 2.0, 42.0
FIRST, EVERY, NEWCOMERS = 16.0, 1.3, 20
"""When the first newcomer enrolls, how soon the next one does, and how many there are."""


class FloodStage(Stage):
    """Twenty newcomers enroll, while ten hosts keep seventy connections to the server busy."""

    users: ClassVar[tuple[str, ...]] = ()
    deeds: ClassVar[tuple[Deed, ...]] = ()

    def options(self) -> dict[str, Any]:
        """A server takes its time over a request."""
        return {"service_time": SERVICE_TIME}

    def cast(self) -> None:
        """The newcomers."""
        self.carols = [Device(self.overlay, f"carol{number}") for number in range(1, NEWCOMERS + 1)]
        self.hosts: list[FloodingHost] = []

    def attack(self) -> None:
        """Ten hosts make ready."""
        overlay = self.overlay
        for number in range(HOSTS):
            host, _ = overlay.free_address()
            visitors = [overlay.operations.errand((host, 0), port=port + 1) for port in range(CONNECTIONS)]
            key = overlay.provider.key(f"bot {number}")
            self.hosts.append(FloodingHost(visitors, key, overlay.loop.time, FLOOD_ENDS))

    async def story(self) -> None:
        """The flood, and the newcomers, who do not wait for each other."""
        await self.until(FLOOD)
        loop = self.overlay.loop
        flood = [loop.create_task(host.run()) for host in self.hosts]
        enrolling = []
        for number, device in enumerate(self.carols):
            await self.until(FIRST + EVERY * number)
            enrolling.append(loop.create_task(self.perform("enroll", device.enroll())))
        await asyncio.gather(*enrolling, *flood)

    def figure(self) -> float:
        """The delay that 95 of 100 newcomers stay under, in seconds; who was refused has waited in vain, so long."""
        delays = sorted(operation.delay if operation.ok else TIMEOUT for operation in self.operations)
        return round(min(TIMEOUT, delays[math.ceil(0.95 * len(delays)) - 1]), 6) if delays else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many were refused, and how much the flood asked."""
        refused = sum(not operation.ok for operation in self.operations)
        return f"{refused} of {len(self.operations)}", f"{sum(host.asked for host in self.hosts)}"


EN_9 = declare(
    "EN-9",
    title="A flood at the enrollment server",
    attacker="ten hosts with seven connections each",
    preset="none",
    defence=("client-puzzle", "enrollment-rate"),
    decoys=("second-server",),
    claims=(("client-puzzle",), ("enrollment-rate",)),
    metric="delay of enrollment that 95 of 100 stay under, in s",
    unit="seconds",
    span=(0.0, TIMEOUT),
    whole=0,
    word=Word.LATE,
    least_peers=1,
    numbers={},
    rows=("newcomers refused", "requests of the flood"),
    notes={"baseline": "newcomers have the server to themselves", "attacked": "seventy connections are never idle"},
    stage=FloodStage,
)


# --- EN-10 ------------------------------------------------------------------------------------------------------------

REGISTER, CUT, BEGIN, GAP = 2.0, 10.0, 12.0, 1.0
READS = 24
"""How many GETs there are to one each of join, leave, PUT and DELETE: phones are looked up more often than moved."""


class CutOffStage(Stage):
    """In an overlay whose members ask the operator about each other, the operator is cut off; they go on."""

    deeds: ClassVar[tuple[Deed, ...]] = ()
    mid_story: ClassVar[bool] = True

    def options(self) -> dict[str, Any]:
        """The operator wants to be asked."""
        return {"checks_online": True}

    def cast(self) -> None:
        """Who comes, who goes, who reads; all of them have enrolled before."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}
        dice = overlay.rng("cast")
        root, living = overlay.root(resource), overlay.peers()
        entrances = overlay.provider.configuration.bootstrap_nodes
        serving = {overlay.node(user).peer.topology.table()[0] for user in self.users}
        free = [node for node in living if node is not root and node.address not in entrances]
        free = [node for node in free if node.node_id not in serving] or [living[-1]]
        self.leaver = Device.of(overlay, free[int(dice.random() * len(free))])
        self.joiner = overlay.new_peer("carol")
        readers = [node for node in living if node.node_id not in (root.node_id, self.leaver.node_id)] or living
        self.readers = [readers[int(dice.random() * len(readers))] for _ in range(READS)]
        self.line = CutOff(overlay.network, [server.address for server in overlay.servers.values()])

    def attack(self) -> None:
        """The line is cut."""
        self.line.begin()

    async def story(self) -> None:
        """Alice registers; the line is cut; a join, a leave, a PUT, many GETs, a DELETE."""
        overlay = self.overlay
        alice = overlay.phone("alice")
        await self.until(REGISTER)
        await self.perform("register", alice.register())
        await self.until(CUT)
        if self.setting.attack:
            self.attack()
        self.before = len(self.operations)
        await self.until(BEGIN)
        await self.perform("join", overlay.join(self.joiner))
        await self.perform("PUT", alice.register())
        for reader in self.readers:
            await asyncio.sleep(GAP)
            await self.perform("GET", procedures.fetch(reader.peer, ResourceID(self.subject), SIP_REGISTRATION))
        await self.perform("leave", self.leaver.leave())
        await self.perform("DELETE", alice.unregister())

    def figure(self) -> float:
        """The share of operations since the cut that failed."""
        since = self.operations[self.before :]
        return round(sum(not operation.ok for operation in since) / len(since), 6)

    def facts(self) -> tuple[str, ...]:
        """What still works, by kind."""
        since = self.operations[self.before :]
        works = dict.fromkeys(operation.name for operation in since)
        said = [f"{name} {sum(each.ok for each in since if each.name == name)}" for name in works]
        return (", ".join(said),)


EN_10 = declare(
    "EN-10",
    title="The enrollment servers are out of reach",
    attacker="an outsider on the operator's line",
    preset="none",
    defence=("offline-certificates",),
    decoys=("check-on-reading", "second-server"),
    metric="operations that fail, of 1",
    unit="share of operations",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FAILED,
    least_peers=4,
    numbers={},
    rows=("what still works",),
    notes={"baseline": "the operator answers", "attacked": "the operator's line is cut"},
    stage=CutOffStage,
)

SCENARIOS = (EN_9, EN_10)
"""The threats of this family."""
