"""Several schedulers as processes of this machine, to work with and to kill."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from veristack_lab.runtime.processes import Child, spawn, wait_until_ready
from veristack_lab.runtime.supervised import ChildPart
from veristack_lab.veriflow import schedule
from veristack_lab.veriflow.contract import CONNINFO_VARIABLE, OBJECTS_VARIABLE, SCHEMA_VARIABLE


@dataclass(frozen=True)
class Fleet:
    """What schedulers share, and their timeouts for each other."""

    conninfo: str
    schema: str
    objects_url: str
    folder: Path
    """Folder of the logs of schedulers and runs."""
    lease_s: float = 10.0
    poll_s: float = 0.2

    def start(self, scheduler_id: str, slots: int = 1) -> Child:
        """Start one scheduler and return when it works.

        Raises:
            ProcessDied: it ended at once; the message holds the end of its log.
            BackendStartFailed: it was not ready in time.
        """
        child = self._spawn(scheduler_id, slots)
        _wait(child)
        return child

    @contextmanager
    def running(self, *scheduler_ids: str, slots: int = 1) -> Iterator[dict[str, Child]]:
        """Start schedulers by name, all at once, and end those that still live afterwards."""
        with ExitStack() as stack:
            children = {
                name: stack.enter_context(self._spawn(name, slots)) for name in scheduler_ids
            }
            for child in children.values():
                _wait(child)
            yield children

    @contextmanager
    def supervised(self, *scheduler_ids: str, slots: int = 1) -> Iterator[list[ChildPart]]:
        """As `running`, for a supervisor: the newest process of each name ends afterwards."""
        with self.running(*scheduler_ids, slots=slots) as children:
            parts = [
                ChildPart(child.name, child, functools.partial(self.start, name, slots))
                for name, child in children.items()
            ]
            try:
                yield parts
            finally:
                for part in parts:
                    part.stop()

    def _spawn(self, scheduler_id: str, slots: int) -> Child:
        argv: list[str | Path] = [sys.executable, "-m", "veristack_lab.veriflow.schedule"]
        argv += ["--id", scheduler_id, "--folder", self.folder, "--slots", str(slots)]
        argv += ["--lease-s", str(self.lease_s), "--poll-s", str(self.poll_s)]
        return spawn(
            argv,
            name=f"scheduler {scheduler_id}",
            log_path=self.folder / f"scheduler-{scheduler_id}.log",
            env={
                CONNINFO_VARIABLE: self.conninfo,
                SCHEMA_VARIABLE: self.schema,
                OBJECTS_VARIABLE: self.objects_url,
            },
        )

    @property
    def processes_started(self) -> int:
        """How many run processes were ever started, counted by their log files."""
        return len(list(self.folder.glob("run-*.log")))


def _wait(child: Child) -> None:
    wait_until_ready(child, lambda: schedule.READY in child.log_tail(), timeout_s=60)
