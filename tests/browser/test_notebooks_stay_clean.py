"""A notebook is opened, run and saved in a real JupyterLab, and git sees no change."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from tests.browser.conftest import Lab
from tests.browser.notebook_page import KERNEL_READY
from tests.waiting import wait_until
from veristack_lab.runtime.notebook_copies import DEFAULT_FOLDER, DEFAULT_SOURCE, copy_notebooks

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.crash]

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("00_start.ipynb", "01_write_ahead_log.ipynb")

# Through JupyterLab's own commands: the menu's "Run All Cells", and its "Save".
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
IS_SAVED = "() => window.jupyterapp.shell.currentWidget?.context?.model?.dirty === false"


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    return subprocess.run(
        ["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def checkout(lab: Lab, unique_name: str) -> Path:
    """A git checkout with the tracked notebooks, in the folder that JupyterLab serves."""
    folder = lab.notebooks / unique_name
    (folder / DEFAULT_SOURCE).mkdir(parents=True)
    for name in NAMES:
        shutil.copyfile(ROOT / DEFAULT_SOURCE / name, folder / DEFAULT_SOURCE / name)
    shutil.copyfile(ROOT / ".gitignore", folder / ".gitignore")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "as shipped")
    return folder


@pytest.mark.parametrize("name", [NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.exhaustive)])
def test_the_tree_is_clean_after_opening_running_and_saving(
    lab: Lab, page: Page, checkout: Path, name: str
) -> None:
    tracked = checkout / DEFAULT_SOURCE / name
    shipped = tracked.read_bytes()
    copy_notebooks(checkout / DEFAULT_SOURCE, checkout / DEFAULT_FOLDER)
    copy = checkout / DEFAULT_FOLDER / name

    page.goto(lab.notebook_url(f"{checkout.name}/{DEFAULT_FOLDER}/{name}"))
    page.wait_for_function(KERNEL_READY)
    page.evaluate(RUN_ALL)
    page.evaluate(SAVE)
    page.wait_for_function(IS_SAVED)

    wait_until(lambda: copy.read_bytes() != shipped, "JupyterLab to save the copy")
    cells = [c for c in nbformat.read(copy, as_version=4).cells if c.cell_type == "code"]
    assert [
        output for cell in cells for output in cell.outputs if output.output_type == "error"
    ] == []
    assert "kept" in cells[-1].outputs[0].text
    assert tracked.read_bytes() == shipped
    assert git(checkout, "status", "--porcelain") == ""


def test_make_lab_opens_the_copies_and_git_ignores_them() -> None:
    recipe = subprocess.run(
        ["make", "--dry-run", "lab"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert re.search(
        rf"veristack notebooks copy\n.*jupyter lab --notebook-dir={DEFAULT_FOLDER} ", recipe
    )
    assert git(ROOT, "check-ignore", f"{DEFAULT_FOLDER}/{NAMES[0]}").strip()
