"""A lab in a notebook, without a browser: the panel, its commands, its one line of text."""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE_S
from veristack_lab import lessons
from veristack_lab.errors import InvalidInput
from veristack_lab.labs import manifest
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.runner import FAILED, Outcome
from veristack_lab.labs.workbench import Workbench
from veristack_lab.lessons import lab_model, places
from veristack_lab.lessons.catalogue import NOTEBOOKS
from veristack_lab.lessons.chart import LabState, drawn, in_words, rows_of
from veristack_lab.lessons.lab_model import LabModel
from veristack_lab.lessons.lab_pictures import lines_of
from veristack_lab.lessons.progress import Guess, Notes, Trial
from veristack_lab.lessons.tasks.registry import TASKS
from veristack_lab.runtime.counting import counted

LAB = "01-crc32c"


@pytest.fixture(autouse=True)
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(places.LEARNER, str(tmp_path / "learner"))
    monkeypatch.delenv(places.MODE, raising=False)
    return tmp_path / "learner"


def test_a_lab_from_the_starter_to_the_end(tmp_path: Path) -> None:
    panel = lessons.start("01", into=tmp_path)
    assert panel is not None
    with panel:
        assert panel.path == tmp_path / LAB / "crc32c.py"
        assert repr(panel) == f"<Lab {LAB}: 0 of 5 tasks passed, not checked now>"
        assert panel.snapshot()["text"] == manifest.find(LAB).starter

        seen = panel.do("check", timeout_s=PATIENCE_S)
        assert seen["busy"] == ""
        assert dict(seen["bad"]["rows"])["called"] == "step(0, 0)"
        assert "first bad event, task 1: " in repr(panel)
        assert {row["state"] for row in seen["tasks"]} == {"failed", "waiting"}
        first = panel.do("hint", timeout_s=PATIENCE_S)["hint"]
        second = panel.do("hint", timeout_s=PATIENCE_S)["hint"]
        assert first.startswith("Task 1, hint 1 of 3: ")
        assert second.startswith("Task 1, hint 2 of 3: ")

        solved = {"text": manifest.find(LAB).solution, "version": seen["version"]}
        seen = panel.do("check", solved, timeout_s=PATIENCE_S)
        assert panel.path.read_text() == solved["text"]
        assert (seen["bad"], seen["hint"], seen["passed"]) == (None, "", 5)
        assert repr(panel) == f"<Lab {LAB}: 5 of 5 tasks passed>"
        assert not seen["stale"]
        panel.path.write_text("edited = 'elsewhere'\n")
        assert panel.do("reload", timeout_s=PATIENCE_S)["stale"]
        panel.path.write_text(solved["text"])
    again = lessons.check("01", into=tmp_path)
    assert again is not None
    again.close()
    assert repr(again) == f"<Lab {LAB}: 5 of 5 tasks passed>"


def test_work_is_never_overwritten(tmp_path: Path) -> None:
    with _started(tmp_path) as panel:
        panel.do("save", {"text": "mine = 1\n", "version": panel.snapshot()["version"]})
    with _started(tmp_path) as panel:
        shown = panel.snapshot()
        assert shown["text"] == "mine = 1\n"
        panel.path.write_text("elsewhere = 1\n")
        seen = panel.do("save", {"text": "mine = 2\n", "version": shown["version"]})
        assert "was changed by another editor and was not saved here" in seen["note"]
        assert panel.path.read_text() == "elsewhere = 1\n"
        assert panel.do("reload")["text"] == "elsewhere = 1\n"
        assert list(panel.path.parent.glob(".*")) == []


def _started(into: Path) -> lessons.LabPanel:
    panel = lessons.start("01", into=into)
    assert panel is not None
    return panel


def test_a_lab_that_was_not_begun_is_shown_as_that(tmp_path: Path) -> None:
    panel = lessons.check("01", into=tmp_path)
    assert panel is not None
    with panel:
        assert repr(panel) == f"<Lab {LAB}: not begun>"
        assert "has not been begun here" in panel.do("check", timeout_s=PATIENCE_S)["note"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lab", manifest.find_all(), ids=lambda lab: lab.name)
def test_where_no_learner_is_asked_the_starter_is_judged_and_nothing_is_left(
    lab: Lab,
    learner: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    assert lessons.start(lab.name) is None
    assert lessons.check(lab.name) is None
    begin, *verdict = capsys.readouterr().out.splitlines()
    assert begin.endswith(f"begin with veristack labs start {lab.name}")
    task = lab.tasks[0]
    (line,) = verdict
    assert line.startswith(
        f"lab {lab.name}: 0 of {len(lab.tasks)} tasks passed; first bad event, task {task.id}: "
    )
    assert str(tmp_path) not in line
    assert not learner.exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]
    lessons.check(lab.name)
    assert capsys.readouterr().out.splitlines() == [line]


def test_a_lab_as_html_has_its_tasks_and_its_first_bad_event(tmp_path: Path) -> None:
    lab = manifest.find(LAB)
    bench = Workbench(tmp_path)
    bench.start(lab)
    wrong = lab.starter.replace('raise NotImplementedError("task 1")', "return register ^ byte")
    assert wrong != lab.starter
    bench.work(lab).write_text(wrong)
    with _checked(tmp_path) as panel:
        page = panel.still()
        bad = panel.snapshot()["bad"]
    for task in lab.tasks:
        assert f"<li>{escape(task.title)}: " in page
    assert all(f"<b>{name}</b>: {escape(text)}</li>" in page for name, text in bad["rows"])
    assert bad["lines"]
    assert "<pre>" in page
    assert str(tmp_path) not in page


def _checked(into: Path) -> lessons.LabPanel:
    panel = lessons.check(LAB, into=into)
    assert panel is not None
    return panel


@pytest.mark.parametrize(
    ("op", "argument", "message"),
    [
        ("grade", None, "not 'grade'"),
        ("save", "text", "save takes"),
        ("save", {"text": 1}, "save takes"),
        ("check", {"version": "x"}, "save takes"),
        ("save", {"text": "x" * 200_001, "version": ""}, "longer than 200,000 characters"),
        ("hint", "77", "has no task '77'"),
    ],
)
def test_a_command_that_cannot_be_obeyed_is_refused(
    tmp_path: Path, op: str, argument: object, message: str
) -> None:
    model = LabModel(manifest.find(LAB), Workbench(tmp_path), has_editor=True)
    with pytest.raises(InvalidInput, match=message):
        model.check(op, argument)


def test_a_panel_without_an_editor_does_not_save(tmp_path: Path) -> None:
    model = LabModel(manifest.find(LAB), Workbench(tmp_path), has_editor=False)
    with pytest.raises(InvalidInput, match=r"open one with lessons\.start"):
        model.check("save", {"text": "", "version": ""})


def test_a_command_during_a_check_does_not_lose_it(tmp_path: Path) -> None:
    lab = manifest.find(LAB)
    bench = Workbench(tmp_path)
    bench.start(lab)
    model = LabModel(lab, bench, has_editor=False)
    assert model.obey("check", None) is True
    assert model.view()["busy"] == "Checking crc32c.py."
    assert model.obey("hint", None) is True  # there is still something to go on with
    assert model.proceed() is False
    assert model.view()["checks"]
    assert bench.progress(lab).checks_run == 1


def test_what_an_outcome_has_besides_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = {"kind": "events", "title": "who did what", "rows": [["disk", "sync"]], "bad": 0}
    bad = Outcome("1", "a law", FAILED, "f(1)", "2", "3")
    for name, value in (("where", "line 4"), ("printed", "hello"), ("picture", picture)):
        object.__setattr__(bad, name, value)
    monkeypatch.setattr(lab_model, "run_checks", lambda *_: [bad])
    bench = Workbench(tmp_path)
    bench.start(manifest.find(LAB))
    model = LabModel(manifest.find(LAB), bench, has_editor=False)
    model.obey("check", None)
    model.proceed()
    shown = model.view()["bad"]
    assert dict(shown["rows"])["where"] == "line 4"
    assert dict(shown["rows"])["printed"] == "hello"
    assert shown["title"] == "who did what"
    assert shown["lines"][0][0]["words"] == "this must not happen"


# ------------------------------------------------------------------ pictures


def text_of(picture: dict[str, Any]) -> list[str]:
    """Each line, with what is marked in brackets."""
    return [
        "".join(f"[{p['text']}]" if p["mark"] else p["text"] for p in line)
        for line in lines_of(picture)
    ]


def test_a_picture_of_bytes() -> None:
    marks = [{"from": 17, "to": 19, "words": "the length"}, {"from": 20, "to": 20, "words": "cut"}]
    data = {"kind": "bytes", "title": "", "first": 0, "hex": bytes(20).hex(), "marks": marks}
    assert text_of(data) == [
        "       0  " + "00 " * 16,
        "      16  00 [00 ][00 ]00 [| ]",
    ]
    words = [piece["words"] for line in lines_of(data) for piece in line if piece["words"]]
    assert words == ["the length", "cut"]


def test_a_picture_of_bits_and_of_events() -> None:
    bits = {"kind": "bits", "title": "", "width": 9, "rows": [["expected", 7], ["got", 5]]}
    assert text_of(bits) == ["expected  0 00000111", "got       0 000001[0]1"]
    rows = [["writer a", "joins"], ["disk", "sync"]]
    events = {"kind": "events", "title": "", "rows": rows, "bad": 1}
    assert text_of(events) == ["  writer a  joins", "[→ disk      sync]"]
    events["bad"] = None
    assert text_of(events)[1] == "  disk      sync"


def test_a_picture_of_blocks() -> None:
    rows = [["0", "A", "in use: r1"], ["1", "AB", "free"]]
    story = [["r1", "allocate AB"]]
    blocks = {"kind": "blocks", "title": "", "story": story, "rows": rows, "bad": [1]}
    assert text_of(blocks) == [
        "  r1  allocate AB",
        "  block 0  A   in use: r1",
        "[→ block 1  AB  free]",
    ]


def test_a_picture_of_spans() -> None:
    rows, marks = [["a", 0.0, 48.0]], [[12.0, "b claims"], [24.0, "a reports"]]
    spans = {"kind": "spans", "title": "", "rows": rows, "marks": marks, "bad": 1}
    assert text_of(spans) == [
        f"   a  [{'=' * 47}) 0 to 48",
        f"      {' ' * 12}^ 12: b claims",
        f"[→     {' ' * 24}^ 24: a reports]",
    ]
    spans["bad"] = None
    assert text_of(spans)[2] == f"      {' ' * 24}^ 24: a reports"


def test_a_picture_of_partitions() -> None:
    rows = [{"name": "partition 0", "committed": 1, "cells": [[0, "done"], [1, "work"]]}]
    picture = {"kind": "partitions", "title": "", "rows": rows, "bad": [0, 1]}
    assert text_of(picture)[0] == "partition 0  0+ | [1~ ]"


def test_no_picture_and_one_of_a_later_kind_draw_nothing() -> None:
    assert lines_of(None) == []
    assert lines_of({"kind": "hologram", "title": ""}) == []


# ------------------------------------------------------------------ the map


def test_the_map_counts_what_is_recorded() -> None:
    notes = Notes(
        {"00/lost": Guess(0, 0, is_right=True), "00/x": Guess(1, 2, is_right=False)},
        {"01/whole-records": Trial(2, is_passed=True), "00/lost-writes": Trial(1, is_passed=False)},
    )
    rows = rows_of(notes, [LabState(LAB, 2, 5), LabState("99-unknown", 1, 1)])
    assert [(row.predicted, row.right) for row in rows[:2]] == [(2, 1), (0, 0)]
    assert [(row.tasks_passed, row.tasks) for row in rows[:2]] == [(0, 1), (1, 1)]
    assert rows[1].labs == (LabState(LAB, 2, 5),)
    assert in_words(rows) == (
        f"{len(NOTEBOOKS)} notebooks: 2 predictions, 1 right; 1 of {len(TASKS)} tasks;"
        " 2 of 5 tasks of 1 lab"
    )
    page = drawn(rows)
    assert '<a href="01_write_ahead_log.ipynb">' in page
    assert "■■□□□" in page
    assert "1 of 2 right" in page


def test_the_map_of_a_headless_run_is_the_same_for_everyone(learner: Path) -> None:
    lab = manifest.find(LAB)
    bench = Workbench(learner / "labs")
    bench.start(lab)
    bench.note_check(lab, ["1"])
    assert f"0 predictions, 0 right; 0 of {len(TASKS)} tasks; 0 of " in repr(lessons.map())


def test_the_map_of_a_learner_shows_the_labs_too(
    learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.MODE, places.ASK)
    lab = manifest.find(LAB)
    bench = Workbench(learner / "labs")
    bench.start(lab)
    bench.note_check(lab, ["1"])
    labs = manifest.find_all()
    total = sum(len(each.tasks) for each in labs)
    assert f"1 of {total} tasks of {counted(len(labs), 'lab')}" in repr(lessons.map())


def test_every_lab_is_on_the_map() -> None:
    labs = [LabState(lab.name, 0, len(lab.tasks)) for lab in manifest.find_all()]
    shown = [lab for row in rows_of(Notes(), labs) for lab in row.labs]
    assert {lab.name for lab in shown} == {lab.name for lab in labs}


def test_a_lab_of_two_notebooks_is_counted_once() -> None:
    labs = [LabState(LAB, 1, 5), LabState("04-commit-point", 2, 5)]
    assert in_words(rows_of(Notes(), labs)).endswith("3 of 10 tasks of 2 labs")


def test_every_notebook_is_on_the_map() -> None:
    folder = Path(__file__).resolve().parents[2] / "notebooks"
    shown = [row.about.stem for row in rows_of(Notes(), [])]
    assert shown == sorted(shown)
    assert {path.stem for path in folder.glob("*.ipynb")} <= set(shown)
