"""Pictures beside stored figures: what GitHub, nbviewer and exported pages show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import nbformat
import pytest
from nbconvert import HTMLExporter

from tests.browser.figures import SAMPLES
from tests.notebooks import pictures
from tests.notebooks.pictures import FIGURE, SVG, add_pictures, picture
from tests.notebooks.svg import slim
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# One of bars, one of lines on logarithmic axes, one of a heatmap, one of shapes.
CHOSEN = (
    "veristore.kills",
    "kernels.crc_ladder",
    "veristore.log_strip",
    "stack_map.stack_map",
)


@pytest.fixture(scope="module")
def studio(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.set_content("<!doctype html><body></body>")
    for script in pictures.SCRIPTS:
        page.add_script_tag(path=script)
    yield page
    page.close()


def stored(name: str) -> dict[str, Any]:
    return dict(json.loads(SAMPLES[name]().to_json()))


def notebook_of(*names: str) -> Any:
    cells = []
    for name in names:
        cell = nbformat.v4.new_code_cell("draw()", execution_count=1)
        data = {FIGURE: stored(name)}
        cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells)


def drawings(notebook: Any) -> list[str]:
    return [cell.outputs[0].data[SVG] for cell in notebook.cells]


def texts(drawing: str) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(drawing).iter() if
            node.tag.endswith("}text")]  # fmt: skip


@pytest.fixture(scope="module")
def notebook(studio: Page) -> Any:
    notebook = notebook_of(*CHOSEN)
    assert add_pictures(notebook, studio) == len(CHOSEN)
    return notebook


def test_a_picture_is_small_and_fetches_nothing(notebook: Any) -> None:
    for drawing in drawings(notebook):
        assert len(drawing.encode()) < pictures.MAX_BYTES / 2
        for forbidden in ("href", "<style", "style=", "@font", "<script", "<image", "class="):
            assert forbidden not in drawing


def test_a_picture_says_what_the_figure_says(notebook: Any) -> None:
    for name, drawing in zip(CHOSEN, drawings(notebook), strict=True):
        figure = SAMPLES[name]()
        said = " ".join(texts(drawing))
        for words in figure.layout.title.text.split("<br>"):
            assert words in said
        for trace in figure.data:
            if trace.name and trace.showlegend is not False:
                assert trace.name in said


def test_the_same_figure_gives_the_same_picture_and_pictures_share_no_id(
    notebook: Any, studio: Page
) -> None:
    before = drawings(notebook)
    add_pictures(notebook, studio)
    assert drawings(notebook) == before
    ids = [name for drawing in before for name in re.findall(r'\bid="([^"]+)"', drawing)]
    assert ids
    assert len(ids) == len(set(ids))
    for drawing in before:
        assert set(re.findall(r"url\(#([^)]+)\)", drawing)) == set(
            re.findall(r'\bid="([^"]+)"', drawing)
        )


def test_a_picture_that_is_too_large_is_refused(
    studio: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="draw fewer points"):
        picture(studio, stored("veristore.kills"), "p-")


def test_an_exported_page_shows_every_figure(notebook: Any, browser: Browser, folder: Path) -> None:
    html, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook)
    (folder / "page.html").write_text(html)
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.goto((folder / "page.html").as_uri())
    shown = page.locator(".jp-OutputArea-output img[src^='data:image/svg+xml']")
    sizes = shown.evaluate_all("images => images.map((i) => [i.complete, i.naturalWidth])")
    page.close()
    assert sizes == [[True, pictures.WIDTH_PX]] * len(CHOSEN)


@pytest.mark.parametrize("number", range(len(CHOSEN)))
def test_the_texts_are_where_plotly_put_them(notebook: Any, studio: Page, number: int) -> None:
    """Those of the small SVG against those of plotly's own."""
    where = """async ([figure, small, width]) => {
        const size = { format: "svg", width, height: figure.layout.height };
        const url = await Plotly.toImage({ data: figure.data, layout: figure.layout }, size);
        return [small, decodeURIComponent(url.slice(url.indexOf(",") + 1))].map((drawing) => {
            document.body.innerHTML = drawing;
            const svg = document.querySelector("svg");
            const { left, top } = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].map((text) => {
                const box = text.getBoundingClientRect();
                return [text.textContent, box.left - left, box.top - top];
            });
        });
    }"""
    drawing, figure = drawings(notebook)[number], stored(CHOSEN[number])
    small, large = studio.evaluate(where, [figure, drawing, pictures.WIDTH_PX])
    assert [text for text, _, _ in small] == [text for text, _, _ in large]
    assert len(small) > 5
    far = [
        a for a, b in zip(small, large, strict=True) if max(abs(a[1] - b[1]), abs(a[2] - b[2])) > 2
    ]
    assert far == []


def test_slimming_keeps_what_is_seen_and_drops_what_is_not() -> None:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><g class="a">'
        '<rect class="drag" width="5" height="5" style="fill: rgb(0, 0, 0); fill-opacity: 0;"/>'
        '<g class="b"><path d="M0.1234,0L1,2.04" style="fill: rgb(255, 0, 16); opacity: 1;"/></g>'
        '<path d="M1,1" style="stroke: rgb(1, 2, 3); stroke-width: 0px; fill: none;"/>'
        "</g></svg>"
    )
    root = ET.fromstring(slim(drawing, title="a & b", prefix="p-"))
    assert [node.tag.rpartition("}")[2] for node in root.iter()] == ["svg", "title", "path"]
    assert root[0].text == "a & b"
    assert root[1].attrib == {"d": "M0.1,0L1,2", "fill": "#ff0010"}
