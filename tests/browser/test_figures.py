"""Every figure of `viz` in a real Chromium: narrow and wide, on a light page and on a dark one.

Boxes and colours of the drawn elements are measured. No picture is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly
import plotly.graph_objects as go
import pytest

import veristack_lab
from tests.browser.figures import SAMPLES, figure_functions
from tests.waiting import PATIENCE_S
from veristack_lab.viz.theme import DARK_PAGE, LIGHT_PAGE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

WIDTHS = (390, 700, 1300)
PAGES = {"light": LIGHT_PAGE, "dark": DARK_PAGE}
SCRIPT = Path(plotly.__file__).with_name("package_data") / "plotly.min.js"
STYLES = Path(veristack_lab.__file__).parent / "widgets" / "command_view.css"
HTML = "<!doctype html><body style='margin:0'><div id=host></div>"


@pytest.fixture(scope="module")
def canvas(browser: Browser) -> Iterator[Page]:
    """One page for all figures, with plotly's script in it."""
    page = browser.new_page(viewport={"width": max(WIDTHS), "height": 1000})
    page.set_default_timeout(PATIENCE_S * 1000)
    page.set_content(HTML)
    page.add_style_tag(path=STYLES)  # what every view of the lab brings along
    page.add_script_tag(path=SCRIPT)
    page.add_script_tag(path=Path(__file__).with_name("measure.js"))
    yield page
    page.close()


def examined(page: Page, figure: go.Figure) -> dict[str, Any]:
    call = "([figure, widths, pages]) => examine(figure, widths, pages)"
    found = page.evaluate(call, [json.loads(figure.to_json()), list(WIDTHS), PAGES])
    return dict(found)


def test_every_figure_function_has_a_sample() -> None:
    assert {name.partition(":")[0] for name in SAMPLES} == set(figure_functions())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_figure_is_legible_at_every_width_on_both_pages(
    canvas: Page, name: str, record_property: Callable[[str, object], None]
) -> None:
    found = examined(canvas, SAMPLES[name]())
    record_property("drawings", found["seen"])
    assert found["seen"] == len(WIDTHS) * len(PAGES)
    assert found["lines"] > len(WIDTHS)
    assert found["faults"] == [], "\n".join(found["faults"])
