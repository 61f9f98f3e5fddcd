"""A notebook open in a real JupyterLab: make one, run its cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from tests.browser.conftest import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Page

TIMEOUT_MS = 60_000

# Without a kernel the indicator says idle too, and what is run before there is one is lost.
KERNEL_READY = """() =>
  document.querySelector(".jp-Toolbar-kernelName")?.innerText.includes("Python 3") &&
  document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status === "idle"
"""


def open_notebook(lab: Lab, page: Page, name: str, sources: Sequence[str]) -> Path:
    """Open a new notebook of these cells in a folder of its own; the folder."""
    folder = lab.notebooks / name
    folder.mkdir()
    document = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source.strip()) for source in sources],
        metadata={"kernelspec": {"display_name": "Python 3", "name": "python3"}},
    )
    nbformat.write(document, folder / "view.ipynb")
    page.goto(lab.notebook_url(f"{name}/view.ipynb"))
    page.wait_for_function(KERNEL_READY, timeout=TIMEOUT_MS)
    return folder


def run_cell(page: Page, number: int) -> None:
    """Run one cell; does not wait for its end."""
    from playwright.sync_api import expect

    cell = page.locator(".jp-Cell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).not_to_have_text("[ ]:")
