"""What a kill switch shows: processes that are watched, and the commands carried out on them.

The processes are checked ten times a second, with or without commands. Counters come from a probe
on a thread of its own, which may hang in a request to a paused process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from veristack_lab.chaos import process_faults
from veristack_lab.errors import InvalidInput
from veristack_lab.widgets.counters import Counters, Probe
from veristack_lab.widgets.loop import PUBLISH_INTERVAL_S, Model, View
from veristack_lab.widgets.snapshots import (
    Snapshot,
    State,
    TargetView,
    count,
    log,
    put_target,
    see,
)
from veristack_lab.widgets.targets import VERBS, Target, Verb

_DONE_BY: dict[Verb, str] = {
    "kill": "killed with SIGKILL",
    "pause": "paused with SIGSTOP",
    "resume": "resumed with SIGCONT",
    "restart": "restarted",
}

_STATES: dict[process_faults.Condition, State] = {
    "running": "alive",
    "stopped": "paused",
    "gone": "dead",
}


class KillModel(Model):
    """Owns what a kill switch knows about its targets.

    Args:
        name: what the view is called.
        targets: the processes; their names must differ.
        probe: counters by target name, or None.

    Raises:
        InvalidInput: there is no target, or two have the same name.
    """

    interval_s = PUBLISH_INTERVAL_S
    is_shown_first = True

    def __init__(self, name: str, targets: Sequence[Target], probe: Probe | None) -> None:
        self._targets = {target.name: target for target in targets}
        if not targets or len(self._targets) != len(targets):
            raise InvalidInput("give at least one target, and each a name of its own")
        self._name = name
        self._probe = probe
        self._heard: queue.SimpleQueue[Mapping[str, Counters] | str] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._started_s = time.monotonic()
        self._restarting: tuple[Target, TargetView] | None = None
        self._snapshot = Snapshot(tuple(_observe(target) for target in targets))

    # ------------------------------------------------------------- on any thread

    def check(self, op: str, argument: object) -> None:
        """See `Model.check`: the argument is a target's name."""
        if op not in VERBS:
            raise InvalidInput(f"there is no verb {op!r}; there are {', '.join(VERBS)}")
        if not isinstance(argument, str) or argument not in self._targets:
            known = ", ".join(self._targets)
            raise InvalidInput(f"there is no target {str(argument)!r}; there are {known}")
        if op not in self._targets[argument].verbs:
            raise InvalidInput(f"{op} cannot be done to {argument} here")

    def last_seen(self, view: View) -> str:
        """See `Model.last_seen`."""
        return ", ".join(f"{target['name']} {target['state']}" for target in view["targets"])

    # ------------------------------------------------- on the view's own thread only

    def begin(self) -> None:
        """Start to count, if there is a probe."""
        if self._probe is not None:
            threading.Thread(target=self._count, name=f"probe-{self._name}", daemon=True).start()

    def obey(self, op: str, argument: Any) -> bool:
        """See `Model.obey`: a restart goes on in `proceed`, so that it is shown meanwhile."""
        self.proceed()
        target, before = self._targets[argument], self._snapshot.target(argument)
        if op == "restart":
            self._snapshot = put_target(self._snapshot, replace(before, state="restarting"))
            self._restarting = target, before
            return True
        self._do(target, next(verb for verb in VERBS if verb == op), before)
        return False

    def proceed(self) -> bool:
        """See `Model.proceed`."""
        if self._restarting is not None:
            target, before = self._restarting
            self._restarting = None
            self._do(target, "restart", before)
        return False

    def look(self) -> None:
        """See `Model.look`: what became of the processes, and what the probe said."""
        while not self._heard.empty():
            heard = self._heard.get()
            if isinstance(heard, str):
                self.refuse(heard)
            else:
                self._snapshot = count(self._snapshot, heard)
        busy = self._restarting[0].name if self._restarting is not None else None
        for target in self._targets.values():
            if target.name != busy:
                seen = _observe(target)
                self._snapshot = see(self._snapshot, seen, self._at_s(), asked=False)

    def refuse(self, reason: str) -> bool:
        """See `Model.refuse`: it is written to the log."""
        self._say(f"refused: {reason}")
        return True

    def view(self) -> View:
        """See `Model.view`: `targets` and `log`."""
        return self._snapshot.to_json()

    def end(self) -> None:
        """See `Model.end`: the processes that `restart` started end, and are shown as ended."""
        # The probe's thread is not waited for: it may hang in a request to a paused process.
        self._ended.set()
        self.proceed()
        for target in self._targets.values():
            was = self._snapshot.target(target.name)
            target.release()
            now = _observe(target)
            if was.state != now.state:
                self._snapshot = put_target(self._snapshot, replace(was, state=now.state))
                self._say(f"{target.name}: ended with this view, process {was.pid}")
        self._say("closed; what is shown is what was seen last")

    def _do(self, target: Target, verb: Verb, before: TargetView) -> None:
        try:
            getattr(target, verb)()
            text = f"{target.name}: {_DONE_BY[verb]}, process {target.pid}"
        except Exception as error:  # noqa: BLE001 - targets are foreign code; the view must outlive them
            text = f"{target.name}: {verb} failed: {type(error).__name__}: {error}"
        snapshot = put_target(self._snapshot, before)
        self._snapshot = see(snapshot, _observe(target), self._at_s(), asked=True)
        self._say(text)

    def _say(self, text: str) -> None:
        self._snapshot = log(self._snapshot, self._at_s(), text)

    def _at_s(self) -> float:
        return time.monotonic() - self._started_s

    # ------------------------------------------------------ on the probe's thread only

    def _count(self) -> None:
        assert self._probe is not None  # else this thread is not started
        complaint = ""
        while not self._ended.wait(PUBLISH_INTERVAL_S):
            try:
                self._heard.put(dict(self._probe()))
                complaint = ""
            except Exception as error:  # noqa: BLE001 - the probe is the user's; it must not end the view
                if str(error) != complaint:
                    complaint = str(error)
                    self._heard.put(f"the probe failed: {type(error).__name__}: {error}")


def _observe(target: Target) -> TargetView:
    alive, pid = target.alive, target.pid
    state: State = "alive" if alive else "dead"
    if alive and pid is not None:
        state = _STATES[process_faults.condition(pid)]
    verbs = tuple(verb for verb in VERBS if verb in target.verbs)
    return TargetView(target.name, state, pid, verbs)
