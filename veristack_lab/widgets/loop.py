"""The one thread of a view: it owns the view's model, and publishes what the model shows.

A click or a script puts a command into a queue; the thread lets the model obey, asks it once for
what to show however many commands had come, and publishes. The model is touched by no other
thread. A model that computes on demand lets the thread rest; one that watches something (real
processes, say) has an `interval_s` at which it is asked to look by itself.
"""

from __future__ import annotations

import copy
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from veristack_lab.errors import InvalidInput, VeriStackError, ViewClosed, WaitExpired

PUBLISH_INTERVAL_S = 0.1
"""A display gets snapshots at most this often; what changes in between is coalesced."""

HEARTBEAT_S = 1.0
"""A view that watches is published at least this often, so that a display can tell a quiet view
from a dead kernel."""

View = dict[str, Any]


class Model(Protocol):
    """What a view is about.

    `check` and `last_seen` may run on any thread, the rest on the view's own only.
    """

    interval_s: float | None = None
    """How often to `look`, commands or not; None: never."""
    is_shown_first: bool = False
    """Whether what `obey` has begun is shown before `proceed` goes on, because it may take long."""

    def check(self, op: str, argument: object) -> None:
        """Refuse a command that could never be obeyed.

        Raises:
            InvalidInput: there is no such command, or its argument cannot be used.
        """

    def obey(self, op: str, argument: Any) -> bool:
        """Carry out a command that `check` let pass. Raises a `VeriStackError` if it cannot.

        Returns:
            Whether it is not done yet: then `proceed` goes on with it, until it is or until
            another command comes.
        """

    def proceed(self) -> bool:
        """Go on for a moment with what `obey` began; as `obey` otherwise."""
        return False

    def view(self) -> View:
        """What to show now, as plain JSON values."""

    def begin(self) -> None:
        """The view is open from now on."""
        return

    def look(self) -> None:
        """Notice what happened by itself; called every `interval_s`."""
        return

    def refuse(self, reason: str) -> bool:
        """Note that a command from the wire was refused. Returns False to leave it to `note`."""
        del reason
        return False

    def end(self) -> None:
        """The view is about to be shown for the last time."""
        return

    def release(self) -> None:
        """The view was shown for the last time: release its resources."""
        return

    def last_seen(self, view: View) -> str:
        """A short summary of a view, for the message of a wait that expired; may be empty."""
        del view
        return ""


@dataclass(frozen=True)
class _Command:
    number: int
    op: str
    argument: Any


@dataclass(frozen=True)
class _Refused:
    reason: str


class _Stop:
    pass


_Event = _Command | _Refused | _Stop


class Loop:
    """Owns a model from `start()` to `close()`.

    A snapshot is the model's view and besides: `name`, `seq` (grows with every snapshot),
    `done` (number of the last command that was carried out or refused), `note` (why the last
    command was refused, or ""), `closed`.

    Args:
        name: what the view is called.
        model: what it is about; its first view is taken at once, on the caller's thread.
        publish: called on the loop's thread with each snapshot to show.
    """

    def __init__(self, name: str, model: Model, publish: Callable[[View], None]) -> None:
        self._name = name
        self._model = model
        self._publish = publish
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._commands = 0
        self._closing = False
        self._changed = threading.Condition()
        self._done, self._note = 0, ""
        self._unfinished: int | None = None
        self._view = model.view()
        self._latest = self._snapshot(seq=0, closed=False)
        self._published_s, self._published_seq = 0.0, 0
        self._thread = threading.Thread(target=self._run, name=f"view-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def latest(self) -> View:
        """The newest snapshot, the caller's own copy; never waits."""
        return copy.deepcopy(self._latest)

    def send(self, op: str, argument: object = None) -> int:
        """Enqueue one command and return its number at once.

        Raises:
            InvalidInput: there is no such command, or its argument cannot be used.
            ViewClosed: the view was closed.
        """
        self._model.check(op, argument)
        with self._lock:
            if self._closing:
                raise ViewClosed
            self._commands += 1
            self._events.put(_Command(self._commands, op, argument))
            return self._commands

    def hear(self, op: object, argument: object) -> None:
        """The same for words that came over a wire: what cannot be done becomes the note."""
        try:
            self.send(str(op), argument)
        except InvalidInput as error:
            self._events.put(_Refused(str(error)))
        except ViewClosed:
            return  # the display shows that it is closed

    def wait_for(self, predicate: Callable[[View], bool], timeout_s: float) -> View:
        """The first snapshot that satisfies the predicate.

        Raises:
            WaitExpired: none did in time, or the view was closed first.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not predicate(self._latest):
                left = deadline - time.monotonic()
                if left <= 0 or self._latest["closed"]:
                    why = "the view is closed" if self._latest["closed"] else f"{timeout_s:g} s"
                    seen = self._model.last_seen(self._latest)
                    seen = f"; last seen: {seen}" if seen else ""
                    done = f"{self._done} commands were done, not what was asked"
                    raise WaitExpired(f"{why}{seen}" if seen else f"{why}: {done}")
                self._changed.wait(left)
            return copy.deepcopy(self._latest)

    def close(self) -> None:
        """Carry out pending commands, and end the thread. Idempotent."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._events.put(_Stop())
        if self._thread.is_alive():
            self._thread.join()

    # -------------------------------------------------- below: on the loop's thread only

    def _run(self) -> None:
        self._guarded(self._model.begin)
        stopping = False
        while not stopping:
            events = self._next_events()
            for event in events:
                stopping |= isinstance(event, _Stop)
                self._handle(event)
            unfinished = self._unfinished
            if unfinished is not None and not events:
                self._attempt(unfinished, "the command", self._model.proceed)
            if self._model.interval_s is not None:
                self._guarded(self._model.look)
            if stopping:
                self._guarded(self._model.end)
            self._refresh(closed=stopping, is_asked=bool(events) or unfinished is not None)
            begun = bool(events) and self._unfinished is not None and self._model.is_shown_first
            self._show(now=stopping or begun)
        self._guarded(self._model.release)

    def _next_events(self) -> list[_Event]:
        """All that has come; waits for the first, unless there is something else to do."""
        wait_s: float | None = None
        if self._unfinished is not None:
            wait_s = 0.0
        elif self._published_seq != self._latest["seq"]:
            wait_s = max(0.0, self._published_s + PUBLISH_INTERVAL_S - time.monotonic())
        elif self._model.interval_s is not None:
            wait_s = self._model.interval_s
        events: list[_Event] = []
        try:
            events.append(self._events.get(timeout=wait_s))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    def _handle(self, event: _Event) -> None:
        match event:
            case _Command(number, op, argument):
                self._attempt(number, op, lambda: self._model.obey(op, argument))
            case _Refused(reason):
                if not self._model.refuse(reason):
                    self._note = reason
            case _Stop():
                pass  # the loop's own business

    def _attempt(self, number: int, op: str, act: Callable[[], bool]) -> None:
        """Do a command or go on with one; what it raises becomes the note."""
        self._note, is_unfinished = "", False
        try:
            is_unfinished = act()
        except (VeriStackError, OSError) as error:
            self._note = str(error)
        except Exception as error:  # noqa: BLE001 - a thread has no caller to raise to: it must show it
            self._note = f"{op} failed: {type(error).__name__}: {error}"
        self._unfinished = number if is_unfinished else None
        if not is_unfinished:
            self._done = number

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - as above
            self._note = f"{type(error).__name__}: {error}"

    def _refresh(self, *, closed: bool, is_asked: bool) -> None:
        """Take a new snapshot: after a command, after a change, and once a heartbeat."""
        old = self._view
        is_due = is_asked or closed
        try:
            if is_due or self._model.interval_s is not None:
                self._view = self._model.view()
        except Exception as error:  # noqa: BLE001 - as above; the last good view stays
            self._note = f"{type(error).__name__}: {error}"
        if self._model.interval_s is not None:
            is_due |= self._view != old or self._note != self._latest["note"]
            is_due |= time.monotonic() - self._published_s >= HEARTBEAT_S
        if not is_due:
            return
        with self._changed:
            self._latest = self._snapshot(seq=self._latest["seq"] + 1, closed=closed)
            self._changed.notify_all()

    def _snapshot(self, *, seq: int, closed: bool) -> View:
        return {
            **self._view,
            "name": self._name,
            "seq": seq,
            "done": self._done,
            "note": self._note,
            "closed": closed,
        }

    def _show(self, *, now: bool) -> None:
        due = time.monotonic() - self._published_s >= PUBLISH_INTERVAL_S
        if self._latest["seq"] != self._published_seq and (due or now):
            self._published_s, self._published_seq = time.monotonic(), self._latest["seq"]
            self._publish(self._latest)
