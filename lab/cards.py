"""Cards to work with in a lesson: find the fix, pick a row, hints one by one, begin again. What is done is kept."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as w

from lab import fixes, labels, progress
from lab.exercises import HINTS
from lab.playlists import Playlist, playlist
from lab.predict import STYLE
from lab.scenarios import SCENARIOS, Scenario, scenario
from lab.session import Session
from lab.text import Word
from lab.widgets import Panel
from p2psip_min.transport.driver import driver_here

_MORE = """<style>
.predict .tried{border-left:5px solid #465260;background:#f5f7f9;padding:6px 12px;margin-top:6px}
.predict .tried.right{border-color:#00664b;background:#e2f3ed}
.predict .tried.wrong{border-color:#a04400;background:#fdede2}
.predict .asked{font-size:13.5px;color:#465260}.predict .widget-radio-box label{height:auto;white-space:normal}
.predict.quiet{border:1px solid #d3d9df;border-left:5px solid #84909b;padding:6px 14px 8px}
.predict.quiet h4{font-size:14px;margin:0}.predict .pictures{display:grid;grid-template-columns:1fr 1fr;gap:4px 16px}
.predict figure{margin:0}.predict figcaption{font-weight:700}.predict figure svg{width:100%;height:auto}
.predict .widget-toggle-buttons .widget-toggle-button{white-space:nowrap}
</style>"""


class Card:
    """A framed box; what goes wrong in a handler is shown in its last line, and the card stays usable."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.problem = w.HTML()
        self.view = w.VBox()
        self.view.add_class("predict")

    def _show(self, *parts: w.Widget) -> None:
        self.view.children = [w.HTML(f"{STYLE}{_MORE}<h4>{escape(self.title)}</h4>"), *parts, self.problem]

    def _guard(self, handler: Callable[[], None]) -> None:
        self.problem.value = ""
        try:
            handler()
        except Exception as error:  # the card's edge: nothing may end in the void
            self.problem.value = f"<p>× {escape(type(error).__name__)}: {escape(str(error))}</p>"

    def _plain(self) -> str:
        return self.title

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self.view._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = self._plain()
        return bundle


class FixIt(Card):
    """Find it, fix it: choose among four, and see what the attack comes to; each choice says why."""

    def __init__(self, threat: str | Scenario, *, base: str | None = None, peers: int = 32, seed: int = 7) -> None:
        chosen = scenario(threat) if isinstance(threat, str) else threat
        super().__init__(f"{chosen.id} · {chosen.title}. What stops it?")
        self.scenario, self.threat = chosen, chosen.id
        self.base, self.peers, self.seed = base or chosen.bases[0], peers, seed
        self.candidates = fixes.candidates(chosen)
        self.tried: list[fixes.Tried] = []
        self.choice = w.RadioButtons(
            options=[(each.title, number) for number, each in enumerate(self.candidates)],
            value=None,
            layout={"width": "auto"},
        )
        self.check = w.Button(description="Check", disabled=True, icon="check")
        self.check.tooltip = "Run the attack against this choice"
        self.log = w.HTML()
        asked = (
            f'<p class="asked">{escape(chosen.attacker[:1].upper() + chosen.attacker[1:])}. Measured: '
            f"{escape(labels.measured(chosen.metric))}. Every choice is run.</p>"
        )
        self.choice.observe(lambda _: self._look(), "value")
        self.check.on_click(lambda _: self._guard(self.run))
        self._show(w.HTML(asked), self.choice, self.check, self.log)

    @property
    def solved(self) -> bool:
        """Whether one of the choices was right."""
        return any(tried.right for tried in self.tried)

    def _look(self) -> None:
        self.check.disabled = self.choice.value is None

    def run(self) -> None:
        """Run the attack against the choice, write it down, and say what came of it."""
        candidate = self.candidates[self.choice.value]
        self.check.disabled, self.check.description = True, "Running…"
        try:
            tried = fixes.attempt(self.scenario, candidate, base=self.base, peers=self.peers, seed=self.seed)
        finally:
            self.check.disabled, self.check.description = False, "Check"
        self.tried.insert(0, tried)
        self.log.value = "".join(map(_told, self.tried))
        progress.here().chose(self.threat, " + ".join(candidate.names), right=tried.right)

    def _plain(self) -> str:
        return "\n".join([self.title, *(f"  {n}. {each.title}" for n, each in enumerate(self.candidates, 1))])


def _told(tried: fixes.Tried) -> str:
    sign, kind = ("✓ right", "right") if tried.right else ("× not this", "wrong")
    word = f"{tried.word}" if tried.word is Word.HOLDS else f"{tried.word}, figure {tried.figure:g}"
    return (
        f'<div class="tried {kind}"><b>{sign} · {escape(tried.candidate.title)}</b> &nbsp; {escape(word)}, honest '
        f"users served {tried.honest:.0%}<br>{escape(tried.why)}</div>"
    )


class Rows(Card):
    """The rows of a playlist to pick from, such as one of the draft's figures; each opens its panel, one at a time.

    ``panel`` is what is open, None before the first pick.
    """

    def __init__(self, which: str | Playlist, *, peers: int = 32) -> None:
        self.playlist, self.peers = playlist(which) if isinstance(which, str) else which, peers
        minutes = self.playlist.minutes
        super().__init__(f"{self.playlist.title} · {minutes} minutes" if minutes else self.playlist.title)
        self.demos = [demo for demo in self.playlist.demos if demo.threat in SCENARIOS]
        self.panel: Panel | None = None
        self._session: Session | None = None
        self.choice = w.ToggleButtons(
            options=[(demo.threat, number) for number, demo in enumerate(self.demos)],
            value=None,
            style={"button_width": "76px"},
        )
        self.choice.tooltips = [demo.row for demo in self.demos]
        self.asked = w.HTML("<p>Pick a row.</p>")
        self.place = w.VBox()
        self.choice.observe(lambda _: self._guard(self.open), "value")
        self._show(self.choice, self.asked)
        self.frame = self.view
        self.view = w.VBox([self.frame, self.place])

    def open(self) -> None:
        """Show the picked row: what to ask first, and its panel."""
        demo = self.demos[self.choice.value]
        session = Session(demo.threat, base=demo.base, peers=self.peers, driver=driver_here)
        self.close()
        self._session, self.panel = session, Panel(session)
        self.asked.value = (
            f"<p><b>{escape(demo.row)} · {escape(demo.threat)} · {escape(session.title)}</b>"
            f"{f', {demo.minutes} minutes' if demo.minutes else ''}. {escape(demo.ask)}</p>"
        )
        self.place.children = [self.panel.view]

    def close(self) -> None:
        """End the run that is shown."""
        if self._session is not None:
            self._session.close()
            self._session = self.panel = None
            self.place.children = ()

    def _plain(self) -> str:
        return "\n".join([self.title, *(f"  {demo.row}: {demo.threat}. {demo.ask}" for demo in self.demos)])


class Hints(Card):
    """The hints of an exercise, one by one; how many were opened is written down."""

    def __init__(self, exercise: str) -> None:
        if exercise not in HINTS:
            raise LookupError(f"no hints for {exercise!r}; known: {', '.join(HINTS)}")
        super().__init__(f"Stuck? {exercise}")
        self.exercise, self.hints, self.opened = exercise, HINTS[exercise], 0
        self.more = w.Button(icon="question")
        self.more.layout.width = "180px"
        self.text = w.HTML()
        self.more.on_click(lambda _: self._guard(self.open))
        self._show(self.text, self.more)
        self.view.add_class("quiet")
        self._name()

    def open(self) -> None:
        """Show the next hint."""
        if self.opened < len(self.hints):
            self.opened += 1
            shown = "".join(f"<li>{escape(hint)}</li>" for hint in self.hints[: self.opened])
            self.text.value = f"<ol>{shown}</ol>"
            progress.here().hinted(self.exercise, self.opened)
        self._name()

    def _name(self) -> None:
        left = self.opened < len(self.hints)
        self.more.disabled = not left
        self.more.description = f"Show hint {self.opened + 1} of {len(self.hints)}" if left else "No more hints"


class BeginAgain(Card):
    """Forgets one exercise, prediction or choice of the progress file, or all of them."""

    def __init__(self) -> None:
        super().__init__("Begin again")
        self.which = w.Dropdown(layout={"width": "420px"})
        self.forget = w.Button(description="Forget this one")
        self.everything = w.Button(description="Forget everything")
        self.told = w.HTML("<p>Kept in progress.json, beside this notebook.</p>")
        for button in (self.forget, self.everything):
            button.layout.width = "180px"
        self.forget.on_click(lambda _: self._guard(self.one))
        self.everything.on_click(lambda _: self._guard(self.all))
        self._sure = False
        self._list()
        progress.WATCHING.append(lambda: self._guard(self._list))
        self._show(self.told, w.HBox([self.which, self.forget, self.everything]))
        self.view.add_class("quiet")

    def _list(self) -> None:
        kept = progress.here()
        names = dict.fromkeys((*kept.exercises, *kept.predictions, *kept.fixes))
        if list(self.which.options) != list(names):
            kept_one = self.which.value
            self.which.options = list(names)
            # A list that was empty chooses nothing by itself when it is filled.
            self.which.value = kept_one if kept_one in names else next(iter(names), None)
        self.forget.disabled = self.everything.disabled = not names

    def one(self) -> None:
        """Forget what is chosen; its cell asks again when it is run."""
        name = self.which.value
        if name is None:
            return
        progress.here().reset(name)
        self._list()
        self.told.value = f"<p>✓ Forgotten: {escape(name)}. Run its cell again.</p>"

    def all(self) -> None:
        """Forget all of it, when asked twice."""
        if not self._sure:
            self._sure = True
            self.everything.description = "Really everything?"
            return
        self._sure, self.everything.description = False, "Forget everything"
        progress.here().reset()
        self._list()
        self.told.value = "<p>✓ Everything is forgotten.</p>"
