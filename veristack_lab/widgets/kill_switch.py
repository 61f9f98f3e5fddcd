"""A view of real processes with buttons that really kill them.

    child = processes.spawn(argv, name="worker-0", log_path=log)
    switch = KillSwitch([from_child(child, respawn=start_worker)], name="workers")
    switch                                   # in a notebook: buttons, states, a log
    switch.send("kill", "worker-0")          # in a script: the same command
    switch.wait_for(lambda s: s["targets"][0]["state"] == "dead", timeout_s=5)

A click and `send` do the same: they enqueue a command. One thread (see `loop`) owns the state,
carries commands out and publishes snapshots, at most ten a second, so that the view stays live
while a cell of the notebook is busy. Nothing is ever printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from veristack_lab.widgets import stills
from veristack_lab.widgets.command_view import CommandView
from veristack_lab.widgets.counters import Probe
from veristack_lab.widgets.kill_model import KillModel
from veristack_lab.widgets.loop import View
from veristack_lab.widgets.targets import Target


class KillSwitch(CommandView):
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
    _namesake = "kill switch"

    def __init__(
        self, targets: Sequence[Target], probe: Probe | None = None, *, name: str = "kill switch"
    ) -> None:
        self._names = [target.name for target in targets]
        super().__init__(KillModel(name, targets, probe), name=name)

    def __repr__(self) -> str:
        return f"<KillSwitch {self._name}: {', '.join(self._names)}>"

    def snapshot(self) -> View:
        """What is shown right now, as fresh JSON values; never waits.

        Keys: `name`, `targets` (each `name`, `state`, `pid`, `verbs`, `served`, `failed`,
        `deaths`), `log` (each `number`, `at_s`, `text`), `seq`, `done`, `note`, `closed`.
        """
        return super().snapshot()

    def send(self, op: str, target: object = None) -> int:
        """Enqueue kill, pause, resume or restart; returns the command's number at once.

        The command has been carried out when `done` of a snapshot has reached the number.

        Raises:
            InvalidInput: there is no such verb or target, or it cannot be done here.
            ViewClosed: the view was closed.
        """
        return super().send(op, target)

    def wait_for(self, predicate: Callable[[View], bool], timeout_s: float = 30.0) -> View:
        """The first snapshot that satisfies the predicate.

        Raises:
            WaitExpired: none did in time, or the view was closed first.
        """
        return super().wait_for(predicate, timeout_s)

    def do(self, op: str, target: object = None, timeout_s: float = 30.0) -> View:
        """`send`, and wait until it has been carried out; the snapshot after it."""
        return super().do(op, target, timeout_s)

    def close(self) -> None:
        """Carry out pending commands, stop the thread, end what `restart` started. Idempotent. The
        drawing stays, marked as closed.
        """
        super().close()

    def _check_name(self, name: str) -> None:
        """Any name is allowed: the DOM ids are those of the targets."""

    def _on_message(self, _widget: object, content: Any, _buffers: object) -> None:
        if isinstance(content, dict):
            self._loop.hear(content.get("op"), content.get("target"))

    def _still(self, view: View) -> list[str]:
        return stills.kill_switch(view)
