"""Small instruments of a lesson: one call by a switch, and a replay by two sliders."""

from __future__ import annotations

from html import escape

import ipywidgets as w

from lab import style, tell
from lab.cards import Card
from lab.told import told
from p2psip_min.deployments import CallFigures, ClientServer, measure_call, open_global, public_provider

DEPLOYMENTS = ("one server", "a company's overlay", "an open overlay")
PEERS = 16


def measured(deployment: str, *, signed: bool = True, seed: int = 7) -> CallFigures:
    """Bob's call to alice in one of the deployments; ``signed`` has records and messages signed in the overlays."""
    defences = "reload" if signed else "none"
    if deployment == DEPLOYMENTS[0]:
        with ClientServer(seed=seed) as provider:
            for user in ("alice", "bob"):
                provider.register(user)
            return measure_call(provider, "bob", "alice")
    make = public_provider if deployment == DEPLOYMENTS[1] else open_global
    with make(peers=PEERS, defences=defences, seed=seed) as overlay:
        overlay.register("alice")
        return measure_call(overlay, "bob", "alice")


class SameCall(Card):
    """One call, one switch: with a server, in an operator's overlay, in an open one; signed or not (Figure 1)."""

    def __init__(self, *, seed: int = 7) -> None:
        super().__init__("The same call, by one switch")
        self.seed = seed
        self.seen: dict[str, CallFigures] = {}
        self.where = w.ToggleButtons(options=list(DEPLOYMENTS), value=None, style={"button_width": "170px"})
        self.signed = w.Checkbox(value=True, description="records and messages are signed", indent=False)
        self.told = w.HTML("<p>Choose where the call is made.</p>")
        for control in (self.where, self.signed):
            control.observe(lambda _: self._guard(self.measure), "value")
        self._show(self.where, self.signed, self.told)

    def measure(self) -> None:
        """Make the call, and put it beside those that were made before."""
        where = self.where.value
        if where is None:
            return
        open_ = "" if self.signed.value or where == DEPLOYMENTS[0] else ", unsigned"
        self.seen[f"{where}{open_}"] = measured(where, signed=self.signed.value, seed=self.seed)
        table = tell.calls(*self.seen.values())
        self.told.value = tell.Table((table.head[0], *self.seen), table.rows)._repr_html_()


AXIS, SCALE = 100, 6.4
"""Seconds of the drawn line, and pixels for one of them."""

CAPTURED, MOVED, READ = 2, 30, 41
"""Virtual seconds of RP-2's story: mallory captures v1, alice stores v2, bob reads."""


class Patience(Card):
    """When mallory resends, and how old a PUT may be: two sliders, and each setting is run."""

    def __init__(self) -> None:
        super().__init__("Mallory’s patience against the time stamp’s window")
        wide = {"layout": {"width": "640px"}, "style": {"description_width": "210px"}, "continuous_update": False}
        self.delay = w.IntSlider(value=36, min=1, max=READ - CAPTURED - 1, description="resent after, s", **wide)
        self.window = w.IntSlider(value=60, min=5, max=90, description="a PUT may be so old, s", **wide)
        self.told = w.HTML()
        for slider in (self.delay, self.window):
            slider.observe(lambda _: self._guard(self.run), "value")
        self._show(self.delay, self.window, self.told)
        self._guard(self.run)

    def run(self) -> None:
        """Tell RP-2 with these two numbers."""
        delay, window = self.delay.value, self.window.value
        outcome = told(delay=delay, defence=("time-stamp",), window=window).outcome
        bad = bool(outcome.figure)
        word, kind = ("↶ ROLLED BACK", "wrong") if bad else ("✓ HOLDS", "right")
        facts = f"{outcome.figure:.0f} of 3 copies fell, bob reads {outcome.facts[0]}"
        self.told.value = (
            f'{_line(delay, window)}<div class="tried {kind}"><b>{word}</b> &nbsp; {escape(facts)}; honest PUTs '
            f"accepted: {escape(outcome.facts[1])}</div>"
        )


def _line(delay: int, window: int) -> str:
    """The story on a line: what happens when, and until when v1 may be stored."""

    def at(second: float) -> float:
        return 10 + second * SCALE

    marks = [
        ("v1", CAPTURED, 1, "start"),
        ("v2", MOVED, 1, "end"),
        ("bob reads", READ, 1, "start"),
        ("resent", CAPTURED + delay, 0, "middle"),
    ]
    drawn = "".join(
        f'<path d="M{at(second):.0f} {26 if above else 38}v14" stroke="{style.INK if above else style.VERMILLION}" '
        f'stroke-width="2"/><text x="{at(second):.0f}" y="{20 if above else 66}" text-anchor="{anchor}" '
        f'fill="{style.INK if above else style.VERMILLION_INK}">{escape(name)}, {second} s</text>'
        for name, second, above, anchor in marks
    )
    return (
        f'<svg width="{at(AXIS) + 20:.0f}" height="74" role="img" aria-label="v1 may be stored until '
        f'{CAPTURED + window} s, the copy comes at {CAPTURED + delay} s" font-size="12" '
        f'font-family="system-ui,sans-serif"><rect x="{at(CAPTURED):.0f}" y="34" width="{window * SCALE:.0f}" '
        f'height="10" fill="{style.ORANGE_WASH}" stroke="{style.ORANGE}"/>'
        f'<path d="M{at(0):.0f} 39H{at(AXIS):.0f}" stroke="{style.LINE}"/>{drawn}</svg>'
    )
