"""Many runs on many cores: the same outcomes in any order, and nothing lost when a sweep is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import sweep as sweeping
from lab.scenarios import run, scenario, setting
from lab.sweep import Job, sweep
from lab.verdicts import Outcome


def job(seed: int) -> Job:
    return Job("TR-1", setting(scenario("TR-1"), peers=4, seed=seed))


JOBS = [job(seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def outcomes() -> dict[Job, Outcome]:
    return {each: run(scenario(each.threat), each.setting) for each in JOBS}


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_finds_the_same(workers: int, outcomes: dict[Job, Outcome]) -> None:
    seen: list[tuple[int, int]] = []
    found = sweep([*JOBS, JOBS[0]], workers=workers, progress=lambda done, total: seen.append((done, total)))
    assert found == outcomes
    assert list(found) == JOBS
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_sweep_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcomes: dict[Job, Outcome]
) -> None:
    journal = tmp_path / "deep" / "runs.jsonl"
    played: list[Job] = []

    def play(each: Job) -> Outcome:
        if len(played) == 2:
            raise KeyboardInterrupt
        played.append(each)
        return outcomes[each]

    monkeypatch.setattr(sweeping, "play", play)
    with pytest.raises(KeyboardInterrupt):
        sweep(JOBS, workers=1, journal=journal)
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-5])  # as if the power had failed
    played.clear()
    assert sweep(JOBS, workers=1, journal=journal) == outcomes
    assert played == JOBS[1:]
    played.clear()
    assert sweep(JOBS, workers=1, journal=journal) == outcomes
    assert played == []
    lines = journal.read_text().splitlines()
    assert [json.loads(line)["job"] for line in lines[1:]] == [each.key for each in JOBS]


SWEEPING = """
from lab.scenarios import scenario, setting
from lab.sweep import Job, sweep

jobs = [Job("TR-1", setting(scenario("TR-1"), peers=4, seed=seed)) for seed in range(200)]
try:
    sweep(jobs, workers=2, progress=lambda done, total: print(done, flush=True))
except KeyboardInterrupt:
    print("interrupted")
"""


def _imports(worker: Path) -> bool:
    """Whether a process is a worker of its own, and has begun to import the overlay."""
    return b"spawn_main" in Path(worker, "cmdline").read_bytes() and "cryptography" in Path(worker, "maps").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the workers in /proc")
@pytest.mark.parametrize("done", [0, 1])
def test_ctrl_c_ends_the_workers_without_a_word_of_theirs(done: int) -> None:
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", SWEEPING]
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as swept:
        assert swept.stdout is not None
        while swept.stdout.readline() != f"{done}\n":
            pass
        workers = Path(f"/proc/{swept.pid}/task/{swept.pid}/children")
        while not any(_imports(Path("/proc", pid)) for pid in workers.read_text().split()):
            pass
        os.killpg(swept.pid, signal.SIGINT)
        said, wrong = swept.communicate(timeout=30)  # which comes when no worker has the pipe any more
    assert (said.splitlines()[-1], wrong, swept.returncode) == ("interrupted", "", 0)


@pytest.mark.parametrize("head", ["", "rubbish\n", '{"source": "another"}\n'])
def test_another_source_starts_anew(tmp_path: Path, head: str, outcomes: dict[Job, Outcome]) -> None:
    journal = tmp_path / "runs.jsonl"
    journal.write_text(head + '{"job": "x"}\n')
    assert sweep(JOBS[:1], workers=1, journal=journal) == {JOBS[0]: outcomes[JOBS[0]]}
    assert len(journal.read_text().splitlines()) == 2


def test_keys_tell_runs_apart() -> None:
    chosen = scenario("RP-2")
    ground = setting(chosen, numbers={"resend-after": 20.0})
    jobs = [
        Job("RP-2", ground),
        Job("RP-2", setting(chosen)),
        Job("RP-2", setting(chosen, seed=8)),
        Job("RP-2", setting(chosen, peers=16)),
        Job("RP-2", setting(chosen, preset="none")),
        Job("RP-2", setting(chosen, routing="iterative")),
        Job("ST-13", setting(scenario("ST-13"))),
    ]
    assert len({each.key for each in jobs}) == len(jobs)
