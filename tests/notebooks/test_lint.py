"""What a notebook of the lab must be, besides right: small, readable, in order, and honest."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import pytest

from tests.notebooks.pictures import MAX_BYTES as MAX_PICTURE_BYTES
from tests.notebooks.pictures import SVG
from tests.notebooks.refresh import is_revealed
from tests.notebooks.writing import FIGURE
from veristack_lab.lessons import catalogue
from veristack_lab.lessons.tasks.registry import find as find_task

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

MAX_BYTES = 200 * 1024
CELLS = range(25, 49)  # three of them are the lab and the heading after it
PROSE_SHARE = (0.4, 0.65)
MEDIAN_LINES, MAX_LINES = 5, 25
MAX_DEFINITIONS = 2
MAX_LAB_BYTES = 3000
PREDICTIONS = range(2, 5)
CHECK = "# NBVAL_CHECK_OUTPUT"
ABSOLUTE = re.compile(r"(?<![\w.~:/-])/(?:tmp|home|root|Users|work|usr|var)/\w+")


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def notebook(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def lines(cell: Any) -> int:
    return sum(1 for line in cell.source.splitlines() if line.strip())


def tree(notebook: Any) -> ast.Module:
    nodes = [node for cell in code_cells(notebook) for node in tree_of(cell).body]
    return ast.Module(nodes, type_ignores=[])


def tree_of(cell: Any) -> ast.Module:
    source = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
    return ast.parse(source)


def test_the_way_in_exists() -> None:
    assert "00_start" in [path.stem for path in NOTEBOOKS]


def test_it_is_valid_and_small(path: Path, notebook: Any) -> None:
    nbformat.validate(notebook)
    assert path.stat().st_size < MAX_BYTES
    # Widget state would bring five megabytes of JavaScript of other projects.
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_it_is_as_long_as_a_reader_lasts(notebook: Any) -> None:
    assert len(notebook.cells) in CELLS
    share = len(prose(notebook)) / len(notebook.cells)
    assert PROSE_SHARE[0] <= share <= PROSE_SHARE[1], f"{share:.0%} of the cells are prose"


def test_its_code_is_short(notebook: Any) -> None:
    sizes = [lines(cell) for cell in code_cells(notebook)]
    assert median(sizes) <= MEDIAN_LINES
    assert max(sizes) <= MAX_LINES
    definitions = [n for n in ast.walk(tree(notebook)) if isinstance(n, ast.FunctionDef)]
    assert len(definitions) <= MAX_DEFINITIONS
    assert not [n for n in ast.walk(tree(notebook)) if isinstance(n, ast.ClassDef)]


def test_it_was_run_from_top_to_bottom_without_an_error(notebook: Any) -> None:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error"] == []
    warned = [o for o in outputs if o.output_type == "stream" and "Warning" in o.text]
    assert warned == []


def test_it_names_no_place_of_the_machine_that_ran_it(notebook: Any) -> None:
    for cell in notebook.cells:
        assert not ABSOLUTE.search(cell.source)
        for output in cell.get("outputs", []):
            shown = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            assert not ABSOLUTE.search(shown), shown


def test_each_figure_has_a_still_picture(notebook: Any) -> None:
    shown = [output.data for cell in code_cells(notebook) for output in cell.outputs
             if FIGURE in output.get("data", {})]  # fmt: skip
    pictured = [data[SVG] for data in shown if SVG in data]
    assert len(pictured) == len(shown)
    assert all(len("".join(picture).encode()) <= MAX_PICTURE_BYTES for picture in pictured)


def test_it_ends_with_its_claims_and_nothing_else_is_compared(notebook: Any) -> None:
    checked = [cell for cell in code_cells(notebook) if "NBVAL_CHECK_OUTPUT" in cell.source]
    assert len(checked) == 1
    last = code_cells(notebook)[-1]
    assert checked[0] is last
    assert last.source.splitlines()[0] == CHECK
    assert "claims.verdicts(" in last.source
    printed = "".join(output.text for output in last.outputs)
    assert printed.strip()
    assert {line.split("|")[0].strip() for line in printed.strip().splitlines()} == {"kept"}
    assert "NBVAL_SKIP" not in "".join(cell.source for cell in notebook.cells)


def test_it_tells_a_story(notebook: Any) -> None:
    text = "\n".join(cell.source for cell in prose(notebook)).lower()
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    for part in ("## your turn", "## test your understanding", "## what was promised"):
        assert part in text


def calls(notebook: Any, name: str) -> list[str]:
    """The first arguments of the calls and decorators `lessons.NAME("...")`, in order."""
    return [
        node.args[0].value
        for cell in code_cells(notebook)
        for node in ast.walk(tree_of(cell))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == f"lessons.{name}"
        and isinstance(node.args[0], ast.Constant)
    ]


def test_it_asks_first_and_shows_every_result_it_asked_about(path: Path, notebook: Any) -> None:
    asked = calls(notebook, "predict")
    assert len(asked) in PREDICTIONS
    assert len(set(asked)) == len(asked)
    assert {each[:2] for each in asked} == {path.stem[:2]}
    assert calls(notebook, "scorecard") == [path.stem[:2]]
    # The cells alternate: a question, then its result, before the next question.
    order = [
        kind
        for cell in code_cells(notebook)
        for kind in ("lessons.predict(", ".reveal(")
        if kind in cell.source
    ]
    assert order == ["lessons.predict(", ".reveal("] * len(asked)


def test_the_results_of_predictions_are_folded(notebook: Any) -> None:
    for cell in notebook.cells:
        is_folded = bool(cell.metadata.get("jupyter", {}).get("outputs_hidden"))
        assert is_folded == is_revealed(cell), cell.source


def test_it_has_a_task_that_begins_as_the_registry_says(path: Path, notebook: Any) -> None:
    tasks = calls(notebook, "task")
    assert len(tasks) >= 1
    for task in map(find_task, tasks):
        assert task.id.startswith(path.stem[:2])
        assert any(task.starter.strip() in cell.source for cell in code_cells(notebook))
        assert any(task.text in cell.source for cell in prose(notebook))


def test_it_opens_and_checks_the_lab_of_its_layer(path: Path, notebook: Any) -> None:
    labs = catalogue.notebook(path.stem).labs
    assert calls(notebook, "start") == calls(notebook, "check") == list(labs[:1])
    text = "\n".join(cell.source for cell in prose(notebook))
    assert ("## The lab" in text) == bool(labs)
    for cell in code_cells(notebook):
        if "lessons.start(" in cell.source or "lessons.check(" in cell.source:
            (shown,) = cell.outputs
            assert shown.data["text/plain"].startswith(f"lab {labs[0]}")
            assert shown.data["text/html"].startswith("<div>")
            assert len("".join(shown.data["text/html"]).encode()) < MAX_LAB_BYTES


def test_each_question_has_a_folded_answer(notebook: Any) -> None:
    text = "\n".join(cell.source for cell in prose(notebook)).split("## Test your understanding")[1]
    questions = re.findall(r"^\*\*(\d+)\.\*\* ", text, re.MULTILINE)
    folded = r"^<details><summary>Answer (\d+)</summary>\n\n(.+?)\n\n</details>$"
    answers = re.findall(folded, text, re.MULTILINE | re.DOTALL)
    assert len(questions) >= 4
    assert [number for number, _ in answers] == questions
    assert min(len(answer) for _, answer in answers) > 60


def test_its_claims_show_what_was_observed(notebook: Any) -> None:
    shown = [cell for cell in code_cells(notebook) if "claims.table(" in cell.source]
    assert len(shown) == 1
    # No claim is made up in a notebook: each comes from a module that tests judge too.
    assert "claims.Claim(" not in "".join(cell.source for cell in code_cells(notebook))
    text = shown[0].outputs[-1]["data"]["text/plain"]
    rows = [line.split(" | observed: ") for line in text.splitlines()]
    assert len(rows) >= 4
    assert all(len(row) == 2 and re.search(r"\d", row[1]) for row in rows), rows


def test_every_name_it_takes_from_the_package_exists(notebook: Any) -> None:
    for node in ast.walk(tree(notebook)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("veristack_lab"):
                    importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("veristack_lab"):
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def test_every_notebook_it_links_to_exists(path: Path, notebook: Any) -> None:
    text = "\n".join(cell.source for cell in prose(notebook))
    missing = [
        n for n in re.findall(r"\]\(([\w./-]+\.ipynb)\)", text) if not (path.parent / n).exists()
    ]
    assert missing == []


def test_what_is_sanitised_is_sane() -> None:
    config = configparser.RawConfigParser()
    config.read(ROOT / "tests" / "nbval_sanitize.cfg")
    assert len(config.sections()) > 5
    verdict = "kept   | veristore: every acknowledged write survives | against: SIGKILL, 5 times"
    text = f"{verdict} in 1.25 s at 127.0.0.1:4711"
    for section in config.sections():
        text = re.sub(config.get(section, "regex"), config.get(section, "replace"), text)
    assert text == f"{verdict} in DURATION at LOOPBACK"
