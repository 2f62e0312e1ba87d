"""Attack by defence: every threat undefended, with each defence that claims it, with each decoy, with each preset.

A *try* is a set of defences; a *cell* is a threat with a try, over the seeds. A threat's own base and routing style
(the last and the first of its row) get every try; its other bases and styles get the columns of a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lab import provenance, scenarios
from lab.estimates import SHARE, Estimate, estimate
from lab.scenarios import Scenario, Setting, columns
from lab.strips import word
from lab.sweep import Job
from lab.text import Word
from lab.verdicts import COLUMNS, Outcome, Verdict, mean_measures, pooled
from p2psip_min.defences import PRESETS, preset

FORMAT = 1
SHORT = 8
"""Hex digits of a run's digest that are kept for each seed."""

UNDEFENDED, NAMED, CLAIMED, DECOY, PRESET = "undefended", "named", "claimed", "decoy", "preset"
"""What a try is."""


@dataclass(frozen=True, slots=True)
class Try:
    """What is put against an attack: ``names`` of the catalogue on top of the scenario's own, or a preset."""

    role: str
    names: tuple[str, ...]
    setting: Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A threat with a try: what it came to over the seeds. ``calm`` says that nobody attacked."""

    role: str
    names: tuple[str, ...]
    calm: bool
    figure: Estimate
    honest: Estimate
    word: Word
    digest: str
    runs: tuple[str, ...]
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A threat on one base with one routing style; ``cells`` beyond the verdict's columns where it is its own."""

    verdict: Verdict
    cells: tuple[Cell, ...]


def tries(chosen: Scenario, ground: Setting) -> tuple[Try, ...]:
    """Everything that is put against an attack, each once."""
    found = [Try(UNDEFENDED, (), ground), Try(NAMED, chosen.defence, ground.with_defences(chosen.defence))]
    for role, sets in ((CLAIMED, chosen.claims), (DECOY, tuple((name,) for name in chosen.decoys))):
        found += [Try(role, names, ground.with_defences(names)) for names in sets]
    found += [Try(PRESET, (name,), replace(ground, defences=preset(name))) for name in PRESETS]
    return tuple(found)


def grounds(chosen: Scenario) -> tuple[Setting, ...]:
    """The settings that a threat is judged on, its own first: each of its bases, and each of its routing styles."""
    bases, styles = chosen.bases[::-1], chosen.routing
    pairs = dict.fromkeys([*((base, styles[0]) for base in bases), *((bases[0], style) for style in styles)])
    return tuple(scenarios.setting(chosen, base=base, routing=style) for base, style in pairs)


def calm(each: Try) -> bool:
    """Whether a try is also run without an attack, to see whether honest users pay for it."""
    return each.role in (UNDEFENDED, NAMED)


def jobs(chosen: Sequence[Scenario], seeds: Sequence[int], others: Sequence[int]) -> Iterator[Job]:
    """Every run of the matrix, seed by seed; ``others`` are the seeds of a threat's other bases and routing styles."""
    for seed in sorted({*seeds, *others}):
        for each in chosen:
            own, *rest = grounds(each)
            for tried in tries(each, own) if seed in seeds else ():
                setting = replace(tried.setting, seed=seed)
                yield Job(each.id, setting)
                if calm(tried):
                    yield Job(each.id, replace(setting, attack=False))
            for ground in rest if seed in others else ():
                for setting in columns(each, replace(ground, seed=seed)).values():
                    yield Job(each.id, setting)


def assemble(
    chosen: Iterable[Scenario], seeds: Sequence[int], others: Sequence[int], done: Mapping[Job, Outcome]
) -> tuple[Row, ...]:
    """The matrix, row by row, once all its runs are there."""
    rows = []
    for each in chosen:
        for number, ground in enumerate(grounds(each)):
            used = others if number else seeds
            if not used:
                continue
            runs = {seed: _columns(each, replace(ground, seed=seed), done) for seed in used}
            cells = () if number else tuple(_cells(each, ground, seeds, done))
            rows.append(Row(verdict=scenarios.judge(each, ground, runs), cells=cells))
    return tuple(rows)


def _columns(chosen: Scenario, ground: Setting, done: Mapping[Job, Outcome]) -> dict[str, Outcome]:
    planned = columns(chosen, ground)
    return {column: done[Job(chosen.id, planned[column])] for column in COLUMNS}


def _cells(chosen: Scenario, ground: Setting, seeds: Sequence[int], done: Mapping[Job, Outcome]) -> Iterator[Cell]:
    for tried in tries(chosen, ground):
        for attack in (True, False) if calm(tried) else (True,):
            setting = replace(tried.setting, attack=attack)
            outcomes = [done[Job(chosen.id, replace(setting, seed=seed))] for seed in seeds]
            figure = estimate([outcome.figure for outcome in outcomes], chosen.span)
            yield Cell(
                role=tried.role,
                names=tried.names,
                calm=not attack,
                figure=figure,
                honest=estimate([outcome.honest for outcome in outcomes], SHARE),
                word=word(chosen, figure.mean),
                digest=pooled([outcome.digest for outcome in outcomes]),
                runs=tuple(outcome.digest[:SHORT] for outcome in outcomes),
                measures=mean_measures(outcomes),
            )


def to_json(rows: Iterable[Row], seeds: Sequence[int], others: Sequence[int]) -> dict[str, Any]:
    """The matrix with what it was made with."""
    return {
        "format": FORMAT,
        "versions": provenance.versions(),
        "seeds": list(seeds),
        "other_seeds": list(others),
        "rows": [{**row.verdict.to_json(), "cells": [_plain(cell) for cell in row.cells]} for row in rows],
    }


def _plain(cell: Cell) -> dict[str, Any]:
    plain = asdict(cell)
    for name in ("figure", "honest"):
        each = getattr(cell, name)
        plain[name] = [each.mean, each.low, each.high]
    return {**plain, "digest": cell.digest[:16]}
