"""The checks of task 3: a lease is held by one epoch, until it is over by the store's clock."""

from __future__ import annotations

from veristack_lab.labs.checking import check

from . import laws
from .rows import Story, make_job, make_lease, running


@check("3", "a live lease is extended, by a whole lease from now on, and nothing else changes")
def extended(work):
    saved = (work.Recorded(1, 5, "ab" * 32),)
    for now in (20.0, 20.5, 25.0, 29.5):
        for lease_s in (10.0, 7.5, 60.0):
            job = running(work, attempts=2, acknowledged=5, checkpoints=saved, reason="it broke")
            laws.heartbeat(work, job, make_lease(work, job, shown_at=now), now, lease_s=lease_s)


@check("3", "heartbeat after heartbeat: as long as the worker likes, and never further ahead")
def for_long(work):
    story, job, now = Story(), running(work), 21.0
    story.lease(job)
    for _ in range(30):
        lease = make_lease(work, job, shown_at=now)
        job = laws.heartbeat(work, job, lease, now, story=story)
        story.lease(job)
        now += 3.5


@check("3", "a lease that is over is lost, also when no other worker has taken the job")
def over(work):
    for now in (30.0, 30.5, 31.0, 1000.0):
        job = running(work)
        laws.heartbeat(work, job, make_lease(work, job, shown_at=now), now)


@check("3", "the store's clock decides: a worker whose clock is wrong gains and loses nothing")
def wrong_clocks(work):
    for shown_at in (-50.0, 0.0, 20.0, 29.5, 30.0, 31.0, 900.0):
        for now in (20.0, 29.5, 30.0, 45.0):
            job = running(work)
            laws.heartbeat(work, job, make_lease(work, job, shown_at=shown_at), now)


@check("3", "a worker that was paused has lost to every later epoch, its own name or not")
def fenced(work):
    for epoch in (1, 2, 4, 9):
        for worker in ("w1", "w2"):
            job = running(work, worker=worker)
            story = Story()
            story.lease(job)
            lease = make_lease(work, job, epoch=epoch)
            laws.heartbeat(work, job, lease, 21.0, story=story)


@check("3", "a job that does not run has no lease, whatever else is in its row")
def not_running(work):
    for state in ("QUEUED", "SUCCEEDED", "FAILED"):
        for until in (0.0, 30.0):
            job = make_job(work, state=state, epoch=3, worker="w1", lease_expires_at=until)
            laws.heartbeat(work, job, make_lease(work, job), 21.0)
