"""A real JupyterLab and a real Chromium, for tests that look at the page."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = os.environ.get("P2PSIP_REQUIRE_CHROMIUM", "") not in ("", "0")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START = 120.0
"""Seconds that a server may take until it answers."""


def missing(what: str) -> None:
    """Skip, or fail where a browser is required."""
    reason = f"{what} is needed for tests in a browser"
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright.

    For one module only: as long as it lasts, an asyncio loop counts as running in this thread, and overlays that other
    tests make would then get a thread of their own.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("chromium")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Server:
    """A server on a folder of its own, with Jupyter's settings there; ``command`` gets the port and the token."""

    probe = "/"

    def __init__(self, folder: Path, command: Callable[[int, str], list[str]]) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.origin = f"http://127.0.0.1:{self.port}"
        paths = {
            name: folder / name.lower()
            for name in (
                "JUPYTER_CONFIG_DIR",
                "JUPYTER_RUNTIME_DIR",
                "JUPYTERLAB_SETTINGS_DIR",
                "JUPYTERLAB_WORKSPACES_DIR",
            )
        }
        for path in paths.values():
            path.mkdir(parents=True, exist_ok=True)
        quiet = paths["JUPYTERLAB_SETTINGS_DIR"] / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True, exist_ok=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        environment = {**os.environ, **{name: str(path) for name, path in paths.items()}}
        environment["PYTHONPATH"] = str(ROOT)
        environment["JUPYTER_PATH"] = str(ROOT / "notebooks" / ".jupyter")
        environment["IPYTHONDIR"] = str(folder / "ipython")
        # Where a user starts a kernel, the lab has been compiled before.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.log = (folder / "server.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command(self.port, self.token)],
            cwd=folder,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Until the server answers, be it that there is no such page."""
        until = time.monotonic() + START
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.origin}{self.probe}?token={self.token}", timeout=10):
                    return
            except urllib.error.HTTPError as answer:
                answer.close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.15)
        raise RuntimeError((self.folder / "server.log").read_text(errors="replace")[-3000:])

    def close(self) -> None:
        """End the server and its kernels."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()


class Voila(Server):
    """A running Voilà; each look at its page runs the whole notebook, so only its files are asked for."""

    probe = "/voila/files/none"


class Lab(Server):
    """A running JupyterLab."""

    probe = "/api/status"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder,
            lambda port, token: [
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                "--ServerApp.ip=127.0.0.1",
                f"--ServerApp.port={port}",
                "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={token}",
                f"--ServerApp.root_dir={folder}",
                "--LabApp.expose_app_in_browser=True",
                "--LabApp.news_url=",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ],
        )


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests in a browser."""
    lab = Lab(tmp_path_factory.mktemp("jupyterlab"))
    try:
        lab.wait()
        yield lab
    finally:
        lab.close()


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Starts Voilà on a notebook: no cells, no menus, what they put out."""
    if importlib.util.find_spec("voila") is None:
        missing("voila")
    servers: list[Server] = []

    def started(name: str) -> Server:
        folder = tmp_path_factory.mktemp("voila")
        shutil.copy(ROOT / "notebooks" / name, folder / name)
        options = ["--template=offline", "--no-browser", "--Voila.ip=127.0.0.1", "--show_tracebacks=True"]
        servers.append(Voila(folder, lambda port, token: ["voila", name, f"--port={port}", *options]))
        servers[-1].wait()
        return servers[-1]

    try:
        yield started
    finally:
        for server in servers:
            server.close()


def write_notebook(path: Path, cells: list[str]) -> None:
    """A notebook with these code cells."""
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for n, source in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path.write_text(
        json.dumps({"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}),
        encoding="utf-8",
    )


OpenNotebook = Callable[..., Any]

IDLE = """() => { const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle'; }"""

OPENS = "async (name) => { await window.jupyterapp.commands.execute('docmanager:open', { path: name }); }"

LEAVES = """async () => {
  if (document.fullscreenElement) await document.exitFullscreen();
  for (const one of [...window.jupyterapp.shell.widgets('main')]) {
    try { await one.sessionContext?.shutdown(); } catch (error) { return false; }
    one.dispose();
  }
  return document.querySelector('.jp-Dialog, .jp-Cell') === null; }"""
"""End the kernels and close what is open; whether nothing is left of it."""


class Desk:
    """One page with JupyterLab for all tests of a module; each has the whole of it, and its own notebook and kernel."""

    def __init__(self, lab: Lab, browser: Any) -> None:
        self._lab, self._browser = lab, browser
        self._context: Any = None
        self.page: Any = None
        self.strangers: list[str] = []
        """Requests that would have left the machine."""

    def _begin(self) -> None:
        self._context = self._browser.new_context()
        self._context.set_default_timeout(1000 * PATIENCE)
        self.page = self._context.new_page()
        self.page.on("request", self._seen)
        self.page.goto(f"{self._lab.origin}/lab?reset&token={self._lab.token}")
        self.page.wait_for_function("() => window.jupyterapp?.isPluginActivated !== undefined", timeout=1000 * START)
        self.page.evaluate("async () => { await window.jupyterapp.restored; }")

    def _seen(self, request: Any) -> None:
        origin = self._lab.origin
        if not request.url.startswith((origin, origin.replace("http", "ws"), "data:", "blob:")):
            self.strangers.append(request.url)

    def open(self, name: str, width: int, height: int) -> Any:
        """A notebook of the server's folder, all its cells run."""
        if self.page is None:
            self._begin()
        page = self.page
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(OPENS, name)
        page.locator(".jp-Cell").first.wait_for(timeout=1000 * START)
        page.wait_for_function(IDLE, timeout=1000 * START)
        page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        return page

    def leave(self) -> None:
        """Close the notebook; a page that does not let go of it is not used again."""
        if self.page is not None and not self.page.evaluate(LEAVES):
            self.close()

    def close(self) -> None:
        """Close the page."""
        if self._context is not None:
            self._context.close()
        self._context = self.page = None


@pytest.fixture(scope="module")
def desk(jupyter: Lab, browser: Any) -> Iterator[Desk]:
    """The page of a module."""
    made = Desk(jupyter, browser)
    yield made
    made.close()


@pytest.fixture
def open_notebook(jupyter: Lab, desk: Desk) -> Iterator[OpenNotebook]:
    """Opens a notebook in a page, runs all its cells, and checks at the end that no request left the machine."""

    def opened(name: str, cells: list[str] | None = None, *, width: int = 1280, height: int = 800) -> Any:
        if cells is not None:
            write_notebook(jupyter.folder / name, cells)
        return desk.open(name, width, height)

    desk.strangers.clear()
    yield opened
    desk.leave()
    assert desk.strangers == []
