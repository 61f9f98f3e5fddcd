"""A still picture beside every interactive figure of a notebook, for pages that run no script.

`python -m tests.notebooks.pictures FILE...` adds them to the outputs that are stored; `refresh`
does so by itself after it has run a notebook. Plotly's own script draws them in Chromium, so a
maintainer needs one, and a learner does not: the figures of a learner's run stay as they are.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import plotly

from tests.notebooks.svg import slim
from tests.notebooks.writing import FIGURE, write

if TYPE_CHECKING:
    from playwright.sync_api import Page


SVG = "image/svg+xml"
WIDTH_PX = 700
MAX_BYTES = 40 * 1024
"""Of one picture: a notebook of several stays below 200 KB."""
PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = ("--no-sandbox", "--headless", "--disable-gpu", "--no-first-run", "--disable-sync")
SCRIPTS = (
    Path(plotly.__file__).with_name("package_data") / "plotly.min.js",
    Path(__file__).with_name("paint.js"),
)


def chromium() -> str:
    """Where Chromium is.

    Raises:
        SystemExit: there is none, or no playwright to drive it.
    """
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise SystemExit(
            "pictures are drawn by Chromium: apt-get update && apt-get install chromium"
        )
    if importlib.util.find_spec("playwright") is None:
        raise SystemExit("pictures need playwright, which is in the dev extra: make .venv/.dev")
    return found


@contextmanager
def studio() -> Iterator[Page]:
    """A page of Chromium that can paint. Raises `SystemExit` where there is none."""
    program = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page()
        page.set_content("<!doctype html><body></body>")
        for script in SCRIPTS:
            page.add_script_tag(path=script)
        yield page
        browser.close()


def picture(page: Page, figure: dict[str, Any], prefix: str) -> str:
    """A figure as a small SVG.

    Args:
        page: from `studio`.
        figure: as a notebook stores it.
        prefix: begins the ids in the picture; pictures of one notebook must differ in it.

    Raises:
        ValueError: the picture has more than `MAX_BYTES`.
    """
    title = str(figure["layout"].get("title", {}).get("text", "a figure")).replace("<br>", " ")
    drawing = page.evaluate("([figure, width]) => paint(figure, width)", [figure, WIDTH_PX])
    small = slim(drawing, title=title, prefix=prefix)
    if len(small.encode()) > MAX_BYTES:
        raise ValueError(
            f"the picture of “{title}” has {len(small.encode()):,} bytes, more than {MAX_BYTES:,}:"
            " draw fewer points"
        )
    return small


def add_pictures(notebook: Any, page: Page) -> int:
    """Put a picture beside every stored figure; older pictures are replaced. Their number."""
    count = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if FIGURE in data:
                figure = json.loads(json.dumps(data[FIGURE]))
                data[SVG] = picture(page, figure, prefix=f"picture-{count}-")
                count += 1
    return count


def add_to_files(paths: Sequence[Path]) -> None:
    """Add pictures to notebooks, write these back, and print their sizes."""
    with studio() as page:
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            count = add_pictures(notebook, page)
            write(notebook, path)
            print(f"{path}: {count} pictures, {path.stat().st_size / 1024:.0f} KB")


def main() -> None:
    """Add pictures to every notebook that was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="FILE")
    add_to_files(parser.parse_args().notebooks)


if __name__ == "__main__":
    main()
