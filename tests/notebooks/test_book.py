"""A book of three notebooks: every page is there, every link leads somewhere, Chromium shows it.

The whole book is made the same way by `make book`, and by `make test-all`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import browser, chromium, page  # noqa: F401 - fixtures
from veristack_lab import book, museum
from veristack_lab.book import links

if TYPE_CHECKING:
    from playwright.sync_api import Page

NOTEBOOKS = ("00", "01", "04")
FOREIGN = re.compile(r"<(?:script|link|img)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, links.Report]:
    """A book of three notebooks: its folder, and what following its links found."""
    for name in ("sphinx", "myst_nb", "furo"):
        pytest.importorskip(name, reason="the extra `book` is not installed: `make .venv/.book`")
    first, report = book.build(tmp_path_factory.mktemp("book") / "site", NOTEBOOKS)
    return first.parent, report


def test_every_link_between_its_pages_leads_somewhere(built: tuple[Path, links.Report]) -> None:
    _, report = built
    assert report.lost == ()
    assert report.pages > 50
    assert report.links > 1000


def test_every_exhibit_and_every_lab_has_a_page(built: tuple[Path, links.Report]) -> None:
    site, _ = built
    catalogue = (site / "museum" / "index.html").read_text()
    for exhibit in museum.exhibits():
        assert f'href="{exhibit.wing}/{exhibit.name}.html"' in catalogue
        assert (
            exhibit.promise in (site / "museum" / exhibit.wing / f"{exhibit.name}.html").read_text()
        )
    manifests = list(Path(__file__).parents[2].glob("labs/*/lab.toml"))
    assert manifests
    for manifest in manifests:
        text = (site / "labs" / f"{manifest.parent.name}.html").read_text()
        assert text.count('<details class="hint">') >= 3


def test_notebooks_lead_to_labs_glossary_api_and_each_other(
    built: tuple[Path, links.Report],
) -> None:
    text = (built[0] / "notebooks" / "01_write_ahead_log.html").read_text()
    for target in (
        "../labs/01-crc32c.html",
        "../glossary.html#term-write-ahead-log",
        "../api/veristack_lab.veristore.html",
        "04_object_store.html",
    ):
        assert f'href="{target}"' in text


def test_the_api_tells_what_the_docstrings_tell(built: tuple[Path, links.Report]) -> None:
    text = (built[0] / "api" / "veristack_lab.veristore.html").read_text()
    for name in ("open", "Store.put", "Store.put_many", "ObjectStore"):
        assert f'id="veristack_lab.veristore.{name}"' in text
    assert "Raises" in text


def test_what_was_to_be_predicted_is_folded_and_figures_are_there(
    built: tuple[Path, links.Report],
) -> None:
    text = (built[0] / "notebooks" / "01_write_ahead_log.html").read_text()
    assert "<summary" in text
    figures = re.findall(r'<div class="lab-figure".*?>(.*?)</script>', text, re.DOTALL)
    assert len(figures) >= 5
    for figure in figures:
        assert json.loads(figure.partition(">")[2])["data"]


def test_it_asks_no_server_for_anything(built: tuple[Path, links.Report]) -> None:
    pages = sorted(built[0].rglob("*.html"))
    assert pages
    assert [
        found[0] for each in pages for found in [FOREIGN.search(each.read_text())] if found
    ] == []
    assert (built[0] / "_static" / "plotly.min.js").stat().st_size > 1_000_000


@pytest.mark.browser
def test_chromium_draws_its_figures_and_finds_words(
    built: tuple[Path, links.Report],
    page: Page,  # noqa: F811
) -> None:
    from playwright.sync_api import expect

    site, _ = built
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="01 · The write-ahead log").first.click()
    expect(page.locator(".lab-figure .main-svg").first).to_be_visible()
    page.locator("summary").first.click()
    expect(
        page.locator("details[open] .dataframe, details[open] .lab-figure").first
    ).to_be_visible()
    page.goto(f"{(site / 'search.html').as_uri()}?q=torn")
    expect(page.locator("#search-results li a").first).to_be_visible()


@pytest.mark.browser
def test_it_can_be_read_on_a_phone(
    built: tuple[Path, links.Report],
    page: Page,  # noqa: F811
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("index", "notebooks/01_write_ahead_log", "museum/index", "glossary"):
        page.goto((built[0] / f"{name}.html").as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is {wide} px wider than the window"
