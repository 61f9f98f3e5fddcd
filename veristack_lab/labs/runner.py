"""Hold a learner's file to the checks of its lab, in a process that may be killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from veristack_lab.errors import InvalidInput, ProcessDied
from veristack_lab.labs import autopsy
from veristack_lab.labs.child import IMPORT, Plan
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.pictures import Picture
from veristack_lab.runtime import processes

PASSED, FAILED, WAITING = "passed", "failed", "waiting"
MAX_DEATHS = 3
"""After this many checks without an end, or that ended the process, the rest is not run."""
LOADING_S = 60.0
"""What loading the checks may take on a quiet machine, on top of the limits of the checks."""
MAX_CHECKS = 100
"""More than any lab has."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check, with its first bad event if it failed."""

    task: str
    title: str
    state: str
    """passed, failed, or waiting for another task."""
    given: str = ""
    """What was called, with what."""
    expected: str = ""
    got: str = ""
    where: str = ""
    """The line of the learner's file, with its text; empty when no single line is at fault."""
    printed: str = ""
    """What the learner's code printed during this check; the beginning of it, if it was long."""
    picture: Picture | None = field(default=None, hash=False)
    """Of a failed check, perhaps: plain data, see `pictures`."""

    @property
    def sentence(self) -> str:
        """The first bad event in one sentence; empty if the check did not fail."""
        if self.state != FAILED:
            return ""
        line = f", at {self.where}" if self.where else ""
        return f"{self.given}: expected {self.expected}, got {self.got}{line}"


def run_checks(lab: Lab, learner: Path, *, timeout_s: float | None = None) -> list[Outcome]:
    """Check all tasks; a task whose prerequisites have not passed is left waiting.

    One process runs them all. If it hangs or dies in a check, that check has failed, and another
    process continues with the next check; after `MAX_DEATHS` of these, the rest is left waiting.

    Args:
        lab: the lab whose checks run.
        learner: the file to check.
        timeout_s: for each check; when None the lab's own, longer on a busy machine.

    Raises:
        InvalidInput: there is no such file.
        ProcessDied: the checks themselves broke.
    """
    if not learner.is_file():
        raise InvalidInput(f"{learner} does not exist; `veristack labs start {lab.name}` makes it")
    limit_s = timeout_s if timeout_s is not None else processes.stretched(lab.timeout_s)
    needs = {task.id: list(task.needs) for task in lab.tasks}
    outcomes: dict[int, Outcome] = {}
    for deaths in range(MAX_DEATHS + 1):
        bad = {outcome.task for outcome in outcomes.values() if outcome.state != PASSED}
        begin = max(outcomes, default=IMPORT) + 1
        plan = Plan(needs, begin, sorted(bad), limit_s, only_list=deaths == MAX_DEATHS)
        found, whole = _run_plan(lab, plan, learner.absolute())
        if IMPORT in found:
            return _not_imported(lab, found[IMPORT])
        outcomes |= found
        if whole:
            break
    # A task that waits is told once, not for each of its checks.
    return list(dict.fromkeys(outcomes[position] for position in sorted(outcomes)))


def passed_tasks(lab: Lab, outcomes: Sequence[Outcome]) -> set[str]:
    """The tasks all of whose checks passed."""
    bad = {outcome.task for outcome in outcomes if outcome.state != PASSED}
    return {task.id for task in lab.tasks} - bad


def _run_plan(lab: Lab, plan: Plan, learner: Path) -> tuple[dict[int, Outcome], bool]:
    """The outcomes by position (the import, if it failed), and whether all checks were reached."""
    checks = lab.folder.absolute() / "checks.py"
    with processes.temporary_folder() as folder:
        argv: list[str | Path] = [sys.executable, "-P", "-m", "veristack_lab.labs.child"]
        argv += checks, learner, folder, json.dumps(asdict(plan))
        with processes.spawn(
            argv,
            name=f"checks of {lab.name}",
            log_path=folder / "output.log",
            cwd=learner.parent,
            # Loading the compiler takes longer than what it would save here.
            env={"TMPDIR": str(folder), "VERISTACK_JIT": "off"},
        ) as child:
            # The child ends itself when a check has no end; this is for a child that is stopped.
            patience_s = processes.stretched(LOADING_S) + MAX_CHECKS * plan.limit_s
            try:
                code = child.wait(patience_s)
            except subprocess.TimeoutExpired:
                child.kill_tree()
                code = -signal.SIGKILL
            log = child.log_tail()
        events = autopsy.events(folder)
        broken = next((e["text"] for e in events if e["state"] == "broken"), "")
        whole = bool(events) and events[-1]["state"] == "end"
        if broken or not (whole or events):
            raise ProcessDied(f"the checks of {lab.name} broke (code {code}):\n{broken or log}")
        found = {e["position"]: _outcome(folder, e) for e in events if "position" in e}
        if events[-1]["state"] == "started":
            death = autopsy.death(folder, learner.parent, code, plan.limit_s)
            found[events[-1]["position"]] = _outcome(folder, {**events[-1], **death})
        found = {k: outcome for k, outcome in found.items() if outcome.state != "started"}
        return found, whole


def _outcome(folder: Path, event: dict[str, Any]) -> Outcome:
    """An outcome from the child's event; of a check that waits, the title says for what."""
    position, state, title = event["position"], event["state"], event["title"]
    if state == WAITING:
        return Outcome(event["task"], _waits_for(event["missing"]), WAITING)
    printed = autopsy.printed(folder, IMPORT) if position == 0 else ""
    printed += autopsy.printed(folder, position)
    words = {name: event.get(name, "") for name in ("given", "expected", "got", "where")}
    picture = event.get("picture")
    return Outcome(event["task"], title, state, **words, printed=printed, picture=picture)


def _waits_for(tasks: list[str]) -> str:
    if not tasks:
        return f"not run: {MAX_DEATHS} checks before it had no end or ended the process"
    if len(tasks) == 1:
        return f"not checked before task {tasks[0]} passes"
    return f"not checked before tasks {', '.join(tasks[:-1])} and {tasks[-1]} pass"


def _not_imported(lab: Lab, bad: Outcome) -> list[Outcome]:
    """The import is the first bad event of every task that waits for no other one."""
    return [
        replace(bad, task=task.id)
        if not task.needs
        else Outcome(task.id, _waits_for(list(task.needs)), WAITING)
        for task in lab.tasks
    ]
