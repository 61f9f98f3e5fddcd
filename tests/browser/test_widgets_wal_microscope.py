"""The microscope in a real JupyterLab, under a real mouse and keyboard."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Lab
from tests.browser.notebook_page import open_notebook, run_cell

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OPEN = """
import veristack_lab.veristore as veristore
from veristack_lab.widgets import WalMicroscope

store = veristore.open("store")
store.put(b"name", b"Ada")
store.put(b"year", b"1815")
store.put(b"long", b"v" * 600)
store.put(b"last", b"x")
WalMicroscope(store.path)
"""


def test_point_flip_and_move(lab: Lab, page: Page, unique_name: str) -> None:
    from playwright.sync_api import expect

    folder = open_notebook(lab, page, unique_name, (OPEN,))
    run_cell(page, 0)
    lsn = page.locator("#veristack-wal-byte-40")
    expect(lsn).to_be_visible()
    before = hashlib.sha256((folder / "store" / "log-0000000001").read_bytes()).digest()
    explain = page.locator("#veristack-wal-explain")

    lsn.hover()
    expect(explain).to_contain_text("LSN = 1 (record 1, bytes 40 to 47)")
    expect(explain).to_contain_text("records count up by one")
    expect(page.locator(".veristack-byte[data-same]")).to_have_count(8)

    lsn.click()
    expect(lsn).to_be_focused()
    for key in ("ArrowDown", "ArrowRight", "ArrowUp", "x"):  # x would cut the cell
        page.keyboard.press(key)
    expect(page.locator("#veristack-wal-byte-41")).to_be_focused()
    page.keyboard.press("Enter")
    record = page.locator("#veristack-wal-record-1")
    expect(record).to_have_attribute("data-status", "dead")
    expect(page.locator("#veristack-wal-record-2")).to_have_attribute("data-status", "behind")
    expect(page.locator("#veristack-wal-byte-41")).to_have_attribute("data-flipped", "")
    expect(page.locator("#veristack-wal-flips")).to_contain_text("LSN of record 1")
    strict = page.locator("#veristack-wal-mode-absolute-consistency")
    expect(strict).to_have_attribute("data-opens", "false")
    expect(page.locator("#veristack-wal-mode-skip-any-corrupted")).to_contain_text("LSN 1 lost")
    page.locator("#veristack-wal-restore").click()
    expect(record).to_have_attribute("data-status", "whole")
    expect(strict).to_have_attribute("data-opens", "true")

    page.locator("#veristack-wal-record-4").click()
    expect(page.locator("#veristack-wal-record-4")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#veristack-wal-byte-760")).to_be_visible()
    page.locator("#veristack-wal-byte-512").focus()
    page.keyboard.press("ArrowLeft")  # over the edge of the page
    expect(page.locator("#veristack-wal-byte-511")).to_be_focused()
    expect(page.locator(".jp-Cell")).to_have_count(2)
    after = hashlib.sha256((folder / "store" / "log-0000000001").read_bytes()).digest()
    assert after == before
