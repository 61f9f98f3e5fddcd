"""The process that runs a learner's file against its lab's checks.

    python -m veristack_lab.labs.child CHECKS LEARNER RESULTS PLAN

PLAN is a JSON object: for each task to check, in order, the tasks that it waits for. RESULTS
receives one JSON object a line, flushed before and after each check: a parent that kills this
process for taking too long still knows which check it was in.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import TextIO

from veristack_lab.labs.checking import Check, FirstBad, describe, registered


def load_file(path: Path, name: str) -> ModuleType:
    """Run a file as a module of its own name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def run_one(check: Check, work: ModuleType) -> dict[str, str]:
    """The outcome of one check."""
    try:
        check.function(work)
    except FirstBad as bad:
        return {"state": "failed", "given": bad.given, "expected": bad.expected, "got": bad.got}
    return {"state": "passed"}


def run_tasks(plan: dict[str, list[str]], checks: list[Check], learner: Path, out: TextIO) -> None:
    """Run the checks task by task; a task whose prerequisites have not passed is left waiting.

    Args:
        plan: for each task to check, in order, the tasks it needs that have not passed yet.
        checks: of all tasks.
        learner: the file to check.
        out: receives the events.
    """

    def tell(**event: str) -> bool:
        out.write(json.dumps(event) + "\n")
        out.flush()
        return event["state"] == "passed"

    try:
        work, broken = load_file(learner, "learners_work"), ""
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever it raises is the event
        work, broken = ModuleType("broken"), describe(error)
    passed: set[str] = set()
    for task, needs in plan.items():
        if missing := [needed for needed in needs if needed not in passed]:
            tell(task=task, title=_waits_for(missing), state="waiting")
            continue
        good = True
        for check in (check for check in checks if check.task == task):
            tell(task=task, title=check.title, state="started")
            if broken:
                bad = {"given": f"import {learner.name}", "expected": "a file that runs"}
                good = tell(task=task, title=check.title, state="failed", got=broken, **bad)
            else:
                good &= tell(task=task, title=check.title, **run_one(check, work))
        if good:
            passed.add(task)


def _waits_for(tasks: list[str]) -> str:
    if len(tasks) == 1:
        return f"not checked before task {tasks[0]} passes"
    return f"not checked before tasks {', '.join(tasks[:-1])} and {tasks[-1]} pass"


def main(arguments: list[str]) -> None:
    """Check one file; see the module for the arguments."""
    sys.dont_write_bytecode = True
    checks, learner, results, plan = arguments
    load_file(Path(checks), "checks_of_the_lab")
    with Path(results).open("w") as out:
        run_tasks(json.loads(plan), registered(), Path(learner), out)


if __name__ == "__main__":
    main(sys.argv[1:])
