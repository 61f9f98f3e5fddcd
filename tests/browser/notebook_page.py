"""A notebook open in a real JupyterLab: make one, run its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from tests.browser.conftest import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What is run before the kernel is connected is lost. The page shows a kernel's name and an idle
# indicator earlier than that, so JupyterLab itself is asked.
KERNEL_READY = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  const kernel = context?.session?.kernel;
  return Boolean(context?.isReady) && kernel?.connectionStatus === "connected" &&
    kernel.status === "idle";
}"""


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
    page.wait_for_function(KERNEL_READY)
    return folder


def run_cell(page: Page, number: int) -> None:
    """Run one cell; does not wait for its end."""
    from playwright.sync_api import expect

    cell = page.locator(".jp-Cell").nth(number)
    cell.locator(".cm-content").click()
    expect(cell.locator(".cm-editor")).to_have_class(re.compile("cm-focused"))
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).not_to_have_text("[ ]:")
