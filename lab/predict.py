"""The card that stands before a run: a question, four answers, how sure one is; the panel opens when both are given."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as w

from lab import progress
from lab.questions import SURE, Question
from lab.widgets import Panel

STYLE = """<style>
.predict{border:2px solid #14191f;border-radius:6px;padding:12px 16px 14px;margin:4px 0 12px;max-width:880px;
font:13.5px/1.5 system-ui,sans-serif;color:#14191f}
.predict h4{font-size:19px;line-height:1.3;margin:0 0 6px}.predict ol{margin:0 0 4px;padding-left:22px}
.predict ol li{margin:0;line-height:1.55}.predict .widget-hbox{margin-top:8px;align-items:center}
.predict .widget-radio-box{max-width:none}.predict .widget-radio-box label{font-size:13.5px;line-height:22px}
.predict p{margin:0;font-size:13.5px;line-height:1.5}
</style>"""
_MISSING = {
    (False, False): "Choose an answer, and say how sure you are.",
    (True, False): "One thing is missing: say how sure you are.",
    (False, True): "One thing is missing: choose an answer.",
    (True, True): "",
}


class Prediction:
    """A question, and the panel that it unlocks; ``view`` is the widget to display.

    The first answer to the question of a ``threat`` is what counts in the progress.
    """

    def __init__(self, question: Question, then: Callable[[], Panel], threat: str) -> None:
        self.question, self.threat = question, threat
        self.answer: int | None = None
        self.sure = ""
        self.panel: Panel | None = None
        self._then = then
        steps = "".join(f"<li>{escape(step)}</li>" for step in question.steps)
        head = w.HTML(f"{STYLE}<h4>{escape(question.text)}</h4><ol>{steps}</ol>")
        self.choice = w.RadioButtons(
            options=[(answer, number) for number, answer in enumerate(question.answers)],
            value=None,
            layout={"width": "auto"},
        )
        self.certainty = w.ToggleButtons(options=SURE, value=None, style={"button_width": "110px"})
        self.lock = w.Button(description="Lock in and open", disabled=True, icon="lock")
        self.lock.layout.width = "160px"
        self.missing = w.HTML()
        self.choice.observe(self._look, "value")
        self.certainty.observe(self._look, "value")
        self.lock.on_click(lambda _: self.open())
        asked = w.HTML("<p>How sure are you?</p>")
        self.card = w.VBox([head, self.choice, asked, self.certainty, w.HBox([self.lock, self.missing])])
        self.card.add_class("predict")
        self.view = w.VBox([self.card])
        self._look(None)

    def _look(self, change: Any) -> None:
        given = (self.choice.value is not None, bool(self.certainty.value))
        self.missing.value = f"<p>&nbsp; {_MISSING[given]}</p>"
        self.lock.disabled = not all(given)

    def open(self) -> Panel:
        """Lock the answer in and show the panel; once only."""
        if self.panel is None:
            self.answer, self.sure = self.choice.value, self.certainty.value or ""
            if self.answer is not None:
                right = self.answer == self.question.right
                progress.here().predicted(self.threat, self.question.answers[self.answer], self.sure, right=right)
            self.panel = self._then()
            self.choice.disabled = self.certainty.disabled = True
            words = "none" if self.answer is None else f"{self.question.answers[self.answer]}, {self.sure}"
            self.told = w.HTML(f"{STYLE}<p><b>Your prediction</b> &nbsp; {escape(words)}</p>")
            self.card.children = [self.told]
            self.view.children = [self.card, self.panel.view]
            self.panel.caption.observe(self._judge, "value")
        return self.panel

    def _judge(self, change: Any) -> None:
        """Right or missed, as soon as the run that was meant has been seen to its end."""
        session = self.panel.session if self.panel is not None else None
        if session is None or not session.finished or session.cursor < session.length:
            return
        if self.answer is not None and session.frame().word is self.question.word:
            self.told.value = f"{STYLE}<p><b>Your prediction</b> &nbsp; {escape(self.result())}</p>"

    def moment(self) -> str:
        """The trace card of what its panel shows; empty before it is open."""
        session = self.panel.session if self.panel is not None else None
        return str(getattr(session, "card", ""))

    def result(self) -> str:
        """Right or missed, and why; for after the run."""
        return self.question.judged(self.answer, self.sure)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self.view._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = self.question.text
        return bundle
