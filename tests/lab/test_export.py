"""What a session shows, as files that say which card made them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab import export
from lab.__main__ import main
from lab.session import Session


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    made = Session("RP-2", links="plain")
    made.run()
    yield made
    made.close()


@pytest.mark.parametrize("make", [export.ring, export.messages])
def test_a_picture_is_whole_and_carries_its_caption_and_card(session: Session, make: Callable[[Session], str]) -> None:
    svg = make(session)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    said = "".join(root.itertext())
    assert "ROLLED BACK" in said
    assert session.card in said
    assert session.overlay.digest()[:16] in said


def test_pixels_are_twice_the_drawing(session: Session) -> None:
    svg = export.ring(session)
    width, height = (int(ElementTree.fromstring(svg).get(side, "")) for side in ("width", "height"))
    image = export.png(svg)
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")) == (2 * width, 2 * height)


def test_words_say_what_the_picture_shows(session: Session) -> None:
    said = export.words(session)
    frame = session.frame()
    assert frame.caption in said
    assert said.count("ROLLED BACK") == 1 + sum(held.word.value == "ROLLED BACK" for held in frame.storage)
    assert all(f" {row.number:3} {row.t:8.3f} s" in said for row in frame.rows)


def test_the_verdict_is_a_table(session: Session) -> None:
    head, *rows = csv.reader(io.StringIO(export.verdict(session.judge())))
    assert head[3] == "rollbacks accepted, of 3 copies"
    assert [row[3] for row in rows] == ["0", "3", "0", "3"]
    assert {len(row) for row in rows} == {len(head)}


def test_everything_is_saved_and_nothing_is_left_half_written(session: Session, tmp_path: Path) -> None:
    saved = export.save(session, tmp_path / "deep")
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == sorted(export.FILES)
    assert {path.name for path in saved} == set(export.FILES)
    lines = (tmp_path / "deep" / "trace.jsonl").read_text().splitlines()
    assert len(lines) == len(session.trace)
    assert json.loads(lines[0])
    assert (tmp_path / "deep" / "run.pcap").stat().st_size > 1000
    with pytest.raises(LookupError, match=r"known: ring\.svg"):
        export.save(session, tmp_path, "ring.gif")


@pytest.mark.parametrize("there", [False, True])
def test_an_export_that_is_interrupted_leaves_all_as_it_was(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    folder = tmp_path / "deep" / "exp"
    if there:
        folder.mkdir(parents=True)
        (folder / "ring.svg").write_text("kept")
    before = sorted(tmp_path.rglob("*"))

    def stop(session: Session, path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "FILES", {"ring.svg": export.FILES["ring.svg"], "messages.svg": stop})
    with pytest.raises(KeyboardInterrupt):
        export.save(session, folder, "ring.svg", "messages.svg")
    assert sorted(tmp_path.rglob("*")) == before
    assert not there or (folder / "ring.svg").read_text() == "kept"


def test_one_card_is_one_digest_and_one_trace_however_far_one_has_looked(session: Session, tmp_path: Path) -> None:
    fresh = Session.from_card(session.card.split("@")[0] + "@12")
    whole = session.trace.to_jsonl()
    assert len(fresh.trace) < len(session.trace)
    fresh_said = export.words(fresh)
    assert session.overlay.digest()[:16] in fresh_said
    assert fresh.cursor == 12
    assert fresh.frame().caption == session.frame(12).caption
    export.save(fresh, tmp_path, "trace.jsonl")
    assert (tmp_path / "trace.jsonl").read_text("utf-8") == whole
    fresh.close()


def test_the_tour_exports_all_but_a_verdict(tmp_path: Path) -> None:
    session = Session("", peers=8, links="plain")
    session.run()
    assert {path.name for path in export.save(session, tmp_path)} == set(export.FILES) - {"verdict.csv"}
    session.close()


def test_a_card_opens_on_the_command_line(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session.seek(session.length)
    assert main(["show", session.card, "--export", str(tmp_path), "--only", "moment.txt"]) == 0
    out = capsys.readouterr().out
    assert session.frame().caption in out
    assert (tmp_path / "moment.txt").read_text() in out
    assert main(["show", "nonsense"]) == 2
    assert "is no card" in capsys.readouterr().err
    other = session.card.replace(session.card.split("-")[5][:4], "0000")
    assert main(["show", other]) == 2
    assert "plays" in capsys.readouterr().err
    front = session.card.split("@")[0]
    assert main(["show", f"{front}@{session.length + 1}"]) == 2
    assert f"this run has {session.length} steps" in capsys.readouterr().err
