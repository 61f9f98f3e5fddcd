"""The checks of lab 03. The disk is scripted, and so is the order of the threads.

Laws are checked, not lists of calls: more syncs than needed are no fault, and any lock, signal and
list will do. Tasks 1 to 3 are here, task 4 is in leading.py, and task 5, where many threads meet,
in crowd.py.
"""

from __future__ import annotations

from veristack_lab.errors import StoreFailed
from veristack_lab.labs.checking import FirstBad, call, check, raising_is_bad, show

from . import crowd as crowd  # registers the checks of task 5
from . import leading as leading  # and of task 4
from .scripted import FAULTS, MANY_MOMENTS, SIZES, Fault, abc, expect_heard, names, stage

# ------------------------------------------------------------------- task 1


def written_by(work, size, **options):
    """A stage on which `write_group` has run with this many writers."""
    with stage(work, **options) as on:
        writers = abc(on, size)
        on.during = lambda _: none_too_early(on, writers)
        given = f"write_group(log, {names(writers)})" if size < 9 else f"{size} writers"
        call(work, "write_group", on.log, writers, given=given)
        on.story.end()
        return on, writers


def none_too_early(on, writers):
    for writer in writers:
        if writer.lsn > on.log.durable_lsn or (writer.lsn and on.log.failed):
            got = f"LSN {writer.lsn}, durable up to {on.log.durable_lsn}"
            expected = f"LSN 0 for {show(writer.record)} while the disk is at work"
            on.story.refuse(expected, got, "early")


@check("1", "three records: one append, one sync that begins after it; as many for thirty")
def one_sync(work):
    for size in SIZES:
        on, writers = written_by(work, size)
        if on.log.records != [writer.record for writer in writers]:
            on.story.fail(f"the records {names(writers)}", show(on.log.records))
        if on.log.durable_lsn != size:
            on.story.fail("a sync that began after the append", "none: a power cut takes them")
        if size == 1:
            wanted = on.log.counts
        elif on.log.counts != wanted:
            expected = f"as many calls of the log as for one record: {wanted}"
            on.story.fail(expected, f"{on.log.counts} for {size} records")


@check("1", "LSNs in the order of the group")
def numbered(work):
    for size in SIZES:
        for earlier in (0, 6):
            _, writers = written_by(work, size, earlier=earlier)
            wanted = list(range(earlier + 1, earlier + size + 1))
            if (got := [writer.lsn for writer in writers]) != wanted:
                given = f"LSNs after write_group with {size} writers, {earlier} records before"
                raise FirstBad(given, show(wanted), show(got))


@check("1", "no LSN before the sync has returned")
def not_before(work):
    for size in SIZES:
        written_by(work, size, earlier=6, laws=("early",))


@check("1", "a sync that fails is not tried again, and gives no LSN")
def no_second_try(work):
    for fault in FAULTS:
        if fault.call == "sync":
            failed_write(work, fault)


@check("1", "an append that fails, with nothing or a part written, gives no LSN; no sync heals it")
def no_room(work):
    for fault in FAULTS:
        if fault.call == "append":
            failed_write(work, fault)


def failed_write(work, fault):
    with stage(work, fault=fault, earlier=6) as on:
        writers = abc(on)
        given = f"write_group(log, [a, b, c]), and the {fault.call} fails: {fault.why}"
        error = None
        with raising_is_bad(work, given, f"the OSError of the {fault.call}", but=OSError):
            try:
                work.write_group(on.log, writers)
            except OSError as raised:
                error = raised
        on.story.end()
        if error is None:
            on.story.fail(f"the OSError of the {fault.call}, passed on", "no error")
        if (got := [writer.lsn for writer in writers]) != [0, 0, 0]:
            on.story.fail("LSNs [0, 0, 0]: what is on the disk is unknown", show(got))


# ------------------------------------------------------------------- task 2


def joined(work, count=3):
    """A stage on which this many writers have joined."""
    with stage(work) as on:
        committer, writers = on.build(), abc(on, count)
        for writer in writers:
            on.act(f"{show(writer.record)} joins", lambda w=writer: committer.join(w))
        return on, committer, writers


@check("2", "the writer that finds no leader leads, and no other")
def first_leads(work):
    on, committer, writers = joined(work)
    if (got := [bool(writer.leads) for writer in writers]) != [True, False, False]:
        on.story.fail("leads: [True, False, False]", show(got))
    if not committer.led:
        on.story.fail("`led` True: a leads", show(committer.led))


@check("2", "all are queued, the leader too, in the order they came")
def queued(work):
    on, committer, writers = joined(work, 12)
    queue = list(committer.queue)
    if [id(writer) for writer in queue] != [id(writer) for writer in writers]:
        on.story.fail(f"the queue {names(writers)}", names(queue))


@check("2", "two threads at the same instant: the mutex is held from look to leap")
def joined_under_mutex(work):
    for moment in range(1, MANY_MOMENTS):
        with stage(work, laws=("mutex",)) as on:
            committer, [writer, on.intruder] = on.build(), on.writers(b"a", b"z")
            on.intrudes_at = moment
            on.act("b'a' joins", lambda c=committer, w=writer: c.join(w))
            if on.moments < moment:
                return
            both = (writer, on.intruder)
            if (leaders := [w.record for w in both if w.leads]) != [committer.queue[0].record]:
                on.story.fail("the first in the queue to lead, alone", f"leaders {show(leaders)}")
            if sorted(w.record for w in committer.queue) != [b"a", b"z"]:
                on.story.fail("both in the queue", names(committer.queue))


@check("2", "after a failure no writer joins any more")
def none_after_failure(work):
    with stage(work) as on:
        committer, [writer] = on.build(), abc(on, 1)
        committer.failure = "the disk is gone"
        refused = None
        try:
            on.act("b'a' joins", lambda: committer.join(writer), but=StoreFailed)
        except StoreFailed as error:
            refused = error
        left = [waiting.record for waiting in committer.queue]
        if refused is None or "the disk is gone" not in str(refused) or left:
            expected = "StoreFailed that tells `failure`, and an empty queue"
            on.story.fail(expected, f"{refused!r}, queue {left}")
        if writer.leads:
            on.story.fail("no leader", "a leads")


# ------------------------------------------------------------------- task 3


def failed(on, group, waiting=()):
    """`fail` for a group, with others in the queue."""
    committer = on.build()
    committer.led = True
    committer.queue.extend(waiting)
    on.log.failed = True
    told = f"fail({names(group)}, OSError), queue {names(waiting)}"
    on.act(told, lambda: committer.fail(group, Fault("sync").error()))
    return committer


@check("3", "the group and the queue hear of it")
def all_hear(work):
    for group, waiting in ((2, 1), (1, 0), (3, 9)):
        with stage(work) as on:
            writers = abc(on, group + waiting)
            committer = failed(on, writers[:group], writers[group:])
            expect_heard(on, writers)
            if committer.queue:
                on.story.fail("an empty queue", names(committer.queue))


@check("3", "those who come later hear of it: the failure is remembered before any writer wakes")
def remembered(work):
    with stage(work) as on:
        writers, known = abc(on), []
        for writer in writers:
            wake = writer.wake
            writer.wake = lambda wake=wake: (known.append(failure_of(on)), wake())
        committer = failed(on, writers)
        for failure in (*known[:1], committer.failure):
            if "Input/output error" not in str(failure):
                on.story.fail("`failure` with the cause in it when the first wakes", show(failure))


def failure_of(on):
    with on.unwatched():
        return on.committer.failure


@check("3", "no writer can slip in between")
def failed_under_mutex(work):
    for moment in range(1, MANY_MOMENTS):
        with stage(work, laws=("mutex",)) as on:
            *writers, on.intruder = abc(on, 4)
            on.intrudes_at = moment
            committer = failed(on, writers[:2], writers[2:])
            if on.moments < moment:
                return
            if on.came_in:
                expect_heard(on, [on.intruder])
            if committer.queue:
                on.story.fail("an empty queue: no thread will ever lead", names(committer.queue))
