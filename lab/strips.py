"""The verdict strip: what the columns say, as far as they have been run."""

from __future__ import annotations

from collections.abc import Mapping

from lab import labels
from lab.frames import Column, Strip
from lab.scenarios import Scenario, Setting, columns, titles
from lab.text import SERVICE, Word
from lab.verdicts import USUAL, Costs, Outcome
from p2psip_min.defences import entry


def word(scenario: Scenario, figure: float) -> Word:
    """What a run with this figure is called."""
    best, worst = scenario.span
    return scenario.word if abs(figure - best) > USUAL.defence * abs(worst - best) else Word.HOLDS


def strip(scenario: Scenario, ground: Setting, outcomes: Mapping[Setting, Outcome], current: Setting | None) -> Strip:
    """The four runs of a verdict side by side; ``current`` is the setting of the run that is shown."""
    planned = columns(scenario, ground)
    found = {column: outcomes.get(setting) for column, setting in planned.items()}
    judged = all(found.values())
    defence, decoy = titles(scenario.defence), titles(scenario.decoys[:1])
    # Which of the two helps is told by the runs, not by the headings before them.
    heads = {
        "baseline": (labels.NO_ATTACK, scenario.notes["baseline"]),
        "attacked": (labels.ATTACKED, scenario.notes["attacked"]),
        "defended": (labels.tried(labels.DEFENDED if judged else labels.FIRST_TRY, defence), _checks(scenario.defence)),
        "decoy": (labels.tried(labels.DECOY if judged else labels.SECOND_TRY, decoy), _checks(scenario.decoys[:1])),
    }
    share = not scenario.whole and max(scenario.span) == 1.0
    shown = []
    for column, (title, note) in heads.items():
        outcome = found[column]
        pair = {"defended": ("honest", "baseline"), "decoy": ("decoy", "attacked")}.get(column)
        price: tuple[str, ...] = ()
        if pair and (with_it := found[pair[0]]) and (without := found[pair[1]]):
            price = priced(with_it.costs - without.costs)
        shown.append(
            Column(
                title=title,
                note=note,
                word=Word.NOT_RUN if outcome is None else word(scenario, outcome.figure),
                figure=None if outcome is None else outcome.figure,
                shown=labels.per_cent(outcome.figure) if outcome is not None and share else "",
                facts=() if outcome is None else outcome.facts,
                price=price,
                served="" if outcome is None else f"{outcome.honest:.0%}",
                current=current == planned[column],
            )
        )
    return Strip(
        metric=labels.in_per_cent(scenario.metric) if share else scenario.metric,
        columns=tuple(shown),
        rows=scenario.rows,
        whole=scenario.whole,
        scale=0.0 if scenario.whole else max(scenario.span),
        share=share,
        priced=labels.PRICED,
        service=SERVICE,
        complete=judged,
    )


SIGNATURE_NOISE = 16
"""Bytes that two runs may differ by without any reason but the lengths of their signatures."""


def priced(costs: Costs) -> tuple[str, ...]:
    """What a defence adds to the story; a few bytes are the signatures, whose length differs from one to the next."""
    found = []
    if costs.hops:
        found.append(f"{costs.hops:+d} hops")
    if abs(costs.bytes) >= 1000:
        found.append(f"{costs.bytes / 1000:+.1f} kB")
    elif abs(costs.bytes) >= SIGNATURE_NOISE:
        found.append(f"{costs.bytes:+d} bytes")
    if costs.signatures:
        found.append(f"{costs.signatures:+d} signatures")
    if costs.delay:
        found.append(f"{costs.delay:+.2f} s")
    return tuple(found)


def _checks(names: tuple[str, ...]) -> str:
    return "; ".join(entry(name).checks for name in names)
