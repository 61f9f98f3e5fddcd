"""A learner's copies of the notebooks: made once, renewed where nothing was edited, else kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from veristack_lab.cli.notebooks import app
from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.notebook_copies import LEDGER, Copies, copy_notebooks, text_digest

NAME = "00_start.ipynb"
OTHER = "01_more.ipynb"


def write(folder: Path, name: str, *sources: str, output: str = "") -> bytes:
    """A notebook of code cells; the bytes that were written."""
    folder.mkdir(exist_ok=True)
    cells = [nbformat.v4.new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
    if output:
        cells[0].outputs = [nbformat.v4.new_output("stream", text=output)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / name)
    return (folder / name).read_bytes()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write(tmp_path / "notebooks", NAME, "1 + 1")
    write(tmp_path / "notebooks", OTHER, "2 + 2")
    return tmp_path / "notebooks"


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "mine"


def test_a_copy_is_the_same_text_without_outputs(source: Path, into: Path) -> None:
    write(source, NAME, "1 + 1", output="2")
    assert copy_notebooks(source, into) == Copies(made=(NAME, OTHER))
    (cell,) = nbformat.read(into / NAME, as_version=4).cells
    assert (cell.source, cell.outputs, cell.execution_count) == ("1 + 1", [], None)
    assert text_digest(into / NAME) == text_digest(source / NAME)
    assert (into / OTHER).read_bytes() == (source / OTHER).read_bytes()
    assert sorted(path.name for path in into.iterdir()) == sorted([LEDGER, NAME, OTHER])


def test_the_second_call_changes_nothing(source: Path, into: Path) -> None:
    copy_notebooks(source, into)
    ran = write(into, NAME, "1 + 1", output="2")
    assert copy_notebooks(source, into) == Copies(kept=(NAME, OTHER))
    assert (into / NAME).read_bytes() == ran


def test_a_copy_that_was_run_but_not_edited_is_renewed(source: Path, into: Path) -> None:
    copy_notebooks(source, into)
    write(into, NAME, "1 + 1", output="2")
    newer = write(source, NAME, "1 + 1", "a new cell")
    assert copy_notebooks(source, into) == Copies(renewed=(NAME,), kept=(OTHER,))
    assert (into / NAME).read_bytes() == newer


def test_an_edited_copy_is_kept_and_is_told_of_a_newer_original(source: Path, into: Path) -> None:
    copy_notebooks(source, into)
    mine = write(into, NAME, "1 + 41")
    assert copy_notebooks(source, into).outdated == ()
    write(source, NAME, "1 + 1", "a new cell")
    for _ in range(2):
        assert copy_notebooks(source, into) == Copies(kept=(NAME, OTHER), outdated=(NAME,))
        assert (into / NAME).read_bytes() == mine


def test_a_copy_that_was_removed_comes_back(source: Path, into: Path) -> None:
    copy_notebooks(source, into)
    (into / NAME).unlink()
    assert copy_notebooks(source, into) == Copies(made=(NAME,), kept=(OTHER,))


def test_without_the_ledger_only_what_equals_the_original_counts_as_unedited(
    source: Path, into: Path
) -> None:
    copy_notebooks(source, into)
    (into / LEDGER).unlink()
    mine = write(into, NAME, "mine")
    assert copy_notebooks(source, into) == Copies(kept=(NAME, OTHER), outdated=(NAME,))
    assert (into / NAME).read_bytes() == mine
    newer = write(source, OTHER, "newer")
    assert copy_notebooks(source, into).renewed == (OTHER,)
    assert (into / OTHER).read_bytes() == newer


def test_a_text_written_as_lines_is_the_same_text(source: Path, into: Path) -> None:
    copy_notebooks(source, into)
    document = json.loads((into / NAME).read_text())
    assert document["cells"][0]["source"] == ["1 + 1"]
    document["cells"][0]["source"] = "1 + 1"
    (into / NAME).write_text(json.dumps(document))
    newer = write(source, NAME, "newer")
    assert copy_notebooks(source, into).renewed == (NAME,)
    assert (into / NAME).read_bytes() == newer


@pytest.mark.parametrize("harm", ["", "{", "[]", '{"cells": 3}', '{"cells": [{}]}'])
def test_what_is_no_notebook_is_refused_and_left_alone(source: Path, into: Path, harm: str) -> None:
    copy_notebooks(source, into)
    write(source, NAME, "newer")
    (into / NAME).write_text(harm)
    with pytest.raises(InvalidInput, match="not a notebook"):
        copy_notebooks(source, into)
    assert (into / NAME).read_text() == harm


@pytest.mark.parametrize("harm", ["", "[]", "{"])
def test_a_damaged_ledger_is_refused(source: Path, into: Path, harm: str) -> None:
    copy_notebooks(source, into)
    (into / LEDGER).write_text(harm)
    with pytest.raises(InvalidInput, match="damaged"):
        copy_notebooks(source, into)


def test_the_originals_are_never_the_copies(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="originals"):
        copy_notebooks(source, source / "." / ".." / source.name)
    with pytest.raises(InvalidInput, match="no notebooks"):
        copy_notebooks(tmp_path / "nowhere", tmp_path / "mine")


def test_the_command_says_what_it_did(source: Path, into: Path) -> None:
    arguments: list[Any] = ["copy", "--source", str(source), "--into", str(into)]
    first = CliRunner().invoke(app, arguments)
    assert (first.exit_code, "2 new" in first.output) == (0, True)
    write(into, NAME, "mine")
    write(source, NAME, "newer")
    second = CliRunner().invoke(app, arguments)
    assert "2 kept" in second.output
    assert f"{NAME} has a newer original" in second.output
