"""The one thread that owns what a view shows.

Everybody else puts events into its queue: a click or a script a command, the probe's thread
the counters it read. The engine carries commands out, looks at the processes, and publishes
snapshots. Where two of these threads meet there is a queue or an immutable value, never a
shared variable.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from veristack_lab.chaos import process_faults
from veristack_lab.errors import InvalidInput, ViewClosed, WaitExpired
from veristack_lab.widgets.counters import Counters, Probe
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

PUBLISH_INTERVAL_S = 0.1
"""Snapshots are published at most this often; what changes in between is coalesced."""
HEARTBEAT_S = 1.0
"""At least this often, so that a display can tell a quiet engine from a dead kernel."""

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


@dataclass(frozen=True)
class _Command:
    number: int
    verb: Verb
    target: str


@dataclass(frozen=True)
class _Refused:
    reason: str


@dataclass(frozen=True)
class _Counted:
    counters: Mapping[str, Counters]


class _Stop:
    pass


_Event = _Command | _Refused | _Counted | _Stop


class Engine:
    """Owns the state of one view from construction to `close()`.

    Args:
        name: what the view is called.
        targets: the processes; their names must differ.
        probe: counters by target name, or None.
        publish: called on the engine's thread with each snapshot to show.
    """

    def __init__(
        self,
        name: str,
        targets: Sequence[Target],
        probe: Probe | None,
        publish: Callable[[Snapshot], None],
    ) -> None:
        self._targets = {target.name: target for target in targets}
        if not targets or len(self._targets) != len(targets):
            raise InvalidInput("give at least one target, and each a name of its own")
        self._publish = publish
        self._probe = probe
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._started_s = time.monotonic()
        self._published_s = 0.0
        self._published_seq = -1
        self._command_lock = threading.Lock()
        self._commands = 0
        self._changed = threading.Condition()
        self._latest = Snapshot(name, tuple(_observe(target) for target in targets))
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, name=f"view-{name}", daemon=True)]
        if probe is not None:
            self._threads.append(
                threading.Thread(target=self._count, name=f"probe-{name}", daemon=True)
            )

    def start(self) -> None:
        """Begin to watch and to obey."""
        for thread in self._threads:
            thread.start()

    @property
    def latest(self) -> Snapshot:
        """The newest snapshot; never waits."""
        return self._latest

    def send(self, verb: str, target: str) -> int:
        """Enqueue one command and return its number at once.

        Raises:
            InvalidInput: there is no such verb or target, or it cannot be done to this one.
            ViewClosed: the view was closed.
        """
        reason = self._objection(verb, target)
        if reason:
            raise InvalidInput(reason)
        known = next(v for v in VERBS if v == verb)
        with self._command_lock:
            if self._stopping.is_set():
                raise ViewClosed
            self._commands += 1
            self._events.put(_Command(self._commands, known, target))
            return self._commands

    def hear(self, verb: object, target: object) -> None:
        """The same for words that came over a wire: what cannot be done is logged instead."""
        try:
            self.send(str(verb), str(target))
        except InvalidInput as error:
            self._events.put(_Refused(str(error)))
        except ViewClosed:
            return  # the display shows that it is closed

    def wait_for(self, predicate: Callable[[Snapshot], bool], timeout_s: float) -> Snapshot:
        """The first snapshot that satisfies the predicate.

        Raises:
            WaitExpired: none did in time.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not predicate(self._latest):
                left = deadline - time.monotonic()
                if left <= 0 or self._latest.closed:
                    seen = ", ".join(f"{t.name} {t.state}" for t in self._latest.targets)
                    why = "the view is closed" if self._latest.closed else f"{timeout_s:g} s passed"
                    raise WaitExpired(f"{why}; last seen: {seen}")
                self._changed.wait(left)
            return self._latest

    def close(self) -> None:
        """Carry out what was already asked, stop watching, release the targets. Idempotent."""
        with self._command_lock:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._events.put(_Stop())
        # The probe's thread is not waited for: it may hang in a request to a paused process.
        if self._threads[0].is_alive():
            self._threads[0].join()
        for target in self._targets.values():
            target.release()

    def _objection(self, verb: str, target: str) -> str | None:
        if verb not in VERBS:
            return f"there is no verb {verb!r}; there are {', '.join(VERBS)}"
        if target not in self._targets:
            return f"there is no target {target!r}; there are {', '.join(self._targets)}"
        if verb not in self._targets[target].verbs:
            return f"{verb} cannot be done to {target} here"
        return None

    # ------------------------------------------------ below: on the engine's thread only

    def _run(self) -> None:
        last_words = "closed"
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: it must show it
            last_words = f"the view ended: {type(error).__name__}: {error}"
        self._set(replace(log(self._latest, self._at_s(), last_words), closed=True))
        self._show(now=True)

    def _watch(self) -> None:
        while True:
            with suppress(queue.Empty):
                event = self._events.get(timeout=PUBLISH_INTERVAL_S)
                if isinstance(event, _Stop):
                    return
                self._handle(event)
            self._set(self._look(self._latest))
            self._show(now=False)

    def _handle(self, event: _Event) -> None:
        match event:
            case _Command():
                self._obey(event)
            case _Refused(reason):
                self._set(log(self._latest, self._at_s(), f"refused: {reason}"))
            case _Counted(counters):
                self._set(count(self._latest, counters))
            case _Stop():
                raise AssertionError("handled by the loop")

    def _obey(self, command: _Command) -> None:
        target = self._targets[command.target]
        before = self._latest.target(command.target)
        if command.verb == "restart":
            self._set(put_target(self._latest, replace(before, state="restarting")))
            self._show(now=True)
        try:
            getattr(target, command.verb)()
            text = f"{target.name}: {_DONE_BY[command.verb]}, process {target.pid}"
        except Exception as error:  # noqa: BLE001 - targets are anybody's; the view must outlive them
            text = f"{target.name}: {command.verb} failed: {type(error).__name__}: {error}"
        looked = self._look(put_target(self._latest, before), asked=command.target)
        self._set(replace(log(looked, self._at_s(), text), done=command.number))

    def _look(self, snapshot: Snapshot, asked: str | None = None) -> Snapshot:
        for name, target in self._targets.items():
            snapshot = see(snapshot, _observe(target), self._at_s(), asked=name == asked)
        return snapshot

    def _set(self, snapshot: Snapshot) -> None:
        if snapshot == self._latest:
            return
        with self._changed:
            self._latest = replace(snapshot, seq=self._latest.seq + 1)
            self._changed.notify_all()

    def _show(self, *, now: bool) -> None:
        passed_s = time.monotonic() - self._published_s
        changed = self._latest.seq != self._published_seq
        due = (changed and passed_s >= PUBLISH_INTERVAL_S) or passed_s >= HEARTBEAT_S
        if not (due or now):
            return
        if not changed:
            self._set(replace(self._latest, seq=self._latest.seq + 1))
        self._published_s, self._published_seq = time.monotonic(), self._latest.seq
        self._publish(self._latest)

    def _at_s(self) -> float:
        return time.monotonic() - self._started_s

    # -------------------------------------------------- below: on the probe's thread only

    def _count(self) -> None:
        assert self._probe is not None  # else this thread is not started
        complaint = ""
        while not self._stopping.wait(PUBLISH_INTERVAL_S):
            try:
                self._events.put(_Counted(dict(self._probe())))
                complaint = ""
            except Exception as error:  # noqa: BLE001 - the probe is the user's; it must not end the view
                if str(error) != complaint:
                    complaint = str(error)
                    self._events.put(_Refused(f"the probe failed: {type(error).__name__}: {error}"))


def _observe(target: Target) -> TargetView:
    alive, pid = target.alive, target.pid
    state: State = "alive" if alive else "dead"
    if alive and pid is not None:
        state = _STATES[process_faults.condition(pid)]
    verbs = tuple(verb for verb in VERBS if verb in target.verbs)
    return TargetView(target.name, state, pid, verbs)
