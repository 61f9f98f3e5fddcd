"""A world of events in virtual time. It knows nothing of what its guests are.

    world = World()
    world.after(0.5, guest, "hello")
    world.run(until_s=20.0)

A guest is anything with a name and `handle(event)`. Events happen one at a time, earliest first;
those of one instant in the order in which they were scheduled. Time jumps from event to event, and
nothing waits. What happened is hashed (`world.trace`): equal runs have equal hashes.

No clock, no thread, no randomness and no hash of an object has a say here.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from math import inf
from typing import Any, NamedTuple, Protocol

from veristack_lab.errors import InvalidInput, WorldOverrun
from veristack_lab.sim.trace import Trace


class Guest(Protocol):
    """What lives in a world: nodes, networks, clients, faults, schedulers."""

    @property
    def name(self) -> str:
        """What the trace calls it: the same in every run."""

    def handle(self, event: Any) -> None:
        """Something happens to the guest, now. May schedule further events."""


class Limits(NamedTuple):
    """Bounds of a world, so that no mistake makes a run endless."""

    events: int = 2_000_000
    """How many may happen."""
    virtual_s: float = 86_400.0
    """How far time may go, in seconds."""
    waiting: int = 200_000
    """How many entries the heap may hold."""


class Scheduled:
    """An event that was put on the calendar. May be moved and cancelled, and used again.

    A later deadline costs nothing: the entry in the heap stays where it is, and goes to its new
    place when its old time comes. So a timeout that every message pushes back needs one entry, not
    one a message.
    """

    __slots__ = ("_entry", "_entry_s", "due_s", "event", "guest", "sequence")

    def __init__(self, guest: Guest, event: Any) -> None:
        self.guest = guest
        self.event = event
        self.due_s = inf
        """When it happens, in seconds of virtual time; infinite if it does not wait."""
        self.sequence = 0
        """Its place among events of the same instant."""
        self._entry = 0
        """Sequence number of its entry in the heap; 0: none."""
        self._entry_s = inf

    def __repr__(self) -> str:
        due = "not waiting" if self.due_s == inf else f"due at {self.due_s:g} s"
        return f"Scheduled({self.guest.name}, {self.event!r}, {due})"

    @property
    def waits(self) -> bool:
        """Whether it is still to happen."""
        return self.due_s != inf


Watcher = Callable[[Guest, Any], None]
"""Is called after every event with the guest and the event."""


class World:
    """Virtual time, the events that wait, and the trace of those that happened.

    Args:
        limits: bounds; reaching one is an error.
        trace: where to hash what happens; a new `Trace` unless given.
        describe: an event as text for the trace: `repr` unless given.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        trace: Trace | None = None,
        describe: Callable[[Any], str] = repr,
    ) -> None:
        self.now_s = 0.0
        """Seconds of virtual time since the world began."""
        self.events = 0
        """How many have happened."""
        self.limits = limits or Limits()
        self.trace = trace or Trace()
        self._describe = describe
        self._heap: list[tuple[float, int, Scheduled]] = []
        self._sequence = 0
        self._watchers: list[Watcher] = []
        self._stopped = False
        self._running = False

    def __repr__(self) -> str:
        return f"World({self.now_s:g} s, {self.events} events)"

    # ------------------------------------------------------------ the calendar

    def at(self, due_s: float, guest: Guest, event: Any) -> Scheduled:
        """Let an event happen at a moment.

        Raises:
            InvalidInput: the moment is in the past, or no finite number.
            WorldOverrun: too many events wait.
        """
        scheduled = Scheduled(guest, event)
        self.move(scheduled, due_s)
        return scheduled

    def after(self, delay_s: float, guest: Guest, event: Any) -> Scheduled:
        """Let an event happen `delay_s` seconds from now; raises as `at` does."""
        return self.at(self.now_s + delay_s, guest, event)

    def move(self, scheduled: Scheduled, due_s: float) -> None:
        """Let it happen at another moment, as if scheduled only now; works too after it happened or
        was cancelled. Raises as `at` does."""
        if not self.now_s <= due_s < inf:
            raise InvalidInput(
                f"an event at {due_s} s cannot be scheduled at {self.now_s} s; give a later moment"
            )
        self._sequence += 1
        scheduled.due_s = due_s
        scheduled.sequence = self._sequence
        if not scheduled._entry or due_s < scheduled._entry_s:
            self._check_room()
            scheduled._entry, scheduled._entry_s = self._sequence, due_s
            heappush(self._heap, (due_s, self._sequence, scheduled))

    def cancel(self, scheduled: Scheduled) -> None:
        """Let it not happen; no matter whether it waits."""
        scheduled.due_s = inf

    def waiting(self) -> list[Scheduled]:
        """The events that are still to happen, in their order."""
        live = [
            scheduled
            for _, sequence, scheduled in self._heap
            if sequence == scheduled._entry and scheduled.waits
        ]
        return sorted(live, key=lambda scheduled: (scheduled.due_s, scheduled.sequence))

    # ---------------------------------------------------------------- the run

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` after every event from now on, in the order in which watchers came."""
        self._watchers.append(watcher)

    def stop(self) -> None:
        """Let `run` return after the event that happens now."""
        self._stopped = True

    def run(self, until_s: float = inf) -> int:
        """Let events happen until none is left, `stop` is called, or `until_s` has come.

        Events at `until_s` itself still happen, and then it is `until_s`. What a guest raises
        passes through, with a note of where in the run it was.

        Returns:
            How many events happened.

        Raises:
            WorldOverrun: a limit is reached.
            InvalidInput: a guest or watcher calls this while events happen.
        """
        if self._running:
            raise InvalidInput("the world runs already; schedule events instead of running it")
        before = self.events
        self._stopped, self._running = False, True
        try:
            self._run(until_s)
        finally:
            self._running = False
        return self.events - before

    def _run(self, until_s: float) -> None:
        while not self._stopped:
            scheduled = self._next(until_s)
            if scheduled is None:
                break
            self._happen(scheduled)
        if not self._stopped and self.now_s < until_s < inf:
            self._check_time(until_s)
            self.now_s = until_s

    def note(self, line: str) -> None:
        """Put a line of the caller's own into the trace."""
        self.trace.add(line)

    def _next(self, until_s: float) -> Scheduled | None:
        """Take the next event from the heap; moved entries find their place on the way."""
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            _, sequence, scheduled = heap[0]
            if sequence != scheduled._entry:  # replaced by an earlier one
                heappop(heap)
            elif scheduled.due_s == inf:
                heappop(heap)
                scheduled._entry = 0
            elif sequence != scheduled.sequence:  # moved to a later moment
                scheduled._entry, scheduled._entry_s = scheduled.sequence, scheduled.due_s
                heapreplace(heap, (scheduled.due_s, scheduled.sequence, scheduled))
            else:
                heappop(heap)
                scheduled._entry = 0
                return scheduled
        return None

    def _happen(self, scheduled: Scheduled) -> None:
        due_s, guest, event = scheduled.due_s, scheduled.guest, scheduled.event
        scheduled.due_s = inf
        self._check_time(due_s)
        if self.events >= self.limits.events:
            raise WorldOverrun(
                f"{self.events:,} events happened by {self.now_s:g} s of virtual time, which is "
                f"the limit; the next is for {guest.name}. The last ones:\n"
                + "\n".join(self.trace.last()[-5:])
            )
        self.now_s = due_s
        self.events += 1
        try:
            self.trace.add(f"{due_s!r} {guest.name} {self._describe(event)}")
            guest.handle(event)
            for watcher in self._watchers:
                watcher(guest, event)
        except Exception as error:
            error.add_note(
                f"This was event {self.events} of the run, at {due_s!r} s of virtual time: "
                f"{guest.name} handled {self._describe(event)}"
            )
            raise

    def _check_time(self, moment_s: float) -> None:
        if moment_s > self.limits.virtual_s:
            raise WorldOverrun(
                f"virtual time would pass {self.limits.virtual_s:g} s, which is the limit; give "
                "`run` an end, or the world larger limits"
            )

    def _check_room(self) -> None:
        if len(self._heap) >= self.limits.waiting:
            raise WorldOverrun(
                f"{len(self._heap):,} events wait at {self.now_s:g} s of virtual time, which is "
                "the limit; look for a guest that schedules more than happens"
            )
