"""The checks of lab 20: tasks 1 and 2. Laws on the rows that come back, whatever made them.

Task 3 is in leasing.py, task 4 in settling.py, task 5 in resuming.py; history.py has the workers
that pause, die and lose replies.
"""

from __future__ import annotations

import random

from veristack_lab.labs.checking import check

from . import laws
from . import leasing as leasing  # registers the checks of task 3
from . import resuming as resuming  # of task 5
from . import settling as settling  # and of task 4
from .rows import make_job, running

# ------------------------------------------------------------------- task 1


@check("1", "a submission without a key is a new job, however many are like it")
def no_key(work):
    jobs = [make_job(work, f"j{number}", sequence=number) for number in range(3)]
    for known in ([], jobs[:1], jobs):
        laws.submit(work, known, make_job(work, "j9", sequence=9))


@check("1", "the same key and the same body: the same job, as it is by now")
def same_again(work):
    for state in ("QUEUED", "RUNNING", "SUCCEEDED", "FAILED"):
        old = make_job(work, "j1", key="k", state=state, epoch=2, attempts=1, acknowledged=4)
        others = [make_job(work, f"j{number}", sequence=number, key="") for number in (2, 3)]
        for jobs in ([old], [old, *others], [*others, old]):
            laws.submit(work, jobs, make_job(work, "j9", sequence=9, key="k"))


@check("1", "the same key and another body: refused, whatever became of the first job")
def another_body(work):
    pairs = [("train", "train "), ("train", "Train"), ("train", ""), ("", "train")]
    pairs += [("lr=1", "lr=1.0"), ("x" * 300 + "a", "x" * 300 + "b"), ("ab", "ba")]
    pairs += [("plumless", "buckeroo"), ("ada", "bbb")]  # the same CRC-32, the same Adler-32
    for state in ("QUEUED", "RUNNING", "SUCCEEDED", "FAILED"):
        for first, second in pairs:
            old = make_job(work, "j1", key="k", body=first, state=state)
            laws.submit(work, [old], make_job(work, "j9", sequence=9, key="k", body=second))


@check("1", "another key or another tenant: another job")
def another_key(work):
    old = make_job(work, "j1", key="k")
    for fields in ({"key": "K"}, {"key": "k2"}, {"key": ""}, {"key": "k", "tenant": "blue"}):
        for body in ("train", "predict"):
            laws.submit(work, [old], make_job(work, "j9", sequence=9, body=body, **fields))
    for between in ("", "/", ":", "|", "-", "_", " ", "\0"):
        old = make_job(work, "j1", tenant="a", key=f"b{between}c")
        new = make_job(work, "j9", sequence=9, tenant=f"a{between}b", key="c")
        laws.submit(work, [old], new)
    old = make_job(work, "j1", key="k")
    mine = make_job(work, "j2", sequence=2, tenant="blue", key="k", body="predict")
    for tenant, body in (("red", "train"), ("blue", "predict"), ("red", "predict")):
        new = make_job(work, "j9", sequence=9, key="k", tenant=tenant, body=body)
        laws.submit(work, [old, mine], new)


# ------------------------------------------------------------------- task 2


@check("2", "the job that was claimed runs under a new lease, and loses nothing it had")
def one_job(work):
    saved = (work.Recorded(1, 5, "ab" * 32),)
    for fields in (
        {},
        {"epoch": 1, "attempts": 1},
        {"epoch": 7, "attempts": 0, "worker": "w1", "lease_expires_at": 3.0},
        {"epoch": 4, "attempts": 2, "acknowledged": 6, "checkpoints": saved, "reason": "it broke"},
    ):
        for now, lease_s in ((0.0, 10.0), (20.0, 7.5), (20.5, 60.0)):
            job = make_job(work, "j1", **fields)
            laws.claim(work, [job], now, worker="w2", lease_s=lease_s)


@check("2", "none where there is nothing to run: no worker gets a job that another has")
def nothing_to_run(work):
    laws.claim(work, [], 20.0)
    for state in ("RUNNING", "SUCCEEDED", "FAILED"):
        for until in (19.0, 20.0, 30.0):
            job = running(work, state=state, lease_expires_at=until)
            laws.claim(work, [job], 20.0, worker="w2", quota=9)
            laws.claim(work, [job], 20.0, worker="w1", quota=9)
            waiting = make_job(work, "j2", sequence=2, priority=-1)
            laws.claim(work, [job, waiting], 20.0, worker="w2", quota=9)


@check("2", "not before its time, and then at once")
def not_before(work):
    for at in (0.0, 19.5, 20.0, 20.5, 80.0):
        job = make_job(work, "j1", priority=9, next_attempt_at=at, epoch=1, attempts=1)
        laws.claim(work, [job], 20.0)
        laws.claim(work, [job, make_job(work, "j2", sequence=2)], 20.0)


@check("2", "the most important first, and of those the oldest")
def in_order(work):
    jobs = [
        make_job(work, f"j{number}", sequence=number, priority=priority)
        for number, priority in ((2, 1), (9, 5), (10, 5), (11, 1), (100, 5), (3, -1), (1, 0))
    ]
    tried = [
        make_job(work, f"j{number}", sequence=number, attempts=attempts, epoch=epoch,
                 next_attempt_at=at, reason="it broke" if attempts else "")
        for number, attempts, epoch, at in ((2, 2, 5, 19.0), (4, 0, 0, 0.0), (3, 1, 1, 12.0))
    ]  # fmt: skip
    for rows in (jobs, tried):
        for count in range(1, len(rows) + 1):
            laws.claim(work, rows[:count], 20.0)


@check("2", "a tenant that has its quota waits; no other job waits behind it")
def quotas(work):
    for quota in (1, 2, 3):
        for busy in range(5):
            rows = [running(work, f"r{n}", sequence=n + 1, tenant="red") for n in range(busy)]
            rows += [make_job(work, f"d{n}", sequence=n + 20, state="SUCCEEDED") for n in range(3)]
            red = [make_job(work, f"q{n}", sequence=n + 50, priority=9) for n in range(3)]
            late = make_job(work, "late", sequence=90, tenant="blue", next_attempt_at=99.0)
            blue = make_job(work, "blue", sequence=99, tenant="blue")
            laws.claim(work, [*rows, *red], 20.0, quota=quota)
            laws.claim(work, [*rows, *red, late, blue], 20.0, quota=quota)
            taken = running(work, "b1", sequence=98, tenant="blue")
            laws.claim(work, [*rows, *red, blue, taken], 20.0, quota=quota)
            urgent = make_job(work, "now", sequence=97, priority=1_000_000)
            laws.claim(work, [*rows, urgent, blue], 20.0, quota=quota)


@check("2", "any table: the next job and no other, until no job may run")
def any_table(work):
    for seed in range(40):
        generator = random.Random(seed)
        jobs = {}
        for number in generator.sample(range(1, 200), 14):
            state = generator.choice(["QUEUED", "QUEUED", "QUEUED", "RUNNING", "FAILED"])
            jobs[f"j{number}"] = make_job(
                work, f"j{number}", sequence=number, state=state, epoch=generator.randrange(4),
                tenant=generator.choice(["red", "blue", "green"]),
                priority=generator.randrange(3), lease_expires_at=generator.choice([19.0, 25.0]),
                next_attempt_at=generator.choice([0.0, 20.0, 21.0]),
            )  # fmt: skip
        quota = generator.randrange(1, 5)
        while row := laws.claim(work, list(jobs.values()), 20.0, quota=quota):
            jobs[row.job_id] = row
