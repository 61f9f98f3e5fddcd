"""The stage of the checks: a story, a log that can fail, watched writers, a watched committer."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from veristack_lab.labs.checking import FirstBad, raising_is_bad, show
from veristack_lab.labs.pictures import of_events

from .schedule import Schedule, in_force

GUARDED = ("queue", "led", "failure")
LAWS = ("mutex", "door", "wake", "early")
"""The state under the mutex; the door open while the disk works; woken for its own sake; no LSN
before the sync. A check names those that it judges, so that what fails first is the law broken."""
SHOWN_EVENTS = 14
SIZES = (1, 3, 30)
MANY_MOMENTS = 2_000
"""More moments than any lead has; what has more turns in a circle."""


class Story:
    """What happened, in order, told by all threads; and the first thing that must not be."""

    def __init__(self, laws):
        self.lines, self.rows, self.bad, self.laws = [], [], None, laws
        self.teller = lambda: ""
        """Names the thread that runs."""

    def note(self, line):
        self.lines.append(line)
        self.rows.append((self.teller(), line))

    def refuse(self, expected, got, law=""):
        """Something must not be. Only the first time counts, and only a law of this check."""
        if self.bad is None and (not law or law in self.laws):
            left_out = ["..."] if len(self.lines) > SHOWN_EVENTS else []
            told = "; ".join(left_out + self.lines[-SHOWN_EVENTS:])
            rows = [*self.rows, (self.teller(), f"expected {expected}, got {got}")]
            picture = of_events("what the threads did, in order", rows, len(rows) - 1)
            self.bad = FirstBad(f"in order: {told}", expected, got, picture=picture)

    def end(self):
        if self.bad is not None:
            raise self.bad

    def fail(self, expected, got):
        self.refuse(expected, got)
        self.end()


@dataclass(frozen=True)
class Fault:
    """The call of the log that fails: "append" or "sync", and which one, counted from 1."""

    call: str
    number: int = 1
    code: int = errno.EIO
    written: int = 0
    """How many records an append writes before it fails."""

    def error(self):
        return OSError(self.code, self.why)

    @property
    def why(self):
        names = {errno.EIO: "Input/output error", errno.ENOSPC: "No space left on device"}
        return names.get(self.code, "Interrupted system call")


FAULTS = (
    *(Fault("sync", code=code) for code in (errno.EIO, errno.ENOSPC, errno.EINTR)),
    *(Fault("append", code=errno.ENOSPC, written=written) for written in (0, 1, 2)),
)


class ScriptedLog:
    """A log in memory that tells the story. It fails once, and then says that all is well again.

    Args:
        stage: told of each call: `stage.at_disk(call)` is called while the disk works.
        fault: the call that fails, if one does.
        earlier: how many records it holds already, all durable.
    """

    def __init__(self, stage, fault=None, earlier=0):
        self.stage, self.story, self.fault = stage, stage.story, fault
        self.records = [b"earlier"] * earlier
        self.durable_lsn = earlier
        self.groups, self.counts, self.failed = [], {"append": 0, "sync": 0}, False
        self.inside = None

    @property
    def syncs(self):
        return self.counts["sync"]

    def append(self, records):
        records = list(records)
        if strange := [record for record in records if not isinstance(record, bytes)]:
            self.story.refuse("append with a list of bytes", f"an element {show(strange[0])}")
        fault = self._enter("append", f"append {show_records(records)}")
        first = len(self.records) + 1
        self.records += records[: fault.written] if fault else records
        self.groups.append(records)
        self.stage.at_disk("append")
        self._leave(fault, "append")
        return first

    def sync(self):
        fault = self._enter("sync", "sync begins")
        covered = len(self.records)
        self.stage.at_disk("sync")
        self._leave(fault, "sync")
        self.durable_lsn = covered
        self.story.note("sync returns")

    def _enter(self, call, told):
        self.story.note(told)
        if self.failed:
            self.story.refuse("the log left alone after its failure", f"another {call}")
        if self.inside is not None:
            self.story.refuse("one thread at the log", f"{call} begins during another thread's")
        self.inside = call
        self.counts[call] += 1
        fault = self.fault
        return fault if fault and (fault.call, fault.number) == (call, self.counts[call]) else None

    def _leave(self, fault, call):
        self.inside = None
        if fault:
            self.failed = True
            self.story.note(f"{call} fails: {fault.why}")
            raise fault.error()

    def is_durable(self, lsn, record):
        """Whether this LSN is the record's, and on the disk."""
        right = isinstance(lsn, int) and 0 < lsn <= self.durable_lsn
        return right and self.records[lsn - 1] == record


def show_records(records):
    return show(records) if len(records) < 9 else f"{len(records)} records"


def names(writers):
    return show([writer.record for writer in writers])


class Stage:
    """A story, a log, a schedule of threads, and what stands on them: writers and a committer.

    Args:
        work: the learner's module.
        seed: of the schedule.
        fault, earlier: see ScriptedLog.
        laws: those of LAWS that this check judges by.
    """

    def __init__(self, work, *, seed=0, fault=None, earlier=0, laws=()):
        self.work, self.story = work, Story(laws)
        self.log = ScriptedLog(self, fault, earlier)
        self.schedule = Schedule(
            work, self.story, seed, at_line=self._free_moment, free_moment=self._free_moment
        )
        self.story.teller = lambda: self.schedule.now().name
        self.during = lambda call: None
        self.committer, self.mutex, self.watching = None, (), False
        self.intruder, self.intrudes_at, self.moments = None, None, 0
        self.came_in = self.sleeps_late = False

    def build(self):
        """The learner's committer, watched, on the scripted log."""
        with raising_is_bad(self.work, "GroupCommit(log)", "a committer with a mutex"):
            self.committer = guarded(self.work, self)(self.log)
            before = list(self.schedule.outside.held)
            with self.committer.mutex:
                held = self.schedule.outside.held
                self.mutex = tuple(lock for lock in held if lock not in before)
        for lock in self.mutex:
            lock.name = "the mutex"
        return self.committer

    def writers(self, *records):
        with raising_is_bad(self.work, "Writer(record)", "a writer"):
            return [self.work.Writer(record) for record in records]

    def act(self, what, function, *, but=()):
        """Run a call of the learner's code, and tell what is wrong."""
        self.story.note(what)
        self.watching = True
        task = self.schedule.run_alone("this call", function)
        self.watching = False
        self.story.end()
        with raising_is_bad(self.work, what, "an end without an error", but=but):
            if task.error is not None:
                raise task.error

    def holds_mutex(self):
        held = self.schedule.now().held
        return bool(self.mutex) and all(lock in held for lock in self.mutex)

    def at_disk(self, call):
        """The disk is at work, and the thread that called it waits."""
        if any(lock in self.schedule.now().held for lock in self.mutex):
            expected = f"the mutex free during the {call}"
            self.story.refuse(expected, "held: no writer can join the next group", "door")
        with self.unwatched():
            self.during(call)
        self._free_moment()

    @contextmanager
    def unwatched(self):
        """In here the check touches the state, not the learner."""
        watching, self.watching = self.watching, False
        try:
            yield
        finally:
            self.watching = watching

    def _free_moment(self):
        """Another thread could join now: at one such moment, the intruder does."""
        if not self.watching or any(lock.owner is not None for lock in self.mutex):
            return
        self.moments += 1
        if self.intruder is not None and self.moments == self.intrudes_at:
            with self.unwatched():
                self.came_in = self.slip_in(self.intruder)

    def slip_in(self, writer):
        """Another thread joins, as task 2 says; whether it was let in."""
        committer = self.committer
        if committer.failure:
            self.story.note(f"{show(writer.record)} comes and is refused")
            return False
        self.story.note(f"{show(writer.record)} joins")
        if not hasattr(committer.queue, "append"):
            self.story.refuse("a list in `queue`", show(committer.queue))
            return False
        committer.queue.append(writer)
        if not committer.led:
            committer.led = writer.leads = True
        return True


@contextmanager
def stage(work, **options):
    """A stage whose locks, writers and threads are the schedule's."""
    made = Stage(work, **options)
    with in_force(work, made.schedule), patch.object(work, "Writer", spy_on(work, made)):
        yield made


def spy_on(work, stage):
    """A class of writers that say when they are woken, and notice when it is too early."""

    class Spy(work.Writer):
        def __init__(self, record, *rest, **named):
            super().__init__(record, *rest, **named)
            self.waits = self.wakes = 0
            stage.schedule.now().facts["writer"] = self

        def wait(self, *rest):
            self.waits += 1
            if stage.sleeps_late:
                stage.schedule.until_quiet()
            return super().wait(*rest)

        def wake(self, *rest):
            self.wakes += 1
            stage.story.note(f"{show(self.record)} is woken" + (" to lead" if self.leads else ""))
            judge_waking(stage, self)
            return super().wake(*rest)

    return Spy


def judge_waking(stage, writer):
    """A writer is woken for its own sake only: durable, failed, or to lead."""
    if writer.error or writer.leads or stage.log.is_durable(writer.lsn, writer.record):
        return
    got = f"woken, LSN {writer.lsn}, durable up to {stage.log.durable_lsn}"
    stage.story.refuse(f"{show(writer.record)} to sleep until it is durable", got, "wake")


def guarded(work, stage):
    """The learner's class; the first touch of guarded state outside the mutex is told."""

    class Guarded(work.GroupCommit):
        def __getattribute__(self, name):
            look(name)
            return super().__getattribute__(name)

        def __setattr__(self, name, value):
            look(name)
            super().__setattr__(name, value)

    def look(name):
        if name in GUARDED and stage.watching and not stage.holds_mutex():
            line = stage.schedule.now().line
            got = f"touched without it in line {line}"
            stage.story.refuse(f"`{name}` touched only under the mutex", got, "mutex")

    return Guarded


def abc(on, count=3):
    """Writers a, b, c and so on."""
    return on.writers(*(bytes([ord("a") + number]) for number in range(count)))


def expect_heard(on, writers, cause="Input/output error"):
    for writer in writers:
        if cause not in writer.error or not writer.wakes:
            got = f"error {writer.error!r}, woken {writer.wakes} times"
            on.story.fail(f"{show(writer.record)} with the cause as its error, and awake", got)
        if writer.lsn:
            on.story.fail(f"no LSN for {show(writer.record)}", f"LSN {writer.lsn}")
