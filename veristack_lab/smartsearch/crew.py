"""A relay and some workers as supervised child processes, each of which may be killed."""

from __future__ import annotations

import functools
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from veristack_lab.errors import ProcessDied
from veristack_lab.runtime.processes import Child, spawn, wait_until_ready
from veristack_lab.runtime.supervised import ChildPart
from veristack_lab.smartsearch.settings import ENVIRONMENT_VARIABLE, Settings

READY_TIMEOUT_S = 30.0


class Crew:
    """Processes of one pipeline. Use as a context manager; all end with it.

    Args:
        settings: the settings of all processes.
        folder: where their logs go.
        workers: how many workers.
    """

    def __init__(self, settings: Settings, folder: Path, *, workers: int = 2) -> None:
        self.settings = settings
        self.folder = folder
        self._wanted = workers
        self._spawned = 0
        self.relay: Child | None = None
        self.workers: dict[str, Child] = {}
        """Processes by worker name, which is also the lease's owner in the database."""

    def __enter__(self) -> Self:
        try:
            self.relay = self._spawn("relay", "relay")
            started = [self.relay, *(self._new_worker() for _ in range(self._wanted))]
            for child in started:
                _wait(child)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        alive = sum(child.alive for child in self.workers.values())
        return f"<Crew {self.settings.topic}: {alive} workers alive>"

    def require_alive(self) -> None:
        """Check that the pipeline can still make progress.

        Raises:
            ProcessDied: the relay, or the last worker, ended by itself.
        """
        needed = [[self.relay] if self.relay else [], list(self.workers.values())]
        for group in needed:
            if group and not any(child.alive for child in group):
                last = group[-1]
                raise ProcessDied(f"{last.name} ended:\n{last.log_tail()}")

    def supervised(self) -> list[ChildPart]:
        """Its processes, for a supervisor. A worker that is started again keeps its name: the
        lease epoch tells it from the dead one."""
        assert self.relay is not None  # the crew was entered
        children = {"relay": self.relay, **self.workers}
        return [
            ChildPart(name, child, functools.partial(self._restart, name))
            for name, child in children.items()
        ]

    def _restart(self, name: str) -> Child:
        child = self._spawn("relay" if name == "relay" else "worker", name)
        if name == "relay":
            self.relay = child
        else:
            self.workers[name] = child
        _wait(child)
        return child

    def _new_worker(self) -> Child:
        name = f"worker-{self._spawned}"
        self._spawned += 1
        self.workers[name] = self._spawn("worker", name)
        return self.workers[name]

    def _spawn(self, part: str, name: str) -> Child:
        return spawn(
            [sys.executable, "-m", "veristack_lab.smartsearch.run", part, name],
            name=name,
            log_path=self.folder / f"{name}.log",
            env={ENVIRONMENT_VARIABLE: self.settings.to_json()},
        )

    def stop(self) -> None:
        """End all processes: SIGTERM first, so that they finish the batch in hand."""
        children = [*self.workers.values(), *([self.relay] if self.relay else [])]
        if children:
            with ThreadPoolExecutor(len(children)) as pool:  # so that they end side by side
                list(pool.map(Child.stop, children))


def _wait(child: Child) -> None:
    wait_until_ready(child, lambda: " runs" in child.log_tail(5), READY_TIMEOUT_S)
