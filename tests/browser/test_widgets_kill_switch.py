"""The kill switch in a real JupyterLab, under a real mouse and keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.browser.conftest import Lab
from tests.browser.notebook_page import open_notebook, run_cell
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.crash]

OPEN = """
import sys
from pathlib import Path
from veristack_lab.runtime import processes
from veristack_lab.widgets import KillSwitch, from_child

def start():
    argv = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    return processes.spawn(argv, name="worker-0", log_path=Path("worker.log"))

first = start()
switch = KillSwitch([from_child(first, start)], name="workers")
switch
"""
# Busy for as long as a file is absent: the view must stay live, the cell must not wait for it.
BUSY = """
import time
Path("busy").touch()
while not Path("enough").exists():
    time.sleep(0.02)
"""
CLOSE = """
switch.close()
first.stop()
Path("log.json").write_text(__import__("json").dumps(switch.snapshot()))
"""


@pytest.fixture
def notebook(lab: Lab, page: Page, unique_name: str) -> Path:
    """A folder with a notebook that is open in the page, its first cell run."""
    from playwright.sync_api import expect

    folder = open_notebook(lab, page, unique_name, (OPEN, BUSY, CLOSE))
    run_cell(page, 0)
    expect(page.locator("#veristack-worker-0")).to_be_visible()
    return folder


def wait_for_file(page: Page, path: Path) -> None:
    def is_there() -> bool:
        page.wait_for_timeout(50)  # the page's own events go on while we wait
        return path.exists()

    wait_until(is_there, f"{path.name} is written")


def shown_pid(page: Page) -> int:
    text = page.locator(".veristack-pid").inner_text()
    return int(text.removeprefix("pid "))


def test_click_kill_and_restart(notebook: Path, page: Page) -> None:
    from playwright.sync_api import expect

    row = page.locator(".veristack-row")
    kill = page.locator("#veristack-worker-0")
    expect(row).to_have_attribute("data-state", "alive")
    expect(kill).to_have_attribute("aria-pressed", "false")
    first = shown_pid(page)
    assert psutil.pid_exists(first)

    kill.click()
    expect(row).to_have_attribute("data-state", "dead")
    expect(kill).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".veristack-state")).to_have_text("✕ dead")
    expect(page.get_by_role("log")).to_contain_text(f"killed with SIGKILL, process {first}")
    assert not psutil.pid_exists(first)

    page.locator("#veristack-worker-0-restart").click()
    expect(row).to_have_attribute("data-state", "alive")
    expect(kill).to_have_attribute("aria-pressed", "false")
    second = shown_pid(page)
    assert second != first
    assert psutil.pid_exists(second)

    run_cell(page, 2)
    wait_for_file(page, notebook / "log.json")
    expect(page.locator(".veristack-note")).to_contain_text("Closed")
    expect(kill).to_have_attribute("aria-disabled", "true")
    assert not psutil.pid_exists(second)
    last = json.loads((notebook / "log.json").read_text())
    assert (last["closed"], last["targets"][0]["deaths"]) == (True, 1)


def test_the_keyboard_alone_is_enough(notebook: Path, page: Page) -> None:
    from playwright.sync_api import expect

    row = page.locator(".veristack-row")
    page.locator("#veristack-worker-0").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#veristack-worker-0-pause")).to_be_focused()
    for key in ("b", "x", "ArrowDown"):  # JupyterLab's: new cell below, cut this cell, next cell
        page.keyboard.press(key)
    expect(page.locator("#veristack-worker-0-pause")).to_be_focused()
    expect(page.locator(".jp-Cell")).to_have_count(3)
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("data-state", "paused")
    assert psutil.Process(shown_pid(page)).status() == psutil.STATUS_STOPPED
    expect(page.locator("#veristack-worker-0-pause")).to_be_focused()  # a redraw keeps the focus
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(row).to_have_attribute("data-state", "alive")
    assert psutil.Process(shown_pid(page)).status() != psutil.STATUS_STOPPED


def test_the_view_stays_live_while_a_cell_is_busy(notebook: Path, page: Page) -> None:
    from playwright.sync_api import expect

    victim = shown_pid(page)
    run_cell(page, 1)
    wait_for_file(page, notebook / "busy")
    psutil.Process(victim).kill()
    expect(page.locator(".veristack-row")).to_have_attribute("data-state", "dead")
    expect(page.get_by_role("log")).to_contain_text("worker-0 is dead, without being told to")
    (notebook / "enough").touch()
