"""The parts of the book, each by itself: links, prose, docstrings, figures, files."""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path

import pytest

from veristack_lab import cli, museum
from veristack_lab.book import api, builder, catalogue, figures, links, sources
from veristack_lab.book.docstrings import to_rst
from veristack_lab.book.prose import Book, linked
from veristack_lab.errors import InvalidInput
from veristack_lab.museum import Exhibit
from veristack_lab.veristore import Store

ROOT = Path(__file__).resolve().parents[2]
BOOK = Book(
    pages={
        "index": "index.md",
        "map": "map.md",
        "notebooks/04_object_store": "notebooks/04_object_store.ipynb",
        "labs/01-crc32c": "labs/01-crc32c.md",
        "labs/index": "labs/index.md",
    },
    notebooks={"04": "notebooks/04_object_store"},
    labs={"01": "labs/01-crc32c"},
    terms={"commit point", "lsn"},
)


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        (
            "see notebook 04.",
            "labs/01-crc32c",
            "see [notebook 04](../notebooks/04_object_store.ipynb).",
        ),
        ("see notebook 99", "index", "see notebook 99"),
        ("Lab 01 helps", "index", "[Lab 01](labs/01-crc32c.md) helps"),
        ("Lab 01", "labs/01-crc32c", "Lab 01"),
        ("`notebook 04`", "index", "`notebook 04`"),
        ("```\nnotebook 04\n```", "index", "```\nnotebook 04\n```"),
        ("[notebook 04](x.md)", "index", "notebook 04 (`x.md`)"),
        ("the *commit point* is", "index", "the {term}`commit point <commit point>` is"),
        ("*LSN*", "index", "{term}`LSN <lsn>`"),
        ("**commit point** and *other*", "index", "**commit point** and *other*"),
        ("[a](04_object_store.ipynb)", "notebooks/01", "[a](04_object_store.ipynb)"),
        ("[a](../labs/01-crc32c/README.md)", "notebooks/01", "[a](../labs/01-crc32c.md)"),
        ("[a](../labs/01-crc32c/README.md#x)", "notebooks/01", "[a](../labs/01-crc32c.md#x)"),
        ("[a](https://example.org/b)", "index", "[a](https://example.org/b)"),
        ("[a](#b)", "index", "[a](#b)"),
        ("![lab 01](x.svg)", "index", "![lab 01](x.svg)"),
    ],
)
def test_prose_gets_its_links(text: str, page: str, expected: str) -> None:
    assert linked(text, page, BOOK) == expected


def test_a_link_is_seen_from_where_the_text_comes_from() -> None:
    text = "[c](../CONTRIBUTING.md), [x](../labs/README.md)"
    told = linked(text, "map", BOOK, "veristack_lab/README")
    assert told == "c (`CONTRIBUTING.md`), [x](labs/index.md)"


def test_lost_links_are_found_and_others_are_not(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "index.html").write_text(
        '<h1 id="top"></h1><a href="#top"></a><a href="#lost"></a><a href="inner/"></a>'
        '<a href="inner/index.html#place"></a><a href="inner/index.html#none"></a>'
        '<img src="none.png"><script src="https://example.org/x.js"></script>'
        '<a href="mailto:x@example.org"></a><a href="a%20b.txt?v=1"></a>'
    )
    (folder / "inner" / "index.html").write_text('<p id="place"></p><a href="../index.html"></a>')
    (folder / "a b.txt").write_text("")
    report = links.check(folder)
    assert (report.pages, report.links) == (2, 8)
    assert [each.target for each in report.lost] == ["#lost", "inner/index.html#none", "none.png"]
    assert str(report.lost[0]) == "index.html -> #lost"


def test_docstrings_become_restructured_text() -> None:
    told = to_rst(
        [
            "Open `store` in a `read only` way;",
            "see `a",
            "b`, and *args or |x|.",
            "",
            "    with open(path) as `file`:",
            "        pass",
            "",
            "Args:",
            "    path: the folder `p`.",
            "",
            "        More of it.",
            "",
            "Returns:",
            "    One row: `n` of them.",
        ]
    )
    assert told == [
        "Open :py:obj:`store` in a ``read only`` way;",
        "see ``a",
        r"b``, and \*args or \|x|.",
        "",
        "::",
        "",
        "    with open(path) as `file`:",
        "        pass",
        "",
        "Args:",
        "    path: the folder :py:obj:`p`.",
        "",
        "        More of it.",
        "",
        ":returns:",
        "    One row: :py:obj:`n` of them.",
    ]


def test_a_name_that_means_the_same_everywhere_leads_to_what_it_names() -> None:
    told = to_rst(["raises `StoreClosed`"], {"StoreClosed": "veristack_lab.errors.StoreClosed"})
    assert told == ["raises :py:obj:`~veristack_lab.errors.StoreClosed`"]


def test_a_figure_is_kept_as_data_that_no_text_in_it_can_leave() -> None:
    figure = {"data": [{"text": "</script><b>"}], "layout": {"height": 321}, "config": {}}
    svg = "<svg xmlns='x'/>"
    output = {
        "output_type": "display_data",
        "metadata": {},
        "data": {figures.PLOTLY: figure, "image/svg+xml": svg, "text/plain": "Figure"},
    }
    shown = figures.drawn(output)["data"]
    assert set(shown) == {"text/plain", "text/html"}
    found = re.search(r'json">(.*?)</script>', shown["text/html"])
    assert found is not None
    assert json.loads(found[1]) == {"data": figure["data"], "layout": figure["layout"]}
    assert "min-height:321px" in shown["text/html"]
    assert base64.b64encode(svg.encode()).decode() in shown["text/html"]


def test_other_outputs_stay_as_they_are() -> None:
    for output in ({"output_type": "stream", "text": "x"}, {"data": {"text/html": "<b>"}}):
        assert figures.drawn(output) == output


def test_a_folder_holds_exactly_the_files_and_right_ones_are_not_touched(folder: Path) -> None:
    builder.write({"a/b.md": b"1", "c.md": b"2", "d/e.md": b"3"}, folder)
    before = (folder / "c.md").stat().st_mtime_ns
    builder.write({"a/b.md": b"new", "c.md": b"2"}, folder)
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found == {"a/b.md": b"new", "c.md": b"2"}
    assert not (folder / "d").exists()
    assert (folder / "c.md").stat().st_mtime_ns == before


def test_a_folder_of_something_else_is_refused(folder: Path) -> None:
    pytest.importorskip("myst_nb", reason="the extra `book` is not installed: `make .venv/.book`")
    (folder / "mine.txt").write_text("")
    with pytest.raises(InvalidInput, match="holds something else than a book"):
        builder.build(folder)
    with pytest.raises(InvalidInput, match="is a file"):
        builder.build(folder / "mine.txt")
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_notebook_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no notebook begins with '77'; there are: 00_start"):
        sources.notebooks_of(ROOT, ["77"])
    assert [path.stem[:2] for path in sources.notebooks_of(ROOT, ["01", "10"])] == ["01", "10"]


def test_what_follows_a_question_is_folded() -> None:
    files = sources.gather(ROOT, ["01"])
    notebook = json.loads(files["notebooks/01_write_ahead_log.ipynb"])
    cells = notebook["cells"]
    hidden = [
        n for n, each in enumerate(cells) if "hide-output" in each["metadata"].get("tags", [])
    ]
    assert hidden
    for number in hidden:
        assert cells[number]["outputs"]
        assert re.search("predict", sources.source_of(cells[number - 1]), re.IGNORECASE)


def test_the_glossary_is_sorted_and_explains_what_notebooks_mark() -> None:
    terms = sources.TERM.findall((sources.PAGES / "glossary.md").read_text())
    assert len(terms) > 30
    assert terms == sorted(set(terms), key=str.lower)


def test_every_exhibit_is_in_the_catalogue() -> None:
    pages = catalogue.pages()
    assert len(pages) == len(museum.exhibits()) + 1
    assert set(pages) == set(catalogue.names())
    for exhibit in museum.exhibits():
        assert exhibit.title in pages[catalogue.INDEX]
        assert exhibit.code.rstrip() in pages[catalogue.page_of(exhibit)]


def test_the_api_holds_what_the_package_names_and_what_notebooks_import() -> None:
    cell = {
        "cell_type": "code",
        "source": "import numpy\nfrom veristack_lab.errors import InvalidInput\n"
        "%time x\nfrom veristack_lab.veristore import Store, promises\n"
        "import veristack_lab.sim as s",
    }
    assert api.imported([{"cells": [cell]}]) == [
        "veristack_lab.errors",
        "veristack_lab.sim",
        "veristack_lab.veristore",
        "veristack_lab.veristore.promises",
    ]
    assert {"veristack_lab.kernels", "veristack_lab.museum"} <= set(api.modules([]))


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (Store.get, True),
        (Store.__dict__["put"], True),
        (Exhibit.__dict__["name"], True),
        (str.capitalize, False),
        (dict.fromkeys, False),
        (int.from_bytes, False),
        (Exception.with_traceback, False),
        (BaseException.args, False),
        (Path.open, False),
        (7, True),
    ],
)
def test_what_a_class_inherits_from_elsewhere_is_left_out(member: object, expected: bool) -> None:
    assert api.is_ours(member) is expected


def test_the_command_refuses_what_cannot_be_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(builder, "NEEDED", ("no_such_package",))
    monkeypatch.setattr(sys, "argv", ["veristack", "book", "--out", str(folder / "site")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "the book needs no_such_package: run `make book`" in capfd.readouterr().err
    assert not (folder / "site").exists()
