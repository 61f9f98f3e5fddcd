"""Hold a learner's file to the checks of its lab, in a process that may be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veristack_lab import processes
from veristack_lab.errors import InvalidInput, ProcessDied
from veristack_lab.labs.manifest import Lab, Task

PASSED, FAILED, WAITING = "passed", "failed", "waiting"


@dataclass(frozen=True)
class Outcome:
    """What became of one check, with its first bad event if it failed."""

    task: str
    title: str
    state: str
    """passed, failed, or waiting for another task."""
    given: str = ""
    expected: str = ""
    got: str = ""


def run_checks(
    lab: Lab,
    learner: Path,
    *,
    timeout_s: float | None = None,
    on_task: Callable[[Task], None] | None = None,
) -> list[Outcome]:
    """Check task by task; one whose needed tasks have not passed is left waiting.

    Args:
        lab: whose checks.
        learner: the file to check.
        timeout_s: for each task; the lab's own when None.
        on_task: called as each task begins.

    Raises:
        InvalidInput: there is no such file.
        ProcessDied: the checks themselves broke.
    """
    if not learner.is_file():
        raise InvalidInput(f"{learner} does not exist; `veristack labs start {lab.name}` makes it")
    outcomes: list[Outcome] = []
    passed: set[str] = set()
    for task in lab.tasks:
        missing = [needed for needed in task.needs if needed not in passed]
        if missing:
            title = f"not checked before task {' and '.join(missing)} passes"
            outcomes.append(Outcome(task.id, title, WAITING))
            continue
        if on_task:
            on_task(task)
        found = _run_task(lab, task, learner, timeout_s or lab.timeout_s)
        outcomes += found
        if all(outcome.state == PASSED for outcome in found):
            passed.add(task.id)
    return outcomes


def passed_tasks(lab: Lab, outcomes: Sequence[Outcome]) -> set[str]:
    """The tasks all of whose checks passed."""
    bad = {outcome.task for outcome in outcomes if outcome.state != PASSED}
    return {task.id for task in lab.tasks} - bad


def _run_task(lab: Lab, task: Task, learner: Path, timeout_s: float) -> list[Outcome]:
    with processes.temporary_folder() as folder:
        results, log = folder / "results.jsonl", folder / "output.log"
        argv: list[str | Path] = [sys.executable, "-m", "veristack_lab.labs.child"]
        argv += lab.folder / "checks.py", learner.absolute(), results, task.id
        with processes.spawn(argv, name=f"checks of {lab.name}", log_path=log) as child:
            try:
                code = child.wait(timeout_s)
            except subprocess.TimeoutExpired:
                child.kill()
                late = f"nothing within {timeout_s:g} s"
                return _outcomes(_events(results), late) or [_never_began(task, late)]
        events = _events(results)
        # Checks turn the learner's exceptions into events, but nothing can catch os._exit.
        if events and events[-1]["state"] == "started":
            return _outcomes(events, f"the end of the process, with code {code}")
        if code or not events:
            raise ProcessDied(f"the checks of {lab.name} broke (code {code}):\n{child.log_tail()}")
        return _outcomes(events, "")


def _events(results: Path) -> list[dict[str, Any]]:
    text = results.read_text() if results.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def _outcomes(events: list[dict[str, Any]], ended: str) -> list[Outcome]:
    """Outcomes of the checks that finished, and of the one that the process ended in."""
    found = [Outcome(**event) for event in events if event["state"] != "started"]
    if events and events[-1]["state"] == "started":
        event = {**events[-1], "state": FAILED}
        found.append(Outcome(**event, given="this check", expected="an answer", got=ended))
    return found


def _never_began(task: Task, late: str) -> Outcome:
    return Outcome(task.id, "the file can be imported", FAILED, "import", "an end of it", late)
