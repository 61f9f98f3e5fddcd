"""A lesson in a real JupyterLab: predict, reveal, task, lab, check, hint.

By keyboard alone, in the dark theme, on a page of 700 px. A screenshot is kept on failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Lab
from tests.browser.notebook_page import open_notebook, run_cell

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

WIDTH = 700

ASK = """
import os
from pathlib import Path
os.environ["VERISTACK_LEARNER"] = str(Path("learner").absolute())
from veristack_lab import lessons

lost = lessons.predict("00/lost", "How many acknowledged writes are lost?", unit="writes", within=1)
sooner = lessons.predict("00/sooner", "Which is noticed sooner?", choices=["a kill", "a pause"])
"""
REVEAL = """
import plotly.graph_objects as go
from veristack_lab.viz.theme import apply_theme

apply_theme()
figure = go.Figure(go.Bar(x=["kill 1", "kill 2"], y=[0, 1]), layout={"title": {"text": "Kills"}})
lost.reveal(0, figure, axis="y")
sooner.reveal("a kill")
"""
TASK = """
@lessons.task("10/shared-blocks")
def shared(one, two, block):
    return min(len(one), len(two)) // block
"""
SCORE = """
lessons.scorecard("00")
"""


@pytest.fixture
def narrow(page: Page, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """A page as wide as half a screen; what it showed is kept if the test fails."""
    page.set_viewport_size({"width": WIDTH, "height": 900})
    before = request.session.testsfailed
    try:
        yield page
    finally:
        shot = tmp_path / "page.png"
        page.screenshot(path=shot, full_page=True)
        if request.session.testsfailed == before:
            shot.unlink()
        else:
            print(f"what the page showed: {shot}")


def test_predict_first_then_see_by_keyboard_alone(
    lab: Lab, narrow: Page, unique_name: str
) -> None:
    from playwright.sync_api import expect

    page = narrow
    folder = open_notebook(lab, page, unique_name, (ASK, REVEAL, TASK, SCORE))
    for number in range(4):  # as "Run All" does: nothing waits for an answer
        run_cell(page, number)
    covers = page.locator(".veristack-cover")
    expect(covers).to_have_count(2)
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    score = page.locator(".veristack-scorecard")
    expect(score).to_contain_text("2 predictions, 0 answered, 0 of 0 right")

    field = page.locator("#veristack-predict-00-lost-input")
    note = page.locator("#veristack-predict-00-lost-note")
    field.focus()
    for key in ("b", "x", "Enter"):  # JupyterLab's: new cell below, cut this cell
        page.keyboard.press(key)
    expect(note).to_contain_text("the answer is a number")
    expect(page.locator(".jp-Cell")).to_have_count(5)
    field.fill("1")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    verdict = page.locator(".veristack-verdict").first
    expect(verdict).to_contain_text("you predicted 1 writes, and it was 0 writes: right")
    expect(verdict).to_have_attribute("data-right", "true")
    expect(page.locator(".js-plotly-plot")).to_contain_text("predicted 1 writes")
    expect(covers).to_have_count(1)
    expect(field).to_have_attribute("readonly", "")

    page.locator("#veristack-predict-00-sooner-choice-0").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#veristack-predict-00-sooner-choice-1")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(covers).to_have_count(0)
    expect(page.locator(".veristack-verdict").last).to_have_attribute("data-right", "false")
    expect(score).to_contain_text("2 predictions, 2 answered, 1 of 2 right")
    kept = json.loads((folder / "learner" / "progress" / "notebooks.json").read_text())
    assert kept["predictions"]["00/lost"] == {"value": 1, "observed": 0, "is_right": True}
    assert kept["predictions"]["00/sooner"]["is_right"] is False

    task = page.locator(".veristack-task")
    expect(task).to_have_attribute("data-passed", "false")
    expect(task).to_contain_text("equal blocks after a difference do not count")
    task.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(task).to_contain_text("Stop at the first block that differs")


def inside(part: Locator) -> bool:
    """Whether a part of the page lies within its width."""
    box = part.bounding_box()
    return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= WIDTH
