"""The pages of the book, gathered from the project: path in the book to text or bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from veristack_lab.book import api, catalogue, figures, lab_pages
from veristack_lab.book.prose import Book, linked
from veristack_lab.errors import InvalidInput

PAGES = Path(__file__).with_name("pages")
TERM = re.compile(r"^(\S.*)\n  (?=\S)", re.MULTILINE)
ASKED = re.compile(r"\bpredict\b", re.IGNORECASE)
HIDDEN = "hide-output"
NOTEBOOK_LINK = re.compile(r'href="(\w+)\.ipynb"')
ANSWERS = "Test your understanding"

Files = dict[str, bytes]


def notebooks_of(root: Path, only: Collection[str] | None) -> list[Path]:
    """The notebooks of the project whose names begin with one of `only`; all if that is None.

    Raises:
        InvalidInput: one of `only` is the beginning of no notebook's name.
    """
    found = sorted((root / "notebooks").glob("*.ipynb"))
    for start in only or ():
        if not any(path.stem.startswith(start) for path in found):
            known = ", ".join(path.stem for path in found) or "none"
            raise InvalidInput(f"no notebook begins with {start!r}; there are: {known}")
    return [path for path in found if only is None or path.stem.startswith(tuple(only))]


def gather(root: Path, only: Collection[str] | None = None) -> Files:
    """Every page of the book.

    Args:
        root: the project's folder.
        only: beginnings of the names of the notebooks to take; None takes all.

    Raises:
        InvalidInput: see `notebooks_of`.
    """
    paths = notebooks_of(root, only)
    notebooks = {path.stem: json.loads(path.read_text()) for path in paths}
    labs = lab_pages.found(root)
    modules = api.modules(notebooks.values())
    glossary = (PAGES / "glossary.md").read_text()
    book = _book(notebooks, labs, modules, glossary)
    texts = {"index": (PAGES / "index.md").read_text(), "glossary": glossary}
    texts |= {"map": (root / "veristack_lab" / "README.md").read_text()}
    texts |= lab_pages.pages(labs) | catalogue.pages() | api.pages(modules)
    origins = {"map": "veristack_lab/README"}
    files = {
        book.pages[page]: linked(text, page, book, origins.get(page)).encode()
        for page, text in texts.items()
    }
    files["index.md"] += contents(book).encode()
    for stem, notebook in notebooks.items():
        page = f"notebooks/{stem}"
        files[book.pages[page]] = json.dumps(_shown(notebook, page, book)).encode()
    files["tour.svg"] = (root / "data" / "tour.svg").read_bytes()
    return files | {f"_static/{name}": content for name, content in _static().items()}


def _book(
    notebooks: Collection[str], labs: Collection[str], modules: Collection[str], glossary: str
) -> Book:
    stems = [f"notebooks/{stem}" for stem in notebooks]
    texts = ["index", "glossary", "map", *lab_pages.names(labs), *catalogue.names()]
    texts += api.names(modules)
    return Book(
        pages={name: f"{name}.md" for name in texts} | {name: f"{name}.ipynb" for name in stems},
        notebooks={stem[:2]: f"notebooks/{stem}" for stem in notebooks},
        labs={name[:2]: f"labs/{name}" for name in labs},
        terms=frozenset(term.lower() for term in TERM.findall(glossary)),
    )


def contents(book: Book) -> str:
    """The tables of contents that the first page ends with."""
    museum = [name for name in catalogue.names() if name != "museum/index"]
    parts: Mapping[str, list[str]] = {
        "Notebooks": list(book.notebooks.values()),
        "Labs": ["labs/index", *book.labs.values()],
        "Museum": ["museum/index"],
        "Reference": ["glossary", "map", "api/index"],
    }
    assert museum  # each wing hangs below museum/index
    return "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"
        for caption, names in parts.items()
    )


def _shown(notebook: dict[str, Any], page: str, book: Book) -> dict[str, Any]:
    """A notebook as a page: links, figures, and folded results where a guess was asked for."""
    cells: list[dict[str, Any]] = []
    is_asked = False
    for cell in notebook["cells"]:
        cells.append(_cell(cell, page, book, is_hidden=is_asked))
        is_asked = bool(ASKED.search(source_of(cell))) and cell["cell_type"] == "markdown"
        is_asked = is_asked or (cell["cell_type"] == "code" and "predict(" in source_of(cell))
    used = api.imported([notebook])
    links = ", ".join(f"[`{name}`](../api/{name}.md)" for name in used)
    if links:
        text = f"---\n\nIn the API: {links}."
        cells.append({"cell_type": "markdown", "metadata": {}, "source": text, "id": "in-the-api"})
    return {**notebook, "cells": cells}


def _cell(cell: dict[str, Any], page: str, book: Book, *, is_hidden: bool) -> dict[str, Any]:
    if cell["cell_type"] == "markdown":
        return {**cell, "source": linked(source_of(cell), page, book)}
    if cell["cell_type"] != "code":
        return cell
    metadata = dict(cell["metadata"])
    if is_hidden and cell["outputs"]:
        metadata["tags"] = [*metadata.get("tags", []), HIDDEN]
    outputs = [_linked(figures.drawn(output), book) for output in cell["outputs"]]
    return {**cell, "metadata": metadata, "outputs": outputs}


def _linked(output: dict[str, Any], book: Book) -> dict[str, Any]:
    """An output whose links to notebooks lead to their pages; to one that is left out, none."""
    data = output.get("data", {})
    if figures.HTML not in data:
        return output

    def page_of(found: re.Match[str]) -> str:
        return f'href="{found[1]}.html"' if f"notebooks/{found[1]}" in book.pages else ""

    text = NOTEBOOK_LINK.sub(page_of, "".join(data[figures.HTML]))
    return {**output, "data": {**data, figures.HTML: text}}


def source_of(cell: Mapping[str, Any]) -> str:
    """The text of a cell: a notebook keeps it as one text or as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _static() -> Files:
    """What pages load: our script and style, and plotly's script."""
    from importlib.util import find_spec

    spec = find_spec("plotly")
    assert spec is not None  # the lab depends on it
    assert spec.origin is not None
    script = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    ours = {name: (PAGES / name).read_bytes() for name in ("figures.js", "book.css")}
    return ours | {"plotly.min.js": script.read_bytes()}
