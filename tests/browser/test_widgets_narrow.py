"""Widgets in narrow windows, and after the notebook has closed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Lab
from tests.browser.notebook_page import open_notebook, run_cell

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.crash]

OPEN = """
import shutil, sys
from pathlib import Path
import veristack_lab.veristore as veristore
from veristack_lab.runtime import processes
from veristack_lab.widgets import CrashExplorer, KillSwitch, WalMicroscope, from_child

with veristore.open("store") as store:
    for number in range(12):
        store.put(b"key %d" % number, b"v" * 60)

def start(name):
    argv = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    return processes.spawn(argv, name=name, log_path=Path(name + ".log"))

children = [start("object-store"), start("a-worker-with-a-long-name")]
views = [
    KillSwitch([from_child(c, lambda n=c.name: start(n)) for c in children], name="processes"),
    WalMicroscope("store"),
    CrashExplorer("batches"),
]
for view in views:
    display(view)
"""
# As the last cells of a notebook do: views are closed, then servers, then folders.
CLOSE = """
for view in views:
    view.close()
for child in children:
    child.stop()
shutil.rmtree("store")
"""
ROOTS = (".veristack-switch", ".veristack-wal", ".veristack-crash")
# Controls that a reader cannot reach: beyond the widget's edge, the window's, or without a size.
LOST = """root => {
    const edge = root.getBoundingClientRect();
    const right = Math.min(edge.right, window.innerWidth) + 1;
    return [...root.querySelectorAll("button, select, input")].filter((control) => {
        const box = control.getBoundingClientRect();
        return box.left < edge.left - 1 || box.right > right || box.width < 8 || box.height < 8;
    }).map((control) => control.id || control.textContent);
}"""


@pytest.fixture
def opened(lab: Lab, page: Page, unique_name: str) -> Page:
    from playwright.sync_api import expect

    open_notebook(lab, page, unique_name, (OPEN, CLOSE))
    run_cell(page, 0)
    for root in ROOTS:
        expect(page.locator(root)).to_be_visible()
    return page


def test_no_control_is_lost_and_the_last_state_is_told(opened: Page) -> None:
    from playwright.sync_api import expect

    page = opened
    for width in (1200, 700):
        page.set_viewport_size({"width": width, "height": 900})
        for root in ROOTS:
            place = page.locator(root)
            assert place.locator("button, select, input").count() > 3
            assert place.evaluate(LOST) == [], f"{root} at {width} px"
    page.set_viewport_size({"width": 700, "height": 900})
    kill = page.locator("#veristack-object-store")
    kill.click()
    states = page.locator(".veristack-switch .veristack-state")
    expect(states.first).to_have_text("✕ dead")
    page.locator("#veristack-object-store-restart").click()
    expect(states.first).to_have_text("● alive")
    shown = page.locator("#veristack-wal-bytes").inner_text()

    run_cell(page, 1)
    for root in ROOTS:
        place = page.locator(root)
        expect(place.locator(".veristack-note")).to_contain_text("run the notebook from the top")
        expect(place).to_have_attribute("data-closed", "")
    expect(states).to_have_text(["✕ dead when closed", "● alive when closed"])
    expect(page.get_by_role("log")).to_contain_text("object-store: ended with this view")
    assert page.locator("#veristack-wal-bytes").inner_text() == shown
    for control in ("#veristack-wal-flip", "#veristack-crash-next-violation"):
        expect(page.locator(control)).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#veristack-crash-position")).to_be_disabled()
