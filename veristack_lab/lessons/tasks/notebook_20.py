"""The task of notebook 20: whether a worker may still write."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals


def _may(job: dict[str, object], lease: dict[str, object]) -> bool:
    until, now = job["lease_until_s"], job["now_s"]
    assert isinstance(until, int)
    assert isinstance(now, int)
    return job["state"] == "RUNNING" and job["epoch"] == lease["epoch"] and now < until


def _why(job: dict[str, object], lease: dict[str, object]) -> str:
    if job["state"] != "RUNNING":
        return f"the job is {job['state']}"
    if job["epoch"] != lease["epoch"]:
        return "the lease is of another epoch"
    if not _may(job, lease):
        return "the time of the lease is over, on the clock of the database"
    return "the lease is good; what the worker's own clock says does not matter"


def _cases() -> Iterator[Case]:
    states = ("RUNNING", "QUEUED", "SUCCEEDED")
    for state, epoch, now, own_clock in itertools.product(states, (1, 2, 3), (9, 10, 11), (0, 99)):
        job: dict[str, object] = {"state": state, "epoch": 2, "lease_until_s": 10, "now_s": now}
        lease: dict[str, object] = {"epoch": epoch, "worker": "alice", "own_clock_s": own_clock}
        yield Case((dict(job), dict(lease)), equals(_may(job, lease)), _why(job, lease))


TASKS = (
    Task(
        id="20/may-write",
        title="may this worker write?",
        text=(
            "`job` is the row of the database: `state`, `epoch` (grows with every claim),"
            " `lease_until_s` and `now_s`, the database's clock. `lease` is what the worker holds:"
            " `epoch`, `worker` and `own_clock_s`. Return True if the worker may write: the job is"
            ' "RUNNING", the epochs are the same, and the time of the lease is not over (at'
            " `lease_until_s` it is)."
        ),
        starter="""\
@lessons.task("20/may-write")
def may_write(job: dict, lease: dict) -> bool:
    is_running = job["state"] == "RUNNING"
    has_time = lease["own_clock_s"] < job["lease_until_s"]  # on whose clock?
    is_latest = ...
    return is_running and has_time
""",
        hints=(
            "A worker that was paused has a clock of its own, and no idea how late it is.",
            'Compare `job["now_s"]` with `job["lease_until_s"]`, and the two epochs with `==`.',
        ),
        cases=_cases,
    ),
)
