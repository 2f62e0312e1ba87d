"""What reviewers and instructors are shown: coverage, matrix, scorecard, deviations, own attackers, a pre-flight."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import labels, progress, provenance, review, widgets
from lab.coverage import coverage
from lab.draft import index, sentences
from lab.findings import FINDINGS, Kind
from lab.playlists import FIGURE_6, LESSON
from lab.preflight import rehearse
from lab.ready import ready
from lab.scenarios import SCENARIOS, run, scenario, setting
from lab.session import Session
from p2psip_min.errors import DropReason
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Drop, Forward
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.header import Envelope
from tests.datasets.test_draft import at_hand


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
    assert sum(int(count) for _, count, _ in rows) == int(total[1]) == len(coverage())
    table = review.sentences()
    assert len(table.rows) == len(coverage())
    order = [sign for sign, _ in review.COVERS.values()]
    places = [order.index(cover) for cover in table.column("cover")]
    assert places == sorted(places), "gaps come first"
    missing = [cell for cell in table.column("not yet") if cell]
    assert missing
    assert not [name for cell in missing for name in cell.split(", ") if name in SCENARIOS]


SAID: Mapping[str, tuple[str, ...]] = {
    "6": ("refer to section 5.1 of this .*refer to section 5.2 of this",),
    "7.2.6": ("section 4.1",),
    "11.3": ("Section 3.2", "Section 3.2"),
    "6.1, Figure 4": (r"Check Mechanism\? .*Black List\?", r"Check Mechanism\? .*publication number\?"),
    "6.2, Figure 6": (r"true root\?", r"message signature\?.*bad man\?", r"timed messages\?", r"Per DHT specific\?"),
    "5.2": (r"verify whether .*\?", r"When and how .*\?", r"detect the misbehaving forwardings\?"),
    "5.3": ("TODO",),
    "5.3, 7.2.10": (
        r"distributed storage layer\?",
        r"application layer .*\?",
        "MUST NOT .*unlimited number of resources",
    ),
    "5.3, Figure 4": ("check mechanism for the resource object is needed", r"1.Check Mechanism\? .*2.Black List\?"),
    "5.4, 7.1, 11.8": ("out of scope", "confidentiality and integrity of end-to-end", "shared key"),
    "7.1, 7.2.6": ("easy and secure enrollment", "SHOULD be ensured", "Req. 6"),
    "7.2.4, Req. 4": ("MUST not be isolated", "Req. 4"),
    "7.2.7, Req. 9": ("should not be able to repeat or delay", "Req. 9: It MUST NOT"),
    "7.2.8, Req. 12": ("as well as routing tables", "SHOULD be adopted to verify", "Req. 12"),
    "7.2.8, Req. 13": ("should have rights only to its own part", "Req. 13: .*MUST have rights"),
    "7.2.8, 7.2.11, Req. 14": ("SHOULD be able to authorize", "SHOULD allow the users", "Req. 14: .*MAY indicate"),
    "7.2.11, Req. 14": ("should be enforced by the P2P network", "Req. 14"),
    "7.2.10, Req. 6": ("SHOULD NOT be able to easily register", "Req. 6: .*MUST make it difficult"),
    "7.2.10, Req. 7": ("MUST NOT be possible to obtain control of the location", "Req. 7: It MUST be difficult"),
    "7.2.11": ("MUST also be difficult to monitor",),
    "7.2.10": ("SHOULD make sure that data stored", "MUST NOT be able to register unlimited"),
    "7.2.9": ("MUST be able to validate the data",),
}
"""What a finding rests on: a few words of each of its sentences, by section; two findings may share one."""


def test_findings_rest_on_sentences_of_the_draft() -> None:
    known = {entry.place for entry in index()}
    assert [place for each in FINDINGS for place in each.places if place not in known] == []
    assert {each.kind for each in FINDINGS} == set(Kind)
    assert {each.section for each in FINDINGS} == set(SAID)
    draft = next(at_hand(), None)
    if draft is None:
        return
    found = sentences(draft.read_text(encoding="utf-8", errors="replace"))
    texts = {f"{each.section} ¶{each.paragraph} s{each.number}": each.text for each in found}
    for section, wanted in SAID.items():
        said = [texts[place] for each in FINDINGS if each.section == section for place in each.places]
        assert all(any(re.search(words, text) for text in said) for words in wanted), section


def test_the_keys_are_those_that_the_panel_hears() -> None:
    script = Path(widgets.__file__).with_name("figure.js").read_text(encoding="utf-8")
    heard = re.search(r'const KEYS = "(.*?)"\.split\(""\)\.concat\(\[(.*?)\]\)', script)
    assert heard is not None
    wanted = {*heard[1], *re.findall(r'"(\w+)"', heard[2])}
    arrows = {"→": "ArrowRight", "←": "ArrowLeft", "↑": "ArrowUp", "↓": "ArrowDown"}
    names = {"space": " ", "Esc": "Escape", **arrows}
    listed = {names.get(key, key) for keys in review.keys().column("key") for key in keys.split()}
    assert listed >= wanted
    assert all(f'"{key}"' in script for key in listed - wanted - {"Tab"})


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
    table = review.matrix(quick=("TR-1",))
    for head, cell in (("threat", "TR-1"), ("standing", "✓ holds"), ("seeds", "1, a quick look")):
        assert table.column(head) == (cell,)
    opened = Session.from_card(table.column("card")[0])
    assert (opened.threat, opened.choices.attack) == ("TR-1", True)
    opened.close()
    plain = verdict.to_json()
    made = {"rows": [{**plain, "seeds": list(range(20)), "cells": ["one"]}, {**plain, "cells": []}]}
    (tmp_path / "matrix.json").write_text(json.dumps(made))
    assert review.matrix().column("seeds") == ("20",)
    assert review.standings() == {"TR-1": "holds"}
    assert "Published: ✓ holds" in review.cells("TR-1", "TR-4").demos[0].ask
    assert "Published" not in review.cells("TR-1", "TR-4").demos[1].ask


def test_a_scorecard_is_computed_and_knows_its_names() -> None:
    assert review.scorecard("Req. 13").column("status") == ("met",)
    with pytest.raises(LookupError, match=r"known: Req\. 1"):
        review.scorecard("Req. 99")


def test_ones_own_attacker_is_told_what_is_wrong_with_it() -> None:
    with pytest.raises(KeyError, match="no defence 'magic'; known: tls"):
        review.attacker(lambda parts, _: parts, title="does nothing", defence=("magic",), decoy="tls")
    idle = review.attacker(lambda *_: None, title="has no parts", defence=("retry",), decoy="tls")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="equip returns the parts of a node"):
        review.against(idle)


def test_ones_own_attacker_becomes_a_row() -> None:
    mine = review.attacker(
        equip, title="drops half of what passes", defence=("disjoint-paths",), decoy="message-signature"
    )
    table = review.against(mine, ("message-signature",), ("disjoint-paths",))
    nothing, decoy, named = map(float, table.column(labels.measured(mine.metric)))
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


def test_a_reviewer_sees_the_attack_each_defence_and_what_it_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = review.heart("tampering", "_PutTampering")
    assert attack.lines < 30
    assert "def decide" in attack.text
    assert f"{attack.lines} lines" in attack._repr_html_()
    table = review.alone_and_together("TR-1")
    assert table.column("against it")[0] == "nothing"
    assert table.said() == ["READ", "HOLDS", "HOLDS"]
    monkeypatch.setattr(review, "folder", lambda name: tmp_path)
    assert review.environment().head == ("", "here")
    (tmp_path / "matrix.json").write_text(json.dumps({"versions": {"source": "abc"}, "rows": []}))
    assert ("source", provenance.source(), "abc") in review.environment().rows


def test_a_lesson_has_its_minutes_and_its_stories_can_be_shown() -> None:
    minutes = [int(cell.rstrip("'")) for cell in review.lesson().column("minute")]
    assert minutes == sorted(set(minutes))
    for demo in LESSON.demos:
        assert int(demo.row.removeprefix("minute ")) in minutes
        assert rehearse(demo, clock=time.process_time).good


def test_ready_says_what_works_and_what_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress, "_here", None)
    assert [sign[0] for sign, _ in ready()] == ["✓", "✓", "✓"]
    (tmp_path / "progress.json").write_text("{")
    monkeypatch.setattr(progress, "_here", None)
    assert [sign[0] for sign, _ in ready()] == ["✓", "✓", "×"]
