"""What each call must do, as laws on the row that it returns. Every check judges by these."""

from __future__ import annotations

import hashlib

from veristack_lab.errors import CheckpointCorrupt, IdempotencyConflict, LeaseLost
from veristack_lab.labs.checking import bad, show

from .rows import (
    BASE_S,
    CAP_S,
    LEASE_S,
    Law,
    Story,
    above,
    ask,
    at_least,
    expect_row,
    table,
    tell,
    tell_lease,
    tell_queue,
    within,
)

NOT_EMPTY = Law("that says why", lambda value: isinstance(value, str) and value != "")


def submit(work, jobs, new):
    """The row of a submission, or the error. Same key and body: the same job."""
    told = [f"{job.job_id} (tenant {job.tenant}, key {job.key!r}, {job.body!r})" for job in jobs]
    given = f"submit([{', '.join(told)}], tenant {new.tenant}, key {new.key!r}, {new.body!r})"
    same = [job for job in jobs if new.key and (job.tenant, job.key) == (new.tenant, new.key)]
    expected = f"the job {same[0].job_id}" if same else "the new job"
    if same and same[0].body != new.body:
        expected = "IdempotencyConflict"
    got = ask(
        work,
        "submit",
        table(*jobs),
        new,
        given=given,
        expected=expected,
        raises=IdempotencyConflict,
    )
    if isinstance(got, IdempotencyConflict) or expected == "IdempotencyConflict":
        if not (isinstance(got, IdempotencyConflict) and expected == "IdempotencyConflict"):
            bad(expected, "IdempotencyConflict" if isinstance(got, Exception) else tell(got))
    elif got != (same[0] if same else new):
        bad(f"{expected}, as it is", tell(got))
    return got


def next_job(jobs, now, quota):
    """The job that has to be claimed next, or None."""
    busy = [job.tenant for job in jobs if job.state == "RUNNING"]
    ready = [job for job in jobs if job.state == "QUEUED" and job.next_attempt_at <= now]
    ready = [job for job in ready if busy.count(job.tenant) < quota]
    return min(ready, key=lambda job: (-job.priority, job.sequence), default=None)


def claim(work, jobs, now, *, worker="w1", lease_s=LEASE_S, quota=2, story=None, words=""):
    """The row of the job that was claimed, or None."""
    story = story or Story()
    right = next_job(jobs, now, quota)
    told = "; ".join(map(tell_queue, jobs)) if len(jobs) < 9 else f"{len(jobs)} jobs"
    given = f"{words}claim([{told}], now={now:g}, {worker!r}, lease_s={lease_s:g}, quota={quota})"
    expected = f"{right.job_id}, RUNNING" if right else "None: no job may run"

    def picture():
        return story.picture(right or jobs[0], now, f"{worker} claims") if jobs else None

    got = ask(
        work, "claim", table(*jobs), now, worker, lease_s, quota,
        given=given, expected=expected, picture=picture,
    )  # fmt: skip
    if right is None or got is None:
        if got is not right:
            bad(expected, "None" if got is None else tell(got), picture=picture())
        return None
    if getattr(got, "job_id", None) != right.job_id:
        bad(expected, tell(got), picture=picture())
    expect_row(
        work, got, right, picture,
        state="RUNNING", attempts=right.attempts + 1, epoch=above(right.epoch), worker=worker,
        lease_expires_at=float(now + lease_s),
    )  # fmt: skip
    return got


def held(job, lease, now):
    """Whether this lease is held at this moment of the store's clock."""
    return job.state == "RUNNING" and job.epoch == lease.epoch and now < job.lease_expires_at


def with_lease(work, name, job, lease, now, *rest, story, words, expected, rest_told=""):
    """The answer of a call that shows a lease; None when it had to be refused, and was."""
    given = f"{words}{name}({tell(job)}, {tell_lease(lease)}, now={now:g}{rest_told})"
    right = held(job, lease, now)
    expected = expected if right else "LeaseLost"

    def picture():
        return story.picture(job, now, f"{lease.worker} of epoch {lease.epoch} calls {name}")

    got = ask(
        work, name, job, lease, now, *rest,
        given=given, expected=expected, picture=picture, raises=LeaseLost,
    )  # fmt: skip
    if right and isinstance(got, LeaseLost):
        bad(f"{expected}: the lease is held", f"LeaseLost: {got}", picture=picture())
    if not right and not isinstance(got, LeaseLost):
        # A worker whose reply was lost may as well hear that the job is settled already.
        if name == "settle" and job.epoch == lease.epoch and got == job and job.state != "RUNNING":
            return None, picture
        bad(expected, tell(got), picture=picture())
    return (got if right else None), picture


def heartbeat(work, job, lease, now, *, lease_s=LEASE_S, story=None, words=""):
    """The row with its lease extended; None when the worker heard that it is lost."""
    got, picture = with_lease(
        work, "heartbeat", job, lease, now, lease_s,
        story=story or Story(), words=words, expected=f"a lease until {now + lease_s:g}",
        rest_told=f", lease_s={lease_s:g}",
    )  # fmt: skip
    if got is not None:
        until = float(now + lease_s)
        expect_row(work, got, job, picture, lease_expires_at=until, worker=job.worker)
    return got


def settle(work, job, lease, now, ending, reason="it broke", *, story=None, words=""):
    """The row after the end of an attempt; None when the worker heard that its lease is lost."""
    state, laws = _after(job, now, ending, reason)
    got, picture = with_lease(
        work, "settle", job, lease, now, work.Ending(ending), reason,
        story=story or Story(), words=words, expected=f"{job.job_id} {state}",
        rest_told=f", {ending.upper()}, {reason!r}",
    )  # fmt: skip
    if got is not None:
        expect_row(work, got, job, picture, state=state, epoch=at_least(job.epoch), **laws)
    return got


def _after(job, now, ending, reason):
    if ending == "succeeded":
        return "SUCCEEDED", {}
    if ending == "not retryable":
        return "FAILED", {"reason": _says(reason)}
    if ending == "failed":
        return charged(job, now, _says(reason))
    laws = {"attempts": job.attempts - 1, "next_attempt_at": within(0, now)}
    if ending == "outage":
        laws["next_attempt_at"] = within(now + BASE_S, now + CAP_S)
    return "QUEUED", laws


def _says(reason):
    return Law(f"with {reason!r} in it", lambda value: isinstance(value, str) and reason in value)


def charged(job, now, reason):
    """State and laws after an attempt that counts."""
    if job.attempts >= job.max_attempts:
        return "FAILED", {"reason": reason}
    return "QUEUED", {"next_attempt_at": within(now + BASE_S, now + CAP_S)}


def was_unreachable(job, lease_s, outage):
    """Whether the store was unreachable during a part of the row's last lease."""
    return outage[0] < job.lease_expires_at and job.lease_expires_at - lease_s < outage[1]


def reclaim(work, job, now, outage=(0.0, 0.0), *, lease_s=LEASE_S, story=None, words=""):
    """The row after the store has looked at its lease."""
    story = story or Story()
    is_over = job.state == "RUNNING" and job.lease_expires_at <= now
    if not is_over:
        expected, laws = "the row as it is", None
    elif was_unreachable(job, lease_s, outage):
        expected = f"{job.job_id} QUEUED, the attempt given back"
        laws = {"attempts": job.attempts - 1, "next_attempt_at": within(0, now + CAP_S)}
        laws["state"] = "QUEUED"
    else:
        state, laws = charged(job, now, NOT_EMPTY)
        laws["state"], expected = state, f"{job.job_id} {state}, the attempt counted"
    given = f"{words}reclaim({tell(job)}, now={now:g}, lease_s={lease_s:g}"
    given += f", unreachable from {outage[0]:g} until {outage[1]:g})"

    def picture():
        return story.picture(job, now, "the store looks at the lease")

    got = ask(
        work, "reclaim", job, now, lease_s, outage, given=given, expected=expected, picture=picture
    )
    if laws is None:
        if got != job:
            bad(expected, tell(got), picture=picture())
        return job
    expect_row(work, got, job, picture, epoch=at_least(job.epoch), **laws)
    return got


def acknowledge(work, job, lease, now, step, sha256="", *, story=None, words=""):
    """The row after a step; None when the worker heard that its lease is lost."""
    saved = f", sha256={sha256[:6]}..." if sha256 else ""
    got, picture = with_lease(
        work, "acknowledge", job, lease, now, step, sha256,
        story=story or Story(), words=words, expected=f"step {step} noted",
        rest_told=f", step={step}{saved}",
    )  # fmt: skip
    if got is not None:
        recorded = [work.Recorded(lease.epoch, step, sha256)] if sha256 else []
        expect_row(
            work, got, job, picture,
            acknowledged=max(job.acknowledged, step), checkpoints={*job.checkpoints, *recorded},
            lease_expires_at=job.lease_expires_at, worker=job.worker,
        )  # fmt: skip
    return got


def newest(job, found):
    """The checkpoint to resume from; None when none was recorded; an error when none is whole."""
    whole = {(each.epoch, each.step, each.sha256) for each in job.checkpoints}
    good = [
        each
        for each in found
        if each.job_id == job.job_id
        and (each.epoch, each.step, hashlib.sha256(each.data).hexdigest()) in whole
    ]
    if whole and not good:
        return CheckpointCorrupt()
    return max(good, key=lambda each: (each.epoch, each.step), default=None)


def resume(work, job, found, *, now=21.0, story=None, words=""):
    """(checkpoint, first step that has its effect), or None when it was told that none is whole."""
    story = story or Story()
    objects = ", ".join(f"{each.job_id} {each.epoch}/{each.step}" for each in found)
    given = f"{words}resume({tell(job)}, found [{objects}])"
    right = newest(job, found)
    expected = f"({_place(right)}, {job.acknowledged + 1})"
    if isinstance(right, CheckpointCorrupt):
        expected = "CheckpointCorrupt"

    def picture():
        return story.picture(job, now, "a worker asks where to resume")

    got = ask(
        work, "resume", job, list(found),
        given=given, expected=expected, picture=picture, raises=CheckpointCorrupt,
    )  # fmt: skip
    if isinstance(right, CheckpointCorrupt) or isinstance(got, CheckpointCorrupt):
        if type(got) is not type(right):
            bad(expected, _told(got), picture=picture())
        return None
    if type(got) is not tuple or len(got) != 2 or type(got[1]) is not int:
        bad("a tuple of a Checkpoint, or None, and an int", show(got), picture=picture())
    if got[0] != right or got[1] != job.acknowledged + 1:
        bad(expected, _told(got), picture=picture())
    return got


def _told(got):
    if type(got) is not tuple or len(got) != 2:
        return "CheckpointCorrupt" if isinstance(got, CheckpointCorrupt) else show(got)
    return f"({_place(got[0])}, {show(got[1])})"


def _place(checkpoint):
    if not hasattr(checkpoint, "epoch"):
        return show(checkpoint)
    return (
        f"the checkpoint of {checkpoint.job_id} of epoch {checkpoint.epoch}, step {checkpoint.step}"
    )
