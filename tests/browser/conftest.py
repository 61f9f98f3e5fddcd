"""A real JupyterLab and a real Chromium, or a clear reason why there is none.

Everything of the server is in a temporary folder: its notebooks, its settings, its runtime
files. It listens on loopback, without a token, for the time of the tests.
"""

from __future__ import annotations

import shutil
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import PATIENCE_S
from veristack_lab.runtime import processes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    notebooks: Path

    def notebook_url(self, name: str) -> str:
        """Where one notebook is alone on the page, with a fresh workspace."""
        return f"{self.url}/doc/tree/{name}?reset"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; the test is skipped where there is none."""
    pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: see the dev extra"
    )
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("no Chromium is installed here: apt-get update && apt-get install -y chromium")
    return found


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on loopback. Asks for the browser first, so as not to start for nothing."""
    home = tmp_path_factory.mktemp("jupyter")
    (home / "notebooks").mkdir()
    _ask_for_no_news(home / "settings")
    port = processes.free_port()
    url = f"http://127.0.0.1:{port}"
    places = {
        f"JUPYTER_{what}": str(home / what.lower())
        for what in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    }
    places["VERISTACK_LEARNER"] = str(home / "learner")  # what the notebooks record of a learner
    argv = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"),
        *("--ip=127.0.0.1", "--ServerApp.port_retries=0", f"--notebook-dir={home / 'notebooks'}"),
        *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.expose_app_in_browser=True",  # so that a page can be asked about its kernel
        *(f"--LabApp.user_settings_dir={home / 'settings'}", f"--LabApp.workspaces_dir={home}/ws"),
    ]
    with processes.spawn(
        argv, name="jupyterlab", log_path=home / "lab.log", env=places, cwd=home
    ) as server:
        processes.wait_until_ready(server, lambda: _answers(f"{url}/api"), PATIENCE_S)
        yield Lab(url, home / "notebooks")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium, for one module only.

    While it lives, Playwright has an event loop running in this thread, in which no other test
    could start its own.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own, which must see no error on its console."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(PATIENCE_S * 1000)
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def _ask_for_no_news(settings: Path) -> None:
    extension = settings / "@jupyterlab" / "apputils-extension"
    extension.mkdir(parents=True)
    (extension / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many drawings were measured: figures x widths x themes."""
    drawn = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "drawings" and report.when == "call"
    ]
    if drawn:
        figures, drawings = len(drawn), sum(drawn)
        terminalreporter.write_line(f"{figures} figures drawn and measured, {drawings} drawings")
