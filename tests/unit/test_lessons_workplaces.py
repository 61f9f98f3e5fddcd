"""The work on a lab is found by one rule, in the terminal and in notebooks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from veristack_lab import lessons
from veristack_lab.cli import app
from veristack_lab.labs import manifest
from veristack_lab.labs.workbench import Workbench
from veristack_lab.lessons import places, workplaces

LAB = manifest.find("01-crc32c")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder and a current folder, both empty, and a page that shows questions."""
    monkeypatch.setenv(places.LEARNER, str(tmp_path / "learner"))
    monkeypatch.setenv(places.MODE, places.ASK)
    # A checkout of its own: that of the tests may hold work of its developer.
    monkeypatch.setattr(workplaces, "paths", SimpleNamespace(checkout=lambda: tmp_path / "tree"))
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    return current


def terminal(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["labs", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def in_notebook() -> Path:
    panel = lessons.start(LAB.name)
    assert panel is not None
    with panel:
        return panel.path


def test_what_the_terminal_begins_the_notebook_finds(here: Path) -> None:
    said = terminal("start", LAB.name)
    work = workplaces.home() / LAB.name / LAB.file
    work.write_text("mine = 1\n")
    assert f"write  {work}" in said
    assert f'lessons.start("{LAB.name}") in a notebook' in said
    assert in_notebook() == work
    assert work.read_text() == "mine = 1\n"
    assert list(here.iterdir()) == []


def test_what_the_notebook_begins_the_terminal_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = in_notebook()
    work.write_text("mine = 1\n")
    elsewhere = tmp_path / "another folder"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    said = terminal("start", LAB.name)
    assert "begun before: left as it is" in said
    assert f"write  {work}" in said
    assert work.read_text() == "mine = 1\n"
    Workbench(workplaces.home()).note_check(LAB, ["1", "2"])
    assert f"2/{len(LAB.tasks)}" in terminal("list")
    assert str(workplaces.home()) in terminal("list")


def begin(folder: Path, text: str = "old = 1\n") -> Path:
    bench = Workbench(folder)
    bench.start(LAB)
    bench.work(LAB).write_text(text)
    bench.note_check(LAB, ["1"])
    return bench.work(LAB)


def test_a_lab_that_was_begun_in_an_old_place_goes_on_there(here: Path) -> None:
    old = begin(here / "my-labs")
    said = terminal("start", LAB.name)
    assert f"write  {old}" in said
    assert f"{LAB.name} was begun in {here / 'my-labs'}, and goes on there" in said
    assert f"check  veristack labs check {LAB.name}\n" in said
    assert f"1/{len(LAB.tasks)}" in terminal("list")
    assert in_notebook() == old
    assert old.read_text() == "old = 1\n"
    assert "1 of " in repr(lessons.map())
    # Another lab is begun in the learner's folder.
    assert str(workplaces.home() / "02-append-and-recover") in terminal("start", "02")
    assert not workplaces.bench_of(LAB).folder.is_relative_to(workplaces.home())


def test_a_notebook_in_my_notebooks_finds_the_old_place_beside_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = begin(here / "my-labs")
    (here / "my-notebooks").mkdir()
    monkeypatch.chdir(here / "my-notebooks")
    assert in_notebook() == old


def test_the_old_place_of_the_checkout_is_found_from_everywhere(tmp_path: Path) -> None:
    old = begin(tmp_path / "tree" / "my-labs")
    assert in_notebook() == old


def test_of_work_in_both_places_the_learners_folder_counts_and_the_other_is_told(
    here: Path,
) -> None:
    old = begin(here / "my-labs")
    new = begin(workplaces.home(), "new = 1\n")
    for said in (terminal("list"), terminal("start", LAB.name)):
        assert f"other work on {LAB.name}, which --into {here / 'my-labs'} takes" in said
    assert in_notebook() == new
    assert (old.read_text(), new.read_text()) == ("old = 1\n", "new = 1\n")


def test_a_folder_that_is_named_is_taken_and_no_other(here: Path) -> None:
    begin(here / "my-labs")
    named = here / "named by me"
    said = terminal("start", LAB.name, "--into", str(named))
    assert f"write  {named / LAB.name / LAB.file}" in said
    assert f"veristack labs check {LAB.name} --into '{named}'" in said
    assert f'lessons.start("{LAB.name}", into={str(named)!r})' in said
    panel = lessons.start(LAB.name, into=named)
    assert panel is not None
    with panel:
        seen = panel.snapshot()
    assert seen["path"] == str(named / LAB.name / LAB.file)
    assert seen["command"] == f"veristack labs check {LAB.name} --into '{named}'"
