"""The checks of task 4: one lead, and writers that join at any moment of it."""

from __future__ import annotations

from veristack_lab.labs.checking import check, show

from .scripted import FAULTS, MANY_MOMENTS, SIZES, abc, expect_heard, names, stage


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
        with stage(work, earlier=6) as on:
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


@check("4", "a writer that joins between any two lines of a lead that fails hears of it")
def joined_in_failure(work):
    for moment in range(1, MANY_MOMENTS):
        with stage(work, fault=FAULTS[0]) as on:
            *writers, on.intruder = abc(on, 4)
            on.intrudes_at = moment
            committer = lead(on, writers)
            if on.moments < moment:
                return
            expect_heard(on, [*writers[1:], *([on.intruder] if on.came_in else [])])
            if committer.queue:
                on.story.fail("an empty queue: no thread will ever lead", names(committer.queue))


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
