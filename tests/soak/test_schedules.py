"""Short schedules: the place for those that failed, as short as they could be made; and checks that can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from lab.soak import Fault, Report, Soak, excused, plan
from p2psip_min.defences import preset
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.topology.base import NOTHING, Changes
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.trace import (
    Event,
    NeighborsChanged,
    NodeCrashed,
    NodeLeft,
    RecordHandedOver,
    RecordReplaced,
    RecordStored,
)

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


# --- who is excused ------------------------------------------------------------------------------------------------

PLACE, OTHER = ResourceID(bytes(16)), ResourceID(bytes(15) + b"1")


def history(words: str) -> list[Event]:
    """Events one after the other, as ``a+0 b+0 a!9``: who, what (see the keys below), and when."""
    made: dict[str, Callable[[float, bytes], Event]] = {
        "+": lambda t, node: RecordStored(t, node, 0, PLACE, 2, b"", 0, "", 0, b"value"),
        "=": lambda t, node: RecordReplaced(t, node, 0, PLACE, 2, b"", 0, "", 0, b"other", 0),
        ">": lambda t, node: RecordHandedOver(t, node, 0, PLACE, 2),
        "~": lambda t, node: RecordHandedOver(t, node, 0, OTHER, 2),
        "-": lambda t, node: NodeLeft(t, node, 0),
        "!": lambda t, node: NodeCrashed(t, node, 0),
        "<": lambda t, node: NeighborsChanged(t, node, 0, (), ()),
        "^": lambda t, node: NeighborsChanged(t, node, 0, (b"n",), (b"n",)),
    }
    return [made[word[1]](float(word[2:]), word[0].encode()) for word in words.split()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a+0 b+0 c+0 a!100 b!400 c!750", True),
        ("a+0 b+0 c+0 a!100 b!400 c!751", False),
        ("a+0 b+0 c+0 a!100 b!200", False),
        ("a+0 b+0 c+0 d+9 a!100 d!5000 b!5100 c!5200", True),
        ("a+0 a!650", True),
        ("a+0 a!651", False),
        ("a<0 a+9 a!5000", True),
        ("a<0 a+9 a^4000 a!4650", True),
        ("a<0 a+9 a^4000 a!4651", False),
        ("a<0 a^5 a+9 a!660", False),
        ("a+0 a<600 a<700 a!1000", True),
        ("a+0 a<660 a!1000", False),
        ("b+0 a+1 a<2 b!900 a!1700", False),
        ("b<0 b+0 a+1 a!700 b!1400", False),
        ("a+0 b+0 c+9 a>10 b>11 c!659", True),
        ("a+0 b+0 c+9 a>10 b>11 c!660", False),
        ("a+0 b+0 c+9 a>10 b!11 c!12", False),
        ("a+0 b+0 a!1 c+9 b>10 c!12", True),
        ("a+0 b+0 a!1 b!2", False),
        ("a+0 b+0 c+0 b>9 c>9 a!10", False),
        ("a+0 b+0 c+0 b-9 c-9 a!10", False),
        ("a+0 b+0 c+0 d+5 a-9 b!100 c!200 d!300", True),
        ("a+0 b+0 c+0 d+5 d>9 a!100 b!200 c!300", True),
        ("a+0 b+0 c+0 d+5 d~9 a!100 b!200 c!300", False),
        ("a+0 b+0 c+0 d+5 d=9 a!100 b!200 c!300", True),
        ("a+0 b+0 c+0 d+5 a!100 b!200 c!300 d-400", False),
        ("a+0 b+0 c+0 d+5 a!100 b!200 c!300 d>400", False),
        ("d-1 a+5 b+5 c+5 d!9 a!100 b!200 c!300", True),
        ("", False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_three_deaths_in_the_window_excuse_or_that_of_the_only_holder_before_a_replica(
    words: str, expected: bool
) -> None:
    assert excused(history(words), PLACE, b"value") is expected
