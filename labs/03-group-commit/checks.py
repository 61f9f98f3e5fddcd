"""The checks of lab 03. The disk is scripted, and so is the order of the threads.

Laws are checked, not lists of calls: more syncs than needed are no fault, and any lock, signal and
list will do. Tasks 1 to 4 are here; task 5, where many threads meet, is in crowd.py.
"""

from __future__ import annotations

from veristack_lab.errors import StoreFailed
from veristack_lab.labs.checking import FirstBad, call, check, raising_is_bad, show

from . import crowd as crowd  # registers the checks of task 5
from .scripted import FAULTS, Fault, names, stage

SIZES = (1, 3, 30)
MANY_MOMENTS = 2_000
"""More moments than any lead has; what has more turns in a circle."""


def abc(on, count=3):
    """Writers a, b, c and so on."""
    return on.writers(*(bytes([ord("a") + number]) for number in range(count)))


# ------------------------------------------------------------------- task 1


def written_by(work, size, **options):
    """A stage on which `write_group` has run with so many writers."""
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
    """A stage on which so many writers have joined."""
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


def expect_heard(on, writers, cause="Input/output error"):
    for writer in writers:
        if cause not in writer.error or not writer.wakes:
            got = f"error {writer.error!r}, woken {writer.wakes} times"
            on.story.fail(f"{show(writer.record)} with the cause as its error, and awake", got)
        if writer.lsn:
            on.story.fail(f"no LSN for {show(writer.record)}", f"LSN {writer.lsn}")


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


# ------------------------------------------------------------------- task 4


def lead(on, group, during=lambda: None):
    """The group is in the queue, as if its writers had joined, and its first one leads."""
    committer = on.build()
    committer.queue.extend(group)
    committer.led = group[0].leads = True
    on.during = lambda called: during() if called == "sync" and on.log.syncs == 1 else None
    on.act(f"{names(group)} wait, the first of them leads", committer.lead)
    return committer


def expect_durable(on, writers):
    for writer in writers:
        if not on.log.is_durable(writer.lsn, writer.record) or writer.error:
            got = f"LSN {writer.lsn}, error {writer.error!r}, durable up to {on.log.durable_lsn}"
            on.story.fail(f"{show(writer.record)} durable, and its LSN", got)


@check("4", "every writer that waits is in the group: one append, one sync")
def whole_queue(work):
    counts = []
    for size in SIZES:
        with stage(work) as on:
            writers = abc(on, size)
            lead(on, writers)
            expect_durable(on, writers)
            counts.append(on.log.counts)
            if on.log.counts != counts[0]:
                expected = f"as many calls of the log as for one writer: {counts[0]}"
                on.story.fail(expected, f"{on.log.counts} for {size} writers")


@check("4", "no writer is woken before the sync has returned, and then every writer of the group")
def woken_after(work):
    with stage(work, laws=("wake",)) as on:
        writers = abc(on)
        lead(on, writers)
        if asleep := [writer.record for writer in writers[1:] if not writer.wakes]:
            on.story.fail("b and c awake", f"{show(asleep)} still asleep")


@check("4", "others can join while the disk is at work")
def door_open(work):
    with stage(work, laws=("door",)) as on:
        *writers, late = abc(on)
        lead(on, writers, lambda: on.slip_in(late))


@check("4", "who joined meanwhile is not of this group: the first is woken to lead, no herd")
def handed_over(work):
    with stage(work, laws=("wake",)) as on:
        *writers, d, e = abc(on, 5)

        def meanwhile():
            on.slip_in(d)
            if d.leads:
                on.story.refuse("`led` True during the sync", "False: d leads too, two at the log")
            on.slip_in(e)

        committer = lead(on, writers, meanwhile)
        got = [(writer.leads, writer.wakes) for writer in (d, e)]
        if got != [(True, 1), (False, 0)]:
            expected = "d to lead and be woken once, e to sleep"
            on.story.fail(expected, f"(leads, wakes) of d and e: {show(got)}")
        if [writer.record for writer in committer.queue] != [b"d", b"e"]:
            on.story.fail("d and e in the queue", names(committer.queue))
        if not committer.led:
            on.story.fail("`led` True: d has been told to lead", "False")


@check("4", "no writer is left: no leader")
def no_leader(work):
    with stage(work) as on:
        committer = lead(on, abc(on))
        if committer.led:
            on.story.fail("`led` False, or the next writer would wait for ever", "True")


@check("4", "the state is touched only under the mutex")
def led_under_mutex(work):
    with stage(work, laws=("mutex",)) as on:
        lead(on, abc(on))


@check("4", "a writer that joins between any two lines is in this group or has a leader")
def joined_anywhere(work):
    for moment in range(1, MANY_MOMENTS):
        with stage(work) as on:
            *writers, on.intruder = abc(on, 4)
            on.intrudes_at = moment
            committer = lead(on, writers)
            if on.moments < moment:
                return
            expect_durable(on, writers)
            waiting = list(committer.queue)
            led = [bool(w.leads) for w in waiting] in ([], [True])
            if not led or bool(committer.led) != bool(waiting):
                got = f"queue {names(waiting)}, `led` {committer.led}, leads {on.intruder.leads}"
                on.story.fail("d in the group, or told to lead the next one", got)
            if not waiting:
                expect_durable(on, [on.intruder])


@check("4", "a sync that fails: an error for the whole group and all who wait, no second sync")
def failed_sync(work):
    for fault in FAULTS:
        if fault.call == "sync":
            failed_lead(work, fault)


@check("4", "an append that fails: an error for the whole group and all who wait, no sync")
def failed_append(work):
    for fault in FAULTS:
        if fault.call == "append":
            failed_lead(work, fault)


def failed_lead(work, fault):
    with stage(work, fault=fault) as on:
        *writers, late = abc(on, 4)
        committer = lead(on, writers, lambda: on.slip_in(late))
        told = [*writers[1:], late] if fault.call == "sync" else writers[1:]
        expect_heard(on, told, fault.why)
        if not writers[0].error or writers[0].lsn:
            on.story.fail("an error and no LSN for the leader too", f"LSN {writers[0].lsn}")
        if not committer.failure or committer.queue:
            on.story.fail("`failure` remembered and an empty queue", show(committer.failure))
