"""The day before a class: demonstrations timed, pages that need nothing, problems in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.__main__ import main
from lab.catalogue import Base, catalogue
from lab.playlists import PLAYLISTS, Demo, Playlist, playlist
from lab.preflight import page, rehearse
from lab.text import Word

TAP = Demo(threat="TR-1", base="trusted", row="row 1", minutes=4, ask="What does he learn?")


def test_playlists_show_threats_on_bases_where_they_exist() -> None:
    for each in PLAYLISTS.values():
        assert each.minutes == sum(demo.minutes for demo in each.demos)
        for demo in each.demos:
            row = catalogue()[demo.threat]
            assert Base(demo.base) in row.bases
            assert any(place.startswith("Fig4" if each.name == "figure4" else "Fig6") for place in row.sections)
    with pytest.raises(LookupError, match="known: figure4, figure6"):
        playlist("figure5")


def test_a_rehearsal_says_what_was_seen_and_how_long_it_took() -> None:
    ticks = iter([0.0, 0.5, 1.25])
    found = rehearse(TAP, clock=lambda: next(ticks))
    assert (found.good, found.problem, found.word) == (True, "", Word.READ)
    assert (found.story, found.verdict) == (0.5, 0.75)
    assert found.card.startswith("TR1-T-")


def test_what_goes_wrong_is_said_in_a_line() -> None:
    slow = iter([0.0, 3.0, 4.0])
    assert rehearse(TAP, clock=lambda: next(slow)).problem == "the story takes 3.0 s, and a class waits 2 s"
    insider = Demo(threat="RP-2", base="trusted", row="", minutes=1, ask="")
    assert "operator" in rehearse(insider).problem
    unknown = Demo(threat="XX-1", base="trusted", row="", minutes=1, ask="")
    assert "known: TR-1" in rehearse(unknown).problem


def test_the_page_needs_nothing_and_tells_the_story() -> None:
    made = Playlist(name="x", title="A title", demos=(TAP,))
    found = page(made, [rehearse(TAP)])
    assert "What does he learn?" in found
    assert found.count("<svg xmlns") >= 2
    assert "<script" not in found
    assert re.findall(r'(?:src|href)="(?!#)', found) == []


def test_the_command_writes_a_page_a_playlist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "figure4", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert code == ("×" in out)
    assert [path.name for path in tmp_path.iterdir()] == ["figure4.html"]
    assert main(["check", "figure5"]) == 2
