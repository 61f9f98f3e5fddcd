"""A lesson in a real JupyterLab: predict, reveal, task, lab, check, hint.

By keyboard alone, in the dark theme, on a page of 700 px. A screenshot is kept on failure.
"""

from __future__ import annotations

import json
import re
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
SOLUTIONS = Path(__file__).resolve().parents[2] / "labs"

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


def test_predict_first_then_see_by_keyboard_alone(lab: Lab, narrow: Page, unique_name: str) -> None:
    from playwright.sync_api import expect

    page = narrow
    folder = open_notebook(lab, page, unique_name, (ASK, REVEAL, TASK, SCORE))
    for number in range(4):  # as "Run All" does: nothing waits for an answer
        run_cell(page, number)
    covers = page.locator(".veristack-cover")
    expect(covers).to_have_count(2)
    expect(page.locator(".jp-RenderedPlotly")).to_have_count(0)
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
    expect(verdict).to_contain_text("you predicted 1 write, and it was 0 writes: right")
    expect(verdict).to_have_attribute("data-right", "true")
    expect(page.locator(".jp-RenderedPlotly")).to_contain_text("predicted: 1 write ·")
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
    expect(task).to_contain_text("the first token differs")
    task.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(task).to_contain_text("Stop at the first block that differs")


START = """
import os
from pathlib import Path
os.environ["VERISTACK_LEARNER"] = str(Path("learner").absolute())
from veristack_lab import lessons

lessons.start("03-group-commit")
"""
CHECK = """
lessons.check("03-group-commit")
"""
MAP = """
lessons.map()
"""


def test_a_lab_is_edited_checked_and_hinted_in_the_dark(
    lab: Lab, narrow: Page, unique_name: str
) -> None:
    from playwright.sync_api import expect

    page = narrow
    folder = open_notebook(lab, page, unique_name, (START, CHECK, MAP))
    page.evaluate(DARK)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    run_cell(page, 0)
    panel = page.locator("#veristack-lab-03-group-commit")
    text = page.locator("#veristack-lab-03-group-commit-text")
    expect(text).to_be_visible()
    (work,) = (folder / "learner" / "labs" / "03-group-commit").glob("*.py")
    assert text.input_value() == work.read_text()

    text.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nif True:\n    x = 1\nassert x == 2, 'typed in a notebook'")
    page.keyboard.press("Tab")
    expect(page.locator("#veristack-lab-03-group-commit-save")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#veristack-lab-03-group-commit-save")).to_have_attribute(
        "aria-disabled", "true"
    )
    typed = "\nif True:\n    x = 1\n    assert x == 2, 'typed in a notebook'"
    assert work.read_text().endswith(typed)  # a new line keeps its indentation
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Save and check
    bad = page.locator("#veristack-lab-03-group-commit-bad")
    expect(bad).to_contain_text("typed in a notebook")
    page.keyboard.press("Tab")
    expect(page.locator("#veristack-lab-03-group-commit-hint")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#veristack-lab-03-group-commit-hint-text")).to_contain_text("hint 1 of 3")

    work.write_text((SOLUTIONS / "03-group-commit" / "solution.py").read_text())
    run_cell(page, 1)
    count = page.locator("#veristack-check-03-group-commit-count")
    expect(count).to_have_text(re.compile(r"^(\d+) of \1 tasks passed$"))
    run_cell(page, 2)
    row = page.locator(".veristack-map tr[data-notebook='02']")
    expect(row).to_contain_text(re.compile(r"03-group-commit ■+ (\d+) of \1"))

    page.locator("#veristack-lab-03-group-commit-reload").click()
    stale = page.locator("#veristack-lab-03-group-commit-stale")
    expect(stale).to_contain_text("The file has changed since this panel checked it")
    expect(bad).to_be_visible()
    expect(text).to_have_value(work.read_text())
    for part in ("-text", "-save", "-check", "-hint", "-reload", "-count", "-tasks"):
        assert inside(panel.locator(f"#veristack-lab-03-group-commit{part}")), part
    for part in (panel, text, page.locator(".veristack-map")):
        assert contrast(part) >= READABLE


READABLE = 4.5
"""The least contrast of text that WCAG 2 asks for."""

DARK = """() => window.jupyterapp.commands.execute(
  "apputils:change-theme", { theme: "JupyterLab Dark" }
)"""

# The contrast of the text of an element with the first background behind it that is not clear.
CONTRAST = """(node) => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  let behind = node;
  while (behind.parentElement && parse(getComputedStyle(behind).backgroundColor)[3] === 0) {
    behind = behind.parentElement;
  }
  const [one, two] = [
    light(parse(getComputedStyle(node).color)),
    light(parse(getComputedStyle(behind).backgroundColor)),
  ];
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
}"""


def contrast(part: Locator) -> float:
    """How well the text of a part of the page stands out: from 1 to 21."""
    return float(part.first.evaluate(CONTRAST))


def inside(part: Locator) -> bool:
    """Whether a part of the page lies within its width."""
    box = part.bounding_box()
    return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= WIDTH
