"""A view of real processes with buttons that really kill them.

    child = processes.spawn(argv, name="worker-0", log_path=log)
    switch = KillSwitch([from_child(child, respawn=start_worker)], name="workers")
    switch                                   # in a notebook: buttons, states, a log
    switch.send("kill", "worker-0")          # in a script: the same command
    switch.wait_for(lambda s: s["targets"][0]["state"] == "dead", timeout_s=5)

A click and `send` do the same: they enqueue a command. One engine thread (see `engine`) owns
the state, carries commands out and publishes snapshots, at most ten a second, so that the view
stays live while a cell of the notebook is busy. Nothing is ever printed.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import anywidget
import traitlets

from veristack_lab.widgets.counters import Probe
from veristack_lab.widgets.engine import Engine
from veristack_lab.widgets.snapshots import Snapshot
from veristack_lab.widgets.targets import Target

_open: dict[str, KillSwitch] = {}
_open_lock = threading.Lock()


class KillSwitch(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is not typed
    """Shows processes, and kills, pauses, resumes and restarts them.

    Each target has a button with the DOM id `veristack-NAME` that kills it (`aria-pressed` is
    true while it is dead), and `veristack-NAME-pause`, `-resume`, `-restart`.

    Args:
        targets: what to show; see `from_child` and `from_llm`.
        probe: requests served and failed by target name, for example a `Tally`.
        name: what the view is called. A new view of the same name closes the older one, so a
            cell can be run again.

    Raises:
        InvalidInput: there is no target, or two have the same name.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")
    state = traitlets.Dict().tag(sync=True)

    def __init__(
        self, targets: Sequence[Target], probe: Probe | None = None, *, name: str = "kill switch"
    ) -> None:
        self._engine = Engine(name, targets, probe, self._publish)
        self._name = name
        super().__init__(state=self._engine.latest.to_json())
        self.on_msg(self._on_message)
        with _open_lock:
            older = _open.get(name)
            _open[name] = self
        if older is not None:
            older.dispose()
        self._engine.start()

    def __repr__(self) -> str:
        names = ", ".join(target.name for target in self._engine.latest.targets)
        return f"<KillSwitch {self._name}: {names}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def snapshot(self) -> dict[str, Any]:
        """What is shown right now, as fresh JSON values; never waits.

        Keys: `name`, `targets` (each `name`, `state`, `pid`, `verbs`, `served`, `failed`,
        `deaths`), `log` (each `number`, `at_s`, `text`), `seq`, `done`, `closed`.
        """
        return self._engine.latest.to_json()

    def send(self, op: str, target: str) -> int:
        """Enqueue kill, pause, resume or restart; returns the command's number at once.

        The command has been carried out when `done` of a snapshot has reached the number.

        Raises:
            InvalidInput: there is no such verb or target, or it cannot be done here.
            ViewClosed: the view was closed.
        """
        return self._engine.send(op, target)

    def wait_for(
        self, predicate: Callable[[dict[str, Any]], bool], timeout_s: float = 30.0
    ) -> dict[str, Any]:
        """The first snapshot, as a dictionary, that satisfies the predicate.

        Raises:
            WaitExpired: none did in time, or the view was closed first.
        """
        return self._engine.wait_for(lambda seen: predicate(seen.to_json()), timeout_s).to_json()

    def do(self, op: str, target: str, timeout_s: float = 30.0) -> dict[str, Any]:
        """`send`, and wait until it has been carried out; the snapshot after it."""
        number = self.send(op, target)
        return self._engine.wait_for(lambda seen: seen.done >= number, timeout_s).to_json()

    def close(self) -> None:
        """Carry out what was asked, stop the thread, end what `restart` started. Idempotent.

        What is drawn stays, marked as closed.
        """
        engine = self.__dict__.get("_engine")
        if engine is None:
            return  # the constructor refused its arguments
        engine.close()
        with _open_lock:
            if _open.get(self._name) is self:
                del _open[self._name]

    def dispose(self) -> None:
        """`close`, and take the drawing away too."""
        self.close()
        super().close()

    def _publish(self, snapshot: Snapshot) -> None:
        self.state = snapshot.to_json()

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        # May run on the main thread or on a subshell's, between cells or within one.
        if isinstance(content, dict):
            self._engine.hear(content.get("op"), content.get("target"))


@atexit.register
def _close_all() -> None:
    for switch in list(_open.values()):
        switch.close()
