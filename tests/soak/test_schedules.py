"""Short schedules: the place for those that failed, as short as they could be made; and checks that can fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lab.soak import Fault, Report, Soak, plan
from p2psip_min.defences import preset
from p2psip_min.ids import NodeID
from p2psip_min.routing.topology.base import NOTHING, Changes
from p2psip_min.routing.topology.chord import Chord

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

SHORT: dict[str, tuple[int, str, list[Fault]]] = {
    # What it is about: seed, links, faults. A new one is added as found, when the schedule of a seed has failed.
    "two crashes side by side": (3, "plain", [Fault(600.0, "crash"), Fault(640.0, "crash")]),
    "joins while packets are lost": (
        5,
        "tls",
        [Fault(300.0, "loss", 600.0), Fault(320.0, "join"), Fault(329.0, "join")],
    ),
    "a leave in a partition": (8, "plain", [Fault(900.0, "cut", 700.0), Fault(1000.0, "leave"), Fault(1300.0, "join")]),
    "two partitions, one in the other": (9, "tls", [Fault(900.0, "cut", 800.0), Fault(1100.0, "cut", 300.0)]),
}


def soak(seed: int, links: str, faults: list[Fault], **settings: Any) -> Soak:
    """A given schedule with few peers and records."""
    return Soak(seed, faults=faults, links=links, **({"peers": 10, "records": 15} | settings))


@pytest.mark.parametrize("name", SHORT)
def test_a_short_schedule_holds(name: str) -> None:
    report = soak(*SHORT[name]).run()
    assert report.holds, "\n".join(report.violations)
    assert not report.excused


def test_the_same_schedule_gives_the_same_digest() -> None:
    faults = [Fault(100.0, "join"), Fault(200.0, "loss", 100.0), Fault(400.0, "crash"), Fault(500.0, "cut", 300.0)]
    reports: list[Report] = [soak(11, "tls", faults).run() for _ in range(2)]
    assert reports[0] == reports[1]
    assert soak(12, "tls", faults).run().digest != reports[0].digest


def test_a_seed_gives_its_plan() -> None:
    assert plan(4) == plan(4)
    assert {plan(seed)[0] for seed in range(20)} == {"calm", "lossy", "partitioned", "stormy"}
    assert all(len(plan(seed)[2]) == 40 for seed in range(20))


# --- the checks can fail -----------------------------------------------------------------------------------------


class Deaf(Chord):
    """Never takes anybody out."""

    def remove(self, node: NodeID, now: float) -> Changes:
        """Keep everybody, dead or alive."""
        return NOTHING


def test_a_ring_that_does_not_repair_itself_is_found_out() -> None:
    report = soak(3, "plain", [Fault(600.0, "crash")], topology=Deaf).run()
    assert any("predecessors" in violation or "successors" in violation for violation in report.violations)


def test_records_without_copies_are_found_out() -> None:
    faults = [Fault(7000.0 + 10 * number, "crash") for number in range(2)]
    report = soak(3, "plain", faults, defences=preset("reload").without("replicas"), records=60).run()
    assert report.excused or report.violations
    assert not soak(3, "plain", faults, records=60).run().excused


def test_a_task_left_behind_is_found_out() -> None:
    running = soak(3, "plain", [])
    running.overlay.driver.call(lambda: running.overlay.loop.create_task(asyncio.sleep(1e9), name="left"))
    assert running.run().violations == ["tasks left behind: left"]
