"""A notebook is written with its figures in one line each, and nothing else is changed."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from tests.notebooks.writing import FIGURE, write


def notebook() -> nbformat.NotebookNode:
    figures = [
        {"data": [{"x": [1, 2], "text": "a } b"}], "layout": {}},
        {"data": [], "layout": {"title": "ä\n"}},
    ]
    cells = [
        nbformat.v4.new_code_cell(
            f"figure_{number}",
            outputs=[nbformat.v4.new_output("display_data", {FIGURE: figure, "text/plain": ["f"]})],
        )
        for number, figure in enumerate(figures)
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# t", id="t"), *cells])


def test_what_is_written_is_what_nbformat_would_write(tmp_path: Path) -> None:
    given = notebook()
    ours, theirs = tmp_path / "ours.ipynb", tmp_path / "theirs.ipynb"
    write(given, ours)
    nbformat.write(given, theirs)
    assert json.loads(ours.read_text()) == json.loads(theirs.read_text())
    assert given == notebook()


def test_each_figure_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    write(notebook(), path)
    lines = [line for line in path.read_text().splitlines() if FIGURE in line]
    assert [line.rstrip().endswith("},") for line in lines] == [True, True]
