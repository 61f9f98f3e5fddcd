"""The checks of lab 03. The disk is scripted: its sync returns when the check lets it."""

from __future__ import annotations

import errno
import threading
import time
from contextlib import contextmanager, suppress
from unittest.mock import patch

from veristack_lab.errors import StoreFailed
from veristack_lab.labs.checking import FirstBad, call, check, raising_is_bad, show

DEADLINE_S = 5.0
"""How long a thread may stay away before the check calls it lost. Nothing is measured by it."""
GUARDED = ("queue", "led", "failure")
BROKEN = OSError(errno.EIO, "Input/output error")


class Story:
    """What happened, in order, told by all threads; and the first thing that must not be."""

    def __init__(self):
        self.mutex = threading.Lock()
        self.lines, self.bad = [], None

    def note(self, line):
        with self.mutex:
            self.lines.append(line)

    def refuse(self, expected, got):
        """Something must not be. Only the first time counts."""
        with self.mutex:
            if self.bad is None:
                self.bad = FirstBad("in order: " + "; ".join(self.lines), expected, got)

    def end(self):
        if self.bad is not None:
            raise self.bad

    def fail(self, expected, got):
        self.refuse(expected, got)
        self.end()


class ScriptedLog:
    """A log in memory that tells the story; `during_sync` runs while the disk is at work."""

    def __init__(self, story, during_sync=lambda: None):
        self.story, self.during_sync = story, during_sync
        self.groups, self.syncs, self.durable_lsn = [], 0, 0

    @property
    def written_lsn(self):
        return sum(map(len, self.groups))

    def append(self, records):
        first = self.written_lsn + 1
        self.groups.append(list(records))
        self.story.note(f"append {show(list(records))}")
        return first

    def sync(self):
        covered = self.written_lsn
        self.syncs += 1
        self.story.note("sync begins")
        try:
            self.during_sync()
        except OSError:
            self.story.note("sync fails")
            raise
        self.durable_lsn = covered
        self.story.note("sync returns")


def spy_on(work, story, log):
    """A class of writers that say when they are woken, and notice when it is too early."""

    class Spy(work.Writer):
        def __init__(self, record):
            super().__init__(record)
            self.waits, self.wakes, self.woken = 0, 0, threading.Event()

        def wait(self):
            self.waits += 1
            if not self.woken.wait(DEADLINE_S):
                story.refuse(f"somebody to wake {show(self.record)}", "nobody did")
                raise TimeoutError("nobody woke this writer")

        def wake(self):
            self.wakes += 1
            story.note(f"{show(self.record)} is woken" + (" to lead" if self.leads else ""))
            durable = 0 < self.lsn <= log.durable_lsn
            if not (durable or self.error or self.leads):
                expected = f"{show(self.record)} to sleep until it is durable"
                story.refuse(expected, f"woken, LSN {self.lsn}, durable up to {log.durable_lsn}")
            self.woken.set()

    return Spy


def guarded(work, story):
    """The learner's class; the first touch of guarded state outside the mutex is told."""

    class Guarded(work.GroupCommit):
        def __getattribute__(self, name):
            look(self, name)
            return super().__getattribute__(name)

        def __setattr__(self, name, value):
            look(self, name)
            super().__setattr__(name, value)

    def look(self, name):
        own = object.__getattribute__(self, "__dict__")
        if name in GUARDED and own.get("watching") and not own["mutex"].locked():
            story.refuse(f"`{name}` touched only under the mutex", "touched without it")

    return Guarded


@contextmanager
def scene(work, during_sync=lambda: None):
    """A story, a scripted log, and a committer with three writers a, b and c at hand."""
    story = Story()
    log = ScriptedLog(story, during_sync)
    with patch.object(work, "Writer", spy_on(work, story, log)):
        writers = [work.Writer(name) for name in (b"a", b"b", b"c")]
        yield story, log, guarded(work, story)(log), writers


@contextmanager
def at_work(work, story, committer, what):
    """In here the learner's code alone touches the state."""
    story.note(what)
    committer.watching = True
    try:
        with raising_is_bad(work, what, "an end without an error", but=StoreFailed):
            yield
    finally:
        committer.watching = False


# ------------------------------------------------------------------- task 1


@check("1", "three records: one append, one sync, in this order")
def one_sync(work):
    with scene(work) as (story, log, _, writers):
        call(work, "write_group", log, writers, given="write_group(log, [a, b, c])")
        wanted = [f"append {names(writers)}", "sync begins", "sync returns"]
        if story.lines != wanted:
            raise FirstBad(
                "the calls of write_group(log, [a, b, c])", show(wanted), show(story.lines)
            )


@check("1", "LSNs in the order of the group")
def numbered(work):
    with scene(work) as (_, log, _, writers):
        log.append([b"earlier"] * 6)
        call(work, "write_group", log, writers, given="write_group(log, [a, b, c])")
        if (got := [writer.lsn for writer in writers]) != [7, 8, 9]:
            raise FirstBad("LSNs after write_group, with 6 records before", "[7, 8, 9]", show(got))


@check("1", "no LSN before the sync has returned")
def not_before(work):
    seen = []
    with scene(work, lambda: seen.extend(w.lsn for w in writers)) as (_, log, _, writers):
        call(work, "write_group", log, writers, given="write_group(log, [a, b, c])")
    if seen != [0, 0, 0]:
        raise FirstBad("LSNs of a, b and c while the disk is at work", "[0, 0, 0]", show(seen))


@check("1", "a sync that fails is not tried again, and numbers nobody")
def no_second_try(work):
    with scene(work, breaking()) as (story, log, _, writers):
        given = "write_group(log, [a, b, c]), and the sync fails"
        with suppress(OSError), raising_is_bad(work, given, "an OSError", but=OSError):
            work.write_group(log, writers)
            story.fail("the OSError of the sync, passed on", "no error")
        got = (log.syncs, [writer.lsn for writer in writers])
        if got != (1, [0, 0, 0]):
            story.fail("one sync, and LSNs [0, 0, 0]", show(got))


def breaking():
    """A disk whose next sync fails, and whose later ones succeed: as Linux once did."""
    left = [BROKEN]

    def sync():
        if left:
            raise left.pop()

    return sync


# ------------------------------------------------------------------- task 2


@check("2", "who finds nobody leading leads, and nobody else")
def first_leads(work):
    with scene(work) as (story, _, committer, writers):
        for writer in writers:
            join(work, story, committer, writer)
        if (got := [writer.leads for writer in writers]) != [True, False, False]:
            story.fail("leads: [True, False, False]", show(got))


@check("2", "all are queued, the leader too, in the order they came")
def queued(work):
    with scene(work) as (story, _, committer, writers):
        for writer in writers:
            join(work, story, committer, writer)
        if (got := [writer.record for writer in committer.queue]) != [b"a", b"b", b"c"]:
            story.fail("the queue [b'a', b'b', b'c']", show(got))


@check("2", "two threads at the same instant: the mutex is held from look to leap")
def joined_under_mutex(work):
    with scene(work) as (story, _, committer, writers):
        join(work, story, committer, writers[0])
        story.end()


@check("2", "after a failure nobody joins any more")
def none_after_failure(work):
    with scene(work) as (story, _, committer, writers):
        committer.failure = "the disk is gone"
        try:
            join(work, story, committer, writers[0])
            got = "no error"
        except StoreFailed as error:
            got = f"StoreFailed: {error}; queue {[w.record for w in committer.queue]}"
        if got != "StoreFailed: the disk is gone; queue []":
            story.fail("StoreFailed: the disk is gone; queue []", got)


def join(work, story, committer, writer):
    with at_work(work, story, committer, f"{show(writer.record)} joins"):
        committer.join(writer)


# ------------------------------------------------------------------- task 3


@check("3", "the group and the queue hear of it")
def all_hear(work):
    with scene(work) as (story, _, committer, writers):
        committer.queue = [writers[2]]
        fail(work, story, committer, writers[:2])
        for writer in writers:
            if "Input/output error" not in writer.error or not writer.wakes:
                got = f"error {writer.error!r}, woken {writer.wakes} times"
                story.fail(f"{show(writer.record)} with the cause as its error, and awake", got)
        if committer.queue:
            story.fail("an empty queue", show([writer.record for writer in committer.queue]))


@check("3", "those who come later hear of it: the failure is remembered before anybody wakes")
def remembered(work):
    with scene(work) as (story, _, committer, writers):
        known = []
        with patch.object(work.Writer, "wake", lambda _: known.append(committer.failure)):
            fail(work, story, committer, writers[:2])
        if not known or "Input/output error" not in known[0]:
            story.fail("`failure` with the cause in it when the first is woken", show(known[:1]))


@check("3", "nobody can slip in between")
def failed_under_mutex(work):
    with scene(work) as (story, _, committer, writers):
        fail(work, story, committer, writers)
        story.end()


def fail(work, story, committer, group):
    with at_work(work, story, committer, f"fail({names(group)}, OSError)"):
        committer.fail(group, BROKEN)


def names(group):
    return show([writer.record for writer in group])


# ------------------------------------------------------------------- task 4


@check("4", "everybody who waits is in the group: one append, one sync")
def whole_queue(work):
    with scene(work) as (story, log, committer, writers):
        lead(work, story, committer, writers)
        if (log.groups, log.syncs) != ([[b"a", b"b", b"c"]], 1):
            story.fail("one append of [b'a', b'b', b'c'] and one sync", f"{log.syncs} syncs")


@check("4", "nobody is woken before the sync has returned, and then everybody of the group")
def woken_after(work):
    with scene(work) as (story, _, committer, writers):
        lead(work, story, committer, writers)
        story.end()
        if asleep := [writer.record for writer in writers[1:] if not writer.wakes]:
            story.fail("b and c awake", f"{show(asleep)} still asleep")


@check("4", "others can join while the disk is at work")
def door_open(work):
    with scene(work, lambda: come_late(story, committer, ws[2:])) as (story, _, committer, ws):
        lead(work, story, committer, ws[:2])


@check("4", "who joined meanwhile is not of this group: the first is woken to lead, no herd")
def handed_over(work):
    with scene(work, lambda: come_late(story, committer, late)) as made:
        story, _, committer, writers = made
        late = [work.Writer(b"d"), work.Writer(b"e")]
        lead(work, story, committer, writers)
        story.end()
        got = [(writer.leads, writer.wakes) for writer in late]
        if got != [(True, 1), (False, 0)]:
            expected = "d to lead and be woken once, e to sleep"
            story.fail(expected, f"(leads, wakes) of d and e: {show(got)}")
        if not committer.led:
            story.fail("`led` True: d has been told to lead", "False")


@check("4", "nobody there any more: nobody leads")
def nobody_leads(work):
    with scene(work) as (story, _, committer, writers):
        lead(work, story, committer, writers)
        if committer.led:
            story.fail("`led` False, or the next writer would wait for ever", "True")


@check("4", "the state is touched only under the mutex")
def led_under_mutex(work):
    with scene(work) as (story, _, committer, writers):
        lead(work, story, committer, writers)
        story.end()


@check("4", "a sync that fails: an error for the whole group and all who wait, no second sync")
def failed_sync(work):
    breaks = breaking()
    with scene(work, lambda: (come_late(story, committer, late), breaks())) as made:
        story, log, committer, writers = made
        late = [work.Writer(b"d")]
        lead(work, story, committer, writers)
        for writer in [*writers, *late]:
            if not writer.error or writer.lsn:
                story.fail(
                    f"an error and no LSN for {show(writer.record)}",
                    f"error {writer.error!r}, LSN {writer.lsn}",
                )
        if log.syncs != 1:
            story.fail("one sync: a second may not write what it left out", f"{log.syncs} syncs")


def lead(work, story, committer, group):
    """The group is in the queue, as if its writers had joined, and its first one leads."""
    committer.queue, committer.led, group[0].leads = list(group), True, True
    with at_work(work, story, committer, f"{names(group)} wait, the first of them leads"):
        committer.lead()


def come_late(story, committer, writers):
    """Others join while the disk is at work."""
    for writer in writers:
        story.note(f"{show(writer.record)} joins")
        if not committer.mutex.acquire(blocking=False):
            story.fail("the mutex free during the sync", "held: nobody can join the next group")
        committer.queue.append(writer)
        committer.mutex.release()


# ------------------------------------------------------------------- task 5


class Crowd:
    """Real threads, and a disk whose syncs wait for the check."""

    def __init__(self, work, story, *, gated=True):
        self.story, self.arrived, self.may = story, threading.Semaphore(0), threading.Semaphore(0)
        self.log = ScriptedLog(story, self._sync if gated else lambda: None)
        self.committer = work.GroupCommit(self.log)
        self.answers, self.threads, self.breaks = {}, [], False

    def _sync(self):
        self.arrived.release()
        if not self.may.acquire(timeout=DEADLINE_S):
            raise TimeoutError(errno.ETIMEDOUT, "the check has given up")
        if self.breaks:
            raise BROKEN

    def write(self, *records):
        """A thread that commits these records one after the other."""
        thread = threading.Thread(target=self._write, args=(records,), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _write(self, records):
        for record in records:
            self.story.note(f"{show(record)} comes")
            try:
                lsn = self.answers[record] = self.committer.commit(record)
            except Exception as error:  # noqa: BLE001 whatever it is, it is this writer's answer
                self.answers[record] = error
                self.story.note(f"{show(record)} hears {type(error).__name__}")
                continue
            self.story.note(f"{show(record)} OK, LSN {lsn}")
            if not isinstance(lsn, int) or not 0 < lsn <= self.log.durable_lsn:
                got = f"OK with LSN {lsn}, durable up to {self.log.durable_lsn}"
                self.story.refuse(f"{show(record)} to wait until it is durable", got)

    def until(self, true, what):
        deadline_s = time.monotonic() + DEADLINE_S
        while not true():
            self.story.end()
            wrong = [name for name, answer in self.answers.items() if not isinstance(answer, int)]
            if wrong:
                self.story.fail(what, f"{show(wrong[0])} got {show(self.answers[wrong[0]])}")
            if time.monotonic() > deadline_s:
                self.story.fail(what, f"not within {DEADLINE_S:g} s")
            time.sleep(0.001)  # between two looks at the condition

    def until_syncing(self):
        self.until(lambda: self.arrived.acquire(blocking=False), "a sync")

    def finish(self):
        for thread in self.threads:
            thread.join(DEADLINE_S)
            if thread.is_alive():
                self.story.fail("every writer to get an answer", "one still waits")
        self.story.end()


@contextmanager
def crowd_of(work, **options):
    story, spies = Story(), []
    crowd = Crowd(work, story, **options)
    spy = spy_on(work, story, crowd.log)

    def made(record):
        spies.append(spy(record))
        return spies[-1]

    with patch.object(work, "Writer", made):
        yield story, crowd, spies


def gather(crowd, count):
    """One writer whose sync is under way, and so many more in the queue."""
    crowd.write(b"0")
    crowd.until_syncing()
    for number in range(1, count + 1):
        crowd.write(b"%d" % number)
    crowd.until(lambda: len(crowd.committer.queue) == count, f"{count} writers in the queue")


@check("5", "one writer alone: one append, one sync, OK")
def alone(work):
    with crowd_of(work, gated=False) as (story, crowd, _):
        crowd.write(b"a")
        crowd.finish()
        if crowd.answers != {b"a": 1} or crowd.log.syncs != 1:
            story.fail("LSN 1 after one sync", f"{show(crowd.answers)}, {crowd.log.syncs} syncs")


@check("5", "seven who come during a sync share the next one")
def shared(work):
    with crowd_of(work) as (story, crowd, spies):
        gather(crowd, 7)
        crowd.may.release()
        crowd.until_syncing()
        if len(crowd.log.groups[1]) != 7:
            story.fail("a group of 7", f"a group of {len(crowd.log.groups[1])}")
        crowd.until(lambda: b"0" in crowd.answers, "an OK for the first writer, now durable")
        if early := sorted(set(crowd.answers) - {b"0"}):
            story.fail("the seven to wait for the second sync", f"{show(early)} have an answer")
        crowd.may.release()
        crowd.finish()
        for spy in spies:
            if spy.waits > 1 or spy.wakes > 2:
                got = f"{spy.waits} waits, {spy.wakes} wakes"
                story.fail(f"{show(spy.record)} to be woken for its own sake only", got)
        if sorted(crowd.answers.values()) != list(range(1, 9)):
            story.fail("LSNs 1 to 8, one each", show(crowd.answers))


@check("5", "a sync that fails: its group, those who wait, and all who come later hear it")
def everybody_hears(work):
    with crowd_of(work) as (story, crowd, _):
        gather(crowd, 2)
        crowd.breaks = True
        crowd.may.release()
        crowd.finish()
        crowd.write(b"later")
        crowd.finish()
        for record in (b"0", b"1", b"2", b"later"):
            answer = crowd.answers[record]
            if not isinstance(answer, StoreFailed):
                story.fail(f"StoreFailed for {show(record)}", show(answer))
        if (len(crowd.log.groups), crowd.log.syncs) != (1, 1):
            story.fail("the log left alone after its failure", f"{crowd.log.syncs} syncs")


@check("5", "a storm: eight threads, 400 records, each OK true and no record twice")
def storm(work):
    with crowd_of(work, gated=False) as (story, crowd, _):
        names = [[b"%d-%d" % (thread, n) for n in range(50)] for thread in range(8)]
        story.note("eight threads, 50 records each")
        story.note = lambda line: None  # 2,000 lines would tell nobody anything
        for own in names:
            crowd.write(*own)
        crowd.finish()
        records = [record for group in crowd.log.groups for record in group]
        for own in names:
            for record in own:
                lsn = crowd.answers[record]
                if not isinstance(lsn, int) or records[lsn - 1] != record:
                    story.fail(f"{show(record)} in the log at its LSN", f"LSN {show(lsn)}")
        if len(records) != 400:
            story.fail("400 records in the log", f"{len(records)}")
