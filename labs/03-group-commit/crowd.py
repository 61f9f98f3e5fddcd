"""The checks of task 5: many threads, in every order that a seed can choose."""

from __future__ import annotations

from contextlib import contextmanager

from veristack_lab.errors import StoreFailed
from veristack_lab.labs.checking import check, show

from .scripted import FAULTS, LAWS, stage

EARLIER = 6
"""Records that are in the log before the first thread comes: an LSN is the log's to give."""
SEEDS = range(48)
STORM_SEEDS = range(1)


class Crowd:
    """Threads that commit, and a disk that is as slow as the check wants it."""

    def __init__(self, on, *, slow):
        self.on, self.slow, self.story, self.log = on, slow, on.story, on.log
        self.committer = on.build()
        self.answers, self.writers = {}, []
        on.during = self._at_disk
        on.schedule.on_wake = self._woken
        self.at_sync = {}
        """What happens during which sync."""

    def _at_disk(self, call):
        schedule = self.on.schedule
        if call == "sync":
            self.at_sync.get(self.log.syncs, lambda: None)()
        if self.slow:
            schedule.until_quiet()
            self._expect_open_door(call)
        else:
            for _ in range(3):
                schedule.point()

    def _expect_open_door(self, call):
        """Every other thread has done what it can: it has joined, and it sleeps."""
        leader = self.on.schedule.now()
        for task in self.on.schedule.tasks:
            lock = task.waits_for
            if lock is not None and not task.asleep and lock.owner is leader:
                got = f"{task.name} waits for a lock that the leader holds"
                self.story.refuse(f"an open door during the {call}", got, "door")

    def _woken(self, task):
        """Whatever signal it was: the writer's record is durable, has failed, or it is to lead."""
        writer = task.facts.get("writer")
        if writer is None or self.log.failed or writer.leads or "record" not in task.facts:
            return
        lsns = range(self.log.durable_lsn)
        if task.facts["record"] not in (self.log.records[number] for number in lsns):
            got = "woken although it is neither durable, nor failed, nor to lead"
            self.story.refuse(f"{task.name} to sleep until it is its turn", got, "wake")

    def write(self, *records):
        """A thread that commits these records one after the other."""
        name = f"the thread of {show(records[0])}"
        self.on.schedule.spawn(name, lambda: self._write(records))

    def _write(self, records):
        facts = self.on.schedule.now().facts
        for record in records:
            self.story.note(f"{show(record)} comes")
            facts["record"] = record
            try:
                lsn = self.answers[record] = self.committer.commit(record)
            except Exception as error:  # noqa: BLE001 whatever it is, it is this writer's answer
                self.answers[record] = error
                self.story.note(f"{show(record)} hears {type(error).__name__}")
                if not isinstance(error, StoreFailed):
                    self.story.refuse(f"an LSN or StoreFailed for {show(record)}", show(error))
                continue
            self.story.note(f"{show(record)} OK, LSN {lsn}")
            if not self.log.is_durable(lsn, record):
                got = f"OK with LSN {lsn}, durable up to {self.log.durable_lsn}"
                self.story.refuse(f"{show(record)} to wait until it is durable", got)

    def write_equal(self, record, lsns):
        """One more thread that commits this record; its LSN goes into the list."""
        number = len(self.on.schedule.tasks) + 1
        task = f"thread {number} of {show(record)}"
        self.on.schedule.spawn(task, lambda: lsns.append(self.committer.commit(record)))

    def finish(self):
        """Until every thread has its answer."""
        self.on.watching = True
        self.on.schedule.run()
        self.on.watching = False
        self.story.end()


@contextmanager
def crowd_of(work, *, slow=False, **options):
    with stage(work, laws=LAWS, earlier=EARLIER, **options) as on:
        yield on.story, Crowd(on, slow=slow)


def expect_all_ok(crowd, records):
    for record in records:
        if not crowd.log.is_durable(crowd.answers.get(record), record):
            crowd.story.fail(f"OK for {show(record)}", show(crowd.answers.get(record)))
    written = len(crowd.log.records) - EARLIER
    if written != len(records):
        crowd.story.fail(f"{len(records)} records in the log", f"{written}")


@check("5", "one writer alone: one append, one sync, OK")
def alone(work):
    for record in (b"a", b"", b"x" * 100_000):
        with crowd_of(work, slow=True) as (story, crowd):
            crowd.write(record)
            crowd.finish()
            expect_all_ok(crowd, [record])
            if crowd.committer.led or crowd.committer.queue:
                story.fail("no leader and an empty queue at the end", show(crowd.committer.led))


@check("5", "seven who come during a sync share the next one")
def shared(work):
    with crowd_of(work) as (story, crowd):
        crowd.write(b"0")
        crowd.finish()
        alone_counts = dict(crowd.log.counts)
    for seed in range(3):
        with crowd_of(work, slow=True, seed=seed) as (story, crowd):
            names = [b"%d" % number for number in range(8)]
            crowd.at_sync[1] = lambda crowd=crowd, names=names: [crowd.write(n) for n in names[1:]]
            crowd.write(names[0])
            crowd.finish()
            expect_all_ok(crowd, names)
            wanted = {call: 2 * count for call, count in alone_counts.items()}
            if crowd.log.counts != wanted:
                expected = f"a group of 1 and a group of 7: {wanted}"
                story.fail(expected, f"{crowd.log.counts}")


@check("5", "a wake-up that comes before the writer sleeps is not missed")
def woken_before_sleep(work):
    for seed in range(3):
        with crowd_of(work, seed=seed) as (_, crowd):
            crowd.on.sleeps_late = True
            names = [b"a", b"b", b"c"]
            for name in names:
                crowd.write(name)
            crowd.finish()
            expect_all_ok(crowd, names)


@check("5", "any order of threads: each OK is true, no wake-up is missed, no thread waits for ever")
def any_order(work):
    for seed in SEEDS:
        with crowd_of(work, slow=seed % 4 == 0, seed=seed) as (_, crowd):
            names = [b"%c%d" % (thread, number) for thread in b"abc" for number in range(2)]
            for first in range(0, len(names), 2):
                crowd.write(*names[first : first + 2])
            crowd.finish()
            expect_all_ok(crowd, names)


@check("5", "a sync that fails: its group, those who wait, and all who come later hear it")
def every_writer_hears(work):
    for fault in FAULTS:
        for seed in range(2):
            heard(work, fault, seed)


def heard(work, fault, seed):
    names = [b"0", b"1", b"2"]
    with crowd_of(work, slow=seed % 2 == 0, fault=fault, seed=seed) as (story, crowd):
        for name in names:
            crowd.write(name, name + b" later")
        crowd.finish()
        for record in [name + end for name in names for end in (b"", b" later")]:
            if not isinstance(crowd.answers[record], StoreFailed):
                story.fail(f"StoreFailed for {show(record)}", show(crowd.answers[record]))


@check("5", "a failure in the middle of many: what had its OK is on the disk, all else hears it")
def fails_later(work):
    for seed in range(2 * len(FAULTS)):
        fault = FAULTS[seed % len(FAULTS)]
        fault = type(fault)(fault.call, 2, fault.code, min(fault.written, 1))
        with crowd_of(work, fault=fault, seed=seed) as (story, crowd):
            for name in (b"a", b"b", b"c"):
                crowd.write(*(name + b"%d" % number for number in range(3)))
            crowd.finish()
            for record, answer in crowd.answers.items():
                right = isinstance(answer, StoreFailed) or crowd.log.is_durable(answer, record)
                if not right:
                    story.fail(f"a true OK or StoreFailed for {show(record)}", show(answer))
            if crowd.log.failed and not crowd.committer.failure:
                story.fail("`failure` remembered", "it is empty")


@check("5", "writers of equal records each get an OK and a place of their own")
def equal_records(work):
    for seed in range(4):
        with crowd_of(work, slow=seed % 2 == 0, seed=seed) as (story, crowd):
            lsns = []
            for _ in range(4):
                crowd.write_equal(b"same", lsns)
            crowd.finish()
            if sorted(lsns) != [7, 8, 9, 10]:
                story.fail("LSNs 7 to 10, one each", show(sorted(lsns)))


@check("5", "a storm: eight threads, 48 records, each OK true and no record twice")
def storm(work):
    for seed in STORM_SEEDS:
        with crowd_of(work, seed=seed) as (_, crowd):
            names = [[b"%d-%d" % (thread, n) for n in range(6)] for thread in range(8)]
            for own in names:
                crowd.write(*own)
            crowd.finish()
            expect_all_ok(crowd, [record for own in names for record in own])
