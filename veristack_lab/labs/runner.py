"""Hold a learner's file to the checks of its lab, in a process that may be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veristack_lab.errors import InvalidInput, ProcessDied
from veristack_lab.labs.manifest import Lab
from veristack_lab.runtime import processes

PASSED, FAILED, WAITING = "passed", "failed", "waiting"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check, with its first bad event if it failed."""

    task: str
    title: str
    state: str
    """passed, failed, or waiting for another task."""
    given: str = ""
    expected: str = ""
    got: str = ""


def run_checks(lab: Lab, learner: Path, *, timeout_s: float | None = None) -> list[Outcome]:
    """Check all tasks; a task whose prerequisites have not passed is left waiting.

    One process runs them all. If it hangs or dies in a check, that check has failed, and another
    process continues with the next task.

    Args:
        lab: the lab whose checks run.
        learner: the file to check.
        timeout_s: for each process; the lab's own when None.

    Raises:
        InvalidInput: there is no such file.
        ProcessDied: the checks themselves broke.
    """
    if not learner.is_file():
        raise InvalidInput(f"{learner} does not exist; `veristack labs start {lab.name}` makes it")
    outcomes: list[Outcome] = []
    left = list(lab.tasks)
    while left:
        known = {outcome.task for outcome in outcomes}
        passed = {outcome.task for outcome in outcomes if outcome.state == PASSED} - {
            outcome.task for outcome in outcomes if outcome.state != PASSED
        }
        plan = {task.id: [need for need in task.needs if need not in passed] for task in left}
        outcomes += _run_plan(lab, plan, learner, timeout_s or lab.timeout_s)
        now_known = {outcome.task for outcome in outcomes}
        assert now_known > known  # _run_plan reports on one task at least, so this ends
        left = [task for task in left if task.id not in now_known]
    return outcomes


def passed_tasks(lab: Lab, outcomes: Sequence[Outcome]) -> set[str]:
    """The tasks all of whose checks passed."""
    bad = {outcome.task for outcome in outcomes if outcome.state != PASSED}
    return {task.id for task in lab.tasks} - bad


def _run_plan(
    lab: Lab, plan: dict[str, list[str]], learner: Path, timeout_s: float
) -> list[Outcome]:
    with processes.temporary_folder() as folder:
        results, log = folder / "results.jsonl", folder / "output.log"
        argv: list[str | Path] = [sys.executable, "-m", "veristack_lab.labs.child"]
        argv += lab.folder / "checks.py", learner.absolute(), results, json.dumps(plan)
        with processes.spawn(argv, name=f"checks of {lab.name}", log_path=log) as child:
            try:
                code = child.wait(timeout_s)
                ended = f"the end of the process, with code {code}"
            except subprocess.TimeoutExpired:
                child.kill()
                code, ended = 0, f"nothing within {timeout_s:g} s"
        events = _events(results)
        # Checks turn the learner's exceptions into events, but nothing can catch os._exit.
        in_a_check = bool(events) and events[-1]["state"] == "started"
        if code and not in_a_check:
            raise ProcessDied(f"the checks of {lab.name} broke (code {code}):\n{child.log_tail()}")
        return _outcomes(events, ended) or [_never_began(task, ended) for task in plan]


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


def _never_began(task_id: str, ended: str) -> Outcome:
    return Outcome(task_id, "the file can be imported", FAILED, "import", "an end of it", ended)
