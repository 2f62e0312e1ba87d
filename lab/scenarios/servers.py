"""When enrollment servers are flooded or out of reach (draft 7.2.1, 11.7): EN-9, EN-10."""

from __future__ import annotations

import asyncio
import math
from typing import Any, ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.text import Word
from p2psip_min.attacks.applicants import FloodingHost
from p2psip_min.devices import Device
from p2psip_min.enrollment.session import TIMEOUT

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
            self.hosts.append(FloodingHost(visitors, key, lambda: overlay.now, FLOOD_ENDS))

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

SCENARIOS = (EN_9,)
"""The threats of this family."""
