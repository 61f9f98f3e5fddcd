"""The scheduler's rounds one by one, on a real database and a runner that does as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from veristack_lab import veriflow
from veristack_lab.errors import BackendStartFailed, InvalidInput
from veristack_lab.veriflow.contract import EXIT_BAD_JOB, EXIT_DONE, EXIT_FAILED, EXIT_LEASE_LOST
from veristack_lab.veriflow.lifecycle import JobState, RunState
from veristack_lab.veriflow.records import Claim, Lease
from veristack_lab.veriflow.runlog import RunLog
from veristack_lab.veriflow.runners import Exit
from veristack_lab.veriflow.scheduler import Scheduler, describe

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends


class ObedientRunner:
    """Runs end when and as the test says."""

    def __init__(self) -> None:
        self.exits: dict[Lease, Exit | None] = {}
        self.killed: list[Lease] = []
        self.broken = False

    def start(self, claim: Claim) -> None:
        if self.broken:
            raise BackendStartFailed("no room")
        self.exits[claim.lease] = None

    def poll(self, lease: Lease) -> Exit | None:
        return self.exits[lease]

    def kill(self, lease: Lease) -> None:
        if self.exits.pop(lease, Exit(0, "")) is None:
            self.killed.append(lease)

    @property
    def lease(self) -> Lease:
        (lease,) = self.exits
        return lease


@pytest.fixture
def flow(postgres_server: PostgresFacts, unique_name: str) -> Iterator[veriflow.Flow]:
    flow = veriflow.connect(postgres_server.conninfo, schema=unique_name)
    yield flow
    flow.drop_schema()


@pytest.fixture
def runner() -> ObedientRunner:
    return ObedientRunner()


@pytest.fixture
def scheduler(flow: veriflow.Flow, runner: ObedientRunner) -> Scheduler:
    return Scheduler(flow.database, runner, "s1", lease_s=30, poll_s=0.01)


def submit(flow: veriflow.Flow, **changes: Any) -> veriflow.Job:
    return flow.submit({"name": "n", "workload": "primes", "max_attempts": 2, **changes})


@pytest.mark.parametrize(
    ("code", "job_state", "run_state", "reason"),
    [
        (EXIT_DONE, JobState.SUCCEEDED, RunState.SUCCEEDED, None),
        (EXIT_FAILED, JobState.QUEUED, RunState.FAILED, "exit code 1: boom"),
        (-9, JobState.QUEUED, RunState.FAILED, "killed by SIGKILL"),
        (EXIT_BAD_JOB, JobState.FAILED, RunState.FAILED, "exit code 65: boom"),
        (EXIT_LEASE_LOST, JobState.RUNNING, RunState.RUNNING, None),
    ],
)
def test_what_an_exit_code_means(
    flow: veriflow.Flow,
    scheduler: Scheduler,
    runner: ObedientRunner,
    code: int,
    job_state: JobState,
    run_state: RunState,
    reason: str | None,
) -> None:
    job = submit(flow)
    assert scheduler.step()
    assert not scheduler.step()
    RunLog(flow.database, runner.lease).result({"primes": 1})
    runner.exits[runner.lease] = Exit(code, "Traceback\nboom")
    assert scheduler.step()
    job = flow.get(job.job_id)
    assert (job.state, job.runs[0].state, job.runs[0].reason) == (job_state, run_state, reason)


def test_slots_are_never_exceeded(flow: veriflow.Flow, runner: ObedientRunner) -> None:
    for _ in range(5):
        submit(flow)
    scheduler = Scheduler(flow.database, runner, "s1", slots=2, lease_s=30)
    scheduler.step()
    scheduler.step()
    assert len(runner.exits) == 2
    assert flow.counts()[JobState.RUNNING] == 2


def test_a_run_that_cannot_start_has_failed(
    flow: veriflow.Flow, scheduler: Scheduler, runner: ObedientRunner
) -> None:
    runner.broken = True
    job = submit(flow)
    scheduler.step()
    assert flow.get(job.job_id).runs[0].reason == "the run could not be started: no room"
    assert flow.get(job.job_id).state is JobState.QUEUED


def test_a_cancelled_run_is_killed_at_the_next_heartbeat(
    flow: veriflow.Flow, runner: ObedientRunner
) -> None:
    scheduler = Scheduler(flow.database, runner, "s1", lease_s=30)
    job = submit(flow)
    scheduler.step()
    lease = runner.lease
    flow.cancel(job.job_id)
    scheduler._next_heartbeat_s = 0.0  # the next round is a heartbeat, without waiting for it
    scheduler.step()
    assert runner.killed == [lease]
    assert flow.get(job.job_id).state is JobState.CANCELLED


def test_running_until_told_to_stop_gives_the_job_back(
    flow: veriflow.Flow, scheduler: Scheduler, runner: ObedientRunner
) -> None:
    job, stop = submit(flow), threading.Event()
    thread = threading.Thread(target=scheduler.run, args=(stop,))
    thread.start()
    try:
        while flow.get(job.job_id).state is not JobState.RUNNING:
            assert thread.is_alive()
    finally:
        stop.set()
        thread.join()
    assert len(runner.killed) == 1
    assert flow.get(job.job_id).runs[0].state is RunState.RELEASED
    assert "no scheduler is alive" in str(flow.why(job.job_id))


def test_a_scheduler_without_a_slot_or_name_is_refused(
    flow: veriflow.Flow, runner: ObedientRunner
) -> None:
    for wrong in ({"slots": 0}, {"lease_s": 0.0}, {"poll_s": -1.0}):
        with pytest.raises(InvalidInput):
            Scheduler(flow.database, runner, "s1", **wrong)  # type: ignore[arg-type]


def test_ends_are_described_for_people() -> None:
    assert describe(Exit(-15, "")) == "killed by SIGTERM"
    assert describe(Exit(-1000, "")) == "killed by signal 1000"
    assert describe(Exit(3, "")) == "exit code 3: no output"
