"""The bench reports what it promises; how fast the overlay is, is for the bench itself to say."""

from __future__ import annotations

import json

import pytest

from lab.bench import NAMES, main, run
from lab.bench.rows import at_least, at_most, compare

FIELDS = ["name", "figure", "unit", "floor", "ratio", "limit", "holds"]
CHEAP = ["secured_lookup", "plain_lookup", "store", "enroll", "loop", "ready_32", "tls_1000"]


def test_json_has_a_row_for_each_figure_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CHEAP, json=True, quick=True) in (0, 1)
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [name for name in NAMES if name in CHEAP]
    for row in rows:
        assert list(row) == FIELDS
        assert row["figure"] > 0
        assert row["floor"] > 0
        assert row["ratio"] > 0
        assert isinstance(row["holds"], bool)


def test_table_names_figure_limit_and_floor(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "loop", "plain_lookup"])
    captured = capsys.readouterr()
    assert "plain_lookup" in captured.out
    assert "1 timer set and cancelled" in captured.out
    assert "bare heap" in captured.out


def test_comparison_with_kademlia(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("kademlia")
    assert run(["kademlia_get", "join_1000"], quick=True) in (0, 1)
    out = capsys.readouterr().out
    assert "its sockets are real" in out
    assert "Updates a join" in out


def test_unknown_figures_list_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["nonsense"]) == 2
    error = capsys.readouterr().err
    assert "nonsense" in error
    assert all(name in error for name in NAMES)


def test_limits_are_kept_or_missed() -> None:
    assert at_most("a", 3.0, "us", 2.0, 1.5).holds
    assert not at_most("a", 3.1, "us", 2.0, 1.5).holds
    assert not at_most("a", 1.0, "us", 2.0, 1.5, also=False).holds
    assert at_least("b", 5.0, "events/s", 10.0, 0.5, 0.5).holds
    assert not at_least("b", 4.0, "events/s", 10.0, 0.4, 0.5).holds


def test_the_middle_pair_counts() -> None:
    figures = iter([4.0, 2.0, 9.0])
    floors = iter([2.0, 2.0, 3.0])
    assert compare(3, lambda: next(figures), lambda: next(floors)) == (4.0, 2.0)
