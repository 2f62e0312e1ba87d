"""The panel in a real JupyterLab: what a student would see and click, on the hand-written story."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CELLS = [
    "from lab.widgets import Panel\nfrom tests.lab.sessions import StorySession\npanel = Panel(StorySession())",
    "panel",
]
OpenNotebook = Callable[..., Any]


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def caption(page: Any, words: str) -> None:
    page.locator(".lab .cap", has_text=words).wait_for(timeout=5000)


@pytest.fixture
def page(open_notebook: OpenNotebook) -> Any:
    opened = open_notebook("panel.ipynb", CELLS)
    opened.locator(".lab svg .node").first.wait_for(timeout=20_000)
    return opened


def test_the_story_is_stepped_attacked_and_defended(page: Any) -> None:
    caption(page, "NOT RUN")
    button(page, "Step").click()
    caption(page, "alice sends StoreReq")
    page.locator(".lab [data-hop]").first.wait_for(state="attached")
    button(page, "End").click()
    caption(page, "ROLLED BACK")
    page.locator(".lab .scroll g[data-id='11']").click()
    page.get_by_text("Bytes of message 11").wait_for()
    page.locator(".lab .def input[type=checkbox]").nth(2).check()
    caption(page, "REFUSED")
    button(page, "Run all four").click()
    page.locator(".lab .ver", has_text="ROLLED BACK").wait_for()


def test_play_moves_the_message_and_pause_stops_it(page: Any) -> None:
    page.locator(".lab select").select_option("4×")
    button(page, "Play").click()
    page.wait_for_timeout(1200)
    frames = int(page.locator(".lab [data-frames]").first.get_attribute("data-frames"))
    assert frames >= 12
    button(page, "Pause").click()
    button(page, "Play").wait_for(timeout=1000)
    page.wait_for_timeout(150)
    seen = page.locator(".lab .track").get_attribute("aria-valuenow")
    page.wait_for_timeout(400)
    assert page.locator(".lab .track").get_attribute("aria-valuenow") == seen


def test_keys_and_the_timeline_scrub(page: Any) -> None:
    page.locator(".lab .track").focus()
    page.keyboard.press("End")
    caption(page, "ROLLED BACK")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.querySelector('.lab .track').getAttribute('aria-valuenow') === '30'")
    box = page.locator(".lab .track").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + 12)
    caption(page, "NOT RUN")
    assert page.locator(".jp-Cell").count() == 2


def test_an_error_is_an_alert_and_the_panel_stays_usable(page: Any) -> None:
    button(page, "trusted").click()
    page.get_by_role("alert").wait_for()
    button(page, "Step").click()
    caption(page, "alice sends StoreReq")
    assert page.get_by_role("alert").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_nothing_overflows(open_notebook: OpenNotebook, width: int, height: int) -> None:
    page = open_notebook(f"wide{width}.ipynb", CELLS, width=width, height=height)
    page.locator(".lab svg .node").first.wait_for(timeout=20_000)
    button(page, "End").click()
    caption(page, "ROLLED BACK")
    page.locator(".lab .scroll g[data-id='11']").click()
    page.get_by_text("Bytes of message 11").wait_for()
    beyond = page.evaluate(
        """() => { const lab = document.querySelector('.lab'); const edge = lab.getBoundingClientRect().right + 1;
                   return [...lab.querySelectorAll('*')].filter(e => { const r = e.getBoundingClientRect();
                     return r.width > 0 && r.right > edge && !e.closest('style'); })
                   .map(e => e.outerHTML.slice(0, 120)); }"""
    )
    assert beyond == []


def test_two_hundred_nodes_play_smoothly(open_notebook: OpenNotebook) -> None:
    cells = [CELLS[0].replace("StorySession()", "StorySession(200)"), "panel"]
    page = open_notebook("large.ipynb", cells)
    page.locator(".lab svg .node").first.wait_for(timeout=20_000)
    page.locator(".lab select").select_option("1×")
    button(page, "Play").click()
    page.wait_for_timeout(500)
    drawn = "Number(document.querySelector('.lab [data-frames]').dataset.frames)"
    first = page.evaluate(drawn)
    page.wait_for_timeout(2000)
    assert (page.evaluate(drawn) - first) / 2 >= 12
    button(page, "Pause").click()


def test_hands_comparison_and_presenter_on_a_real_run(open_notebook: OpenNotebook) -> None:
    page = open_notebook("real.ipynb", ["from lab.app import open_lab\npanel = open_lab('RP-2')", "panel"])
    page.locator(".lab svg .node").first.wait_for(timeout=30_000)
    button(page, "End").click()
    caption(page, "ROLLED BACK")
    assert button(page, "Compare").is_disabled()

    rows = page.locator(".lab .scroll g[data-act=row]")
    everything = rows.count()
    page.get_by_placeholder("find: method, node, outcome").fill("storereq resent")
    page.wait_for_function(f"document.querySelectorAll('.lab .scroll g[data-act=row]').length < {everything}")
    rows.first.click()
    page.locator(".lab .lab-hands", has_text="StoreReq").wait_for()
    button(page, "Drop").click()
    page.locator(".lab .sub", has_text=".drop~").wait_for()
    button(page, "End").click()
    page.locator(".lab .cap", has_text="ROLLED BACK").wait_for(state="detached")

    button(page, "Compare").click()
    page.locator(".lab .pairs tr.first").wait_for()
    assert page.locator(".lab .sides .letter").all_inner_texts() == ["A", "B"]
    assert "FIRST DIFFERENCE" in page.locator(".lab .lab-compare").inner_text()
    button(page, "Close the comparison").click()
    page.locator(".lab .pairs").first.wait_for(state="detached")

    page.locator(".lab .track").focus()
    page.keyboard.press("p")
    page.locator(".lab.present .big-word").wait_for()
    page.keyboard.press("2")
    page.locator(".lab.present .big-word", has_text="ROLLED BACK").wait_for()
    page.keyboard.press("3")
    page.locator(".lab.present .pf.cur", has_text="HOLDS").wait_for()
    assert page.locator(".lab.present .pf").count() == 4
    size = "parseFloat(getComputedStyle(document.querySelector('.lab.present .big-word .word')).fontSize)"
    assert page.evaluate(size) >= 34
    page.keyboard.press("?")
    page.locator(".lab.present .keys", has_text="presenter mode").wait_for()
    page.keyboard.press("?")
    page.keyboard.press("p")
    page.locator(".lab:not(.present) .lab-bar").wait_for()
    caption(page, "REFUSED")
