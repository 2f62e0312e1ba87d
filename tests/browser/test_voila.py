"""The instructor's console in Voilà: no cells, no menus, the panel all the same, and nothing asked of the network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.patience import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PICTURES = os.environ.get("P2PSIP_PICTURES", "")


def test_the_console_without_cells(voila: Callable[[str], Any], browser: Any) -> None:
    server = voila("I0_instructors_console.ipynb")
    strangers: list[str] = []

    def seen(request: Any) -> None:
        if not request.url.startswith((server.origin, server.origin.replace("http", "ws"), "data:", "blob:")):
            strangers.append(request.url)

    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.on("request", seen)
        page.goto(server.origin, timeout=2000 * PATIENCE)
        rows = page.locator(".predict", has_text="Figure 4: attacks on a trusted base")
        rows.get_by_role("button", name="TR-4").click()
        panel = page.locator(".lab", has=page.locator("svg .node")).first
        panel.locator("svg .node").first.wait_for()
        assert page.locator(".jp-InputArea-editor:visible").count() == 0
        panel.get_by_role("button", name="End", exact=True).first.click()
        panel.locator(".cap", has_text="FORGED").first.wait_for()
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(700)
            page.screenshot(path=str(Path(PICTURES) / "voila-1280.png"))
            page.screenshot(path=str(Path(PICTURES) / "voila-page.png"), full_page=True)
        control = panel.locator(".ctl", has=page.get_by_text("attack", exact=True))
        control.get_by_role("button", name="off", exact=True).click()
        panel.locator(".cap", has_text="FORGED").first.wait_for(state="detached")
    finally:
        context.close()
    assert strangers == []
