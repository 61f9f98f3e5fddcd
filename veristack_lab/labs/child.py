"""The process that runs a learner's file against its lab's checks.

    python -P -m veristack_lab.labs.child CHECKS LEARNER FOLDER PLAN

PLAN is the JSON of a `Plan`. FOLDER receives

    events.jsonl       one JSON object a line, flushed before and after each check
    printed-N.txt      what the learner's code printed in check N (-1: while it was imported)
    slate              the call that is being made: what is called, a newline, what is expected
    stacks.txt         where each thread was, when a check had no end or the process crashed

so that a parent still knows what happened in which check when this process has died of it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import io
import json
import mmap
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from veristack_lab.labs import checking, limits
from veristack_lab.labs.checking import Check, EndOfProcess

PRINTED_BYTES = 4000
"""Kept of what is printed in one check."""
SLATE_BYTES = 4096
IMPORT = -1
"""The position of the import among the checks."""


@dataclass(frozen=True)
class Plan:
    """What to run."""

    tasks: dict[str, list[str]]
    """Of each task, in order, the tasks that it needs."""
    begin: int
    """The position of the first check to run, in the order of the tasks."""
    bad: list[str]
    """Tasks of which something has not passed already."""
    limit_s: float
    """For each check."""
    only_list: bool = False
    """Run nothing: every check is left waiting."""


class Printed(io.RawIOBase):
    """Standard output and error: keeps the beginning, in a file for each check."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder, self._left = folder, 0
        self._out: io.FileIO | None = None

    def begin(self, position: int) -> None:
        """What is printed from now on belongs to this check."""
        if self._out is not None:
            self._out.close()
        self._out = io.FileIO(self._folder / f"printed-{position}.txt", "w")
        self._left = PRINTED_BYTES

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data)
        if self._out is not None and self._left >= 0:
            self._out.write(taken[: self._left])
            self._left -= len(taken)
            if self._left < 0:
                self._out.write(b"\n... and more")
        return len(taken)


def load_file(path: Path, name: str, *, beside: Path | None = None) -> ModuleType:
    """Run a file as a module of this name; with `beside`, `from . import` finds modules there."""
    folders = None if beside is None else [str(beside)]
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    assert spec is not None  # a path that ends in .py has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Host:
    """Runs the checks one by one and tells what happens."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self._out = (folder / "events.jsonl").open("w")
        self._stacks = (folder / "stacks.txt").open("w")
        (folder / "slate").write_bytes(bytes(SLATE_BYTES))
        with (folder / "slate").open("r+b") as slate:
            self._slate = mmap.mmap(slate.fileno(), SLATE_BYTES)
        self._printed = Printed(folder)
        faulthandler.enable(self._stacks)
        faulthandler.register(signal.SIGXCPU, self._stacks, chain=True)
        text = io.TextIOWrapper(self._printed, "utf-8", "replace", write_through=True)  # type: ignore[type-var]
        sys.stdout = sys.stderr = text

    def tell(self, **event: object) -> None:
        """One event, there for the parent whatever happens next."""
        self._out.write(json.dumps(event) + "\n")
        self._out.flush()

    def _note(self, call: str) -> None:
        text = call.encode(errors="replace")[: SLATE_BYTES - 1]
        self._slate[: len(text) + 1] = text + b"\0"

    @contextlib.contextmanager
    def _watched(self, position: int) -> Iterator[None]:
        """A check, with its own output and its own end of patience."""
        self._printed.begin(position)
        self._note("")
        checking.begin(self._note)
        faulthandler.dump_traceback_later(self.plan.limit_s, file=self._stacks, exit=True)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()

    def load(self, learner: Path) -> ModuleType | None:
        """The learner's module; None, and an event, when it cannot be imported."""
        event = {"position": IMPORT, "task": "", "title": "the file can be imported"}
        self.tell(**event, state="started")
        empty = ModuleType("learners_work")
        empty.__file__ = str(learner)
        with self._watched(IMPORT):
            try:
                with checking.raising_is_bad(empty, f"import {learner.name}", "a file that runs"):
                    return load_file(learner, "learners_work")
            except BaseException as error:  # noqa: BLE001 -- whatever it raises is the event
                self._tell_bad(event, error, empty)
                return None

    def run(self, checks: list[Check], work: ModuleType) -> None:
        """Run the checks from the planned one on; tasks whose needs have not passed wait."""
        bad = set(self.plan.bad)
        position = IMPORT
        for task, needs in self.plan.tasks.items():
            missing = [need for need in needs if need in bad]
            for check in (check for check in checks if check.task == task):
                position += 1
                if position < self.plan.begin:
                    continue
                event = {"position": position, "task": task, "title": check.title}
                if missing or self.plan.only_list:
                    bad.add(task)
                    self.tell(**event, state="waiting", missing=missing)
                elif not self._run_one(event, check, work):
                    bad.add(task)

    def _run_one(self, event: dict[str, Any], check: Check, work: ModuleType) -> bool:
        self.tell(**event, state="started")
        with self._watched(event["position"]):
            try:
                check.function(work)
            except BaseException as error:  # noqa: BLE001 -- whatever it raises is the event
                self._tell_bad(event, error, work)
                return False
        self.tell(**event, state="passed")
        return True

    def _tell_bad(self, event: dict[str, Any], error: BaseException, work: ModuleType) -> None:
        bad = checking.event_of(error, work)
        if bad is None:
            self.tell(state="broken", text=checking.traceback_of(error))
            raise SystemExit(1)
        words = {"given": bad.given, "expected": bad.expected, "got": bad.got, "where": bad.where}
        self.tell(**event, state="failed", **words, picture=bad.picture)


def main(arguments: list[str]) -> None:
    """Check one file; see the module for the arguments."""
    sys.dont_write_bytecode = True
    checks, learner, folder = (Path(argument) for argument in arguments[:3])
    load_file(checks, "checks_of_the_lab", beside=checks.parent)
    really_exit = _no_exit()
    host = Host(Plan(**json.loads(arguments[3])), folder)
    limits.apply(limits.Limits())
    limits.refuse_processes(learner.parent)
    # As if the file were run by itself: helpers beside it can be imported.
    sys.path.insert(0, str(learner.parent))
    if (work := host.load(learner)) is not None:
        host.run(checking.registered(), work)
    host.tell(state="end")
    really_exit(0)  # whatever threads the learner's code has left behind


def _no_exit() -> Callable[[int], NoReturn]:
    """Turn os._exit into an event; returns the real one."""
    real = os._exit

    def told(status: int) -> NoReturn:
        raise EndOfProcess(f"os._exit({status})")

    os._exit = told
    return real


if __name__ == "__main__":
    main(sys.argv[1:])
