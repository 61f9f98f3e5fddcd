"""Lab 20: leases. Read README.md first; `veristack labs check 20` checks it.

Many workers share one table of jobs. Each call of a worker is one transaction of the store: the
store calls one of your functions with the rows as they are and with its own clock, and writes the
row that the function returns. When the function raises, nothing is written.

    worker:  submit   claim   heartbeat ...   acknowledge ...   settle
    store:   reclaim, on every row, before each claim

Your functions are pure. They change nothing that they are given, keep nothing between two calls and
ask no clock: `now` is the store's clock, in seconds. A worker may pause at any moment, for any
time. A reply may be lost, and then the worker calls again. `raise LeaseLost` is how a worker hears
that it has lost its job.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from veristack_lab.errors import CheckpointCorrupt, IdempotencyConflict, LeaseLost

BACKOFF_BASE_S = 2.0
BACKOFF_CAP_S = 60.0


class JobState(StrEnum):
    """Given: the state of a job. The last two are final; a job that is FAILED is parked."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class Ending(StrEnum):
    """Given: how a worker says that it has ended its work on a job."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The job was tried and failed by itself. Another attempt may succeed."""
    NOT_RETRYABLE = "not retryable"
    """The job was tried and failed by itself. Every other attempt would fail, too."""
    OUTAGE = "outage"
    """A server that the job needs is down."""
    PREEMPTED = "preempted"
    """The worker has to do something more important."""
    RELEASED = "released"
    """The worker is shut down."""


@dataclass(frozen=True)
class Recorded:
    """Given: what a job's row says of a checkpoint that was recorded under its lease."""

    epoch: int
    step: int
    sha256: str
    """Of the checkpoint's bytes, in hex."""


@dataclass(frozen=True)
class Checkpoint:
    """Given: a checkpoint as it was found in the object store, which any worker may write to."""

    job_id: str
    epoch: int
    step: int
    sha256: str
    """What the writer has written beside the bytes."""
    data: bytes


@dataclass(frozen=True)
class Job:
    """Given: a job's row."""

    job_id: str
    tenant: str
    priority: int
    """A larger number is more important."""
    sequence: int
    """A smaller number was submitted earlier. No two jobs have the same."""
    body: str
    key: str = ""
    """The submitter's idempotency key, one of this tenant's; empty when there was none."""
    max_attempts: int = 3
    state: JobState = JobState.QUEUED
    next_attempt_at: float = 0.0
    """While it is QUEUED: it may be claimed from this moment on."""
    attempts: int = 0
    """Attempts that were begun and not given back."""
    epoch: int = 0
    """The fencing token: it grows with every claim and never shrinks."""
    worker: str = ""
    """While it is RUNNING: the name of the worker. A worker that is started again has the same."""
    lease_expires_at: float = 0.0
    """While it is RUNNING: from this moment on the lease is over."""
    reason: str = ""
    """Why the last attempt that did not succeed ended."""
    acknowledged: int = 0
    """All steps up to this one have had their effect on the world, and never may again."""
    checkpoints: tuple[Recorded, ...] = ()
    """In no particular order."""


@dataclass(frozen=True)
class Lease:
    """Given: what a worker shows with each of its calls."""

    job_id: str
    epoch: int
    worker: str
    shown_at: float
    """When the worker made this call, by its own clock."""


def submit(jobs: Mapping[str, Job], new: Job) -> Job:
    """Task 1. The row of a submission: `new`, or the job that the same submission made before.

    Args:
        jobs: all rows by `job_id`, in no particular order.
        new: a row with the tenant, key and body of the submission.

    Raises:
        IdempotencyConflict: the tenant has used this key for another body.
    """
    # BEGIN SOLUTION 1
    for job in jobs.values():
        if new.key and (job.tenant, job.key) == (new.tenant, new.key):
            if job.body != new.body:
                raise IdempotencyConflict(f"key {new.key!r} was used for another body")
            return job
    return new
    # END SOLUTION


def claim(
    jobs: Mapping[str, Job], now: float, worker: str, lease_s: float, quota: int
) -> Job | None:
    """Task 2. The row of the next job, RUNNING under a new lease; None when no job may run.

    Args:
        jobs: all rows by `job_id`, in no particular order.
        quota: how many jobs of one tenant may be RUNNING at once.
    """
    # BEGIN SOLUTION 2
    running = Counter(job.tenant for job in jobs.values() if job.state is JobState.RUNNING)
    runnable = [
        job
        for job in jobs.values()
        if job.state is JobState.QUEUED
        and job.next_attempt_at <= now
        and running[job.tenant] < quota
    ]
    if not runnable:
        return None
    job = min(runnable, key=lambda job: (-job.priority, job.sequence))
    return replace(
        job,
        state=JobState.RUNNING,
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
    # END SOLUTION


def require_lease(job: Job, lease: Lease, now: float) -> None:
    """Task 3. Return when this lease is held now. Tasks 3 to 5 call it; the checks do not.

    Raises:
        LeaseLost: it is not.
    """
    # BEGIN SOLUTION 3
    if job.state is not JobState.RUNNING or job.epoch != lease.epoch:
        raise LeaseLost(f"epoch {lease.epoch} of {job.job_id} has ended")
    if now >= job.lease_expires_at:
        raise LeaseLost(f"the lease of {job.job_id} ran out at {job.lease_expires_at}")
    # END SOLUTION


def heartbeat(job: Job, lease: Lease, now: float, lease_s: float) -> Job:
    """Task 3. The row with its lease extended: a whole `lease_s` from now on.

    Raises:
        LeaseLost: the lease is not held.
    """
    # BEGIN SOLUTION 3
    require_lease(job, lease, now)
    return replace(job, lease_expires_at=now + lease_s)
    # END SOLUTION


def backoff_s(attempt: int) -> float:
    """Task 4. The pause after the attempt of this number. Task 4 calls it; the checks do not.

    It begins with BACKOFF_BASE_S, never shrinks, and reaches BACKOFF_CAP_S by the tenth attempt. It
    never goes beyond that, whatever the number is.
    """
    # BEGIN SOLUTION 4
    return min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(attempt - 1, 32))
    # END SOLUTION


def charge(job: Job, now: float, reason: str) -> Job:
    """Task 4. The row after an attempt that counts: queued again after a pause, or parked.

    Task 4 calls it; the checks do not.
    """
    # BEGIN SOLUTION 4
    if job.attempts >= job.max_attempts:
        return replace(job, state=JobState.FAILED, reason=reason)
    again_at = now + backoff_s(job.attempts)
    return replace(job, state=JobState.QUEUED, next_attempt_at=again_at, reason=reason)
    # END SOLUTION


def settle(job: Job, lease: Lease, now: float, ending: Ending, reason: str = "") -> Job:
    """Task 4. The row after a worker has ended its work. A job that fails keeps the reason.

    SUCCEEDED and NOT_RETRYABLE end the job. FAILED counts as an attempt: the job pauses, and after
    `max_attempts` it is parked. The others are not the job's doing: the attempt is given back, and
    the job is queued again, for now, and after an outage with a pause as after a first attempt.

    Raises:
        LeaseLost: the lease is not held.
    """
    # BEGIN SOLUTION 4
    require_lease(job, lease, now)
    if ending is Ending.SUCCEEDED:
        return replace(job, state=JobState.SUCCEEDED)
    if ending is Ending.NOT_RETRYABLE:
        return replace(job, state=JobState.FAILED, reason=reason)
    if ending is Ending.FAILED:
        return charge(job, now, reason)
    pause_s = backoff_s(1) if ending is Ending.OUTAGE else 0.0
    return replace(
        job,
        state=JobState.QUEUED,
        attempts=job.attempts - 1,
        next_attempt_at=now + pause_s,
        reason=reason,
    )
    # END SOLUTION


def reclaim(job: Job, now: float, lease_s: float, outage: tuple[float, float]) -> Job:
    """Task 4. The row without a lease that is over; any other row as it is.

    A worker that could have sent its heartbeat, and did not, has died: perhaps of this job, so the
    attempt counts. But when the store was unreachable during a part of the lease, it is given back.

    Args:
        lease_s: how long a lease is: the last one began this long before it was over.
        outage: when the store was last unreachable: [from, until), by its own clock.
    """
    # BEGIN SOLUTION 4
    if job.state is not JobState.RUNNING or now < job.lease_expires_at:
        return job
    began_at = job.lease_expires_at - lease_s
    reason = "the lease ran out"
    if outage[0] < job.lease_expires_at and began_at < outage[1]:
        again = job.attempts - 1
        return replace(
            job, state=JobState.QUEUED, attempts=again, next_attempt_at=now, reason=reason
        )
    return charge(job, now, reason)
    # END SOLUTION


def acknowledge(job: Job, lease: Lease, now: float, step: int, sha256: str = "") -> Job:
    """Task 5. The row after a step has had its effect, and perhaps was saved as a checkpoint.

    Args:
        sha256: of the checkpoint's bytes, which are in the object store; empty when there is none.

    Raises:
        LeaseLost: the lease is not held.
    """
    # BEGIN SOLUTION 5
    require_lease(job, lease, now)
    recorded = Recorded(lease.epoch, step, sha256)
    checkpoints = job.checkpoints
    if sha256 and recorded not in checkpoints:
        checkpoints += (recorded,)
    return replace(job, acknowledged=max(job.acknowledged, step), checkpoints=checkpoints)
    # END SOLUTION


def resume(job: Job, found: Sequence[Checkpoint]) -> tuple[Checkpoint | None, int]:
    """Task 5. The checkpoint to go on from, and the first step that has to have its effect.

    The worker computes every step after the checkpoint, from step 1 without one, and lets those
    have their effect that have not had it. The newest checkpoint is the one of the highest epoch
    and then of the highest step; only those count that the row has recorded, with those bytes.

    Args:
        found: what the object store holds, also of other jobs, in no particular order.

    Raises:
        CheckpointCorrupt: checkpoints were recorded, and not one of them was found whole.
    """
    # BEGIN SOLUTION 5
    whole = [
        checkpoint
        for checkpoint in found
        if checkpoint.job_id == job.job_id
        and Recorded(checkpoint.epoch, checkpoint.step, hashlib.sha256(checkpoint.data).hexdigest())
        in job.checkpoints
    ]
    if job.checkpoints and not whole:
        raise CheckpointCorrupt(f"no checkpoint of {job.job_id} is whole")
    newest = max(whole, key=lambda checkpoint: (checkpoint.epoch, checkpoint.step), default=None)
    return newest, job.acknowledged + 1
    # END SOLUTION
