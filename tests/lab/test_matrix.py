"""The matrix: every try once, figures with intervals, a page without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lab import matrix, report
from lab.__main__ import main
from lab.coverage import Cover, coverage
from lab.scenarios import SCENARIOS, scenario
from lab.sweep import sweep


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    chosen, seeds, others = [scenario("TR-1")], range(1, 3), range(1, 2)
    done = sweep(matrix.jobs(chosen, seeds, others), workers=1)
    return matrix.to_json(matrix.assemble(chosen, seeds, others, done), seeds, others)


def test_a_threat_meets_every_try(document: dict[str, Any]) -> None:
    own, *others = document["rows"]
    tried = [(cell["role"], tuple(cell["names"]), cell["calm"]) for cell in own["cells"]]
    assert len(tried) == len(set(tried))
    assert {role for role, _, _ in tried} >= {"undefended", "named", "decoy", "preset"}
    assert {names for role, names, _ in tried if role == "preset"} == {
        ("none",), ("draft",), ("reload",), ("hardened",)
    }  # fmt: skip
    assert [(row["base"], row["routing"]) for row in others] == [("trusted", "recursive"), ("untrusted", "iterative")]
    assert (own["seeds"], others[0]["seeds"]) == ((1, 2), (1,))


def test_figures_agree_with_the_verdict(document: dict[str, Any]) -> None:
    own = document["rows"][0]
    figures = {(cell["role"], cell["calm"]): cell["figure"][0] for cell in own["cells"]}
    assert figures["undefended", False] == own["attacked"] == 1.0
    assert figures["undefended", True] == own["baseline"] == 0.0
    assert figures["named", False] == own["defended"] == 0.0
    assert own["standing"] == "holds"
    assert own["quick"]


def test_a_cell_names_the_runs_that_reproduce_it(document: dict[str, Any]) -> None:
    for cell in document["rows"][0]["cells"]:
        assert re.fullmatch(r"[0-9a-f]{16}", cell["digest"])
        assert len(cell["runs"]) == 2
    assert set(document["versions"]) == {"p2psip-lab", "source", "python", "cryptography", "openssl"}


def test_the_page_stands_alone_and_says_what_the_figures_say(document: dict[str, Any]) -> None:
    page = report.page(json.loads(json.dumps(document)))
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", page)
    assert page == report.page(document)
    assert page.count('<td class="mute"></td>') == 1  # nothing else is claimed; every preset has a cell
    for said in ("TR-1", "HOLDS", "READ", "TLS on every link", "Preset hardened", "trusted base"):
        assert said in page


def test_the_page_says_where_service_is_lost_and_which_bound_is_near(document: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(document))
    own = changed["rows"][0]
    assert (own["close"], own["near"], "under attack" in report.page(changed)) == (False, [], False)
    own |= {"close": True, "near": ["decoy"]}
    named = next(cell for cell in own["cells"] if cell["role"] == "named" and not cell["calm"])
    named |= {"honest": [0.5, 0.4, 0.6], "measures": {"recall": 0.75}}
    page = report.page(changed)
    assert "near its bound on decoy" in page
    assert page.count("<small>honest service under attack 50%</small>") == 1
    assert "honest service 50%; recall 0.75; digest" in page
    changed["rows"][1] |= {"close": True, "near": ["harm", "honest"], "served_defended": 0.25}
    assert "<small>near its bound on harm and honest; honest service under attack 25%</small>" in report.page(changed)


def test_the_coverage_begins_with_gaps_and_follows_the_verdicts(document: dict[str, Any]) -> None:
    found = coverage({row["id"]: row["standing"] for row in document["rows"] if row["cells"]})
    order = list(Cover)
    assert [order.index(each.cover) for each in found] == sorted(order.index(each.cover) for each in found)
    assert all(each.missing for each in found if each.cover in (Cover.GAP, Cover.PARTLY))
    assert any("SI-5" in each.missing for each in found if each.cover is Cover.GAP)
    assert {each.cover for each in coverage() if each.entry.threats == ("RP-2",)} == {Cover.LAUNCHED}
    assert {each.cover for each in coverage({"RP-2": "open"}) if each.entry.threats == ("RP-2",)} == {Cover.OPEN}
    page = report.coverage_page(document)
    assert "whoever forwards can keep it and send it again" in page
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", page)


def test_the_settings_of_a_threat_are_its_own_first() -> None:
    for each in SCENARIOS.values():
        found = [(ground.base, ground.routing) for ground in matrix.grounds(each)]
        assert found[0] == (each.bases[-1], each.routing[0])
        assert {base for base, _ in found} == set(each.bases)
        assert {style for _, style in found} == set(each.routing)


def test_the_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made"
    assert main(["matrix", "tr-1", "--out", str(out), "--others", "0", "--workers", "1"]) == 0
    assert json.loads((out / "matrix.json").read_text())["rows"][0]["id"] == "TR-1"
    assert (out / "matrix.html").read_text().startswith("<!doctype html>")
    assert sorted(each.name for each in out.iterdir()) == ["coverage.html", "matrix.html", "matrix.json", "runs.jsonl"]
    assert "1 rows, 0 do not hold" in capsys.readouterr().out
    before = (out / "matrix.json").read_bytes()
    assert main(["matrix", "TR-1", "--out", str(out), "--others", "0"]) == 0
    assert (out / "matrix.json").read_bytes() == before


def test_unknown_threats_are_refused_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", "XX-1", "--out", str(tmp_path / "made")]) == 2
    assert "known: TR-1" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()
