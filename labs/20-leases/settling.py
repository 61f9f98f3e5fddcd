"""The checks of task 4: which attempts count, and what becomes of a job after one."""

from __future__ import annotations

from veristack_lab.labs.checking import bad, check, show

from . import laws
from .history import World
from .rows import BASE_S, CAP_S, LEASE_S, make_job, make_lease, running, tell

ENDINGS = ("succeeded", "failed", "not retryable", "outage", "preempted", "released")
SEEDS = range(6)


def saved(work):
    """What a job has done, and keeps."""
    return {"acknowledged": 6, "checkpoints": (work.Recorded(1, 2, "ab" * 32),)}


def settled(work, ending, *, now=21.0, reason="disk on fire", **fields):
    job = running(work, **{**saved(work), **fields})
    return laws.settle(work, job, make_lease(work, job), now, ending, reason)


@check("4", "a success is final, whichever attempt it was")
def success(work):
    for attempts in (1, 2, 3):
        settled(work, "succeeded", attempts=attempts)


@check(
    "4",
    "an attempt that failed by itself counts; after the last one the job is parked, and says why",
)
def failures(work):
    for most in (1, 2, 3, 7):
        for attempts in range(1, most + 1):
            for reason, epoch in (("disk on fire", attempts), ("exit code 1", attempts + 9)):
                settled(work, "failed", attempts=attempts, max_attempts=most, reason=reason,
                        epoch=epoch)  # fmt: skip


@check("4", "what no other attempt can mend is parked at once, and says why")
def for_good(work):
    for attempts in (1, 2, 3):
        for reason in ("bad spec", "no such model"):
            settled(work, "not retryable", attempts=attempts, reason=reason)


@check("4", "preempted or released: the attempt is given back, and the job can run at once")
def given_back(work):
    for ending in ("preempted", "released"):
        for attempts in (1, 2, 3):
            settled(work, ending, attempts=attempts, epoch=attempts + 4)
            settled(work, ending, attempts=attempts, epoch=1000)


@check("4", "an outage: the attempt is given back, and the job pauses")
def outages(work):
    for attempts in (1, 2, 3, 40):
        for epoch in (attempts, attempts + 20, 1000):
            most = max(3, attempts)
            settled(work, "outage", attempts=attempts, max_attempts=most, epoch=epoch)


@check("4", "pauses grow from the base to the cap, and never beyond it, whatever the attempt")
def pauses(work):
    before = 0.0
    for attempts in [*range(1, 70), 200, 1100, 5000, 100_000]:
        job = running(work, attempts=attempts, max_attempts=1_000_000)
        row = laws.settle(work, job, make_lease(work, job), 21.0, "failed", "it broke")
        pause = row.next_attempt_at - 21.0
        if pause < before - 1e-6 or (attempts == 1 and pause > BASE_S + 1e-6):
            least = BASE_S if attempts == 1 else before
            bad(f"a pause of {least:g} s after attempt {attempts}, or more if it is not the "
                    "first", f"{pause:g} s in {tell(row)}")  # fmt: skip
        if attempts >= 10 and pause < CAP_S - 1e-6:
            bad(f"a pause of {CAP_S:g} s after attempt {attempts}", f"{pause:g} s")
        before = pause


@check("4", "a worker whose lease is over, or was taken, settles nothing")
def stale(work):
    for ending in ENDINGS:
        for now in (30.0, 31.0, 500.0):
            settled(work, ending, now=now)
        for epoch in (1, 2, 4):
            for worker in ("w1", "w2"):
                job = running(work, worker=worker)
                lease = make_lease(work, job, epoch=epoch)
                laws.settle(work, job, lease, 21.0, ending)


@check("4", "settled a second time, because the reply was lost: nothing changes")
def repeated(work):
    for first in ENDINGS:
        for second in ENDINGS:
            job = running(work)
            lease = make_lease(work, job)
            row = laws.settle(work, job, lease, 21.0, first)
            laws.settle(work, row, lease, 22.0, second)
            taken = laws.claim(work, [row], 99.0, worker="w1")
            if taken is not None:
                laws.settle(work, taken, lease, 100.0, second)


@check("4", "the store takes back a lease that is over, and touches no other row")
def lease_is_over(work):
    for now in (29.5, 30.0, 30.5, 400.0):
        laws.reclaim(work, running(work), now)
        for state in ("QUEUED", "SUCCEEDED", "FAILED"):
            laws.reclaim(work, running(work, state=state, attempts=3), now)


@check("4", "a worker that died counts: a job that kills its workers is parked in the end")
def killers(work):
    for lease_s in (LEASE_S, 4.0):
        for attempts in (1, 2, 3):
            for epoch in (attempts, 9):
                job = running(work, attempts=attempts, epoch=epoch, **saved(work))
                laws.reclaim(work, job, 31.0, lease_s=lease_s)


@check("4", "a lease in which the store was unreachable does not count, however short the outage")
def unreachable(work):
    job_began, over = 20.0, 30.0
    outages = [(5.0, 40.0), (5.0, 21.0), (22.0, 23.0), (29.5, 60.0), (20.0, 30.0), (19.0, 20.5)]
    beside = [(0.0, 0.0), (5.0, 19.0), (5.0, job_began), (over, 40.0), (31.0, 32.0)]
    for outage in [*outages, *beside]:
        for attempts in (1, 2, 3):
            laws.reclaim(work, running(work, attempts=attempts, **saved(work)), 60.0, outage)
    for lease_s in (4.0, 30.0):
        for outage in ((10.0, 15.0), (23.0, 24.0), (27.0, 28.0)):
            laws.reclaim(work, running(work), 60.0, outage, lease_s=lease_s)


@check("4", "an epoch is given out once, whatever came between two claims")
def epochs(work):
    for ending in ("failed", "outage", "preempted", "released", "lost", "unreachable"):
        job, seen = make_job(work, max_attempts=9), set()
        for turn in range(4):
            now = 100.0 * turn
            row = laws.claim(work, [job], now)
            if row.epoch in seen:
                bad(f"an epoch that was never used, not one of {sorted(seen)}", show(row.epoch))
            seen.add(row.epoch)
            if ending in ("lost", "unreachable"):
                outage = (now, now + 50) if ending == "unreachable" else (0.0, 0.0)
                job = laws.reclaim(work, row, now + 50, outage)
            else:
                job = laws.settle(work, row, make_lease(work, row), now + 1, ending)


@check("4", "workers that pause, die and lose replies: each attempt that counts is counted once")
def histories(work):
    for seed in SEEDS:
        World(work, seed).run()
