"""Many runs on all cores: with a journal, so that a sweep that was stopped goes on where it was.

A run is a ``Job``, and equal jobs have equal outcomes. A line of the journal is one outcome, written when it is known;
a torn last line is run again, and so is everything when the source has changed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from lab import provenance
from lab.scenarios import Setting, run, scenario
from lab.verdicts import Costs, Outcome

Progress = Callable[[int, int], None]
"""Told after each run how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one threat."""

    threat: str
    setting: Setting

    @property
    def key(self) -> str:
        """All that tells it from other runs, as text."""
        setting = self.setting
        parts = (
            self.threat,
            setting.base,
            setting.routing,
            f"{setting.peers} peers",
            f"seed {setting.seed}",
            "attacked" if setting.attack else "calm",
            " ".join(setting.defences.names()),
            " ".join(f"{name}={value:g}" for name, value in setting.numbers),
        )
        return "|".join(parts)


def play(job: Job) -> Outcome:
    """Run one job here."""
    return run(scenario(job.threat), job.setting)


def sweep(
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
    journal: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> dict[Job, Outcome]:
    """The outcome of every job; ``workers`` processes at a time, by default one a core, 1 for this process alone.

    What the ``journal`` has is not run again. KeyboardInterrupt ends the workers; what was done is in the journal.
    """
    wanted = list(dict.fromkeys(jobs))
    known = _read(journal) if journal else {}
    done = {job: known[job.key] for job in wanted if job.key in known}
    left = [job for job in wanted if job not in done]
    progress(len(done), len(wanted))
    note = _writer(journal, fresh=not known) if journal and left else None
    try:
        with closing(_played(left, workers or os.cpu_count() or 1)) as played:
            for job, outcome in played:
                done[job] = outcome
                if note is not None:
                    note.write(json.dumps({"job": job.key, **asdict(outcome)}) + "\n")
                    note.flush()
                progress(len(done), len(wanted))
    finally:
        if note is not None:
            note.close()
    return {job: done[job] for job in wanted}


def _played(jobs: list[Job], workers: int) -> Generator[tuple[Job, Outcome], None, None]:
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, play(job)
        return
    # Fresh interpreters: a fork of a process with threads, as a notebook's is, may hang.
    context = multiprocessing.get_context("spawn")
    count = min(workers, len(jobs))
    with _interrupts_held() as let_go, context.Pool(count, initializer=_leave_interrupts_to_the_parent) as pool:
        let_go()
        yield from pool.imap_unordered(_answer, jobs, chunksize=1)


@contextmanager
def _interrupts_held() -> Iterator[Callable[[], object]]:
    """No interrupt comes before it is let go; processes that are begun meanwhile never get one.

    Their initializer alone would be too late: they import for a second before they call it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield lambda: None
        return
    resource_tracker.ensure_running()  # whose own start lets interrupts go
    let_go = partial(signal.pthread_sigmask, signal.SIG_SETMASK, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield let_go
    finally:
        let_go()


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answer(job: Job) -> tuple[Job, Outcome]:
    return job, play(job)


def _writer(journal: Path, *, fresh: bool) -> Any:
    journal.parent.mkdir(parents=True, exist_ok=True)
    whole = b"" if fresh else journal.read_bytes()
    note = journal.open("w" if fresh else "r+", encoding="utf-8")
    if fresh:
        note.write(json.dumps({"source": provenance.source()}) + "\n")
    else:
        note.seek(whole.rfind(b"\n") + 1)
        note.truncate()
    return note


def _read(journal: Path) -> dict[str, Outcome]:
    """What a journal of this source holds, and nothing where it is another's."""
    if not journal.exists():
        return {}
    lines = journal.read_text(encoding="utf-8").split("\n")
    try:
        if json.loads(lines[0]) != {"source": provenance.source()}:
            return {}
    except ValueError:
        return {}
    found = {}
    for line in lines[1:-1]:  # after the last line feed stands nothing, or a line that was torn
        entry = json.loads(line)
        key = entry.pop("job")
        costs, facts = Costs(**entry.pop("costs")), tuple(entry.pop("facts"))
        measures = tuple((name, value) for name, value in entry.pop("measures"))
        found[key] = Outcome(costs=costs, facts=facts, measures=measures, **entry)
    return found
