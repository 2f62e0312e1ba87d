"""Waiting for a page: it draws what an act changes part by part, and on a busy machine there is time in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0
"""Seconds that something may take which is no matter of speed."""

RESTS = """async (seconds) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const drawn = () => new Promise(requestAnimationFrame);
  const asks = (subshell) => {
    const usual = kernel.subshellId;
    kernel.subshellId = subshell;
    const answer = kernel.requestKernelInfo();
    kernel.subshellId = usual;
    return answer;
  };
  let calm = 0;
  const within = (node) => (node.closest ? node : node.parentElement)?.closest('.jp-OutputArea');
  const watch = new MutationObserver((all) => { if (all.some((one) => within(one.target))) calm = 0; });
  watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true,
                                 attributeFilter: ['class', 'disabled', 'style', 'title'] });
  const until = performance.now() + 1000 * seconds;
  for (await drawn(); calm < 2 && performance.now() < until; ) {
    calm += 1;
    // What is clicked goes to a thread of the widgets, and is done in the kernel's main one.
    const threads = new Set([...kernel._comms.values()].map((comm) => comm.subshellId).filter(Boolean));
    for (const one of [...threads, null]) await asks(one);
    await drawn();
  }
  watch.disconnect();
  return calm >= 2; }"""
"""Ask the kernel, and draw, until the outputs stay as they are; whether they did."""


def rests(page: Any) -> None:
    """Wait until the kernel has done all that it was asked for, and the page has drawn it."""
    assert page.evaluate(RESTS, PATIENCE), f"the page does not come to rest in {PATIENCE:g} seconds"


def soon(page: Any, shown: Callable[[], object], expected: object) -> None:
    """Wait until the page shows what is expected."""
    until = time.monotonic() + PATIENCE
    while (found := shown()) != expected:
        assert time.monotonic() < until, f"{found} and not {expected}"
        page.wait_for_timeout(30)
