"""The crash explorer in a real JupyterLab, under a real mouse and keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Lab
from tests.browser.notebook_page import open_notebook, run_cell

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OPEN = """
from veristack_lab.widgets import CrashExplorer

explorer = CrashExplorer("batches")
explorer
"""
# Its state as text, to be read from the page.
SAY = """
state = explorer.snapshot()
print("position", state["position"], "image", state["image"], "engine", state["engine"])
"""


def test_slide_cut_and_catch(lab: Lab, page: Page, unique_name: str) -> None:
    from playwright.sync_api import expect

    open_notebook(lab, page, unique_name, (OPEN, SAY))
    run_cell(page, 0)
    slider = page.locator("#veristack-crash-position")
    expect(slider).to_be_visible()
    sectors = page.locator("#veristack-crash-file-log-0000000001 .veristack-sector")
    moment = page.locator("#veristack-crash-moment")

    slider.focus()
    page.keyboard.press("End")  # the last sync; one before it, the write that it is about
    expect(moment).to_contain_text("log-0000000001 is synced")
    page.keyboard.press("ArrowLeft")
    expect(moment).to_contain_text("bytes are written to log-0000000001")
    expect(sectors.first).to_have_attribute("data-state", "durable")
    expect(sectors.last).to_have_attribute("data-state", "durable")  # room behind the write
    log = "#veristack-crash-file-log-0000000001"
    number = page.locator(f"{log} [data-state=cached]").last.get_attribute("data-number")
    written = page.locator(f"{log} [data-number='{number}']")
    for key in ("b", "x"):  # JupyterLab's: new cell below, cut this cell
        page.keyboard.press(key)
    page.keyboard.press("ArrowRight")
    expect(moment).to_contain_text("log-0000000001 is synced")
    expect(written).to_have_attribute("data-state", "durable")
    page.keyboard.press("ArrowLeft")
    expect(written).to_have_attribute("data-state", "cached")
    expect(slider).to_be_focused()
    expect(page.locator(".jp-Cell")).to_have_count(2)

    page.locator("#veristack-crash-image").select_option("0")
    expect(written).to_have_attribute("data-state", "lost")
    expect(page.locator("#veristack-crash-found")).to_contain_text("Recovery returns")
    written.hover()
    expect(page.locator("#veristack-crash-words")).to_contain_text("the change is lost")
    sectors.first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#veristack-crash-words")).to_contain_text("Sector 1 of log-0000000001")
    expect(page.locator(".veristack-promise[data-kept=true]").first).to_be_visible()
    expect(page.locator(".veristack-promise[data-kept=false]")).to_have_count(0)

    page.locator("#veristack-crash-engine").select_option("rename-unsynced")
    page.locator("#veristack-crash-next-violation").click()
    promise = page.locator("#veristack-crash-promise-acknowledged-present")
    expect(promise).to_have_attribute("data-kept", "false")
    expect(promise).to_contain_text(re.compile("acknowledged steps? (is|are) lost"))
    expect(page.locator("#veristack-crash-strip [data-verdict=x]")).not_to_have_count(0)
    expect(page.locator(".veristack-item[data-fate=missing]").first).to_be_visible()
    run_cell(page, 1)
    expect(page.locator(".jp-OutputArea-output").last).to_contain_text("engine rename-unsynced")
