"""What a reviewer asks for: coverage of the draft, the matrix, the scorecard, deviations, findings, his own attacker.

All are tables, made from what the lab knows and runs. Where ``datasets/matrix.json`` is there, its verdicts are shown;
otherwise a quick look is taken, and says so.
"""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

from lab import coverage, labels, provenance, requirements, style
from lab.data import folder
from lab.findings import FINDINGS
from lab.playlists import MINUTES, Demo, Playlist
from lab.preflight import Rehearsal
from lab.scenarios import SCENARIOS, Scenario, Stage, columns, judge, run, scenario, setting, titles
from lab.session import Session
from lab.strips import word
from lab.sweep import play
from lab.tell import Table
from lab.text import Word
from lab.verdicts import SEEDS, Standing, Verdict
from p2psip_min.defences import preset
from p2psip_min.seams import Coalition, Equip, PeerParts

SIGNS: Mapping[str, str] = {
    Standing.HOLDS: "✓ holds",
    Standing.DAMPENED: "◐ dampened",
    Standing.OPEN: "○ open",
    Standing.FAILS: "× fails",
}

QUICK = ("TR-1", "KB-10", "RP-2", "ST-7", "ST-13")
"""Threats of five layers, for a quick look."""

COVERS: Mapping[coverage.Cover, tuple[str, str]] = {
    coverage.Cover.GAP: ("× gap", "no attack that it names can be run yet"),
    coverage.Cover.PARTLY: ("◐ partly", "some of the attacks that it names can be run"),
    coverage.Cover.FAILS: ("× fails", "all can be run, and a verdict does not come out as claimed"),
    coverage.Cover.OPEN: ("○ open", "all can be run, and against one nothing is claimed to suffice"),
    coverage.Cover.DAMPENED: ("◐ dampened", "all can be run, and the defence of one leaves some of the harm"),
    coverage.Cover.HOLDS: ("✓ holds", "all can be run, and each named defence stops its attack"),
    coverage.Cover.LAUNCHED: ("▸ launched", "all can be run; without a published matrix nothing else is said"),
}
"""What a reader sees for each way of being covered, and what it means."""


# --- the draft --------------------------------------------------------------------------------------------------------


def covered(standings: Mapping[str, str] | None = None) -> Table:
    """How many of the sentences that name a threat are covered, and how far; gaps first."""
    counted = Counter(each.cover for each in coverage.coverage(standings))
    rows = [(COVERS[cover][0], str(counted[cover]), COVERS[cover][1]) for cover in coverage.Cover if counted[cover]]
    return Table(("cover", "sentences", "which means"), (*rows, ("all", str(counted.total()), "")))


def sentences(standings: Mapping[str, str] | None = None) -> Table:
    """Every sentence of the draft that names a threat, in our words, with its cover; gaps first."""
    rows = [
        (COVERS[each.cover][0], each.entry.place, each.entry.words, ", ".join(each.ready), ", ".join(each.missing))
        for each in coverage.coverage(standings)
    ]
    return Table(("cover", "place", "the draft says", "threats", "not yet"), tuple(rows), tall=True)


def findings() -> Table:
    """What is to be said about the draft itself, with the sentences that show it."""
    rows = [(each.section, each.kind.value, each.words, ", ".join(each.places)) for each in FINDINGS]
    return Table(("section", "kind", "finding", "sentences"), tuple(rows), tall=True)


def deviations(readme: Path | None = None) -> Table:
    """Where this lab differs from RFC 6940, as its README says; LookupError when that is not at hand."""
    path = readme or folder("notebooks").parent / "README.md"
    if not path.is_file():
        raise LookupError(f"{path} is not there; it comes with the source")
    text = path.read_text(encoding="utf-8").partition("## Where we differ from RFC 6940")[2].partition("\n## ")[0]
    lines = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    head, *rows = [[re.sub(r"[`*]|\]\([^)]*\)|\[", "", cell).strip() for cell in line] for line in lines]
    return Table(tuple(head), tuple(tuple(row) for row in rows), tall=True)


# --- the matrix -------------------------------------------------------------------------------------------------------


def published() -> Mapping[str, Any] | None:
    """The matrix that comes with the data sets; None where there is none."""
    path = folder("datasets") / "matrix.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def standings() -> Mapping[str, str]:
    """The published verdicts by threat, on its own base; empty where there are none."""
    made = published()
    return {row["id"]: row["standing"] for row in made["rows"] if row["cells"]} if made else {}


def judged(chosen: Scenario, seeds: Sequence[int] = (7,), *, peers: int = 32) -> Verdict:
    """Every column of a scenario on these seeds, compared."""
    ground = setting(chosen, peers=peers)
    runs = {
        seed: {name: run(chosen, planned) for name, planned in columns(chosen, replace(ground, seed=seed)).items()}
        for seed in seeds
    }
    return judge(chosen, ground, runs)


def matrix(*more: Verdict, quick: Sequence[str] = QUICK) -> Table:
    """One row for each threat: the published verdicts, or a quick look at some; ``more`` verdicts come first.

    The card opens the attacked run at its beginning.
    """
    made = published()
    rows = [_row(verdict.to_json()) for verdict in more]
    if made:
        rows += [_row(row) for row in made["rows"] if row["cells"]]
    else:
        rows += [_row(judged(scenario(name)).to_json()) for name in quick]
    figures = ("no attack", "attacked", "defended", "decoy")
    return Table(("threat", "metric", *figures, "standing", "card", "base", "seeds", "digest"), tuple(rows), tall=True)


def _row(verdict: Mapping[str, Any]) -> tuple[str, ...]:
    seeds = len(verdict["seeds"])
    figures = (f"{verdict[name]:.3g}" for name in ("baseline", "attacked", "defended", "decoy"))
    looked = str(seeds) if seeds >= SEEDS else f"{seeds}, a quick look"
    name, base, sign = verdict["id"], verdict["base"], SIGNS[verdict["standing"]]
    opens = _opens(name, base, verdict["routing"]) if name in SCENARIOS else "–"
    return (name, verdict["metric"], *figures, sign, opens, base, looked, verdict["digest"][:12])


@cache
def _opens(threat: str, base: str, routing: str) -> str:
    """The card of a threat before its first moment; an overlay is built for its check digits, so it is kept."""
    session = Session(threat, base=base, routing=routing)
    session.close()
    return session.card


def card(threat: str, **choices: Any) -> str:
    """The card of a threat's attacked run at its end, for ``open_lab``."""
    session = Session(threat, **choices)
    try:
        session.run()
        return session.card
    finally:
        session.close()


def repeats(threat: str = "RP-2", seed: int = 7) -> bool:
    """Whether one setting, run twice, gives one digest."""
    ground = setting(scenario(threat), seed=seed)
    first, second = (run(scenario(threat), ground) for _ in range(2))
    return first.digest == second.digest


@dataclass(frozen=True, slots=True)
class Source:
    """A piece of this project's source, to be read in a notebook."""

    place: str
    text: str

    @property
    def lines(self) -> int:
        """How many lines it has that are not empty."""
        return sum(bool(line.strip()) for line in self.text.splitlines())

    def __str__(self) -> str:
        return f"# {self.place}, {self.lines} lines\n{self.text}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return (
            f'<div style="border-left:5px solid {style.LINE};padding:4px 12px"><b>{escape(self.place)}</b>, '
            f'{self.lines} lines<pre style="margin:4px 0;font-size:12px;white-space:pre;overflow:auto">'
            f"{escape(self.text)}</pre></div>"
        )


def heart(module: str, name: str) -> Source:
    """What an attack does, as it stands in ``p2psip_min/attacks``: the part that it puts in an honest one's place."""
    found = getattr(import_module(f"p2psip_min.attacks.{module}"), name)
    return Source(f"p2psip_min/attacks/{module}.py", dedent(inspect.getsource(found)))


def alone_and_together(threat: str, *, seed: int = 7) -> Table:
    """One attack against nothing, each defence that is named alone, all of them together, and everything there is."""
    chosen = scenario(threat)
    ground = setting(chosen, seed=seed)
    sets = [(), *((name,) for name in chosen.defence), chosen.defence]
    tried = [(titles(names) if names else "nothing", ground.with_defences(names)) for names in dict.fromkeys(sets)]
    tried.append(("preset hardened: all of them", replace(ground, defences=preset("hardened"))))
    rows = []
    for title, planned in tried:
        outcome, honest = run(chosen, planned), run(chosen, replace(planned, attack=False)).honest
        said = word(chosen, outcome.figure)
        rows.append((title, f"{'✓' if said is Word.HOLDS else '×'} {said}", f"{outcome.figure:g}", f"{honest:.0%}"))
    return Table(("against it", "verdict", labels.measured(chosen.metric), "honest users served"), tuple(rows))


def environment() -> Table:
    """What this was made with; runs follow from the first two lines alone."""
    made = published()
    theirs = made["versions"] if made else {}
    head = ("", "here", "the published matrix") if made else ("", "here")
    rows = [
        (name, version, *([theirs.get(name, "–")] if made else [])) for name, version in provenance.versions().items()
    ]
    return Table(head, tuple(rows))


# --- the scorecard ----------------------------------------------------------------------------------------------------


def scorecard(*ids: str, seeds: Sequence[int] = (7,)) -> Table:
    """How far the requirements are met, each computed from runs; some, or all."""
    known = {each.id: each for each in requirements.REQUIREMENTS}
    if unknown := [name for name in ids if name not in known]:
        raise LookupError(f"no requirement {unknown[0]!r}; known: {', '.join(known)}")
    rows = []
    for name in ids or known:
        score = requirements.score(known[name], seeds, play)
        met = sum(figure.met for figure in score.figures)
        rows.append((name, score.title, score.status.value, f"{met} of {len(score.figures)}", "; ".join(score.left)))
    return Table(("requirement", "asks that", "status", "figures met", "open"), tuple(rows))


# --- one's own attacker -----------------------------------------------------------------------------------------------


def attacker(
    equip: Equip,
    *,
    title: str,
    on: str = "KB-1",
    name: str = "OWN-1",
    defence: Sequence[str],
    decoy: str,
) -> Scenario:
    """A scenario with one's own attacker in the place of another's: same story, same measure, same role.

    ``equip`` gives the hostile peer its parts. ``on`` is the threat whose story is told, ``defence`` what should help.
    """
    told = scenario(on)
    titles((*defence, decoy))  # names must be known before anything runs

    def equipped(parts: PeerParts, coalition: Coalition) -> PeerParts:
        made: object = equip(parts, coalition)
        if not isinstance(made, PeerParts):
            raise TypeError(f"equip returns the parts of a node, such as replace(parts, forwarding=...), not {made!r}")
        return made

    def attack(stage: Stage) -> None:
        for node in stage.attackers():
            stage.overlay.turn(node.name, equipped, title)

    stage = type("Own", (told.stage,), {"attack": attack, "__doc__": title})
    return replace(told, id=name, title=title, stage=stage, defence=tuple(defence), decoys=(decoy,), claims=())


def against(mine: Scenario, *sets: Sequence[str], seed: int = 7) -> Table:
    """What becomes of one's own attack with nothing on, then with each set of defences alone."""
    ground = setting(mine, seed=seed)
    rows = []
    for names in ((), *sets):
        outcome = run(mine, ground.with_defences(tuple(names)))
        rows.append((titles(tuple(names)) if names else "none of them", f"{outcome.figure:g}", *outcome.facts))
    return Table(("defence", labels.measured(mine.metric), *mine.rows), tuple(rows))


# --- to open and to show ----------------------------------------------------------------------------------------------


def cells(*threats: str) -> Playlist:
    """The rows of the matrix as a list to open panels from; all that can be run, or some."""
    known = standings()
    demos = []
    for name in threats or SCENARIOS:
        chosen = scenario(name)
        verdict = f" Published: {SIGNS[known[name]]}." if name in known else ""
        ask = f"Measured: {labels.measured(chosen.metric)}. Against it: {titles(chosen.defence)}.{verdict}"
        demos.append(Demo(threat=name, base=chosen.bases[-1], row=chosen.section, minutes=0, ask=ask))
    return Playlist(name="matrix", title="The matrix, cell by cell", demos=tuple(demos))


def plan(playlist: Playlist) -> Table:
    """A playlist with its minutes, and what to ask first."""
    rows, minute = [], 0
    for demo in playlist.demos:
        ready = "" if demo.threat in SCENARIOS else " (planned)"
        rows.append((f"{minute}'", demo.row, demo.threat + ready, str(demo.minutes), demo.ask))
        minute += demo.minutes
    return Table(("begins", "row", "threat", "minutes", "ask first"), tuple(rows))


def lesson() -> Table:
    """One lesson by its minutes: what to show, and how."""
    return Table(("minute", "show", "how"), tuple((f"{minute}'", show, how) for minute, show, how in MINUTES))


def rehearsed(rehearsals: Iterable[Rehearsal]) -> Table:
    """What a pre-flight found: whether each demonstration can be shown, and how long it takes here."""
    rows = [
        (
            "✓" if each.good else "×",
            each.demo.threat,
            each.word.value,
            f"{each.story:.1f} s",
            f"{each.verdict:.1f} s",
            each.problem or each.card,
        )
        for each in rehearsals
    ]
    return Table(("", "threat", "says", "story", "verdict", "card, or what is wrong"), tuple(rows))


def keys() -> Table:
    """What the keys do when the panel has the focus."""
    return Table(("key", "does"), labels.PANEL_KEYS)
