"""The matrix to click: every threat against nothing, its named defence and its decoy; a cell opens its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from lab import headings, labels, provenance, review, style
from lab.cards import Card
from lab.figures import Figure
from lab.scenarios import SCENARIOS, Scenario, titles
from lab.session import Session
from lab.strips import word
from lab.text import Word
from lab.verdicts import Verdict
from lab.widgets import Panel
from p2psip_min.transport.driver import driver_here

COLUMNS: Mapping[str, tuple[str, bool]] = {
    "baseline": ("undefended", True),
    "attacked": ("undefended", False),
    "defended": ("named", False),
    "decoy": ("decoy", False),
}
"""The cells of a row: what is put against the attack in the published matrix, and whether nobody attacks."""

HEADS = ("threat", "verdict", "no attack", "attacked", "named defence", "decoy")
FIND = "find a threat"

SKELETON = (
    f'<input type="search" class="find" data-find="1" placeholder="{FIND}" aria-label="{FIND}">'
    '<div class="grid" data-layer="story"></div>'
)

_LOOK = f"""<style>
.predict .find{{margin:4px 0 8px;padding:4px 8px;width:260px;font:inherit;
border:1px solid {style.LINE};border-radius:4px}}
.predict .grid{{max-height:480px;overflow:auto;border:1px solid {style.RULE}}}
.predict .grid table{{border-collapse:separate;border-spacing:0;width:100%;margin:0;
font:13px/1.35 system-ui,sans-serif}}
.predict .grid th{{position:sticky;top:0;z-index:1;text-align:left;padding:5px;background:{style.WASH};
color:{style.INK2};border-bottom:1px solid {style.LINE}}}
.predict .grid td{{text-align:left;vertical-align:top;padding:3px 5px;border-bottom:1px solid {style.RULE}}}
.predict.whole{{max-width:none}}.predict .grid td.t{{min-width:165px;padding-top:6px}}
.predict .grid td.t i{{display:block;font-style:normal;
color:{style.INK2};font-size:12px}}.predict .grid tr.f td{{background:{style.WASH};font-weight:700;padding-top:8px}}
.predict .grid tbody:not(:has(tr[data-words]:not([hidden]))){{display:none}}
.predict .grid td.s{{white-space:nowrap;padding-top:6px;font-weight:600}}
.predict .grid button{{display:block;width:100%;min-width:96px;text-align:left;font:inherit;color:{style.INK};
background:{style.PAPER};border:1px solid {style.RULE};border-left:4px solid {style.LINE};border-radius:3px;
padding:3px 6px;cursor:pointer}}.predict .grid button:hover{{border-color:{style.INK}}}
.predict .grid button:focus-visible{{outline:3px solid {style.BLUE}}}
.predict .grid button[aria-pressed=true]{{box-shadow:inset 0 0 0 2px {style.BLUE}}}
.predict .grid button.good{{border-left-color:{style.GREEN};background:{style.GREEN_WASH}}}
.predict .grid button.bad{{border-left-color:{style.VERMILLION};background:{style.VERMILLION_WASH}}}
.predict .grid small{{display:block;color:{style.INK2};font-size:11.5px}}
</style>"""


class Grid(Card):
    """Every threat with its runs; ``panel`` is the one that is open, ``more`` are verdicts of one's own.

    A published figure is a mean with its interval. Where there is none, a cell says what it came to once it was opened.
    """

    def __init__(self, *more: Verdict, peers: int = 32, seed: int = 7) -> None:
        super().__init__("Attack × defence: a cell opens its run")
        self.peers, self.seed, self.more = peers, seed, more
        self.published = review.published()
        self.panel: Panel | None = None
        self._session: Session | None = None
        self._open = ""
        self._seen: dict[str, tuple[Word, float]] = {}
        self.picture = Figure(skeleton=SKELETON)
        self.picture.on_msg(lambda _, content, __: self._guard(lambda: self._heard(content)))
        self.told = w.HTML(f"<p>{escape(self._source())}</p>")
        self.place = w.VBox()
        self._draw()
        self._show(w.HTML(_LOOK), self.picture, self.told)
        self.view.add_class("whole")
        self.frame = self.view
        self.view = w.VBox([self.frame, self.place])

    def _source(self) -> str:
        if self.published is None:
            return "No matrix is published with this copy: pick a cell, and its run is made here."
        seeds, made = len(self.published["seeds"]), self.published["versions"]["source"]
        same = "this source" if made == provenance.source() else f"source {made}, and this is {provenance.source()}"
        return f"Published: means over {seeds} seeds, with 95 % intervals, made with {same}."

    # --- what is drawn ---------------------------------------------------------------------------------------

    def _rows(self) -> Mapping[str, Mapping[str, Any]]:
        made = self.published["rows"] if self.published else ()
        return {row["id"]: row for row in made if row["cells"]}

    def _draw(self) -> None:
        known = self._rows()
        families = dict.fromkeys(name.split("-")[0] for name in SCENARIOS)
        lines = [self._own(verdict) for verdict in self.more]
        for family in families:
            names = [name for name in SCENARIOS if name.split("-")[0] == family]
            words = " ".join(self._words(name) for name in names)
            title = headings.FAMILIES[family]
            lines.append(f'<tr class="f" data-words="{escape(words)}"><td colspan="6">{escape(title)}</td></tr>')
            lines += [self._line(SCENARIOS[name], known.get(name)) for name in names]
        heads = "".join(f"<th>{escape(head)}</th>" for head in HEADS)
        self.picture.story = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"

    @staticmethod
    def _words(name: str) -> str:
        chosen = SCENARIOS[name]
        family = headings.FAMILIES[name.split("-")[0]]
        return f"{name} {chosen.title} {chosen.metric} {family} {titles(chosen.defence)}".lower()

    def _line(self, chosen: Scenario, row: Mapping[str, Any] | None) -> str:
        standing = review.SIGNS[row["standing"]] if row else "–"
        measured = escape(labels.measured(chosen.metric))
        cells = "".join(f"<td>{self._button(chosen, column, row)}</td>" for column in COLUMNS)
        return (
            f'<tr data-words="{escape(self._words(chosen.id))}"><td class="t"><b>{escape(chosen.id)}</b> '
            f'{escape(chosen.title)}<i>{measured}</i></td><td class="s">{escape(standing)}</td>'
            f"{cells}</tr>"
        )

    def _button(self, chosen: Scenario, column: str, row: Mapping[str, Any] | None) -> str:
        place = f"{chosen.id}/{column}"
        said, figure, spread = None, "", ""
        if row is not None:
            mean, low, high = _cell(row, column)["figure"]
            said, figure = Word(_cell(row, column)["word"]), f"{mean:.3g}"
            spread = f" [{low:.3g}, {high:.3g}]" if low != high else ""
        elif place in self._seen:
            said, number = self._seen[place]
            figure, spread = f"{number:.3g}", f", seed {self.seed}"
        tone = "" if said is None else "good" if said is Word.HOLDS else "bad"
        sign = "" if said is None else "✓ " if said is Word.HOLDS else "× "
        inner = f"<b>{sign}{escape(said.value)}</b> {figure}{escape(spread)}" if said else "run it"
        against = {"defended": titles(chosen.defence), "decoy": titles(chosen.decoys[:1])}.get(column, "")
        note = f"<small>{escape(against)}</small>" if against else ""
        pressed = ' aria-pressed="true"' if place == self._open else ""
        return (
            f'<button type="button" class="{tone}" data-act="cell" data-id="{escape(place)}"{pressed} '
            f'title="{escape(chosen.id)}, {escape(column)}">{inner}{note}</button>'
        )

    @staticmethod
    def _own(verdict: Verdict) -> str:
        figures = "".join(f"<td>{getattr(verdict, column):.3g}</td>" for column in COLUMNS)
        looked = f"{len(verdict.seeds)} seeds{', a quick look' if verdict.quick else ''}"
        return (
            f'<tr data-words="{escape(verdict.id.lower())}"><td class="t"><b>{escape(verdict.id)}</b> your own'
            f'<i>{escape(labels.measured(verdict.metric))}; {looked}</i></td><td class="s">'
            f"{escape(review.SIGNS[verdict.standing])}</td>{figures}</tr>"
        )

    # --- what is opened --------------------------------------------------------------------------------------

    def _heard(self, content: Mapping[str, str]) -> None:
        if content.get("act") == "cell":
            self.open(*content.get("id", "").split("/"))

    def open(self, threat: str, column: str = "attacked") -> Panel:
        """Play one cell to its end, and show its panel; what it comes to stands in the cell, its card below."""
        session = Session(threat, peers=self.peers, seed=self.seed, driver=driver_here)
        try:
            session.column(column)
            outcome = session.stage.outcome()
        except BaseException:
            session.close()
            raise
        self.close()
        self._session, self._open = session, f"{session.threat}/{column}"
        self._seen[self._open] = word(session.scenario, outcome.figure), outcome.figure
        self.panel = Panel(session)
        self.told.value = (
            f"<p><b>{escape(session.threat)}</b> {escape(session.title)}: "
            f"{escape(labels.measured(session.scenario.metric))}, "
            f"<b>{outcome.figure:g}</b>. Card <code>{escape(session.card)}</code><br>"
            f"{escape(self._compared(outcome.digest))}</p>"
        )
        self.place.children = [self.panel.view]
        self._draw()
        return self.panel

    def _compared(self, digest: str) -> str:
        """Whether this run is the published one of its seed, down to the last event."""
        threat, column = self._open.split("/")
        row = self._rows().get(threat)
        if row is None or self.published is None or self.seed not in row["seeds"]:
            return f"Digest {digest[:16]}…; there is no published run of seed {self.seed} to compare it with."
        theirs = _cell(row, column)["runs"][list(row["seeds"]).index(self.seed)]
        if digest.startswith(theirs):
            return f"✓ Digest {digest[:16]}…, as published for seed {self.seed}: the same run, down to the last event."
        if self.published["versions"]["source"] != provenance.source():
            return (
                f"Digest {digest[:16]}…, published {theirs}…: the matrix was made with another version of the source."
            )
        return f"× Digest {digest[:16]}…, published {theirs}…: the same source, and another run."

    def close(self) -> None:
        """End the run that is shown."""
        if self._session is not None:
            self._session.close()
            self._session = self.panel = None
            self.place.children = ()

    def _plain(self) -> str:
        return str(review.matrix(*self.more)) if self.published else self.title


def _cell(row: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    role, calm = COLUMNS[column]
    cells: Sequence[Mapping[str, Any]] = row["cells"]
    return next(cell for cell in cells if cell["role"] == role and cell["calm"] is calm)
