"""The checks of task 5: what was acknowledged stays so, and a job goes on from what is whole."""

from __future__ import annotations

import hashlib
import random

from veristack_lab.labs.checking import check

from . import laws
from .history import World
from .rows import make_job, make_lease, running

SEEDS = range(10)


def stored(work, job_id, epoch, step, data=None):
    """A checkpoint as a worker has written it."""
    data = f"weights of {job_id}, epoch {epoch}, step {step}".encode() if data is None else data
    return work.Checkpoint(job_id, epoch, step, hashlib.sha256(data).hexdigest(), data)


def torn(work, whole, data=None):
    """The same checkpoint with other bytes; what its writer wrote beside them still says whole."""
    data = whole.data[:-3] if data is None else data
    return work.Checkpoint(whole.job_id, whole.epoch, whole.step, whole.sha256, data)


def record_of(work, *checkpoints):
    return tuple(work.Recorded(each.epoch, each.step, each.sha256) for each in checkpoints)


@check("5", "a step is noted once, and what was acknowledged never goes back")
def steps(work):
    for acknowledged in (0, 3, 8):
        for step in (1, 3, 7, 8, 9, 30):
            job = running(work, acknowledged=acknowledged, attempts=2)
            lease = make_lease(work, job)
            row = laws.acknowledge(work, job, lease, 21.0, step)
            laws.acknowledge(work, row, lease, 21.5, step)


@check("5", "a checkpoint is recorded beside the earlier ones, of whatever step it is")
def recorded(work):
    job = running(work, epoch=3)
    for epoch, step in ((3, 2), (3, 4), (3, 10), (5, 3), (5, 4), (6, 11)):
        job = running(work, epoch=epoch, acknowledged=job.acknowledged, checkpoints=job.checkpoints)
        lease = make_lease(work, job)
        sha256 = stored(work, "j1", epoch, step).sha256
        job = laws.acknowledge(work, job, lease, 21.0, step, sha256)
        laws.acknowledge(work, job, lease, 21.5, step, sha256)


@check("5", "a worker whose lease is over, or was taken, acknowledges nothing")
def stale(work):
    sha256 = stored(work, "j1", 2, 9).sha256
    for saved in ("", sha256):
        for now in (30.0, 31.0, 500.0):
            job = running(work, acknowledged=4)
            laws.acknowledge(work, job, make_lease(work, job, shown_at=21.0), now, 5, saved)
        for epoch in (1, 2, 4):
            job = running(work, acknowledged=4)
            laws.acknowledge(work, job, make_lease(work, job, epoch=epoch), 21.0, 5, saved)
        for state in ("QUEUED", "SUCCEEDED", "FAILED"):
            job = running(work, state=state)
            laws.acknowledge(work, job, make_lease(work, job), 21.0, 5, saved)


@check("5", "without a checkpoint it begins anew, and has no effect a second time")
def from_the_start(work):
    for acknowledged in (0, 1, 7):
        for found in ([], [stored(work, "j2", 3, 9)], [stored(work, "j1", 2, 9)]):
            laws.resume(work, make_job(work, acknowledged=acknowledged), found)


@check("5", "from the newest checkpoint: the highest epoch, then the highest step, as numbers")
def the_newest(work):
    places = [(1, 2), (1, 9), (1, 10), (1, 100), (2, 8), (2, 50), (10, 4), (9, 5)]
    for count in range(1, len(places) + 1):
        objects = [stored(work, "j1", *place) for place in places[:count]]
        job = make_job(work, epoch=10, acknowledged=101, checkpoints=record_of(work, *objects))
        for seed in range(4):
            shuffled = random.Random(seed).sample(objects, count)
            laws.resume(work, job, shuffled)
            laws.resume(work, job, [stored(work, "j2", 11, 200), *shuffled])


@check("5", "what was acknowledged after the checkpoint is computed, and has no second effect")
def beyond_the_checkpoint(work):
    for acknowledged in (4, 5, 9):
        whole = stored(work, "j1", 2, 4)
        job = make_job(work, acknowledged=acknowledged, checkpoints=record_of(work, whole))
        laws.resume(work, job, [whole])


@check("5", "a checkpoint that a fenced worker wrote does not win: its row does not know it")
def written_behind_the_fence(work):
    good = stored(work, "j1", 3, 6)
    job = make_job(work, epoch=4, acknowledged=6, checkpoints=record_of(work, good))
    for epoch, step in ((2, 99), (3, 7), (3, 99), (4, 7), (99, 1)):
        laws.resume(work, job, [good, stored(work, "j1", epoch, step)])
        laws.resume(work, job, [stored(work, "j1", epoch, step), good])
    late = stored(work, "j1", 3, 6, b"written by the paused worker, over the good one")
    older = stored(work, "j1", 3, 4)
    job = make_job(work, epoch=4, acknowledged=6, checkpoints=record_of(work, older, good))
    laws.resume(work, job, [late, older])


@check("5", "one that is torn, changed or gone is passed over for the one before")
def damaged(work):
    objects = [stored(work, "j1", 1, step) for step in (2, 4, 6)]
    job = make_job(work, epoch=2, acknowledged=7, checkpoints=record_of(work, *objects))
    first, second, third = objects
    flipped = bytes([third.data[0] ^ 1, *third.data[1:]])
    for bad in (torn(work, third), torn(work, third, b""), torn(work, third, flipped)):
        laws.resume(work, job, [first, second, bad])
        laws.resume(work, job, [first, torn(work, second), bad])
    laws.resume(work, job, [first, second])
    laws.resume(work, job, [first, third])


@check("5", "when none is whole that was recorded, it says so, and does not begin anew")
def none_whole(work):
    objects = [stored(work, "j1", 1, step) for step in (2, 4)]
    job = make_job(work, epoch=2, acknowledged=4, checkpoints=record_of(work, *objects))
    late = stored(work, "j1", 1, 9)
    for found in ([], [torn(work, each) for each in objects], [late], [stored(work, "j2", 1, 2)]):
        laws.resume(work, job, found)


@check("5", "whole lives of jobs: every effect happens, and what was acknowledged never again")
def histories(work):
    for seed in SEEDS:
        World(work, seed, whole=True).run()
