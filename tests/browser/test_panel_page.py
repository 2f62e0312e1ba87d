"""The panel in a real JupyterLab: what a student would see, click and press, and how fast it answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from tests.browser.patience import rests

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

STORY = [
    "from lab.widgets import Panel\nfrom tests.lab.sessions import StorySession\npanel = Panel(StorySession())",
    "panel",
]
OpenNotebook = Callable[..., Any]


def real(threat: str, options: str = "") -> list[str]:
    """The cells of a panel on a threat."""
    return [f"from lab.app import open_lab\npanel = open_lab({threat!r}{options})\npanel"]


def opened(open_notebook: OpenNotebook, name: str, cells: list[str], **size: int) -> Any:
    page = open_notebook(f"{name}.ipynb", cells, **size)
    page.locator(".lab svg .node").first.wait_for()
    rests(page)
    return page


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def caption(page: Any, words: str) -> None:
    """Wait for a caption with these words, and for what is drawn after it."""
    page.locator(".lab .cap", has_text=words).wait_for()
    rests(page)


def moment(page: Any) -> int:
    """The moment that is shown, once it stays."""
    rests(page)
    return int(page.locator(".lab .track").get_attribute("aria-valuenow"))


def frames(page: Any) -> int:
    """How many pictures of moving messages have been drawn."""
    return int(page.locator(".lab [data-frames]").first.get_attribute("data-frames"))


def press(page: Any, *keys: str) -> None:
    """Keys of the panel, with the timeline in focus, and what they do."""
    rests(page)
    page.locator(".lab .track").focus()
    for key in keys:
        page.keyboard.press(key)
    rests(page)


# --- what it does ---------------------------------------------------------------------------------------------------


def test_the_story_is_stepped_played_scrubbed_and_defended(open_notebook: OpenNotebook) -> None:
    page = opened(open_notebook, "story", STORY)
    caption(page, "NOT RUN")
    button(page, "Step").click()
    caption(page, "alice sends StoreReq")
    page.locator(".lab [data-hop]").first.wait_for(state="attached")
    button(page, "trusted").click()
    page.get_by_role("alert").wait_for()
    button(page, "Step").click()
    page.get_by_role("alert").wait_for(state="detached")
    rests(page)

    page.locator(".lab select").select_option("4×")
    began = frames(page)
    button(page, "Play").click()
    page.wait_for_function(f"{FRAMES} >= {began + 8}")
    button(page, "Pause").click()
    button(page, "Play").wait_for()
    seen = moment(page)
    page.wait_for_timeout(450)
    assert moment(page) == seen, "a pause is a pause"

    press(page, "End")
    caption(page, "ROLLED BACK")
    press(page, "ArrowLeft")
    page.wait_for_function("document.querySelector('.lab .track').getAttribute('aria-valuenow') === '30'")
    box = page.locator(".lab .track").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + 12)
    caption(page, "NOT RUN")
    assert page.locator(".jp-Cell").count() == 2, "the notebook's own keys are kept out"

    button(page, "End").click()
    caption(page, "ROLLED BACK")
    page.locator(".lab .scroll g[data-id='11']").click()
    page.get_by_text("Bytes of message 11").wait_for()
    rests(page)
    page.locator(".lab .def input[type=checkbox]").nth(2).check()
    caption(page, "REFUSED")
    button(page, "Run all four").click()
    page.locator(".lab .ver", has_text="ROLLED BACK").wait_for()


def test_everything_is_reached_by_keys_and_says_what_it_is(open_notebook: OpenNotebook) -> None:
    page = opened(open_notebook, "keys", real("RP-2"))
    press(page, "End")
    caption(page, "ROLLED BACK")
    page.locator(".lab .scroll").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    named = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert re.match(r"message \d+, [\d.]+ s, \w+ from \w+, ", named)
    outline = "getComputedStyle(document.activeElement.querySelector('.hit')).strokeWidth"
    assert page.evaluate(outline) == "2.5px", "the focus is seen"
    page.keyboard.press("Enter")
    page.get_by_text(f"Bytes of {named.split(',')[0]}").wait_for()

    rests(page)
    page.locator(".lab .two svg g.node[tabindex='0']").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.classList.contains('node')")
    name = page.evaluate("document.activeElement.getAttribute('aria-label')").split(",")[0]
    page.keyboard.press("Enter")
    page.locator(".lab .lab-node", has_text=name).wait_for()
    page.keyboard.press("Escape")
    page.locator(".lab .lab-node .entries").wait_for(state="hidden")

    rests(page)
    table = page.locator(".lab details.twin")
    table.locator("summary").focus()
    page.keyboard.press("Enter")
    table.locator("tr").nth(20).wait_for()
    rests(page)
    assert "In words At 41" in table.inner_text().replace("\n", " ")
    press(page, "Home", ".", ".")
    page.wait_for_function("document.querySelectorAll('.lab details.twin tr').length === 3")

    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('.lab button, .lab input, .lab select, .lab [tabindex="0"]')]
             .filter(e => e.getClientRects().length && !(e.innerText || e.ariaLabel || e.title || e.placeholder
                          || e.closest('.ctl, .pair')?.innerText || e.labels?.length || e.parentNode.title))
             .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []


def test_hands_comparison_and_presenter_on_a_real_run(open_notebook: OpenNotebook) -> None:
    page = opened(open_notebook, "real", real("RP-2"))
    button(page, "End").click()
    caption(page, "ROLLED BACK")
    assert button(page, "Compare").is_disabled()
    page.wait_for_function("document.querySelectorAll('.lab .scroll g[data-act=row]').length > 18")
    rows = page.locator(".lab .scroll g[data-act=row]")
    everything = rows.count()
    page.get_by_placeholder("find: method, node, outcome").fill("storereq resent")
    page.wait_for_function(f"document.querySelectorAll('.lab .scroll g[data-act=row]').length < {everything}")
    rests(page)
    rows.first.click()
    page.locator(".lab .lab-hands", has_text="StoreReq").wait_for()
    button(page, "Drop").click()
    page.locator(".lab .sub", has_text=".drop~").wait_for()
    button(page, "End").click()
    page.locator(".lab .cap", has_text="ROLLED BACK").wait_for(state="detached")

    button(page, "Compare").click()
    page.locator(".lab .pairs tr.first").wait_for()
    rests(page)
    assert page.locator(".lab .sides .letter").all_inner_texts() == ["A", "B"]
    assert "FIRST DIFFERENCE" in page.locator(".lab .lab-compare").inner_text()
    assert page.locator(".lab .sides svg .node").count() >= 64
    both = page.locator(".lab .track.both")
    first = both.get_attribute("aria-valuenow")
    button(page, "Next difference").click()
    page.locator(".lab .lab-compare .cap", has_text="DIFFERENCE 2 OF").wait_for()
    rests(page)
    both.focus()
    page.keyboard.press("N")
    page.wait_for_function(f"document.querySelector('.lab .track.both').getAttribute('aria-valuenow') === '{first}'")
    rests(page)
    box = both.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + 12)
    page.wait_for_function("document.querySelector('.lab .track.both .done').style.width === '100%'")
    rests(page)
    page.locator(".lab .pairs tr[data-act=pair]").first.click()
    page.wait_for_function("document.querySelector('.lab .track.both .done').style.width !== '100%'")
    button(page, "Close the comparison").click()
    page.locator(".lab .pairs").first.wait_for(state="detached")

    press(page, "p")
    page.locator(".lab.present .big-word").wait_for()
    rests(page)
    page.keyboard.press("2")
    page.locator(".lab.present .big-word", has_text="ROLLED BACK").wait_for()
    rests(page)
    page.keyboard.press("3")
    page.locator(".lab.present .pf.cur", has_text="HOLDS").wait_for()
    rests(page)
    assert page.locator(".lab.present .pf").count() == 4
    size = "parseFloat(getComputedStyle(document.querySelector('.lab.present .big-word .word')).fontSize)"
    assert page.evaluate(size) >= 34
    page.keyboard.press("?")
    page.locator(".lab.present .keys", has_text="presenter mode").wait_for()
    page.keyboard.press("?")
    page.keyboard.press("p")
    page.locator(".lab:not(.present) .lab-bar").wait_for()
    caption(page, "REFUSED")


def test_peers_turn_hostile_and_long_work_is_stopped(open_notebook: OpenNotebook) -> None:
    page = opened(open_notebook, "share", real("KB-2"))
    hostile = "document.querySelectorAll('.lab .two svg [data-layer=story] .node[aria-label*=\", hostile\"]').length"
    page.wait_for_function(f"{hostile} === 1")
    share = page.locator(".lab .ctl", has_text="hostile %").locator("input")
    share.fill("25")
    share.press("Enter")
    page.wait_for_function(f"{hostile} === 8")
    page.locator(".lab .sub", has_text=".h25").wait_for()
    rests(page)
    share.fill("95")
    share.press("Enter")
    page.get_by_role("alert").filter(has_text="from 1 to 90").wait_for()
    page.wait_for_function("[...document.querySelectorAll('.lab .ctl input')].at(-1).value === '25'")

    rests(page)
    honest = page.locator(".lab .two svg [data-layer=ground] .node[aria-label$=', peer']").first
    name = honest.get_attribute("aria-label").split(",")[0]
    honest.focus()
    page.keyboard.press("Enter")
    page.locator(".lab .lab-node", has_text=name).wait_for()
    rests(page)
    button(page, "Make hostile").click()
    page.wait_for_function(f"{hostile} === 9")
    page.locator(".lab .lab-node", has_text=f"{name} is hostile already").wait_for()
    rests(page)

    button(page, "Over 20 seeds").click()
    page.locator(".lab .lab-work progress").wait_for()
    button(page, "Stop").click()
    page.locator(".lab .lab-work", has_text="stopped after").wait_for()
    rests(page)
    button(page, "Reset").click()
    page.wait_for_function(f"{hostile} === 1")
    page.wait_for_function("[...document.querySelectorAll('.lab .ctl input')].at(-1).value === '3'")
    rests(page)
    button(page, "Step").click()
    page.wait_for_function("document.querySelector('.lab .track').getAttribute('aria-valuenow') === '1'")


def test_one_cell_brings_the_moment_back_after_a_restart(open_notebook: OpenNotebook) -> None:
    page = opened(open_notebook, "again", real("RP-2", ", seed=9"))
    button(page, "End").click()
    caption(page, "ROLLED BACK")
    card = "document.querySelector('.lab .sub .mono').innerText"
    where, _, last = page.evaluate(card).rpartition("@")
    before = f"{where}@{int(last) - 1}"
    button(page, "Back").click()
    page.wait_for_function(f"{card} === {before!r}")
    rests(page)
    said = page.locator(".lab .cap").inner_text()
    page.evaluate(
        """async (source) => {
             const panel = window.jupyterapp.shell.currentWidget, kernel = panel.sessionContext.session.kernel;
             await kernel.restart();
             while (kernel.status !== 'idle') await new Promise(done => setTimeout(done, 20));
             const commands = window.jupyterapp.commands;
             await commands.execute('notebook:clear-all-cell-outputs');
             panel.content.widgets[0].model.sharedModel.setSource(source);
             await commands.execute('notebook:run-all-cells'); }""",
        f"from lab.app import open_lab\nopen_lab({before!r})",
    )
    page.locator(".lab svg .node").first.wait_for()
    page.wait_for_function(f"{card} === {before!r}")
    rests(page)
    assert page.locator(".lab .cap").inner_text() == said
    button(page, "Step").click()
    page.wait_for_function(f"{card} !== {before!r}")


# --- how it looks ---------------------------------------------------------------------------------------------------


def test_nothing_overflows_and_the_first_screen_has_the_story(open_notebook: OpenNotebook) -> None:
    page = opened(open_notebook, "wide", real("RP-2"), width=1280, height=800)
    button(page, "End").click()
    caption(page, "ROLLED BACK")
    for width, height in ((1280, 800), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        rests(page)  # drawn anew, for its new width
        page.locator(".lab").first.evaluate("panel => panel.scrollIntoView()")
        bottom = "document.querySelector('.lab .vstrip').getBoundingClientRect().bottom"
        window = "document.querySelector('.jp-WindowedPanel-outer').getBoundingClientRect().bottom"
        assert page.evaluate(f"{bottom} <= {window}"), f"the verdict is below the first screen at {width} x {height}"
        page.locator(".lab .scroll g[data-act=row]").last.click()
        page.get_by_text("Bytes of message").first.wait_for()
        rests(page)
        beyond = page.evaluate(
            """() => { const lab = document.querySelector('.lab'); const edge = lab.getBoundingClientRect().right + 1;
                       return [...lab.querySelectorAll('*')].filter(e => { const r = e.getBoundingClientRect();
                         return r.width > 0 && r.right > edge && !e.closest('style'); })
                       .map(e => e.outerHTML.slice(0, 120)); }"""
        )
        assert beyond == []
        page.keyboard.press("Escape")
        page.get_by_text("Bytes of message").first.wait_for(state="detached")
        rests(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    rests(page)
    ends = page.evaluate(
        """() => { const rows = {}; for (const one of document.querySelectorAll('.lab .legend span')) {
             const r = one.getBoundingClientRect(); rows[r.top] = Math.max(rows[r.top] || 0, r.right); }
           const left = document.querySelector('.lab .legend').getBoundingClientRect().left;
           return Object.values(rows).map(right => right - left); }"""
    )
    assert min(ends) > 0.6 * max(ends), "a line of the legend holds hardly anything"


# --- how fast it is -------------------------------------------------------------------------------------------------

APPEARS = """async () => { const began = performance.now();
  window.jupyterapp.commands.execute('notebook:run-all-cells');
  for (const old of document.querySelectorAll('.lab')) old.remove();
  const waits = () => !document.querySelector('.lab svg .node') && performance.now() - began < 60000;
  while (waits()) await new Promise(done => setTimeout(done, 5));
  await new Promise(requestAnimationFrame);
  return performance.now() - began; }"""
"""Run the cells again, with everything already imported; milliseconds until the ring is drawn."""

DRAWS = """async (name) => {
  const panel = document.querySelector('.lab');
  const now = () => panel.querySelector('.track').getAttribute('aria-valuenow');
  const button = [...panel.querySelectorAll('button')].find(one => one.textContent.trim() === name);
  while (button.disabled) await new Promise(done => setTimeout(done, 1));
  const before = now(), began = performance.now();
  button.click();
  while (now() === before && performance.now() - began < 60000) await new Promise(done => setTimeout(done, 1));
  await new Promise(requestAnimationFrame);
  return performance.now() - began; }"""
"""Press a button; milliseconds until another moment is drawn."""

SCRUBS = """async () => {
  const rail = document.querySelector('.lab .track'), box = rail.getBoundingClientRect();
  const now = () => document.querySelector('.lab .track').getAttribute('aria-valuenow');
  const before = now(), began = performance.now();
  const share = Number(before) > Number(rail.dataset.room) / 2 ? 0.2 : 0.8;
  const where = { clientX: box.left + share * box.width, clientY: box.top + 28, bubbles: true, pointerId: 1 };
  try { rail.dispatchEvent(new PointerEvent('pointerdown', where)); } catch (error) { /* no such pointer to capture */ }
  while (now() === before && performance.now() - began < 60000) await new Promise(done => setTimeout(done, 1));
  await new Promise(requestAnimationFrame);
  document.querySelector('.lab .track').dispatchEvent(new PointerEvent('pointerup', where));
  return performance.now() - began; }"""

PAUSES = """async () => {
  const play = [...document.querySelectorAll('.lab button')].find(one => one.textContent.trim() === 'Pause');
  const began = performance.now();
  play.click();
  while (play.textContent.trim() !== 'Play') await new Promise(done => setTimeout(done, 1));
  return performance.now() - began; }"""

FRESH = """async () => {
  const widget = window.jupyterapp.shell.currentWidget, kernel = widget.sessionContext.session.kernel;
  await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
  await kernel.restart();
  while (kernel.status !== 'idle') await new Promise(done => setTimeout(done, 20)); }"""
"""A kernel that has imported nothing yet."""

FRAMES = "Number(document.querySelector('.lab [data-frames]').dataset.frames)"


TRIES = 12
"""How often a figure is taken anew that something else on the machine may have spoilt."""


def usual(series: Callable[[], list[float]], most: float, share: float = 0.5) -> float:
    """What this share of a series does not exceed; the best of several where it was too much, on a busy machine.

    They are spread over a minute and more: who else works there may be done by then.
    """
    found: list[float] = []
    while len(found) < TRIES and min(found, default=inf) > most:
        if found:
            time.sleep(min(8.0, 0.25 * 2 ** len(found)))
        figures = sorted(series())
        found.append(figures[int(share * (len(figures) - 1))])
    return min(found)


@pytest.mark.timeout(900)
def test_a_panel_in_a_fresh_kernel_appears_in_two_seconds(
    open_notebook: OpenNotebook, capsys: pytest.CaptureFixture[str]
) -> None:
    page = opened(open_notebook, "fresh", real("RP-2", ", peers=32"))

    def appears() -> list[float]:
        page.evaluate(FRESH)
        rests(page)
        return [page.evaluate(APPEARS)]

    taken = usual(appears, 2000)
    with capsys.disabled():
        print(f"\na panel on 32 peers in a fresh kernel: {taken:.0f} ms")
    assert taken <= 2000


@pytest.mark.timeout(900)
@pytest.mark.parametrize("peers", [32, 200])
def test_it_answers_at_once(open_notebook: OpenNotebook, peers: int, capsys: pytest.CaptureFixture[str]) -> None:
    page = opened(open_notebook, f"speed{peers}", real("RP-2", f", peers={peers}"))

    def appears() -> list[float]:
        rests(page)
        return [page.evaluate(APPEARS)]

    def walks() -> list[float]:
        press(page, "Home")
        on = [page.evaluate(DRAWS, "Step") for _ in range(8)]
        button(page, "End").click()
        caption(page, "ROLLED BACK")
        return on + [page.evaluate(DRAWS, "Back") for _ in range(8)]

    def scrubbed() -> list[float]:
        rests(page)
        return [page.evaluate(SCRUBS) for _ in range(9)]

    def plays() -> None:
        press(page, "Home")
        drawn = frames(page)
        button(page, "Play").click()
        page.wait_for_function(f"{FRAMES} > {drawn}")

    def played() -> list[float]:
        plays()
        first, began = page.evaluate(f"[{FRAMES}, performance.now()]")
        page.wait_for_timeout(2000)
        last, ended = page.evaluate(f"[{FRAMES}, performance.now()]")
        button(page, "Pause").click()
        return [(ended - began) / max(1, last - first)]

    def paused() -> list[float]:
        plays()
        return [page.evaluate(PAUSES)]

    appeared = usual(appears, 2000)
    rests(page)
    button(page, "Step").click()
    page.locator(".lab .track[aria-valuenow='1']").wait_for()
    share = 0.5 if peers == 32 else 0.25
    steps = usual(walks, 100, share)
    scrubs = usual(scrubbed, 100, share)
    page.locator(".lab select").select_option("1×")
    rate = 1000 / usual(played, 1000 / 12)
    pause = usual(paused, 300)
    with capsys.disabled():
        print(
            f"\n{peers} peers: panel {appeared:.0f} ms, step {steps:.0f} ms, scrub {scrubs:.0f} ms, "
            f"{rate:.0f} frames/s, pause {pause:.0f} ms"
        )
    assert appeared <= 2000
    assert steps <= 100
    assert scrubs <= 100
    assert rate >= 12
    assert pause <= 300
