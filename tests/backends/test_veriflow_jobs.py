"""The job database, on a real Postgres, under several clients at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_until
from veristack_lab import veriflow
from veristack_lab.errors import (
    BackendError,
    IdempotencyConflict,
    InvalidInput,
    InvalidTransition,
    JobNotFound,
    LeaseLost,
)
from veristack_lab.veriflow.dispatch import Dispatch
from veristack_lab.veriflow.lifecycle import JobState, RunState, Status, replay
from veristack_lab.veriflow.migrations import migrate
from veristack_lab.veriflow.runlog import RunLog

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends

SHORT_LEASE_S = 0.3


@pytest.fixture
def flow(postgres_server: PostgresFacts, unique_name: str) -> Iterator[veriflow.Flow]:
    flow = veriflow.connect(postgres_server.conninfo, schema=unique_name, connections=10)
    yield flow
    flow.drop_schema()


def spec(**changes: Any) -> dict[str, Any]:
    return {"name": "count", "workload": "primes", "retry_base_s": 0.05, **changes}


def dispatch(flow: veriflow.Flow, name: str = "s1", lease_s: float = 30.0) -> Dispatch:
    return Dispatch(flow.database, name, lease_s)


def past(flow: veriflow.Flow, moment: datetime) -> bool:
    """Whether the database's clock has gone past the moment."""
    with flow.database.transaction() as cursor:
        row = cursor.execute("select clock_timestamp() > %s as past", [moment]).fetchone()
    assert row is not None
    return bool(row["past"])


def replayed(flow: veriflow.Flow, job: veriflow.Job) -> Status:
    start = Status(JobState.QUEUED, job.max_attempts, job.spec.retry_base_s)
    return replay(start, [(event.type, event.payload) for event in flow.events(job.job_id)])


def assert_history_tells_the_state(flow: veriflow.Flow) -> None:
    for job in flow.list():
        status = replayed(flow, job)
        assert (status.state, status.attempts, status.epoch) == (
            job.state,
            job.attempts,
            job.epoch,
        )


# ---------------------------------------------------------------------- migrations


def test_the_schema_is_made_once_however_many_start(
    postgres_server: PostgresFacts, unique_name: str
) -> None:
    try:
        with ThreadPoolExecutor(6) as pool:
            work = [pool.submit(migrate, postgres_server.conninfo, unique_name) for _ in range(6)]
            applied = [future.result() for future in work]
        assert sorted(map(bool, applied)) == [False] * 5 + [True]
        assert migrate(postgres_server.conninfo, unique_name) == []
    finally:
        veriflow.connect(postgres_server.conninfo, schema=unique_name).drop_schema()


# --------------------------------------------------------------------- idempotency


def test_same_key_and_body_is_one_job_under_ten_concurrent_submitters(flow: veriflow.Flow) -> None:
    with ThreadPoolExecutor(10) as pool:
        work = [pool.submit(flow.submit, spec(), "key") for _ in range(10)]
        jobs = [future.result() for future in work]
    assert len({job.job_id for job in jobs}) == 1
    assert [job.replayed for job in jobs].count(False) == 1
    assert len(flow.list()) == 1
    assert [event.type for event in flow.events(jobs[0].job_id)] == ["JOB_SUBMITTED"]


def test_one_body_wins_when_bodies_differ(flow: veriflow.Flow) -> None:
    def attempt(seed: int) -> int | None:
        try:
            return flow.submit(spec(seed=seed), "key").spec.seed
        except IdempotencyConflict:
            return None

    with ThreadPoolExecutor(10) as pool:
        won = [seed for seed in pool.map(attempt, range(10)) if seed is not None]
    assert len(won) == 1
    assert [job.spec.seed for job in flow.list()] == won


def test_the_order_of_fields_does_not_make_another_body(flow: veriflow.Flow) -> None:
    first = flow.submit({"name": "n", "workload": "primes", "parameters": {"below": 9}}, "key")
    again = flow.submit({"parameters": {"below": 9}, "workload": "primes", "name": "n"}, "key")
    assert again.job_id == first.job_id
    assert again.replayed


def test_without_a_key_every_submission_is_a_job(flow: veriflow.Flow) -> None:
    assert flow.submit(spec()).job_id != flow.submit(spec()).job_id


def test_bad_jobs_are_refused_before_anything_is_stored(flow: veriflow.Flow) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        (spec(workload="telepathy"), "there is no workload"),
        (spec(parameters={"below": 0}), "below"),
        (spec(parameters={"depth": 3}), "depth"),
        (spec(max_attempts=0), "max_attempts"),
        (spec(extra=1), "extra"),
        (spec(name="\x00"), "U\\+0000"),
    ]
    for body, why in bad:
        with pytest.raises(InvalidInput, match=why):
            flow.submit(body)
    assert flow.list() == []


# --------------------------------------------------------------------------- claims


def test_concurrent_claims_never_give_a_job_twice(flow: veriflow.Flow) -> None:
    jobs = {flow.submit(spec(seed=seed)).job_id for seed in range(60)}

    def drain(name: str) -> list[Any]:
        taken: list[Any] = []
        while claims := dispatch(flow, name).claim(2):
            taken.extend(claim.lease.job_id for claim in claims)
        return taken

    with ThreadPoolExecutor(6) as pool:
        taken = [job for share in pool.map(drain, [f"s{n}" for n in range(6)]) for job in share]
    assert len(taken) == len(jobs)
    assert set(taken) == jobs
    assert_history_tells_the_state(flow)


def test_the_queue_is_in_order_of_time_and_priority_buys_minutes(flow: veriflow.Flow) -> None:
    plain, second = flow.submit(spec(name="plain")), flow.submit(spec(name="second"))
    urgent = flow.submit(spec(name="urgent", priority=1))
    with flow.database.transaction() as cursor:
        cursor.execute(
            "update jobs set queue_rank = queue_rank - interval '2 minutes' where job_id = %s",
            [plain.job_id],
        )
    order = [dispatch(flow).claim()[0].lease.job_id for _ in range(3)]
    assert order == [plain.job_id, urgent.job_id, second.job_id]


def test_a_failed_run_waits_for_its_backoff_and_then_gives_up(flow: veriflow.Flow) -> None:
    job = flow.submit(spec(max_attempts=3, retry_base_s=20))
    scheduler = dispatch(flow)
    for attempt in (1, 2, 3):
        (claim,) = scheduler.claim()
        assert claim.attempt == attempt
        scheduler.fail(claim.lease, "it broke", exit_code=1)
        assert scheduler.claim() == []
        with flow.database.transaction() as cursor:
            cursor.execute("update jobs set next_attempt_at = clock_timestamp()")
    job = flow.get(job.job_id)
    assert (job.state, job.attempts) == (JobState.FAILED, 3)
    assert [run.exit_code for run in job.runs] == [1, 1, 1]
    delays = [e.payload["delay_s"] for e in flow.events(job.job_id) if e.type == "RETRY_SCHEDULED"]
    assert delays == [20, 40]
    assert scheduler.claim() == []
    assert_history_tells_the_state(flow)


def test_a_job_that_is_wrong_is_not_tried_again(flow: veriflow.Flow) -> None:
    job = flow.submit(spec(max_attempts=5))
    (claim,) = dispatch(flow).claim()
    dispatch(flow).fail(claim.lease, "nonsense", retryable=False, exit_code=65)
    assert flow.get(job.job_id).state is JobState.FAILED
    assert flow.get(job.job_id).attempts == 1


def test_success_needs_a_recorded_result(flow: veriflow.Flow) -> None:
    job = flow.submit(spec(max_attempts=2))
    (claim,) = dispatch(flow).claim()
    dispatch(flow).succeed(claim.lease)
    assert flow.get(job.job_id).runs[0].state is RunState.FAILED
    (claim,) = wait_until(dispatch(flow).claim)
    RunLog(flow.database, claim.lease).result({"primes": 4})
    dispatch(flow).succeed(claim.lease)
    job = flow.get(job.job_id)
    assert job.state is JobState.SUCCEEDED
    assert job.result == {"primes": 4}


def test_a_released_run_does_not_count_as_an_attempt(flow: veriflow.Flow) -> None:
    job = flow.submit(spec(max_attempts=1))
    (first,) = dispatch(flow).claim()
    dispatch(flow).release(first.lease)
    (second,) = dispatch(flow).claim()
    assert (second.attempt, second.lease.epoch) == (1, 2)
    dispatch(flow).fail(second.lease, "it broke")
    assert flow.get(job.job_id).state is JobState.FAILED
    assert_history_tells_the_state(flow)


# ------------------------------------------------------------------ leases, fencing


def test_a_lease_runs_out_on_the_databases_clock_and_any_scheduler_takes_it_back(
    flow: veriflow.Flow,
) -> None:
    job = flow.submit(spec())
    (old,) = dispatch(flow, "dead", SHORT_LEASE_S).claim()
    rescuer = dispatch(flow, "rescuer")
    assert wait_until(rescuer.reclaim_expired) == [job.job_id]
    assert rescuer.reclaim_expired() == []
    (new,) = wait_until(rescuer.claim)
    assert new.lease.epoch == old.lease.epoch + 1

    late, log = dispatch(flow, "dead"), RunLog(flow.database, old.lease)
    assert late.heartbeat([old.lease]) == [old.lease]
    reports: list[Callable[[], Any]] = [
        lambda: late.succeed(old.lease),
        lambda: late.fail(old.lease, "late"),
        lambda: late.release(old.lease),
        lambda: log.metrics(1, {"loss": 0.0}),
        lambda: log.checkpoint(1, "k", "0" * 64, 1),
        lambda: log.result({}),
        lambda: log.event("X", {}),
    ]
    for report in reports:
        with pytest.raises(LeaseLost):
            report()
    assert flow.metrics(job.job_id) == []
    assert flow.checkpoints(job.job_id) == []
    job = flow.get(job.job_id)
    assert [run.state for run in job.runs] == [RunState.LOST, RunState.RUNNING]
    assert_history_tells_the_state(flow)


def test_nothing_is_accepted_after_the_lease_even_if_it_was_not_taken_back(
    flow: veriflow.Flow,
) -> None:
    flow.submit(spec())
    (claim,) = dispatch(flow, "s1", SHORT_LEASE_S).claim()
    RunLog(flow.database, claim.lease).result({"primes": 0})
    wait_until(lambda: past(flow, flow.list()[0].runs[0].lease_expires_at))
    assert dispatch(flow).heartbeat([claim.lease]) == [claim.lease]
    with pytest.raises(LeaseLost, match="ran out"):
        dispatch(flow).succeed(claim.lease)


def test_heartbeats_keep_a_lease_for_longer_than_it_lasts(flow: veriflow.Flow) -> None:
    job = flow.submit(spec())
    scheduler = dispatch(flow, "s1", SHORT_LEASE_S)
    (claim,) = scheduler.claim()
    first = flow.get(job.job_id).runs[0].lease_expires_at

    def outlived() -> bool:
        assert scheduler.heartbeat([claim.lease]) == []
        assert dispatch(flow, "s2").reclaim_expired() == []
        return past(flow, first)

    wait_until(outlived)


def test_many_rescuers_take_each_job_back_once(flow: veriflow.Flow) -> None:
    jobs = [flow.submit(spec()).job_id for _ in range(20)]
    dispatch(flow, "dead", 0.01).claim(20)

    def rescue(_: int) -> list[Any]:
        found: list[Any] = []
        wait_until(lambda: found.extend(dispatch(flow).reclaim_expired(3)) or not running())
        return found

    def running() -> int:
        return flow.counts()[JobState.RUNNING]

    with ThreadPoolExecutor(5) as pool:
        rescued = [job for share in pool.map(rescue, range(5)) for job in share]
    assert sorted(rescued) == sorted(jobs)
    assert_history_tells_the_state(flow)


def test_the_database_itself_refuses_two_running_runs_of_a_job(flow: veriflow.Flow) -> None:
    job = flow.submit(spec())
    dispatch(flow).claim()
    refused = pytest.raises(BackendError, match="runs_one_at_a_time")
    with refused, flow.database.transaction() as cursor:
        cursor.execute(
            "insert into runs (run_id, job_id, epoch, attempt, state, scheduler_id, started_at,"
            " lease_expires_at) select gen_random_uuid(), job_id, epoch + 1, attempt, state,"
            " scheduler_id, started_at, lease_expires_at from runs where job_id = %s",
            [job.job_id],
        )


def test_cancel_while_runs_report_never_deadlocks(flow: veriflow.Flow) -> None:
    """Reports lock the run and then need the job's key; cancel locks the job, then the run."""
    jobs = [flow.submit(spec()).job_id for _ in range(8)]
    logs = [RunLog(flow.database, claim.lease) for claim in dispatch(flow).claim(8)]

    def report(log: RunLog) -> int:
        for number in range(200):
            try:
                log.event("PROGRESS", {"number": number})
            except LeaseLost:
                return number
        return 200

    with ThreadPoolExecutor(8) as pool:
        reports = [pool.submit(report, log) for log in logs[:4]]
        for job_id in jobs:
            flow.cancel(job_id)
        told = [future.result() for future in reports]
    assert flow.counts()[JobState.CANCELLED] == 8
    written = [len([e for e in flow.events(j) if e.type == "PROGRESS"]) for j in jobs[:4]]
    assert sorted(written) == sorted(told)


# ----------------------------------------------------------------- cancel, look, why


def test_cancel_stops_what_waits_and_what_runs_and_nothing_else(flow: veriflow.Flow) -> None:
    waiting = flow.submit(spec(name="waiting", priority=-1))
    running = flow.submit(spec(name="running"))
    (claim,) = dispatch(flow).claim()
    assert claim.lease.job_id == running.job_id
    assert flow.cancel(str(waiting.job_id)).state is JobState.CANCELLED
    cancelled = flow.cancel(running.job_id)
    assert cancelled.runs[0].state is RunState.CANCELLED
    assert flow.cancel(running.job_id) == cancelled
    assert dispatch(flow).heartbeat([claim.lease]) == [claim.lease]
    with pytest.raises(LeaseLost):
        dispatch(flow).succeed(claim.lease)

    done = flow.submit(spec(name="done"))
    (claim,) = dispatch(flow).claim()
    RunLog(flow.database, claim.lease).result({})
    dispatch(flow).succeed(claim.lease)
    with pytest.raises(InvalidTransition, match="already SUCCEEDED"):
        flow.cancel(done.job_id)
    assert_history_tells_the_state(flow)


def test_what_is_not_there_is_said_so(flow: veriflow.Flow) -> None:
    for look in (flow.get, flow.cancel, flow.why, flow.events, flow.metrics, flow.checkpoints):
        with pytest.raises(JobNotFound):
            look("00000000-0000-0000-0000-000000000000")
        with pytest.raises(InvalidInput, match="not a job id"):
            look("first")
    with pytest.raises(InvalidInput, match="no state"):
        flow.list("SLEEPING")
    with pytest.raises(InvalidInput, match="limit"):
        flow.list(limit=0)


def test_list_filters_by_state_newest_first(flow: veriflow.Flow) -> None:
    first, second, third = (flow.submit(spec(seed=n)).job_id for n in range(3))
    dispatch(flow).claim()
    assert [job.job_id for job in flow.list()] == [third, second, first]
    assert [job.job_id for job in flow.list("QUEUED", limit=1)] == [third]
    assert [job.job_id for job in flow.list(JobState.RUNNING)] == [first]


def test_why_follows_a_job_through_its_life(flow: veriflow.Flow) -> None:
    job_id = flow.submit(spec(max_attempts=2, retry_base_s=60)).job_id
    assert "no scheduler is running" in flow.why(job_id).headline
    scheduler = dispatch(flow)
    scheduler.seen(slots=1)
    assert "next" in flow.why(job_id).headline
    later = flow.submit(spec()).job_id
    assert "free slot" in flow.why(later).headline
    assert "1 job is ahead of it" in flow.why(later).reasons
    (claim,) = scheduler.claim()
    RunLog(flow.database, claim.lease).metrics(7, {"primes": 1.0})
    why = flow.why(job_id)
    assert why.headline == "attempt 1 of 2 runs under scheduler s1"
    assert "it has reported step 7" in why.reasons
    scheduler.fail(claim.lease, "killed by SIGKILL")
    why = flow.why(job_id)
    assert "more before the next attempt" in why.headline
    assert "attempt 1 of 2 ended: killed by SIGKILL" in why.reasons
    flow.cancel(job_id)
    assert "cancelled" in flow.why(job_id).headline


# ------------------------------------------------- a scheduler dies between any two steps

Step = Callable[[RunLog], None]
STEPS: list[Step] = [
    lambda log: log.started("here", 1),
    lambda log: log.metrics(1, {"loss": 1.0}),
    lambda log: log.checkpoint(1, "key", "0" * 64, 1),
    lambda log: log.result({"primes": 4}),
]


@pytest.mark.parametrize("survived", range(len(STEPS) + 1))
def test_no_crash_between_claim_and_finish_strands_a_job(
    flow: veriflow.Flow, survived: int
) -> None:
    job = flow.submit(spec(max_attempts=2))
    (claim,) = dispatch(flow, "dead", lease_s=30).claim()
    for step in STEPS[:survived]:
        step(RunLog(flow.database, claim.lease))
    with flow.database.transaction() as cursor:
        cursor.execute("update runs set lease_expires_at = clock_timestamp()")
    heir = dispatch(flow, "heir")
    assert heir.reclaim_expired() == [job.job_id]
    (again,) = wait_until(heir.claim)
    log = RunLog(flow.database, again.lease)
    assert [row.step for row in log.accepted_checkpoints()] == ([1] if survived > 2 else [])
    log.result({"primes": 5})
    heir.succeed(again.lease)
    job = flow.get(job.job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"primes": 5})
    assert [run.state for run in job.runs] == [RunState.LOST, RunState.SUCCEEDED]
    assert_history_tells_the_state(flow)
