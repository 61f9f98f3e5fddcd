"""Views as plain HTML: what a page without a kernel shows of them."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

import veristack_lab.veristore as veristore
from tests.notebooks.refresh import WIDGET_VIEW, add_stills, clean
from veristack_lab.runtime import processes
from veristack_lab.widgets import CrashExplorer, KillSwitch, WalMicroscope, from_child
from veristack_lab.widgets.command_view import stills

ALLOWED = {"div", "b", "i", "p", "pre", "table", "tr", "th", "td"}


class Page(HTMLParser):
    """The texts of a page; every tag must be allowed, bare, and closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        assert attrs == []
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


@pytest.fixture
def microscope(folder: Path) -> WalMicroscope:
    with veristore.open(folder / "store") as store:
        store.put(b"<b>", b"&amp;")
    with WalMicroscope(folder / "store", name="still") as view:
        assert "alive in a running notebook" in view.still()
    return view


def test_bytes_records_and_modes_of_a_microscope(microscope: WalMicroscope) -> None:
    texts = Page(microscope.still()).texts
    view = microscope.snapshot()
    dump = next(text for text in texts if text.startswith("00000000"))
    shown = bytes.fromhex("".join(line[10:57].strip() for line in dump.splitlines()))
    assert shown.hex() == view["page"]["hex"]
    assert "put b'<b>' = b'&amp;'" in texts
    assert {mode["mode"] for mode in view["modes"]} <= set(texts)


@pytest.mark.crash
def test_processes_and_log_of_a_kill_switch(folder: Path) -> None:
    argv = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    with processes.spawn(argv, name="worker<1>", log_path=folder / "log") as child:
        with KillSwitch([from_child(child)], name="still") as switch:
            switch.do("kill", "worker<1>")
        texts = Page(switch.still()).texts
    assert texts[texts.index("worker<1>") + 1 :][:2] == ["dead", "1"]
    assert any("killed with SIGKILL" in text for text in texts)


def test_moment_files_and_promises_of_an_explorer() -> None:
    with CrashExplorer("batches", name="still") as explorer:
        explorer.do("move", 3)
        view = explorer.do("image", 0)
    texts = Page(explorer.still()).texts
    assert any(text.startswith("batches, 3 of ") for text in texts)
    for promise in view["promises"]:
        assert promise["words"] in texts
    assert view["files"][0]["name"] in texts


def test_refresh_puts_them_where_the_widgets_were(microscope: WalMicroscope) -> None:
    found = stills()
    assert found[microscope.model_id] == microscope.still()
    cell = nbformat.v4.new_code_cell("microscope")
    for model_id in (microscope.model_id, "another"):
        data = {WIDGET_VIEW: {"model_id": model_id}, "text/plain": "<WalMicroscope still>"}
        cell.outputs.append(nbformat.v4.new_output("display_data", data=data))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    add_stills(notebook, found)
    clean(notebook)
    first, second = (output.data for output in cell.outputs)
    assert first == {"text/html": microscope.still(), "text/plain": "<WalMicroscope still>"}
    assert second == {"text/plain": "<WalMicroscope still>"}
    model_id = microscope.model_id
    microscope.dispose()
    assert model_id not in stills()
