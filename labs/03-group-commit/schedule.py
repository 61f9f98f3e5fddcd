"""Threads of which one runs at a time, in an order that a seed chooses, and locks that know it.

While a schedule runs, `threading.Lock` and `threading.RLock` are locks of the schedule, and so is
all that the standard library builds on them: Event, Condition, Semaphore, Future, Queue. Each line
of the learner's file is a place where another thread may go on. The same seed gives the same order.
A schedule sees what a clock never does: which thread waits for which lock, and that none can go on.
"""

from __future__ import annotations

import _thread
import queue
import random
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

REAL_LOCK, REAL_RLOCK = threading.Lock, threading.RLock
REAL_SLEEP, REAL_QUEUE = time.sleep, queue.SimpleQueue
MAX_STEPS = 20_000
"""Lines that one schedule may run; the longest that is right takes a third of it."""


class Task:
    """One thread of a schedule."""

    def __init__(self, name, function):
        self.name, self.function = name, function
        self.baton = _thread.allocate_lock()
        self.baton.acquire()
        self.held, self.waits_for, self.state = [], None, "ready"
        self.error = self.line = None
        self.facts = {}

    @property
    def asleep(self):
        """Whether it waits for a signal: for a lock that it has taken itself, as Condition does."""
        lock = self.waits_for
        return lock is not None and lock.sleeper is self


class Stopped(BaseException):
    """The thread of the check cannot go on with the learner's call."""


class Schedule:
    """The threads, and the choice of the next one.

    Args:
        work: the learner's module; its lines are the places where threads change.
        story: ends the schedule as soon as `story.bad` is set.
        seed: of the choices. How often threads change depends on it too.
        at_line: called at each line of the learner's file, in the thread that runs it.
        on_wake: called with each task whose signal another thread gives.
        free_moment: called at each moment at which a lock has just been released.
    """

    def __init__(self, work, story, seed=0, *, at_line=None, on_wake=None, free_moment=None):
        self.file, self.story = work.__file__, story
        self.random, self.share = random.Random(seed), (0.2, 0.08, 0.03)[seed % 3]
        self.at_line = at_line or (lambda: None)
        self.free_moment = free_moment or (lambda: None)
        self.on_wake = on_wake or (lambda _: None)
        self.tasks, self.running, self.steps, self.alone = [], None, 0, False
        self.outside = Task("the check", None)

    def spawn(self, name, function):
        """Another thread. It begins when it is chosen."""
        task = Task(name, function)
        self.tasks.append(task)
        _thread.start_new_thread(self._live, (task,))
        return task

    def run(self):
        """Until every thread has ended, or something has happened that must not."""
        self._go_on(self.outside)
        self.running = None
        if self.story.bad is None and (left := [t for t in self.tasks if t.state != "ended"]):
            self.story.refuse("an end of every call", self._why_stuck(left))

    def run_alone(self, name, function):
        """One call, in the thread of the check. Returns the task, which knows how it ended."""
        task = self.running = Task(name, function)
        self.tasks.append(task)
        before, self.alone = sys.gettrace(), True
        sys.settrace(self._trace)
        try:
            function()
        except BaseException as error:  # noqa: BLE001 whatever it is, the check judges it
            task.error = error
        finally:
            sys.settrace(before)
            task.state, self.running, self.alone = "ended", None, False
        return task

    def now(self):
        """The running task."""
        return self.running or self.outside

    def point(self):
        """Another thread may go on here."""
        if self.running is not None and self.random.random() < self.share:
            self._go_on(self.running)

    def until_quiet(self):
        """Go on when no other thread can: the disk is slower than everything else."""
        task = self.running
        if task is not None:
            task.state = "quiet"
            self._go_on(task)

    def nap(self, _seconds=0):
        """What time.sleep is: it ends when no other thread can go on."""
        task = self.running
        if task is not None:
            task.state = "timed"
            self._go_on(task)

    def _live(self, task):
        task.baton.acquire()
        sys.settrace(self._trace)
        try:
            task.function()
        except BaseException as error:  # noqa: BLE001 whatever it is, the check judges it
            task.error = error
        finally:
            sys.settrace(None)
            task.state = "ended"
            self._go_on(task)

    def _trace(self, frame, event, _):
        return self._line if frame.f_code.co_filename == self.file else None

    def _line(self, frame, event, _):
        if event == "line" and (task := self.running) is not None:
            task.line = frame.f_lineno
            self.steps += 1
            if self.steps > MAX_STEPS:
                self._give_up(task)
            self.at_line()
            self.point()
        return self._line

    def _give_up(self, task):
        got = f"{MAX_STEPS:,} lines and no end, now in line {task.line}"
        self.story.refuse(f"an end of {task.name}", got)
        self._go_on(task)

    def _go_on(self, task):
        """Choose a thread and let it run; return when `task` has been chosen again."""
        chosen = self._choose() if self.story.bad is None else self.outside
        if chosen is self.outside and self.alone:
            if self.story.bad is None:
                self.story.refuse("an end of this call", self._why_stuck([task]))
            raise Stopped
        if chosen is task:
            task.state = "ready" if task.state != "ended" else "ended"
            return
        self.running = chosen if chosen is not self.outside else None
        if chosen.state in ("quiet", "timed"):
            chosen.state = "ready"
        chosen.baton.release()
        if task.state != "ended":
            task.baton.acquire()  # for ever, if the schedule ends before it

    def _choose(self):
        for state in ("ready", "quiet"):
            able = [task for task in self.tasks if task.state == state and self._free(task)]
            if able:
                return able[0] if len(able) == 1 else self.random.choice(able)
        if timed := [task for task in self.tasks if task.state == "timed" or self._timed(task)]:
            expected = f"another thread to wake {timed[0].name}: there is no timer"
            self.story.refuse(expected, "only the end of a time limit would go on with it")
        return self.outside

    @staticmethod
    def _free(task):
        return task.waits_for is None or task.waits_for.owner is None

    @staticmethod
    def _timed(task):
        return task.state == "ready" and task.waits_for is not None and task.facts.get("timed")

    def _why_stuck(self, left):
        def why(task):
            lock = task.waits_for
            known = lock is not None and lock.owner is not None and (lock.name or not task.asleep)
            what = (lock.name or "a lock") if known else ""
            holder = "it holds itself" if known and lock.owner is task else ""
            for_what = "to be woken"
            if known:
                for_what = f"for {what} that {holder or f'{lock.owner.name} holds'}"
            return f"{task.name} waits in line {task.line} {for_what}"

        return "; ".join(map(why, left[:3])) + ": nothing can go on"


class ScheduledLock:
    """A lock of the schedule that runs. Same methods as `threading.Lock`."""

    schedule = None
    """The one that runs, or None."""
    name = ""

    def __init__(self):
        self.owner = self.sleeper = None

    def acquire(self, blocking=True, timeout=-1):
        schedule = self.schedule
        task = schedule.now()
        if self.owner is not None and (not blocking or timeout == 0):
            return False
        if self.owner is not None and schedule.running is None:
            raise RuntimeError("this call waits for a lock that no thread will release")
        if self.owner is task:
            self.sleeper = task
        while self.owner is not None:
            task.waits_for, task.facts["timed"] = self, timeout > 0
            schedule._go_on(task)
        task.waits_for = self.sleeper = None
        self.owner = task
        task.held.append(self)
        return True

    def release(self):
        if self.owner is None:
            raise RuntimeError("release unlocked lock")
        schedule = self.schedule
        self.owner.held.remove(self)
        self.owner = None
        if self.sleeper is not None and self.sleeper is not schedule.now():
            schedule.on_wake(self.sleeper)
        schedule.free_moment()
        schedule.point()

    def locked(self):
        return self.owner is not None

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()


class ScheduledRLock(ScheduledLock):
    """A lock that its owner may take again."""

    def __init__(self):
        super().__init__()
        self.depth = 0

    def acquire(self, blocking=True, timeout=-1):
        if not self._is_owned() and not super().acquire(blocking, timeout):
            return False
        self.depth += 1
        return True

    def release(self):
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        self.depth -= 1
        if self.depth == 0:
            super().release()

    def _is_owned(self):
        return self.owner is self.schedule.now()

    def _release_save(self):
        depth, self.depth = self.depth, 1
        self.release()
        return depth

    def _acquire_restore(self, depth):
        self.acquire()
        self.depth = depth


def _no_thread(thread):
    raise RuntimeError(f"{thread.name}: no thread of your own is needed, a writer leads")


@contextmanager
def in_force(work, schedule):
    """In here locks are those of the schedule, in the learner's module and below it."""
    real = [(REAL_LOCK, ScheduledLock), (REAL_RLOCK, ScheduledRLock), (REAL_SLEEP, schedule.nap)]
    real.append((REAL_QUEUE, queue._PySimpleQueue))
    made = {type(REAL_LOCK()): ScheduledLock, type(REAL_RLOCK()): ScheduledRLock}
    with ExitStack() as stack:
        stack.enter_context(patch.object(ScheduledLock, "schedule", schedule))
        for name in ("Lock", "_allocate_lock"):
            stack.enter_context(patch.object(threading, name, ScheduledLock))
        stack.enter_context(patch.object(threading, "RLock", ScheduledRLock))
        stack.enter_context(patch.object(threading.Thread, "start", _no_thread))
        stack.enter_context(patch.object(time, "sleep", schedule.nap))
        stack.enter_context(patch.object(queue, "SimpleQueue", queue._PySimpleQueue))
        for name, value in list(vars(work).items()):
            if type(value) in made:
                stack.enter_context(patch.object(work, name, made[type(value)]()))
            for original, ours in real:
                if value is original:
                    stack.enter_context(patch.object(work, name, ours))
        yield
