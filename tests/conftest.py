"""Settings shared by every test."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None, max_examples=100, database=None)
settings.load_profile("project")

# Whatever is solved in a test is nobody's progress, and each process has its own; its kernels inherit that.
os.environ["P2PSIP_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="p2psip-")) / "progress.json")

# A shell that runs the tests in the background has them, and all that they start, ignore Ctrl-C; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

LONG = (
    "tests/browser/test_notebooks.py",
    "tests/soak/test_soak_tls.py",
    "tests/test_literature.py",
    "tests/soak/test_soak_plain.py",
    "tests/browser/test_panel_page.py",
)
"""The longest files, in the order in which two workers begin them: none is left for the end, nor two in a browser."""


USUAL = gc.get_threshold()
"""When the collector looks for garbage where nobody says otherwise."""


@pytest.fixture
def usual_collector() -> Iterator[None]:
    """The collector as users have it, for what measures time."""
    seldom = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*seldom)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(LONG)))


def pytest_collection_finish() -> None:
    """Thousands of tests are in memory from now on, and overlays make garbage seldom: to look for it takes a sixth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
