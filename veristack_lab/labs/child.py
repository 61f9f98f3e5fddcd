"""The process that runs a learner's file against its lab's checks.

    python -m veristack_lab.labs.child CHECKS LEARNER RESULTS TASK...

Writes one JSON object a line into RESULTS, flushed before and after each check: whoever kills
this process for taking too long still knows which check it was in.
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
    """What became of one check."""
    try:
        check.function(work)
    except FirstBad as bad:
        return {"state": "failed", "given": bad.given, "expected": bad.expected, "got": bad.got}
    return {"state": "passed"}


def run_all(checks: list[Check], learner: Path, out: TextIO) -> None:
    """Run the checks one after the other."""

    def tell(**event: str) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    try:
        work = load_file(learner, "learners_work")
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever it raises is the event
        bad = {"given": f"import {learner.name}", "expected": "a file that runs"}
        for check in checks:
            tell(task=check.task, title=check.title, state="failed", got=describe(error), **bad)
        return
    for check in checks:
        tell(task=check.task, title=check.title, state="started")
        tell(task=check.task, title=check.title, **run_one(check, work))


def main(arguments: list[str]) -> None:
    """Check one file; see the module for the arguments."""
    sys.dont_write_bytecode = True
    checks, learner, results, *tasks = arguments
    load_file(Path(checks), "checks_of_the_lab")
    with Path(results).open("w") as out:
        run_all([check for check in registered() if check.task in tasks], Path(learner), out)


if __name__ == "__main__":
    main(sys.argv[1:])
