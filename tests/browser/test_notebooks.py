"""Every notebook as a student meets it: JupyterLab in Chromium, clicks in its panels, and what the page shows.

Each one is run from top to bottom. A panel of it is then attacked, defended, put on another base, scrubbed, forked,
given a hostile node, and brought back by its card (``Driven``); what else the lesson has is tried before and after.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.patience import PATIENCE, rests, soon

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
PICTURES = os.environ.get("P2PSIP_PICTURES", "")
"""A folder for screenshots, for looking at them; none are taken without it."""

SIZES = ((1280, 800), (1920, 1080))
ERRORS = ".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-error"
DRAWN = """([panel]) => [...panel.querySelectorAll('.lab-figure')].every(figure => {
  const svg = figure.querySelector('.picture > svg, .scroll > svg');
  return !svg || !figure.clientWidth || Math.abs(Number(svg.getAttribute('width')) - figure.clientWidth) <= 24; })"""
"""Whether the figures of a panel have been drawn for the width that they have."""

OpenNotebook = Callable[..., Any]


class Panel:
    """One panel of a page: what it shows, and what one can do to it."""

    def __init__(self, place: Any) -> None:
        self.place, self.page = place, place.page

    def waits(self) -> Panel:
        """Until it is there, and drawn for the width that it has."""
        self.place.locator("svg .node").first.wait_for()
        self.rests()
        return self

    def button(self, name: str) -> Any:
        return self.place.get_by_role("button", name=name, exact=True)

    def leaves_comparison(self) -> None:
        """Close the comparison, and wait for the one run."""
        self.rests()  # a picture that is being redrawn swallows a click
        self.press("Close the comparison")
        self.place.locator(".lab-caption .cap").wait_for()

    def press(self, name: str) -> None:
        self.button(name).first.click()

    def says(self, words: str | re.Pattern[str]) -> None:
        """Wait for a caption with these words, and for what is drawn after it."""
        self.place.locator(".cap", has_text=words).first.wait_for()
        self.rests()

    def says_no_more(self, words: str) -> None:
        """Wait until its caption is called something else."""
        self.place.locator(".cap .word", has_text=words).first.wait_for(state="detached")
        self.rests()

    def caption(self) -> str:
        return str(self.place.locator(".cap").first.inner_text())

    def ends(self, word: str) -> None:
        """To the end of the story, which is called so."""
        self.press("End")
        self.says(word)

    def picture(self) -> str:
        """What the ring shows of the story."""
        return str(self.place.locator("svg [data-layer=story]").first.inner_html())

    def shows_otherwise(self, before: str) -> None:
        """Wait until the ring shows something else."""
        assert self.comes("([panel, b]) => panel.querySelector('svg [data-layer=story]').innerHTML !== b", before)

    def shows(self, picture: str) -> None:
        """Wait until the ring shows exactly this."""
        assert self.comes("([panel, p]) => panel.querySelector('svg [data-layer=story]').innerHTML === p", picture)

    def nodes(self) -> list[str]:
        """What the ring says of its nodes; of each what is drawn last."""
        found: dict[str, str] = self.place.evaluate(
            """panel => Object.fromEntries([...panel.querySelectorAll('.two svg .node')].map(
                 node => [node.dataset.node, node.getAttribute('aria-label')]))"""
        )
        return sorted(found.values())

    def hostile(self) -> list[str]:
        """The hostile ones of them."""
        return [label for label in self.nodes() if ", hostile" in label]

    def stands(self, name: str) -> str:
        """What a control of the bar is at."""
        control = self.place.locator(".ctl", has=self.page.get_by_text(name, exact=True))
        return str(control.locator("button.mod-active").inner_text())

    def carded(self, part: str) -> None:
        """Wait until its card has this part."""
        self.place.locator(".sub .mono", has_text=part).first.wait_for()

    def soon(self, shown: Callable[[], object], expected: object) -> None:
        """Wait until the panel shows what is expected."""
        soon(self.page, shown, expected)

    def rests(self) -> None:
        """Wait until the kernel has done all that it was asked for, and the page has drawn it."""
        rests(self.page)

    def runs(self) -> list[str]:
        """The words of the strip: without attack, attacked, defended, with the decoy."""
        return [str(words) for words in self.place.locator(".vstrip .vs .word").all_inner_texts()]

    def plays(self, column: str) -> None:
        """Wait until this run of the strip is marked as the one that is shown; none without a name."""
        assert self.comes(
            """([panel, name]) => [...panel.querySelectorAll('.vstrip .vs.cur b')].map(one => one.innerText)
                 .join() === name""",
            column,
        ), f"not {column or 'none'}, but {self.place.locator('.vstrip .vs.cur').all_inner_texts()}"

    def alarms(self, words: str) -> None:
        """Wait until an error is shown that says this."""
        self.place.get_by_role("alert").filter(has_text=words).wait_for()

    def is_calm(self) -> None:
        """Wait until no error is shown."""
        self.place.get_by_role("alert").first.wait_for(state="detached")

    def switch(self, name: str, to: str) -> None:
        control = self.place.locator(".ctl", has=self.page.get_by_text(name, exact=True))
        control.get_by_role("button", name=to, exact=True).click()

    def defence(self, title: str, on: bool = True) -> None:
        """Switch a defence, from the list of the others where it is not among the first."""
        self.rests()  # the list is one picture: a click on one that is about to be redrawn is lost
        row = self.place.locator(".def .dr", has=self.page.get_by_text(title, exact=True)).first
        if not row.is_visible():
            self.place.locator("details.rest summary").first.click()
        row.locator("input").set_checked(on)

    def moment(self) -> int:
        return int(self.place.locator(".track").first.get_attribute("aria-valuenow"))

    def scrub(self, share: float) -> int:
        """Click the timeline, ``share`` of the way; the moment that is shown then."""
        for _ in range(5):
            self.rests()  # a run that has just been changed is drawn once more
            place = self.place.evaluate(
                """(panel, share) => {
                     panel.querySelector('.track').scrollIntoView({ block: 'center' });
                     const box = panel.querySelector('.track').getBoundingClientRect();
                     return [box.left + 2 + share * (box.width - 4), box.top + box.height / 2]; }""",
                share,
            )
            self.page.mouse.click(*place)
            self.rests()
            if self.comes(
                """([panel, share]) => { const rail = panel.querySelector('.track');
                     const shown = Number(rail.getAttribute('aria-valuenow')) / Number(rail.dataset.room);
                     return Math.abs(shown - share) < 0.1; }""",
                share,
                timeout=1_000,
            ):
                return self.moment()
        raise AssertionError(f"clicked {share:.0%} of the timeline of {self.moment()}")

    def comes(self, condition: str, *arguments: object, timeout: float = 1000 * PATIENCE) -> bool:
        """Whether the panel, and then what is given, fulfil this soon."""
        from playwright.sync_api import TimeoutError

        try:
            self.page.wait_for_function(condition, arg=[self.place.element_handle(), *arguments], timeout=timeout)
        except TimeoutError:
            return False
        return True

    def node(self, name: str) -> Any:
        """Click a node of the ring; its card."""
        node = self.place.locator(f".lab-figure svg .node[aria-label^='{name}']").first
        opened = self.place.locator(".lab-node", has_text=name).first
        for _ in range(4):
            self.rests()  # a picture that is being redrawn swallows a click
            place = node.evaluate(
                """node => { node.scrollIntoView({ block: 'center' });
                             const box = node.getBoundingClientRect();
                             return [box.left + box.width / 2, box.top + box.height / 2]; }"""
            )
            self.page.mouse.click(*place)
            self.rests()  # another click would close the card that opens
            if self.comes(
                """([panel, name]) => [...panel.querySelectorAll('.lab-node')].some(
                     card => card.getClientRects().length && card.innerText.includes(name))""",
                name,
                timeout=1_000,
            ):
                return opened
        raise AssertionError(f"clicked {name}, and no card of it opened")

    def card(self) -> str:
        """What stands at its top."""
        return str(self.place.locator(".sub .mono").first.inner_text())

    def verdict(self) -> str:
        """Run all four, and read the strip."""
        self.rests()
        judge = self.button("Run all four").first
        if judge.is_visible():
            judge.click()
            judge.wait_for(state="hidden")
        self.place.locator(".ver", has_text="HOLDS").first.wait_for()
        self.rests()
        return str(self.place.locator(".ver").first.inner_text())


class Book:
    """A notebook in a page, all its cells run without an error."""

    def __init__(self, page: Any, name: str) -> None:
        self.page, self.name = page, name
        rests(page)
        assert page.locator(ERRORS).all_text_contents() == []

    def panel(self, place: Any | None = None) -> Panel:
        """The panel in this place; without one the first of the page."""
        return Panel((place or self.page).locator(".lab").first).waits()

    def card(self, words: str) -> Any:
        """The cell of a card by the words on it, with the panel that it opens; the words may change then."""
        place = self.page.locator(".predict", has_text=words).first.evaluate(
            "card => [...document.querySelectorAll('.jp-CodeCell')].indexOf(card.closest('.jp-CodeCell'))"
        )
        return self.page.locator(".jp-CodeCell").nth(place)

    def answers(self, question: str, place: int, sure: str = "fairly sure") -> Panel:
        """Answer a question, and open its panel."""
        asked = self.card(question)
        assert asked.locator(".lab").count() == 0, "the panel waits for the answer"
        lock = asked.get_by_role("button", name="Lock in and open")
        assert lock.is_disabled()
        asked.locator("input[type=radio]").nth(place).check()
        rests(self.page)
        assert lock.is_disabled()
        asked.get_by_role("button", name=sure, exact=True).click()
        lock.click()
        return self.panel(asked)

    def types(self, source: str) -> Any:
        """A new cell at the end, run; its output."""
        self.page.evaluate(
            """async source => {
                 const { content, context } = window.jupyterapp.shell.currentWidget;
                 const model = content.model.sharedModel;
                 model.insertCell(model.cells.length, { cell_type: 'code', source });
                 content.activeCellIndex = model.cells.length - 1;
                 content.deselectAll();
                 await window.jupyterapp.commands.execute('notebook:run-cell');
               }""",
            source,
        )
        rests(self.page)
        assert self.page.locator(ERRORS).all_text_contents() == []
        return self.page.locator(".jp-CodeCell").last

    def reopens(self, panel: Panel) -> None:
        """The card of a panel opens the same moment in a new one."""
        panel.rests()
        card, said = panel.card(), panel.caption()
        again = self.panel(self.types(f"from lab.app import open_lab\nopen_lab({card!r})"))
        again.soon(again.caption, said)
        again.soon(again.card, card)
        again.soon(again.nodes, panel.nodes())

    def shot(self, name: str, part: Any | None = None) -> None:
        """A screenshot, of the window or of one part, where a folder for them is named."""
        if not PICTURES:
            return
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        self.page.mouse.move(2, 2)
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": 3000 if part is not None else height})
            if part is not None:
                part.scroll_into_view_if_needed()
            self.page.wait_for_timeout(700)
            (part if part is not None else self.page).screenshot(path=str(folder / f"{self.name}-{name}-{width}.png"))
        self.page.set_viewport_size({"width": 1280, "height": 800})

    def scroll(self) -> None:
        """Screenshots of the whole notebook, window by window."""
        if not PICTURES:
            return
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.wait_for_timeout(500)
            view = self.page.locator(".jp-WindowedPanel-outer").first
            length = view.evaluate("view => view.scrollHeight")
            for place, top in enumerate(range(0, length, height - 120)):
                view.evaluate("(view, top) => view.scrollTo(0, top)", top)
                self.page.wait_for_timeout(250)
                self.page.screenshot(path=str(folder / f"{self.name}-{width}-{place:02d}.png"))
        self.page.set_viewport_size({"width": 1280, "height": 800})

    def _beyond(self) -> list[str]:
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('.jp-OutputArea-output')].flatMap(area => {
                 const edge = area.getBoundingClientRect().right + 4;
                 return [...area.querySelectorAll('table, .predict, .lab, svg, button, pre')].filter(part => {
                   const box = part.getBoundingClientRect();
                   const held = part.closest('[style*="overflow"], .wide, .scroll, .grid');
                   return box.width > 0 && box.right > edge && !held; });
               }).map(part => part.outerHTML.slice(0, 160))"""
        )
        return found

    def fits(self) -> None:
        """Nothing is cut off or lies beside its cell, at either size."""
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            rests(self.page)
            for place in self.page.locator(".lab").all():  # drawn for a new width when it comes into sight
                place.evaluate("panel => panel.scrollIntoView()")
                assert Panel(place).comes(DRAWN)
            beyond = self._beyond()
            for _ in range(20):  # what stands beside the panels takes its place
                if beyond:
                    self.page.wait_for_timeout(150)
                    rests(self.page)
                    beyond = self._beyond()
            assert beyond == [], f"at {width} pixels"
        self.page.set_viewport_size({"width": 1280, "height": 800})
        rests(self.page)


@dataclass(frozen=True)
class Driven:
    """A panel in which all is done that a student can do, and what the page shows after each.

    It shows a run that is harmed: ``word`` says so, ``defences`` (their titles) stop it. ``column`` is what the strip
    calls the run, ``defended`` what it then calls the defended one; empty where other defences are on than in its runs.
    ``insider`` is a threat that needs a hostile peer, ``cast`` the number of hostile nodes, clients too. ``crashes``
    and ``turns`` are peers to which that is done.
    """

    page: Book
    panel: Panel
    word: str
    defences: tuple[str, ...]
    column: str = "Attacked"
    defended: str = "Defended"
    insider: bool = True
    cast: int = 1
    crashes: str = "p05"
    turns: str = "p09"

    def whole(self) -> None:
        """One act after the other."""
        self.panel.ends(self.word)
        acts = (self.judges, self.attacks, self.defends, self.changes_the_base, self.scrubs, self.forks)
        for act in (*acts, self.turns_a_node, lambda: self.page.reopens(self.panel)):
            self.panel.rests()
            act()

    def attacks(self) -> None:
        """Off nobody is hostile and nothing is harmed; on it is the same run as before."""
        panel = self.panel
        attacked, card, hostile = panel.picture(), panel.card(), panel.hostile()
        assert len(hostile) == self.cast
        panel.plays(self.column)
        panel.switch("attack", "off")
        panel.says_no_more(self.word)
        panel.carded(".calm")
        panel.soon(panel.hostile, [])
        panel.plays("No attack" if self.column == "Attacked" else "")
        if self.cast:
            panel.shows_otherwise(attacked)
        panel.switch("attack", "on")
        panel.says(self.word)
        panel.shows(attacked)
        panel.soon(panel.card, card)
        panel.soon(panel.hostile, hostile)

    def defends(self) -> None:
        """With the defence the caption says something else; without it the old run is back."""
        panel = self.panel
        card, said = panel.card(), panel.caption()
        for title in self.defences:
            panel.defence(title)
        panel.says_no_more(self.word)
        panel.plays(self.defended)
        panel.soon(lambda: panel.card() == card, False)
        panel.rests()
        assert len(panel.hostile()) == self.cast, "the attacker is still there"
        for title in self.defences:
            panel.defence(title, on=False)
        panel.says(self.word)
        panel.plays(self.column)
        panel.soon(panel.card, card)
        panel.soon(panel.caption, said)

    def judges(self) -> None:
        """All four runs, in the strip and in the table."""
        table = self.panel.verdict()
        self.panel.soon(self.panel.runs, ["HOLDS", self.word, "HOLDS", self.word])
        assert self.word in table
        self.panel.plays(self.column)

    def changes_the_base(self) -> None:
        """An outsider's threat is the same on both; an insider's is refused on the trusted one. It stays untrusted."""
        panel = self.panel
        attacked, card, nodes = panel.picture(), panel.card(), panel.nodes()
        if self.insider:
            panel.switch("base", "trusted")
            panel.alarms("needs a hostile peer; on a trusted base all are the operator's")
            panel.rests()
            assert (panel.stands("base"), panel.card(), panel.picture()) == ("untrusted", card, attacked)
            panel.switch("attack", "off")
            panel.is_calm()
            panel.rests()
            assert panel.stands("attack") == "off"
        if panel.stands("base") == "untrusted":
            panel.switch("base", "trusted")
        panel.carded("-T-")
        if not self.insider:
            panel.says(self.word)
        self.refuses_hostile_peers()
        panel.switch("base", "untrusted")
        panel.carded("-U-")
        panel.is_calm()
        panel.soon(lambda: panel.stands("base"), "untrusted")
        if self.insider:
            panel.switch("attack", "on")
            panel.soon(panel.card, card)
            panel.soon(panel.nodes, nodes)
        panel.says(self.word)

    def refuses_hostile_peers(self) -> None:
        """What the page says where all peers are the operator's: to who would turn one, and to who uses one's hands."""
        panel = self.panel
        card = panel.node(self.turns)
        card.get_by_text(
            f"Make hostile: on a trusted base every peer is the operator's, so {self.turns} can't"
        ).wait_for()
        panel.soon(panel.button("Make hostile").is_disabled, True)
        panel.rests()
        assert panel.button("Crash").is_enabled(), "what may happen anywhere is not refused"
        said = panel.card()
        panel.place.locator(".scroll g[data-act=row][aria-label*=' from p']").last.click()
        panel.rests()
        panel.press("Drop")
        panel.alarms("Drop failed. On a trusted base every peer is the operator's")
        panel.rests()
        assert panel.card() == said
        card.get_by_role("button", name="Close", exact=True).click()

    def scrubs(self) -> None:
        """An earlier moment has another picture and another sentence, and its number stands in the card."""
        panel = self.panel
        last, ended, said = panel.moment(), panel.picture(), panel.caption()
        earlier = panel.scrub(0.3)
        assert earlier < last
        panel.shows_otherwise(ended)
        assert panel.caption() != said
        panel.carded(f"@{earlier}")
        assert panel.scrub(0.9) > earlier
        assert panel.scrub(0.4) < last

    def forks(self) -> None:
        """A peer is crashed at the moment shown: it is down in the ring, and the runs differ from there."""
        panel = self.panel
        began = panel.moment()
        assert not any(label.startswith(self.crashes) and "crashed" in label for label in panel.nodes())
        panel.node(self.crashes)
        panel.press("Crash")
        panel.carded(f".crash:{self.crashes}/")
        panel.place.locator(f".node[aria-label^='{self.crashes}'][aria-label$='crashed']").first.wait_for(
            state="attached"
        )
        panel.soon(lambda: panel.moment() > began, True)
        panel.press("Compare")
        panel.place.locator(".lab-compare", has_text="DIFFERENCE").wait_for()
        panel.place.locator(".lab-compare", has_text=f"crash {self.crashes}").wait_for()
        panel.leaves_comparison()
        panel.place.locator(".lab-compare", has_text="DIFFERENCE").wait_for(state="hidden")

    def turns_a_node(self) -> None:
        """One more peer is hostile, in the ring, in its card and in the trace card."""
        panel = self.panel
        before = panel.hostile()
        card = panel.node(self.turns)
        panel.press("Make hostile")
        panel.carded(f".hostile:{self.turns}/")
        card.get_by_text(f"{self.turns} is hostile already").wait_for()
        panel.rests()
        panel.soon(lambda: len(panel.hostile()), len(before) + 1)
        assert any(label.startswith(self.turns) for label in panel.hostile())
        panel.soon(panel.button("Make hostile").is_disabled, True)


@pytest.fixture
def book(open_notebook: OpenNotebook, jupyter: Any) -> Callable[[str], Book]:
    """Opens a notebook of the course; "solutions/…" is the solved copy."""

    def opened(name: str) -> Book:
        flat = name.replace("/", "-")
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", jupyter.folder / f"{flat}.ipynb")
        (jupyter.folder / "progress.json").unlink(missing_ok=True)
        return Book(open_notebook(f"{flat}.ipynb"), flat)

    return opened


def test_00_an_overlay_in_a_box(book: Callable[[str], Book]) -> None:
    page = book("00_overlay_in_a_box")
    page.page.get_by_text("NOT SOLVED YET").nth(2).wait_for(state="attached")
    page.scroll()
    page.fits()
    tour = page.panel()
    before = tour.picture()
    for moment in (1, 2, 3):
        tour.press("Step")
        tour.place.locator(f".track[aria-valuenow='{moment}']").wait_for()
    tour.place.locator("[data-hop]").first.wait_for(state="attached")
    tour.rests()
    tour.shows_otherwise(before)
    tour.ends("connected with alice")
    page.shot("end", tour.place)
    assert tour.scrub(0.5) < tour.scrub(0.98)

    tour.defence("Version counter")
    tour.place.locator(".sub", has_text="version-counter").wait_for()
    tour.switch("base", "trusted")
    tour.place.locator(".sub .mono", has_text="TOUR-T-").wait_for()
    card = tour.node("p05")
    card.get_by_text("so p05 can't be hostile").wait_for()
    tour.soon(tour.button("Make hostile").is_disabled, True)
    tour.says("connected with alice")

    tour.scrub(0.5)
    tour.press("Crash")
    tour.place.locator(".sub .mono", has_text=".crash:p05/").wait_for()
    tour.press("Compare")
    tour.place.locator(".lab-compare", has_text="DIFFERENCE").wait_for()
    tour.leaves_comparison()
    page.reopens(tour)

    lost = page.answers("Eight of 32 peers lose power", 1)
    lost.ends("LOST")
    page.page.locator(".predict", has_text="✓ right").wait_for()
    Driven(page, lost, "LOST", ("Two replicas",), insider=False, cast=0).whole()


def test_01_client_server_against_peer_to_peer(book: Callable[[str], Book]) -> None:
    page = book("01_client_server")
    page.scroll()
    page.fits()
    call = page.card("The same call, by one switch")
    call.get_by_role("button", name="one server").click()
    call.locator("td", has_text="provider.example.org").first.wait_for()
    call.get_by_role("button", name="an open overlay").click()
    call.locator("th", has_text="an open overlay").wait_for()
    page.shot("call", call)
    panel = page.answers("A peer on the way changes the answers", 1)
    panel.says("NOT RUN")
    panel.ends("FORGED")
    page.page.locator(".predict", has_text="✓ right").wait_for()
    page.shot("attacked", panel.place)
    Driven(page, panel, "FORGED", ("Record signature", "Access control of writes")).whole()


def test_04_a_trusted_base(book: Callable[[str], Book]) -> None:
    page = book("04_trusted_base")
    page.scroll()
    page.fits()
    panel = page.answers("Mallory’s own name leads to bob’s phone", 2, "certain")
    panel.ends("FLOODED")
    page.page.locator(".predict", has_text="× missed").wait_for()
    consent = ("Consent of the contact",)
    Driven(page, panel, "FLOODED", consent, column="", defended="", insider=False).whole()
    page.shot("hostile", panel.place)

    fix = page.card("TR-4 · A client speaks as another")
    check = fix.get_by_role("button", name="Check")
    assert check.is_disabled()
    fix.locator(".widget-radio-box label").first.wait_for(state="attached")
    labels = fix.locator(".widget-radio-box label").all_text_contents()
    for both, sign in ((False, "× not this"), (True, "✓ right")):
        place = next(n for n, text in enumerate(labels) if (" and " in text) is both and "TLS" in text)
        fix.locator("input[type=radio]").nth(place).check()
        rests(page.page)
        check.click()
        fix.locator(".tried", has_text=sign).first.wait_for()
    fix.get_by_text("Nobody compared").first.wait_for()
    page.shot("fix", fix)

    hints = page.card("Stuck? quota")
    assert "a limit on here" not in hints.inner_text()
    hints.get_by_role("button", name="Show hint 1 of 3").click()
    hints.get_by_text("a limit on here").wait_for()
    page.shot("hints", hints)

    rows = page.card("Figure 4: attacks on a trusted base")
    rows.get_by_role("button", name="TR-1").click()
    hop = page.panel(rows)
    rows.get_by_text("Everything is signed").first.wait_for()
    hop.ends("READ")
    hop.switch("base", "untrusted")
    hop.place.locator(".sub .mono", has_text="TR1-U-").wait_for()
    hop.says("READ")
    page.shot("rows", rows)


def test_05_an_untrusted_base(book: Callable[[str], Book]) -> None:
    page = book("05_untrusted_base")
    page.scroll()
    page.fits()
    panel = page.answers("Every message is signed. The peer on the way swallows", 1)
    panel.ends("LOST")
    page.page.locator(".predict", has_text="✓ right").wait_for()
    Driven(page, panel, "LOST", ("Three ways at once",), column="Decoy", defended="").whole()
    page.shot("hostile", panel.place)

    panel.press("Reset")
    panel.says("NOT RUN")
    panel.ends("LOST")
    panel.place.locator(".scroll g[data-act=row]").first.click()
    panel.rests()
    panel.press("Drop")
    panel.place.locator(".sub .mono", has_text=".drop~").wait_for()
    panel.press("Compare")
    panel.place.locator(".lab-compare", has_text="FIRST DIFFERENCE").wait_for()
    page.shot("compared", panel.place)
    panel.leaves_comparison()

    rows = page.card("Figure 6: what hostile peers add")
    rows.get_by_role("button", name="KB-10").click()
    answer = page.panel(rows)
    answer.ends("FORGED")
    answer.switch("base", "trusted")
    answer.place.get_by_role("alert").wait_for()
    answer.rests()
    answer.says("FORGED")


def test_06_a_replay(book: Callable[[str], Book]) -> None:
    page = book("06_replay")
    page.page.get_by_text("NOT SOLVED YET").nth(3).wait_for(state="attached")
    page.scroll()
    page.fits()
    quiz = page.card("Four ends of one story")
    quiz.get_by_role("button", name="A", exact=True).first.click()
    quiz.locator(".tried", has_text="✓ right").wait_for()
    quiz.get_by_role("button", name="C", exact=True).last.click()
    quiz.locator(".tried", has_text="× not this").wait_for()
    page.shot("quiz", quiz)
    page.shot("question", page.card("Mallory resends alice’s first PUT"))
    panel = page.answers("Mallory resends alice’s first PUT", 1)
    panel.says("NOT RUN")
    page.shot("opened", panel.place)
    panel.ends("ROLLED BACK")
    page.page.locator(".predict", has_text="× missed").wait_for()
    panel.place.get_by_text("KEPT COPY").first.wait_for()
    panel.rests()
    attacked = panel.picture()
    panel.place.locator(".scroll g[data-id]", has_text="resent").first.click()
    panel.place.get_by_text("Bytes of message").first.wait_for()
    page.shot("bytes", panel.place)

    panel.switch("attack", "off")
    panel.says("HOLDS")
    panel.shows_otherwise(attacked)
    panel.switch("attack", "on")
    panel.says("ROLLED BACK")
    panel.defence("Time stamp window")
    panel.place.locator(".sub", has_text="time-stamp").wait_for()
    panel.rests()
    panel.says("ROLLED BACK")
    panel.defence("Time stamp window", on=False)
    panel.defence("Version counter")
    panel.says_no_more("ROLLED BACK")
    panel.shows_otherwise(attacked)
    strip = panel.verdict()
    assert strip.count("ROLLED BACK") == strip.count("HOLDS") == 2
    page.shot("defended", panel.place)

    panel.defence("Version counter", on=False)
    panel.says("ROLLED BACK")
    panel.switch("routing", "iterative")
    panel.says_no_more("ROLLED BACK")
    panel.switch("routing", "recursive")
    panel.says("ROLLED BACK")
    Driven(page, panel, "ROLLED BACK", ("Version counter",)).whole()


def test_i0_an_instructors_console(book: Callable[[str], Book]) -> None:
    page = book("I0_instructors_console")
    page.scroll()
    page.fits()
    page.page.locator(".jp-OutputArea", has_text="all attacks do harm").first.wait_for()
    rows = page.card("Figure 4: attacks on a trusted base")
    rows.get_by_role("button", name="TR-4").click()
    panel = page.panel(rows)
    panel.ends("FORGED")
    strip = panel.verdict()
    assert (strip.count("FORGED"), strip.count("HOLDS")) == (2, 2)
    panel.switch("attack", "off")
    panel.says_no_more("FORGED")
    panel.switch("attack", "on")
    panel.says("FORGED")
    panel.defence("Certificate at both ends")
    panel.defence("TLS on every link")
    panel.says_no_more("FORGED")
    assert panel.scrub(0.2) < panel.scrub(0.9)

    panel.place.locator(".track").first.focus()
    page.page.keyboard.press("p")
    room = panel.place.locator(".big-word").first
    room.wait_for()
    panel.rests()
    page.page.keyboard.press("2")
    panel.place.locator(".big-word", has_text="FORGED").first.wait_for()
    page.shot("presenting", panel.place)
    panel.rests()
    page.page.keyboard.press("p")
    room.wait_for(state="hidden")

    untrusted = page.card("Figure 6: what hostile peers add")
    untrusted.get_by_role("button", name="RP-2").click()
    two = page.panel(untrusted)
    Driven(page, two, "ROLLED BACK", ("Version counter",)).whole()


def test_r0_a_reviewers_matrix(book: Callable[[str], Book]) -> None:
    page = book("R0_reviewers_matrix")
    page.scroll()
    page.fits()
    panel = page.panel()
    panel.says("ROLLED BACK")
    page.shot("reopened", panel.place)
    Driven(page, panel, "ROLLED BACK", ("Version counter",)).whole()
    page.page.locator("table", has_text="OWN-1").nth(1).wait_for(state="attached")
    forging = page.answers("TLS protects every hop", 0, "a guess")
    forging.ends("FORGED")
    page.page.locator(".predict", has_text="× missed").wait_for()

    grid = page.card("Attack × defence")
    grid.get_by_placeholder("find a threat").fill("reads a hop")
    rows = grid.locator("tr[data-words]:visible")
    soon(page.page, lambda: 0 < rows.count() < 6, True)
    grid.locator("button[data-id='TR-1/attacked']").click()
    opened = page.panel(grid)
    opened.says("READ")
    grid.locator("button[data-id='TR-1/attacked']", has_text="READ").wait_for()
    opened.rests()
    grid.locator("code", has_text=opened.card().split("@")[0]).first.wait_for()
    page.shot("grid", grid)
    again = page.card("Begin again")
    again.locator("option", has_text="KB-8").wait_for(state="attached")
    again.get_by_role("button", name="Forget everything").click()
    again.get_by_role("button", name="Really everything?").click()
    again.get_by_text("Everything is forgotten").wait_for()


def test_a_solved_copy_solves_itself(book: Callable[[str], Book]) -> None:
    """One of them in a page; that all of them solve everything is tested without one."""
    page = book("solutions/06_replay")
    total = page.page.locator("p", has_text=re.compile(r"^(\d+) of \1 solved")).first
    total.wait_for()
    rests(page.page)
    soon(page.page, page.page.get_by_text("NOT SOLVED YET").count, 0)
