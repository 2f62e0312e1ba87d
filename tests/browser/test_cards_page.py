"""Cards as a student meets them: a row of Figure 4, a fix that is found, hints, all in JupyterLab in Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
PICTURES = os.environ.get("P2PSIP_PICTURES", "")
OpenNotebook = Callable[..., Any]


def picture(page: Any, name: str, part: Any) -> None:
    """A screenshot of one part, where a folder for them is named."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        part.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        part.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
        page.screenshot(path=str(Path(PICTURES) / f"{name}-window.png"))


def test_a_figure_is_walked_through_and_fixes_are_found(open_notebook: OpenNotebook, jupyter: Any) -> None:
    name = "04_trusted_base.ipynb"
    shutil.copy(ROOT / "notebooks" / name, jupyter.folder / name)
    page = open_notebook(name, width=1280, height=800)
    errors = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-error")
    assert errors.all_text_contents() == []

    card = page.locator(".predict", has_text="TR-4 · A client speaks as another")
    picture(page, "fix-open", card)
    check = card.get_by_role("button", name="Check")
    assert check.is_disabled()
    choices = card.locator(".widget-radio-box label")
    choices.first.wait_for(timeout=20_000)
    labels = choices.all_text_contents()
    for words, sign in (("TLS on every hop", "× not this"), ("and", "✓ right")):
        place = next(n for n, text in enumerate(labels) if (" and " in text) == (words == "and") and "TLS" in text)
        card.locator("input[type=radio]").nth(place).check()
        check.click()
        card.locator(".tried", has_text=sign).first.wait_for(timeout=20_000)
    assert "Nobody compared" in card.inner_text()
    picture(page, "fix-found", card)

    hints = page.locator(".predict", has_text="Stuck? quota")
    assert "a limit on here" not in hints.inner_text()
    hints.get_by_role("button", name="Show hint 1 of 3").click()
    hints.get_by_text("a limit on here").wait_for(timeout=10_000)
    picture(page, "hints", hints)

    rows = page.locator(".predict", has_text="Figure 4: attacks on a trusted base")
    picture(page, "rows-open", rows)
    rows.get_by_role("button", name="ST-7").click()
    page.locator(".lab svg .node").first.wait_for(timeout=20_000)
    assert "Nothing here is forged" in rows.inner_text()
    picture(page, "rows-picked", rows)
