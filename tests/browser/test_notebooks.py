"""Both notebooks as a student meets them: JupyterLab in Chromium, clicks in the panel, and what the page shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

ROOT = Path(__file__).resolve().parents[2]
PICTURES = os.environ.get("P2PSIP_PICTURES", "")
"""A folder for screenshots, for looking at them; none are taken without it."""

OpenNotebook = Callable[..., Any]


def opened(open_notebook: OpenNotebook, jupyter: Any, name: str, **size: int) -> Any:
    """The student's copy in a page, all its cells run."""
    shutil.copy(ROOT / "notebooks" / name, jupyter.folder / name)
    page = open_notebook(name, **size)
    errors = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-error")
    assert errors.all_text_contents() == []
    return page


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def caption(page: Any, words: str) -> None:
    page.locator(".lab .cap", has_text=words).first.wait_for(timeout=10_000)


def markup(page: Any, part: str) -> str:
    """What a part of the panel shows, as the page has it."""
    return str(page.locator(f".lab {part}").first.inner_html())


def picture(page: Any, name: str, part: str = "") -> None:
    """A screenshot, of the window or of one part."""
    if not PICTURES:
        return
    folder = Path(PICTURES)
    folder.mkdir(parents=True, exist_ok=True)
    page.mouse.move(2, 2)
    size = page.viewport_size
    if part:  # what does not fit in the window is not drawn
        page.set_viewport_size({"width": size["width"], "height": 3000})
        page.locator(part).first.scroll_into_view_if_needed()
    page.wait_for_timeout(700)
    (page.locator(part).first if part else page).screenshot(path=str(folder / f"{name}.png"))
    page.set_viewport_size(size)


def top(page: Any) -> None:
    """Bring the panel's upper edge to the window's."""
    page.locator(".lab").first.evaluate("panel => panel.scrollIntoView()")


def answer(page: Any) -> None:
    """Choose the new contact, fairly sure, and lock it in."""
    page.locator(".predict input[type=radio]").nth(1).check()
    button(page, "fairly sure").click()
    lock = page.locator(".predict button", has_text="Lock in and open")
    lock.click()
    page.locator(".lab svg .node").first.wait_for(timeout=20_000)


def test_an_overlay_in_a_box(open_notebook: OpenNotebook, jupyter: Any) -> None:
    page = opened(open_notebook, jupyter, "00_overlay_in_a_box.ipynb")
    page.locator(".lab svg .node").first.wait_for(timeout=20_000)
    assert page.get_by_text("NOT SOLVED YET").count() >= 3
    top(page)
    before = markup(page, "svg [data-layer=story]")
    picture(page, "00-opened")
    for _ in range(3):
        button(page, "Step").first.click()
        page.wait_for_timeout(100)
    page.locator(".lab [data-hop]").first.wait_for(state="attached")
    assert markup(page, "svg [data-layer=story]") != before
    picture(page, "00-stepped")
    button(page, "End").first.click()
    caption(page, "connected with alice")
    picture(page, "00-end")
    picture(page, "00-panel", ".lab")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_a_replay_and_what_stops_it(open_notebook: OpenNotebook, jupyter: Any, width: int, height: int) -> None:
    page = opened(open_notebook, jupyter, "06_replay.ipynb", width=width, height=height)
    assert page.get_by_text("NOT SOLVED YET").count() >= 4
    assert page.locator(".lab svg .node").count() == 0, "the panel waits for the prediction"
    page.locator(".predict").first.scroll_into_view_if_needed()
    picture(page, f"06-{width}-question")
    assert page.locator(".predict button", has_text="Lock in and open").is_disabled()
    answer(page)
    caption(page, "NOT RUN")
    top(page)
    picture(page, f"06-{width}-opened")

    button(page, "End").first.click()
    caption(page, "ROLLED BACK")
    page.locator(".predict", has_text="× missed").wait_for()
    page.locator(".lab", has_text="KEPT COPY").first.wait_for()
    attacked = markup(page, "svg [data-layer=story]")
    picture(page, f"06-{width}-attacked")
    picture(page, f"06-{width}-panel-attacked", ".lab")
    resent = page.locator(".lab .scroll g[data-id]", has_text="resent").first
    resent.click()
    page.get_by_text("Bytes of message").first.wait_for()
    picture(page, f"06-{width}-panel-bytes", ".lab")

    button(page, "off").first.wait_for()
    attack = page.locator(".lab .ctl", has_text="attack")
    attack.get_by_role("button", name="off", exact=True).click()
    caption(page, "HOLDS")
    calm = markup(page, "svg [data-layer=story]")
    assert calm != attacked
    attack.get_by_role("button", name="on", exact=True).click()
    caption(page, "ROLLED BACK")

    row = page.locator(".lab .def input[type=checkbox]")
    titles = page.locator(".lab .def b").all_inner_texts()
    row.nth(titles.index("Time stamp window")).check()
    page.wait_for_timeout(600)
    caption(page, "ROLLED BACK")
    row.nth(titles.index("Time stamp window")).uncheck()
    page.wait_for_timeout(600)
    row.nth(titles.index("Version counter")).check()
    page.locator(".lab .cap", has_text="ROLLED BACK").wait_for(state="detached", timeout=10_000)
    assert markup(page, "svg [data-layer=story]") != attacked
    picture(page, f"06-{width}-defended")

    button(page, "Run all four").click()
    verdict = page.locator(".lab .ver")
    page.locator(".lab .ver", has_text="ROLLED BACK").wait_for(timeout=15_000)
    assert verdict.inner_text().count("ROLLED BACK") == 2
    assert verdict.inner_text().count("HOLDS") == 2
    picture(page, f"06-{width}-panel-defended", ".lab")
