"""The tour's report in a real Chromium: cards on a phone, and both themes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.figures import SAMPLES
from veristack_lab.runtime.claims import Claim
from veristack_lab.tour import report
from veristack_lab.tour.context import Picture
from veristack_lab.tour.run import TourResult

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LONG = "847 acknowledged, 0 lost; sha256 of the weights " + "425ebebbe437" * 6
CLAIMS = (
    Claim("veristore", "A write that was acknowledged survives", "SIGKILL, 12 times", LONG, True),
    Claim("veriflow", "A killed training job goes on", "SIGKILL on the run", "they differ", False),
)
CONTRASTS = """() => {
    const colour = (text) => text.match(/[\\d.]+/g).map(Number);
    const page = colour(getComputedStyle(document.body).backgroundColor);
    const luminance = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, n) => {
        const part = c[n] / 255;
        return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    }, 0);
    return [...document.querySelectorAll("h1, h2, h3, p, a, td, figcaption")].map((node) => {
        const pair = [luminance(colour(getComputedStyle(node).color)), luminance(page)];
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    });
}"""


@pytest.fixture
def written(folder: Path) -> str:
    picture = Picture("veristore", "Recovery", "a caption", SAMPLES["veristore.kills"]())
    result = TourResult(7, False, ("veristore", "veriflow"), CLAIMS, (picture,), 1.5, 300 << 20, 4)
    return report.write(result, folder / "report").as_uri()


def test_a_claim_is_a_card_on_a_phone_and_a_row_on_a_desk(page: Page, written: str) -> None:
    page.goto(written)
    first, second = (page.locator("tbody tr").nth(n) for n in range(2))
    assert second.bounding_box()["x"] == first.bounding_box()["x"]
    assert first.locator("td").nth(0).bounding_box()["y"] == pytest.approx(
        first.locator("td").nth(4).bounding_box()["y"], abs=2
    )
    page.set_viewport_size({"width": 390, "height": 800})
    boxes = [first.locator("td").nth(n).bounding_box() for n in range(5)]
    tops = [box["y"] for box in boxes]
    assert tops == sorted(tops)
    assert len(set(tops)) == 5
    label = "node => getComputedStyle(node, '::before').content"
    assert first.locator("td").nth(1).evaluate(label) == '"promise"'
    page.wait_for_function("document.documentElement.scrollWidth <= 390")  # plotly has resized
    assert page.locator(".js-plotly-plot").first.bounding_box()["width"] <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_legible_in_both_schemes(page: Page, written: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(written)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 17, 17)"}[scheme]
    ratios = page.evaluate(CONTRASTS)
    assert len(ratios) > 15
    assert min(ratios) > 4.5
