"""The machinery of the labs, on a small lab of its own and through the command line."""

from __future__ import annotations

import json
import multiprocessing
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests import small_lab
from tests.waiting import PATIENCE_S
from veristack_lab.cli import app
from veristack_lab.errors import InvalidInput, ProcessDied, WaitExpired
from veristack_lab.labs import manifest, runner, starter
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.workbench import Workbench
from veristack_lab.runtime import files, paths

CHECKS = """
from veristack_lab.labs.checking import check, expect
@check("1", "small numbers")
def small(work):
    expect(work, "add", 1, 2, returns=3)
@check("1", "large numbers")
def large(work):
    expect(work, "add", 40, 60, returns=100)
"""
SOLUTION = """def add(a, b):
    # BEGIN SOLUTION 1
    return a + b
    # END SOLUTION
"""


@pytest.fixture
def lab(folder: Path) -> Lab:
    texts = {
        "solution.py": SOLUTION,
        "starter.py": starter.generate(SOLUTION),
        "README.md": "# Adding\n",
    }
    return small_lab.make(folder, ("add",), CHECKS, texts)


@pytest.fixture
def bench(folder: Path) -> Workbench:
    return Workbench(folder / "mine")


def first_bad(lab: Lab, folder: Path, text: str, timeout_s: float | None = None) -> runner.Outcome:
    work = folder / "adding.py"
    work.write_text(text)
    found = runner.run_checks(lab, work, timeout_s=timeout_s)
    return next(outcome for outcome in found if outcome.state == "failed")


def test_the_first_bad_event_is_shown(lab: Lab, folder: Path) -> None:
    bad = first_bad(lab, folder, "def add(a, b):\n    return 3\n")
    assert bad.title == "large numbers"
    assert (bad.given, bad.expected, bad.got) == (
        "add(40 (0x00000028), 60 (0x0000003c))",
        "100 (0x00000064)",
        "3",
    )


def test_after_a_death_the_other_tasks_are_still_checked(folder: Path) -> None:
    lab = manifest.find("01")
    work = folder / lab.file
    work.write_text(f"{lab.solution}\nimport os\ndef step(*_):\n    os._exit(3)\n")
    found = {outcome.task: outcome.state for outcome in runner.run_checks(lab, work)}
    assert found == {"1": "failed", "2": "waiting", "3": "waiting", "4": "waiting", "5": "passed"}


def test_checks_that_break_themselves_are_not_blamed_on_the_learner(lab, folder) -> None:
    (lab.folder / "checks.py").write_text("1 / 0\n")
    with pytest.raises(ProcessDied, match="ZeroDivisionError"):
        first_bad(lab, folder, SOLUTION)


def test_nothing_to_check_names_the_command(lab: Lab, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="veristack labs start 50-adding"):
        runner.run_checks(lab, folder / "absent.py")


def test_work_is_never_overwritten(lab: Lab, bench: Workbench) -> None:
    assert bench.start(lab)
    bench.work(lab).write_text("mine")
    assert not bench.start(lab)
    assert bench.work(lab).read_text() == "mine"


def test_reset_keeps_the_work_under_another_name(lab: Lab, bench: Workbench) -> None:
    bench.start(lab)
    kept = []
    for text in ("first", "second"):
        bench.work(lab).write_text(text)
        kept.append(bench.reset(lab))
    assert [path.read_text() for path in kept if path] == ["first", "second"]
    assert bench.work(lab).read_text() == lab.starter


def test_the_solution_is_put_beside_the_work(lab: Lab, bench: Workbench) -> None:
    bench.start(lab)
    solved = bench.solve(lab)
    assert solved.read_text() == "def add(a, b):\n    return a + b\n"
    solved.write_text("edited")
    assert bench.solve(lab) != solved
    assert solved.read_text() == "edited"
    assert bench.progress(lab).solution_shown
    assert bench.work(lab).read_text() == lab.starter


def test_hints_come_one_by_one_and_the_last_one_stays(lab: Lab, bench: Workbench) -> None:
    assert [bench.next_hint(lab, None)[1:] for _ in range(4)] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
        (3, "three"),
    ]
    bench.note_check(lab, ["1"])
    with pytest.raises(InvalidInput, match="every task"):
        bench.next_hint(lab, None)


def test_progress_survives_and_leaves_no_temporary_file(lab: Lab, bench: Workbench) -> None:
    bench.note_check(lab, ["1"])
    bench.note_check(lab, [])
    again = Workbench(bench.folder).progress(lab)
    assert (again.passed, again.checks_run) == ([], 2)
    left = sorted(path.name for path in bench.folder.iterdir())
    assert left == ["progress.json", "progress.lock"]


def note_checks(lab: Lab, folder: Path) -> None:
    for _ in range(20):
        Workbench(folder).note_check(lab, ["1"])


def test_a_kernel_and_a_terminal_lose_no_update_of_each_other(lab: Lab, bench: Workbench) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=note_checks, args=(lab, bench.folder)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(PATIENCE_S)
        assert writer.exitcode == 0
    assert bench.progress(lab).checks_run == 40


def test_progress_that_is_locked_for_long_is_told(
    lab: Lab, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_TIMEOUT_S", 0.05)
    bench.note_check(lab, [])
    with (
        files.locked(bench.folder / "progress.lock"),
        pytest.raises(WaitExpired, match=r"progress\.lock for 0\.05 s; find it"),
    ):
        bench.note_check(lab, ["1"])
    assert bench.progress(lab).passed == []


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99, "labs": {}}'])
def test_unreadable_progress_is_refused_not_replaced(lab, bench, text) -> None:
    bench.folder.mkdir()
    bench.progress_path.write_text(text)
    with pytest.raises(InvalidInput, match=r"progress\.json"):
        bench.note_check(lab, ["1"])
    assert bench.progress_path.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "# END SOLUTION\n",
        "# BEGIN SOLUTION 1\n",
        SOLUTION * 1 + "    # BEGIN SOLUTION 2\n    # BEGIN SOLUTION 2\n",
    ],
)
def test_unpaired_markers_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="marker"):
        starter.generate(text)


@pytest.mark.parametrize(("name", "words"), [("9", "no lab begins"), ("", "no lab begins")])
def test_an_unknown_lab_names_the_known_ones(name: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=f"{words}.*01-crc32c"):
        manifest.find(name)


@pytest.mark.parametrize(
    ("old", "new"),
    [('file = "adding.py"', ""), (', "three"', ""), ("hints", 'needs = ["2"]\nhints')],
)
def test_a_manifest_with_a_gap_is_refused(lab: Lab, old: str, new: str) -> None:
    toml = lab.folder / "lab.toml"
    toml.write_text(toml.read_text().replace(old, new))
    with pytest.raises(InvalidInput, match=r"manifest|3 hints|comes later"):
        manifest.load(lab.folder)


def test_without_labs_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "checkout", lambda: None)
    with pytest.raises(InvalidInput, match="install the package again"):
        manifest.find_all()


def test_an_installed_package_has_its_labs_inside(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "checkout", lambda: None)
    monkeypatch.setattr(manifest, "INSTALLED", folder)
    assert [found.name for found in manifest.find_all()] == [lab.name]


def test_a_wheel_carries_the_labs_to_where_they_are_looked_for() -> None:
    root = paths.checkout()
    assert root is not None
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert root / wheel["targets"]["wheel"]["force-include"]["labs"] == manifest.INSTALLED


def test_a_folder_that_cannot_be_written_to_names_the_option(lab: Lab, folder: Path) -> None:
    (folder / "file").write_text("in the way")
    bench = Workbench(folder / "file")
    with pytest.raises(InvalidInput, match=r"Not a directory.*--into"):
        bench.start(lab)
    with pytest.raises(InvalidInput, match="--into"):
        bench.note_check(lab, ["1"])


def test_a_whole_lab_through_the_command_line(folder: Path) -> None:
    into = ["--into", str(folder / "mine")]

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["labs", *arguments, *into])
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    assert "nothing begun" in run("progress")
    assert "labs check 01-crc32c" in run("start", "01")
    failed = run("check", "01", code=1)
    assert "first bad event" in failed
    assert "got NotImplementedError: task 1" in failed
    assert "hint 1 of 3" in run("hint", "01")
    solved = folder / "mine" / "01-crc32c" / "crc32c.solution.py"
    assert "solution" in run("solve", "01")
    (folder / "mine" / "01-crc32c" / "crc32c.py").write_text(solved.read_text())
    assert "01-crc32c is done" in run("check", "01")
    assert "5/5" in run("list")
    assert "1 one byte, bit by bit yes 1/3 2" in run("progress").replace("│", "").replace("  ", " ")
    assert "begun before" in run("start", "01")
    assert "kept in" in run("reset", "01")
    stored = json.loads((folder / "mine" / "progress.json").read_text())
    assert stored["labs"]["01-crc32c"]["passed"] == []
