"""Whom to suspect, by what a way has shown."""

from __future__ import annotations

import pytest

from p2psip_min.errors import SuspicionReason
from p2psip_min.ids import NodeID
from p2psip_min.routing.diagnosis import Finding, Suspicion, Trial, judged
from tests.routing.test_forwarding import node

ONE, TWO, THREE, END, OTHER = (node(place) for place in (1, 2, 3, 4, 5))
WAY = (ONE, TWO, THREE, END)


def tried(bad: NodeID | None, responder: NodeID | None) -> tuple[list[NodeID], Suspicion | None]:
    """Who is tried, and who is suspected, when requests that come to ``bad`` are answered by ``responder``."""
    trial, asked = Trial(WAY), []
    for each in trial:
        asked.append(each)
        lost = bad is not None and WAY.index(each) <= WAY.index(bad)
        trial.tried(each, responder if lost else END)
    return asked, trial.suspicion


@pytest.mark.parametrize("bad", WAY[:-1])
def test_the_last_one_over_which_nothing_comes_through_is_suspected(bad: NodeID) -> None:
    asked, suspicion = tried(bad, None)
    assert suspicion == Suspicion(bad, SuspicionReason.DROPS)
    assert asked == list(WAY[-2 : WAY.index(bad) - 5 : -1]), "from the end, and nobody before the suspect"


@pytest.mark.parametrize("bad", WAY[:-1])
def test_so_is_who_sends_elsewhere(bad: NodeID) -> None:
    assert tried(bad, OTHER)[1] == Suspicion(bad, SuspicionReason.MISROUTES)


def test_where_all_comes_through_nobody_is() -> None:
    assert tried(None, None) == ([THREE, TWO, ONE], None)
    assert list(Trial((END,))) == list(Trial(())) == []


BROKEN = Finding((ONE, TWO), named=THREE)


@pytest.mark.parametrize(
    ("broken", "others", "suspicion"),
    [
        (Finding(()), [], None),
        (Finding((ONE, TWO)), [], Suspicion(TWO, SuspicionReason.SILENT)),
        (BROKEN, [], Suspicion(TWO, SuspicionReason.MISLEADS)),
        (BROKEN, [Finding((OTHER, THREE), responder=THREE)], Suspicion(TWO, SuspicionReason.DROPS)),
        (BROKEN, [Finding((OTHER, END), responder=END)], Suspicion(TWO, SuspicionReason.MISLEADS)),
        (BROKEN, [Finding((OTHER,), named=THREE)], Suspicion(THREE, SuspicionReason.SILENT)),
        (BROKEN, [Finding((OTHER, TWO), named=THREE)], Suspicion(TWO, SuspicionReason.MISLEADS)),
        (BROKEN, [Finding(()), Finding((OTHER,), named=END)], Suspicion(TWO, SuspicionReason.MISLEADS)),
    ],
)
def test_a_way_that_breaks_off_is_judged_by_what_others_show(
    broken: Finding, others: list[Finding], suspicion: Suspicion | None
) -> None:
    assert judged(broken, others) == suspicion
