"""The command line, as a terminal and as scripts see it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import scenarios
from lab.__main__ import main
from lab.catalogue import Status, threats
from lab.scenarios import SCENARIOS, Scenario
from lab.scenarios.transport import EavesdropStage
from tests.lab.promised import VERDICT

ROOT = Path(__file__).resolve().parents[2]


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out, err = called(capsys, *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


# --- demo -------------------------------------------------------------------------------------------------------------


def test_the_demonstration_tells_the_story_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "demo")
    assert (code, err) == (0, "")
    story = (
        "An overlay comes up",
        "32 peers",
        "alice registers: PUT v1",
        "bob calls alice",
        "alice answers",
        "alice moves to",
        "PUT v2",
        "resends the PUT of v1",
        "put v1 over v2",
        "reads v1",
        "ROLLED BACK",
        "with the version counter on",
        "refuses it: generation counter missing",
        "reads v2",
        "HOLDS",
        "The verdict holds",
    )
    place = 0
    for words in story:
        place = out.index(words, place)


def test_the_demonstration_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "demo", "--links", "plain", "--peers", "16", "--seed", "3")
    assert (told["peers"], told["links"], told["seed"]) == (16, "plain", 3)
    assert (told["attacked"]["bob_reads"], told["attacked"]["rollbacks"]) == ("v1", 3)
    assert (told["defended"]["bob_reads"], told["defended"]["rollbacks"]) == ("v2", 0)
    assert told["verdict"]["holds"] is True
    times = [line["t"] for line in told["attacked"]["story"]]
    assert times == sorted(times)


def test_on_a_trusted_base_nobody_attacks_and_it_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "demo", "--base", "trusted", "--json")
    told = json.loads(out)
    assert (code, err) == (2, f"p2psip-lab: {told['refused']}\n")
    assert called(capsys, "run", "RP-2", "--base", "trusted") == (code, "", err)
    assert (told["verdict"], told["defended"], told["attacked"]["bob_reads"]) == (None, None, "v2")


def test_with_iterative_routing_nobody_can_keep_the_put(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "demo", "--routing", "iterative")
    assert (code, err) == (1, "")
    for words in ("nobody forwards it", "does NOT hold", "recursive routing only", "p2psip-lab run RP-2 --seeds 20"):
        assert words in out
    code, out, _ = called(capsys, "demo", "--routing", "iterative", "--json")
    assert (code, json.loads(out)["attacked"]["rollbacks"]) == (1, 0)


# --- threats ----------------------------------------------------------------------------------------------------------


def test_every_threat_is_listed_with_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    listed = document(capsys, "threats")
    assert [row["id"] for row in listed] == [row.id for row in threats()]
    assert {row["id"] for row in listed if row["status"] == "ready"} == set(SCENARIOS)
    assert {row["status"] for row in listed} == {"ready", "planned"}
    code, out, _ = called(capsys, "threats")
    assert code == 0
    assert len(out.splitlines()) == len(listed) + 1


# --- run --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threat", ["RP-2", "ST-13", "TR-1", "EN-3", "KB-4", "RM-2"])
def test_a_verdict_as_json(capsys: pytest.CaptureFixture[str], threat: str) -> None:
    found = document(capsys, "run", threat, "--seed", "5")
    assert found.keys() >= VERDICT
    assert (found["id"], found["holds"]) == (threat, True)
    assert set(found["costs"]) == {"bytes", "hops", "signatures", "delay"}


def test_a_verdict_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "run", "rp-2", "--links", "plain")
    assert code == 0
    for words in ("no attack", "attacked", "defended: version counter", "decoy: time stamp window", "price", "holds"):
        assert words in out


def test_another_defence_and_another_number(capsys: pytest.CaptureFixture[str]) -> None:
    run = ("run", "RP-2", "--links", "plain", "--defence", "time-stamp")
    code, out, _ = called(capsys, *run)
    assert (code, "does NOT hold" in out) == (1, True)
    code, out, _ = called(capsys, *run, "--set", "time-stamp=20", "--json")
    found = json.loads(out)
    assert (code, found["defended"], found["decoy"], found["holds"]) == (1, 0.0, 0.0, False)
    found = document(
        capsys, "run", "RP-2", "--links", "plain", "--defence", "Rising storage time", "--defence", "replicas"
    )
    assert found["defended"] == 0.0


def test_what_a_number_is_counted_from_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "run", "RP-2", "--set", "resend-after=8")
    assert (code, "resend-after 8: seconds after mallory kept v1, at 2 s; v2 comes at 30 s" in out) == (1, True)
    numbers = {each.id: {name for name in each.numbers if name.endswith("-after")} for each in SCENARIOS.values()}
    assert {each.id: set(each.counted) for each in SCENARIOS.values()} == numbers


def test_one_peer_is_one_peer(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "run", "TR-1", "--peers", "1")
    assert ", 1 peer, " in out


def test_routing_that_the_threat_is_not_about_is_run_and_does_not_hold(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "run", "RP-2", "--links", "plain", "--routing", "iterative")
    assert (code, "recursive routing only" in out) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "XX-1"), "known: TR-1"),
        (("run", ""), "known: TR-1"),
        *[(("run", row.id), "ready: TR-1, ") for row in threats(Status.PLANNED)[:1]],
        (("run", "RP-2", "--base", "x"), "known: trusted, untrusted"),
        (("run", "RP-2", "--routing", "x"), "known: recursive, iterative"),
        (("run", "RP-2", "--links", "x"), "known: plain, tls"),
        (("run", "RP-2", "--preset", "x"), "known: none, draft, reload, hardened"),
        (("run", "RP-2", "--defence", "x"), "known: tls, link-auth"),
        (("run", "RP-2", "--set", "x=1"), "known: resend-after"),
        (("run", "RP-2", "--set", "time-stamp"), "NAME=VALUE"),
        (("run", "RP-2", "--set", "time-stamp=soon"), "NAME=VALUE"),
        *[
            (
                ("run", "RP-2", "--set", f"resend-after={value}"),
                f"a finite number from 0 on, not 'resend-after={value}'",
            )
            for value in ("nan", "inf", "-inf", "-5")
        ],
        (("run", "RP-2", "--set", "x=1"), "resend-after (seconds after mallory kept v1"),
        (("run", "RP-2", "--peers", "3"), "at least 6 peers"),
        (("run", "RP-2", "--peers", "many"), "whole number"),
        (("run", "RP-2", "--base", "trusted"), "every peer is the operator's"),
        (("run", "ST-13", "--base", "trusted"), "every peer is the operator's"),
        (("demo", "--base", "x"), "known: trusted, untrusted"),
        (("demo", "--peers", "0"), "whole number"),
        (("nonsense",), "choose from"),
        ((), "a command is wanted: demo, threats, run, "),
        (("run", "RP-2", "--peers", "100000"), "at most 5000 peers"),
        (("run", "RP-2", "--seed", "x"), "a whole number is wanted, not 'x'"),
        (("soak", "--seeds", "0"), "whole number"),
        (("matrix", "--others", "-3"), "a whole number from 0 on is wanted, not '-3'"),
        (("bench", "nonsense"), "nonsense"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    code, out, err = called(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1 or words[0] == "bench"


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "--help")
    assert code == 0
    assert "130 interrupted" in " ".join(out.split())


def test_the_readme_prints_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = readme.split("`p2psip-lab run RP-2` prints\n\n```\n", 1)[1].split("```", 1)[0]
    code, out, _ = called(capsys, "run", "RP-2")
    assert (code, out.startswith(shown)) == (0, True)


# --- pcap, soak -------------------------------------------------------------------------------------------------------


def test_a_capture_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "run.pcap"
    code, said, _ = called(capsys, "pcap", str(out), "--links", "plain")
    assert (code, "packets in" in said) == (0, True)
    assert out.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
    assert list(tmp_path.iterdir()) == [out]


def test_a_capture_that_can_not_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = called(capsys, "pcap", str(tmp_path / "nowhere" / "run.pcap"))
    assert (code, "nowhere/run.pcap: No such file" in err) == (2, True)


@pytest.mark.parametrize("command", ["check", "matrix"])
def test_a_folder_that_can_not_be_made_is_said_before_anything_is_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    (tmp_path / "file").write_text("kept")
    code, said, err = called(capsys, command, "--out", str(tmp_path / "file" / "folder"))
    assert (code, said, err.count("\n")) == (2, "", 1)
    assert (tmp_path / "file").read_text() == "kept"


# --- interrupted ------------------------------------------------------------------------------------------------------


class InterruptedStage(EavesdropStage):
    """Somebody presses Ctrl-C in the middle of the story."""

    async def story(self) -> None:
        await self.until(1.0)
        signal.raise_signal(signal.SIGINT)
        await super().story()


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Scenario:
    made = replace(SCENARIOS["TR-1"], stage=InterruptedStage)
    monkeypatch.setattr(scenarios, "SCENARIOS", {"TR-1": made})
    return made


@pytest.mark.parametrize("command", ["run", "pcap"])
def test_ctrl_c_leaves_nothing_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, interrupted: Scenario, command: str
) -> None:
    words = ["run", "TR-1", "--json"] if command == "run" else ["pcap", str(tmp_path / "x.pcap"), "--threat", "TR-1"]
    code, out, err = called(capsys, *words)
    assert (code, out) == (130, "")
    assert "interrupted" in err
    assert list(tmp_path.iterdir()) == []


# --- as a process -----------------------------------------------------------------------------------------------------


def test_verdicts_are_the_same_under_any_hash_seed() -> None:
    found = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "lab", "run", "RP-2", "--json"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert done.stderr == b""
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's pipe")
def test_a_reader_that_goes_away_is_no_traceback() -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m lab threats | head -n 1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert done.stdout.startswith(b"TR-1")
