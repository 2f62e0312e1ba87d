"""Every notebook as a student meets it: JupyterLab in Chromium, clicks in its panels, and what the page shows.

Each one is run from top to bottom and then driven. All of them are attacked, defended, scrubbed and brought back by a
card; bases, forks and hostile nodes come where the lesson has them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

ROOT = Path(__file__).resolve().parents[2]
PICTURES = os.environ.get("P2PSIP_PICTURES", "")
"""A folder for screenshots, for looking at them; none are taken without it."""

SIZES = ((1280, 800), (1920, 1080))
ERRORS = ".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-error"
SOLVED = ("04_trusted_base", "06_replay")
"""Solved copies that are looked at in a page as well; nbval runs all of them."""

OpenNotebook = Callable[..., Any]


class Panel:
    """One panel of a page: what it shows, and what one can do to it."""

    def __init__(self, place: Any) -> None:
        self.place, self.page = place, place.page

    def waits(self) -> Panel:
        """Until it is there."""
        self.place.locator("svg .node").first.wait_for(timeout=20_000)
        return self

    def button(self, name: str) -> Any:
        return self.place.get_by_role("button", name=name, exact=True)

    def leaves_comparison(self) -> None:
        """Close the comparison, and wait for the one run."""
        self.press("Close the comparison")
        self.place.locator(".lab-caption .cap").wait_for()

    def press(self, name: str) -> None:
        self.button(name).first.click()

    def says(self, words: str | re.Pattern[str]) -> None:
        """Wait for a caption with these words."""
        self.place.locator(".cap", has_text=words).first.wait_for(timeout=15_000)

    def says_no_more(self, words: str) -> None:
        """Wait until its caption is called something else."""
        self.place.locator(".cap .word", has_text=words).first.wait_for(state="detached", timeout=15_000)

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
        self.page.wait_for_function(
            "([panel, before]) => panel.querySelector('svg [data-layer=story]').innerHTML !== before",
            arg=[self.place.element_handle(), before],
        )

    def switch(self, name: str, to: str) -> None:
        control = self.place.locator(".ctl", has=self.page.get_by_text(name, exact=True))
        control.get_by_role("button", name=to, exact=True).click()

    def defence(self, title: str, on: bool = True) -> None:
        """Switch a defence, from the list of the others where it is not among the first."""
        row = self.place.locator(".def .dr", has=self.page.get_by_text(title, exact=True)).first
        if not row.is_visible():
            self.place.locator("details.rest summary").first.click()
        row.locator("input").set_checked(on)

    def moment(self) -> int:
        return int(self.place.locator(".track").first.get_attribute("aria-valuenow"))

    def scrub(self, share: float) -> int:
        """Click the timeline, ``share`` of the way; the moment that is shown then."""
        for _ in range(5):  # a run that has just been changed is drawn once more
            place = self.place.evaluate(
                """(panel, share) => {
                     panel.querySelector('.track').scrollIntoView({ block: 'center' });
                     const box = panel.querySelector('.track').getBoundingClientRect();
                     return [box.left + 2 + share * (box.width - 4), box.top + box.height / 2]; }""",
                share,
            )
            self.page.mouse.click(*place)
            self.page.wait_for_timeout(500)
            shown = self.place.evaluate(
                """panel => { const rail = panel.querySelector('.track');
                              return Number(rail.getAttribute('aria-valuenow')) / Number(rail.dataset.room); }"""
            )
            if abs(shown - share) < 0.1:
                return self.moment()
        raise AssertionError(f"clicked {share:.0%} of the timeline, and it shows {shown:.0%}")

    def node(self, name: str) -> None:
        """Click a node of the ring."""
        node = self.place.locator(f".lab-figure svg .node[aria-label^='{name}']").first
        opened = self.place.locator(".lab-node", has_text=name).first
        for _ in range(3):  # a picture that is being redrawn swallows a click
            place = node.evaluate(
                """node => { node.scrollIntoView({ block: 'center' });
                             const box = node.getBoundingClientRect();
                             return [box.left + box.width / 2, box.top + box.height / 2]; }"""
            )
            self.page.mouse.click(*place)
            self.page.wait_for_timeout(700)
            if opened.is_visible():
                return
        opened.wait_for(timeout=5_000)

    def card(self) -> str:
        """What stands at its top."""
        return str(self.place.locator(".sub .mono").first.inner_text())

    def verdict(self) -> str:
        """Run all four, and read the strip."""
        self.press("Run all four")
        self.place.locator(".ver", has_text="HOLDS").first.wait_for(timeout=20_000)
        return str(self.place.locator(".ver").first.inner_text())


class Book:
    """A notebook in a page, all its cells run without an error."""

    def __init__(self, page: Any, name: str) -> None:
        self.page, self.name = page, name
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
        assert self.page.locator(ERRORS).all_text_contents() == []
        return self.page.locator(".jp-CodeCell").last

    def reopens(self, panel: Panel) -> None:
        """The card of a panel opens the same moment in a new one."""
        card, said = panel.card(), panel.caption()
        again = self.panel(self.types(f"from lab.app import open_lab\nopen_lab({card!r})"))
        assert again.caption() == said
        assert again.card() == card

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
            for panel in self.page.locator(".lab").all():  # drawn for a new width when it comes into sight
                panel.evaluate("panel => panel.scrollIntoView()")
                self.page.wait_for_timeout(300)
            beyond = self._beyond()
            for _ in range(10):  # panels are drawn anew for the new width
                if beyond:
                    self.page.wait_for_timeout(300)
                    beyond = self._beyond()
            assert beyond == [], f"at {width} pixels"
        self.page.set_viewport_size({"width": 1280, "height": 800})


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
    assert page.page.get_by_text("NOT SOLVED YET").count() >= 3
    page.scroll()
    page.fits()
    tour = page.panel()
    before = tour.picture()
    for _ in range(3):
        tour.press("Step")
        page.page.wait_for_timeout(100)
    tour.place.locator("[data-hop]").first.wait_for(state="attached")
    tour.shows_otherwise(before)
    tour.ends("connected with alice")
    page.shot("end", tour.place)
    assert tour.scrub(0.5) < tour.scrub(0.98)

    tour.defence("Version counter")
    tour.place.locator(".sub", has_text="version-counter").wait_for()
    tour.switch("base", "trusted")
    tour.place.locator(".sub .mono", has_text="TOUR-T-").wait_for()
    tour.node("p05")
    assert tour.button("Make hostile").is_disabled()
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
    lost.switch("attack", "off")
    lost.says_no_more("LOST")
    lost.switch("attack", "on")
    lost.says("LOST")
    lost.defence("Two replicas")
    lost.says_no_more("LOST")


def test_01_client_server_against_peer_to_peer(book: Callable[[str], Book]) -> None:
    page = book("01_client_server")
    page.scroll()
    page.fits()
    call = page.card("The same call, by one switch")
    call.get_by_role("button", name="one server").click()
    call.locator("td", has_text="provider.example.org").first.wait_for(timeout=15_000)
    call.get_by_role("button", name="an open overlay").click()
    call.locator("th", has_text="an open overlay").wait_for(timeout=15_000)
    page.shot("call", call)
    panel = page.answers("A peer on the way changes the answers", 1)
    panel.says("NOT RUN")
    panel.ends("FORGED")
    page.page.locator(".predict", has_text="✓ right").wait_for()
    attacked = panel.picture()
    page.shot("attacked", panel.place)
    panel.switch("attack", "off")
    panel.says_no_more("FORGED")
    panel.shows_otherwise(attacked)
    panel.switch("attack", "on")
    panel.says("FORGED")
    panel.defence("Record signature")
    panel.defence("Access control of writes")
    panel.says_no_more("FORGED")
    assert "FORGED" in panel.verdict()
    assert panel.scrub(0.2) < panel.scrub(0.9)
    page.reopens(panel)


def test_04_a_trusted_base(book: Callable[[str], Book]) -> None:
    page = book("04_trusted_base")
    page.scroll()
    page.fits()
    panel = page.answers("Mallory’s own name leads to bob’s phone", 2, "certain")
    panel.ends("FLOODED")
    page.page.locator(".predict", has_text="× missed").wait_for()
    panel.switch("attack", "off")
    panel.says_no_more("FLOODED")
    panel.switch("attack", "on")
    panel.says("FLOODED")
    panel.defence("Consent of the contact")
    panel.says_no_more("FLOODED")
    page.shot("defended", panel.place)
    assert panel.scrub(0.1) < panel.scrub(0.9)
    page.reopens(panel)

    fix = page.card("TR-4 · A client speaks as another")
    check = fix.get_by_role("button", name="Check")
    assert check.is_disabled()
    fix.locator(".widget-radio-box label").first.wait_for(state="attached", timeout=20_000)
    labels = fix.locator(".widget-radio-box label").all_text_contents()
    for both, sign in ((False, "× not this"), (True, "✓ right")):
        place = next(n for n, text in enumerate(labels) if (" and " in text) is both and "TLS" in text)
        fix.locator("input[type=radio]").nth(place).check()
        check.click()
        fix.locator(".tried", has_text=sign).first.wait_for(timeout=20_000)
    assert "Nobody compared" in fix.inner_text()
    page.shot("fix", fix)

    hints = page.card("Stuck? quota")
    assert "a limit on here" not in hints.inner_text()
    hints.get_by_role("button", name="Show hint 1 of 3").click()
    hints.get_by_text("a limit on here").wait_for(timeout=10_000)
    page.shot("hints", hints)

    rows = page.card("Figure 4: attacks on a trusted base")
    rows.get_by_role("button", name="TR-1").click()
    hop = page.panel(rows)
    assert "Everything is signed" in rows.inner_text()
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
    panel.switch("attack", "off")
    panel.says_no_more("LOST")
    panel.switch("attack", "on")
    panel.says("LOST")
    panel.defence("Three ways at once")
    panel.says_no_more("LOST")
    page.shot("defended", panel.place)
    panel.defence("Three ways at once", on=False)
    panel.says("LOST")

    assert panel.scrub(0.1) < panel.scrub(0.9)
    panel.place.locator(".scroll g[data-act=row]").first.click()
    panel.press("Drop")
    panel.place.locator(".sub .mono", has_text=".drop~").wait_for()
    panel.press("Compare")
    panel.place.locator(".lab-compare", has_text="FIRST DIFFERENCE").wait_for()
    page.shot("compared", panel.place)
    panel.leaves_comparison()
    panel.node("p09")
    panel.press("Make hostile")
    panel.place.locator(".sub .mono", has_text=".hostile:p09/").wait_for()
    page.reopens(panel)

    rows = page.card("Figure 6: what hostile peers add")
    rows.get_by_role("button", name="KB-10").click()
    answer = page.panel(rows)
    answer.ends("FORGED")
    answer.switch("base", "trusted")
    answer.place.get_by_role("alert").wait_for()
    answer.says("FORGED")


def test_06_a_replay(book: Callable[[str], Book]) -> None:
    page = book("06_replay")
    assert page.page.get_by_text("NOT SOLVED YET").count() >= 4
    page.scroll()
    page.fits()
    quiz = page.card("Four ends of one story")
    quiz.get_by_role("button", name="A", exact=True).first.click()
    quiz.locator(".tried", has_text="✓ right").wait_for(timeout=15_000)
    quiz.get_by_role("button", name="C", exact=True).last.click()
    quiz.locator(".tried", has_text="× not this").wait_for(timeout=15_000)
    page.shot("quiz", quiz)
    page.shot("question", page.card("Mallory resends alice’s first PUT"))
    panel = page.answers("Mallory resends alice’s first PUT", 1)
    panel.says("NOT RUN")
    page.shot("opened", panel.place)
    panel.ends("ROLLED BACK")
    page.page.locator(".predict", has_text="× missed").wait_for()
    panel.place.get_by_text("KEPT COPY").first.wait_for()
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
    panel.scrub(0.3)
    panel.node("p09")
    panel.press("Make hostile")
    panel.place.locator(".sub .mono", has_text=".hostile:p09/").wait_for()
    panel.place.locator("svg .node[aria-label^='p09'][aria-label*='hostile']").first.wait_for(state="attached")
    panel.press("Compare")
    panel.place.locator(".lab-compare", has_text="DIFFERENCE").wait_for()
    panel.leaves_comparison()
    page.reopens(panel)


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
    page.reopens(panel)

    panel.place.locator(".track").first.focus()
    page.page.keyboard.press("p")
    room = panel.place.locator(".big-word").first
    room.wait_for()
    page.page.keyboard.press("2")
    panel.place.locator(".big-word", has_text="FORGED").first.wait_for()
    page.shot("presenting", panel.place)
    page.page.keyboard.press("p")
    room.wait_for(state="hidden")

    untrusted = page.card("Figure 6: what hostile peers add")
    untrusted.get_by_role("button", name="RP-2").click()
    two = page.panel(untrusted)
    two.ends("ROLLED BACK")
    two.scrub(0.1)
    two.node("p09")
    two.press("Make hostile")
    two.place.locator(".sub .mono", has_text=".hostile:p09/").wait_for()


def test_r0_a_reviewers_matrix(book: Callable[[str], Book]) -> None:
    page = book("R0_reviewers_matrix")
    page.scroll()
    page.fits()
    panel = page.panel()
    panel.says("ROLLED BACK")
    page.shot("reopened", panel.place)
    panel.switch("attack", "off")
    panel.says("HOLDS")
    panel.switch("attack", "on")
    panel.says("ROLLED BACK")
    panel.defence("Version counter")
    panel.says_no_more("ROLLED BACK")
    panel.switch("base", "trusted")
    panel.place.get_by_role("alert").wait_for()
    assert panel.scrub(0.3) < panel.scrub(0.9)
    page.reopens(panel)
    assert page.page.locator("table", has_text="OWN-1").count() >= 2
    forging = page.answers("TLS protects every hop", 0, "a guess")
    forging.ends("FORGED")
    page.page.locator(".predict", has_text="× missed").wait_for()

    grid = page.card("Attack × defence")
    grid.get_by_placeholder("find a threat").fill("reads a hop")
    rows = grid.locator("tr[data-words]:visible")
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.grid tr[data-words]')].filter(row => !row.hidden).length < 100"
    )
    assert rows.count() < 6
    grid.locator("button[data-id='TR-1/attacked']").click()
    opened = page.panel(grid)
    opened.says("READ")
    grid.locator("button[data-id='TR-1/attacked']", has_text="READ").wait_for()
    assert opened.card().split("@")[0] in grid.inner_text()
    page.shot("grid", grid)
    again = page.card("Begin again")
    again.locator("option", has_text="KB-8").wait_for(state="attached", timeout=10_000)
    again.get_by_role("button", name="Forget everything").click()
    again.get_by_role("button", name="Really everything?").click()
    again.get_by_text("Everything is forgotten").wait_for(timeout=10_000)


@pytest.mark.parametrize("name", SOLVED)
def test_a_solved_copy_solves_itself(book: Callable[[str], Book], name: str) -> None:
    page = book(f"solutions/{name}")
    total = page.page.locator("p", has_text=re.compile(r"^(\d+) of \1 solved")).first
    total.wait_for(timeout=10_000)
    assert page.page.get_by_text("NOT SOLVED YET").count() == 0
