"""What reviewers and instructors are shown: coverage, matrix, scorecard, deviations, own attackers, a pre-flight."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import review
from lab.coverage import coverage
from lab.playlists import FIGURE_6
from lab.preflight import rehearse
from lab.scenarios import SCENARIOS, run, scenario, setting
from lab.session import Session
from p2psip_min.errors import DropReason
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Drop, Forward
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.header import Envelope


class Choosy:
    """Drops half of what passes."""

    def __init__(self, inner: Forwarding) -> None:
        self.inner = inner

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        passing = previous_hop is not None and isinstance(decision, Forward)
        return Drop(DropReason.DISCARDED) if passing and envelope.transaction_id % 2 else decision


def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
    return replace(parts, forwarding=Choosy(parts.forwarding))


def test_coverage_counts_every_sentence_that_names_a_threat() -> None:
    *rows, total = review.covered().rows
    assert sum(int(count) for _, count in rows) == int(total[1]) == len(coverage())
    missing = [cell for cell in review.gaps(100).column("not yet") if cell]
    assert not [name for cell in missing for name in cell.split(", ") if name in SCENARIOS]


def test_deviations_are_those_of_the_readme(tmp_path: Path) -> None:
    table = review.deviations()
    assert table.head == ("RFC 6940", "Here", "Why")
    assert all(len(row) == 3 for row in table)
    with pytest.raises(LookupError, match="comes with the source"):
        review.deviations(tmp_path / "README.md")


def test_the_matrix_is_the_published_one_or_a_quick_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "folder", lambda name: tmp_path)
    assert review.standings() == {}
    verdict = review.judged(scenario("TR-1"), peers=8)
    (row,) = review.matrix(quick=("TR-1",)).rows
    assert row[0] == "TR-1"
    assert row[7:9] == ("✓ holds", "1, a quick look")
    plain = verdict.to_json()
    made = {"rows": [{**plain, "seeds": list(range(20)), "cells": ["one"]}, {**plain, "cells": []}]}
    (tmp_path / "matrix.json").write_text(json.dumps(made))
    (row,) = review.matrix().rows
    assert row[8] == "20"
    assert review.standings() == {"TR-1": "holds"}
    assert "Published: ✓ holds" in review.cells("TR-1", "TR-4").demos[0].ask
    assert "Published" not in review.cells("TR-1", "TR-4").demos[1].ask


def test_a_scorecard_is_computed_and_knows_its_names() -> None:
    assert review.scorecard("Req. 13").column("status") == ("met",)
    with pytest.raises(LookupError, match=r"known: Req\. 1"):
        review.scorecard("Req. 99")


def test_ones_own_attacker_becomes_a_row() -> None:
    mine = review.attacker(
        equip, title="drops half of what passes", defence=("disjoint-paths",), decoy="message-signature"
    )
    table = review.against(mine, ("message-signature",), ("disjoint-paths",))
    nothing, decoy, named = map(float, table.column(mine.metric))
    assert nothing == decoy > named == 0
    verdict = review.judged(mine)
    assert (verdict.id, verdict.holds) == ("OWN-1", True)
    assert run(mine, replace(setting(mine), attack=False)).figure == 0
    assert scenario("KB-1").stage is not mine.stage


def test_a_card_and_a_digest_come_back() -> None:
    card = review.card("TR-1", peers=8)
    again = Session.from_card(card)
    assert again.card == card
    again.close()
    assert review.repeats("TR-1")


def test_a_plan_adds_up_and_a_rehearsal_is_told() -> None:
    plan = review.plan(FIGURE_6)
    assert [int(cell) for cell in plan.column("minutes")] == [demo.minutes for demo in FIGURE_6.demos]
    begins = [int(cell.rstrip("'")) for cell in plan.column("begins")]
    assert begins[-1] + FIGURE_6.demos[-1].minutes == FIGURE_6.minutes
    clock = iter(range(100))
    found = rehearse(FIGURE_6.demos[3], clock=lambda: float(next(clock)))
    (row,) = review.rehearsed([found]).rows
    assert row[:4] == ("✓", "KB-1", "LOST", "1.0 s")
    assert review.keys().head == ("key", "does")


def test_all_of_it_works_where_a_loop_runs_as_in_a_notebook() -> None:
    async def kernel() -> Any:
        return review.judged(scenario("TR-1"), peers=8), review.scorecard("U3"), review.card("TR-1", peers=8)

    verdict, score, _ = asyncio.run(kernel())
    assert verdict.holds
    assert score.column("status") == ("met",)
