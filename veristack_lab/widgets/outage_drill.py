"""An object store's process, a switch for it, and a client that notes what each call came to.

with ObjectStoreDrill(folder) as drill:
    drill.switch                                  # in a notebook: the buttons
    drill.call(drill.objects.put, "letters", "first", b"...")
    drill.do("pause")
    drill.call(drill.objects.get, "letters", "first")
    drill.story()                                 # a frame for `viz.outages.dead_or_paused`
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from veristack_lab.errors import ObjectStoreUnavailable
from veristack_lab.runtime import processes
from veristack_lab.runtime.processes import Child
from veristack_lab.veristore import RemoteObjectStore
from veristack_lab.widgets.counters import Tally
from veristack_lab.widgets.kill_switch import KillSwitch
from veristack_lab.widgets.targets import from_child

NAME = "object-store"
TIMEOUT_S = 1.0
"""How long the client waits for an answer before it gives up."""
START_LIMIT_S = 60.0
"""How long a new server may take to start, on a quiet machine."""


@dataclass(frozen=True)
class Call:
    """What one call came to."""

    answer: Any
    """The value, or the name of the error's class."""
    answered: bool
    took_ms: float

    def __repr__(self) -> str:
        told = self.answer if isinstance(self.answer, str | bytes) else type(self.answer).__name__
        return f"<Call {told!r} after {self.took_ms:.0f} ms>"


class ObjectStoreDrill:
    """A real object store's process that can be killed, paused, resumed and started again.

    Args:
        folder: where its objects and its log go.
        timeout_s: of the client.
    """

    def __init__(self, folder: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._folder = folder
        self._port = processes.free_port()
        self._starts = itertools.count()
        self._resources = ExitStack()
        self._rows: list[tuple[str, str, float, float]] = []
        self._state, self._since_s = "alive", 0.0
        self.tally = Tally()
        with ExitStack() as starting:
            server = starting.enter_context(self._start())
            self.switch = starting.enter_context(
                KillSwitch([from_child(server, self._start)], self.tally, name="servers")
            )
            self.objects = starting.enter_context(
                RemoteObjectStore(f"http://127.0.0.1:{self._port}", timeout_s=timeout_s)
            )
            self._resources = starting.pop_all()
        self._began_s = time.perf_counter()

    def __repr__(self) -> str:
        return f"<ObjectStoreDrill {self._state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server and the switch. Safe to call again."""
        self._resources.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Call:
        """Call a method of `objects`; an unavailable store is an answer too."""
        began_s = time.perf_counter()
        try:
            answer, answered = function(*arguments), True
            self.tally.served(NAME)
        except ObjectStoreUnavailable as error:
            answer, answered = type(error).__name__, False
            self.tally.failed(NAME)
        ended_s = time.perf_counter()
        what = "answered" if answered else "gave up"
        self._rows.append(("client", what, began_s - self._began_s, ended_s - self._began_s))
        return Call(answer, answered, (ended_s - began_s) * 1e3)

    def do(self, verb: str) -> str:
        """Kill, pause, resume or restart the server as the switch does; its state afterwards."""
        asked_s = time.perf_counter()
        now_s = self._now_s()
        self._rows.append(("server", self._state, self._since_s, now_s))
        self._since_s = now_s
        limit_s = processes.stretched(START_LIMIT_S)
        self._state = str(self.switch.do(verb, NAME, limit_s)["targets"][0]["state"])
        if verb == "restart":  # starting takes long and shows nothing: the story leaves it out
            self._began_s += time.perf_counter() - asked_s
        return self._state

    def story(self) -> pd.DataFrame:
        """What happened so far.

        Returns:
            One row a state of the server and a call of the client: `lane` ("server", "client"),
            `what` (alive, paused, dead; answered, gave up), `start_s`, `end_s` (seconds since the
            server was ready, without those in which a new one was started).
        """
        rows = [*self._rows, ("server", self._state, self._since_s, self._now_s())]
        frame = pd.DataFrame(rows, columns=["lane", "what", "start_s", "end_s"])
        frame.attrs = {"timeout_s": TIMEOUT_S, "seed": None}
        return frame

    def _now_s(self) -> float:
        return time.perf_counter() - self._began_s

    def _start(self) -> Child:
        argv = [sys.executable, "-m", "veristack_lab", "s3", "serve", str(self._folder / "objects")]
        log = self._folder / f"server-{next(self._starts)}.log"
        child = processes.spawn([*argv, "--port", str(self._port)], name=NAME, log_path=log)
        processes.wait_until_ready(child, lambda: "listening" in child.log_tail())
        return child
