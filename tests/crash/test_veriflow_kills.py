"""Real schedulers and real runs, killed and paused."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import veristack_lab.veristore as veristore
from tests.waiting import wait_until
from veristack_lab import veriflow
from veristack_lab.backends.objects import object_server
from veristack_lab.backends.postgres import postgres
from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.guardian import start_ticks
from veristack_lab.runtime.processes import Child
from veristack_lab.veriflow import experiments, promises
from veristack_lab.veriflow.database import Database
from veristack_lab.veriflow.fleet import Fleet
from veristack_lab.veriflow.lifecycle import JobState, RunState

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = [pytest.mark.backends, pytest.mark.crash]

LONG = {"below": 10**10, "segment": 200_000}
"""Takes many minutes: is still running whenever we look."""


@pytest.fixture(scope="module")
def objects_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_server(tmp_path_factory.mktemp("objects")) as url:
        yield url


@pytest.fixture
def flow(postgres_server: PostgresFacts, unique_name: str) -> Iterator[veriflow.Flow]:
    flow = veriflow.connect(postgres_server.conninfo, schema=unique_name)
    yield flow
    flow.drop_schema()


@pytest.fixture
def fleet(flow: veriflow.Flow, objects_url: str, folder: Path) -> Fleet:
    database = flow.database
    return Fleet(database.conninfo, database.schema, objects_url, folder, lease_s=2.0, poll_s=0.05)


def submit(flow: veriflow.Flow, **changes: Any) -> veriflow.Job:
    body = {"name": "n", "workload": "primes", "retry_base_s": 0.05, "max_attempts": 5}
    return flow.submit({**body, **changes})


def working_run(flow: veriflow.Flow, job: veriflow.Job) -> veriflow.Run:
    """The job's run, once its process has reported a step."""
    wait_until(lambda: flow.step(job.job_id))
    return flow.get(job.job_id).runs[-1]


def ended(flow: veriflow.Flow, job: veriflow.Job) -> veriflow.Job:
    wait_until(lambda: flow.get(job.job_id).state.terminal)
    return flow.get(job.job_id)


def gone(pid: int | None) -> bool:
    assert pid is not None
    return start_ticks(pid) is None


def test_a_killed_run_resumes_and_its_weights_are_the_same_to_the_bit(
    postgres_server: PostgresFacts, objects_url: str, unique_name: str, folder: Path
) -> None:
    try:
        frame = experiments.kill_and_resume(
            postgres_server.conninfo,
            objects_url,
            seed=3,
            folder=folder,
            schema=unique_name,
            parameters={
                "steps": 160, "checkpoint_every": 20, "measure_every": 2, "packages": 4,
                "texts_per_package": 60, "words": 400, "hidden": 32,
            },
            kills=2,
        )  # fmt: skip
        claim = promises.same_weights(frame)
        assert claim.kept, claim
        assert frame["runs"].to_list() == [1, 3]
        victim = frame.iloc[1]
        for chosen, killed, resumed in zip(
            victim["kill_steps"], victim["killed_after"], victim["resumed_from"], strict=True
        ):
            assert resumed <= killed
            assert chosen <= killed
        with veriflow.connect(postgres_server.conninfo, schema=unique_name) as flow:
            assert promises.nothing_stranded([flow]).kept
            curves = experiments.learning_curves(flow, list(frame["job_id"]))
        best = curves.sort_values("epoch").drop_duplicates(["job", "step"], keep="last")
        quiet, victim_curve = (
            best[best["job"] == name].sort_values("step")["loss"].to_list()
            for name in ("uninterrupted", "interrupted")
        )
        assert quiet == victim_curve
    finally:
        veriflow.connect(postgres_server.conninfo, schema=unique_name).drop_schema()


def test_a_killed_scheduler_takes_its_run_down_and_another_goes_on(
    flow: veriflow.Flow, fleet: Fleet
) -> None:
    with fleet.running("first") as schedulers:
        job = submit(flow, parameters=LONG)
        run = working_run(flow, job)
        wait_until(lambda: flow.checkpoints(job.job_id))
        schedulers["first"].kill()
        wait_until(lambda: gone(run.pid))
    assert flow.get(job.job_id).state is JobState.RUNNING
    with fleet.running("second"):
        wait_until(lambda: len(flow.get(job.job_id).runs) == 2)
        again = working_run(flow, job)
        assert (again.scheduler_id, again.epoch) == ("second", 2)
        assert flow.get(job.job_id).runs[0].state is RunState.LOST
        (resumed,) = [e for e in flow.events(job.job_id) if e.type == "RUN_RESUMED"]
        assert resumed.payload["from_epoch"] == 1
        flow.cancel(job.job_id)
        wait_until(lambda: gone(again.pid))
    assert experiments.history_agrees(flow, flow.get(job.job_id))


def test_a_paused_scheduler_comes_back_and_changes_nothing(
    flow: veriflow.Flow, fleet: Fleet
) -> None:
    """The zombie: alive, sure that it owns the run, and wrong."""
    with fleet.running("zombie") as schedulers:
        job = submit(flow, parameters=LONG)
        run = working_run(flow, job)
        zombie = schedulers["zombie"]
        zombie.pause()
        try:
            with fleet.running("heir"):
                wait_until(lambda: len(flow.get(job.job_id).runs) == 2)
                heir_run = working_run(flow, job)
                # The old process was never stopped: the lease alone made it give up.
                wait_until(lambda: gone(run.pid))
                zombie.resume()
                wait_until(lambda: "zombie" in alive_schedulers(flow, newer_than=heir_run.run_id))
                job = flow.get(job.job_id)
                assert [r.state for r in job.runs] == [RunState.LOST, RunState.RUNNING]
                assert job.runs[1].scheduler_id == "heir"
                late = [m for m in flow.metrics(job.job_id) if m.run_id == run.run_id]
                assert all(m.at <= job.runs[0].finished_at for m in late if job.runs[0].finished_at)
                flow.cancel(job.job_id)
        finally:
            zombie.resume()


def alive_schedulers(flow: veriflow.Flow, newer_than: object) -> set[str]:
    """Schedulers that were heard of after the given run had started."""
    with flow.database.transaction() as cursor:
        rows = cursor.execute(
            "select s.scheduler_id from schedulers s, runs r"
            " where r.run_id = %s and s.seen_at > r.started_at",
            [newer_than],
        ).fetchall()
    return {row["scheduler_id"] for row in rows}


def test_a_scheduler_that_is_asked_to_end_gives_its_job_back(
    flow: veriflow.Flow, fleet: Fleet
) -> None:
    scheduler: Child
    with fleet.running("polite") as schedulers:
        scheduler = schedulers["polite"]
        job = submit(flow, parameters=LONG, max_attempts=1)
        run = working_run(flow, job)
        scheduler.stop(grace_s=30)
    assert scheduler.returncode == 0
    assert gone(run.pid)
    job = flow.get(job.job_id)
    assert (job.state, job.attempts, job.runs[0].state) == (
        JobState.QUEUED,
        0,
        RunState.RELEASED,
    )


def test_ways_for_a_run_to_end(flow: veriflow.Flow, fleet: Fleet) -> None:
    greedy = {"packages": 2, "words": 50_000, "texts_per_package": 10}
    with fleet.running("s1", slots=3):
        cancelled = submit(flow, name="cancelled", parameters=LONG)
        overdue = submit(flow, name="overdue", parameters=LONG, timeout_s=0.2, max_attempts=1)
        killed = submit(flow, name="killed", parameters=LONG, max_attempts=1)
        pids = [working_run(flow, job).pid for job in (cancelled, killed)]
        flow.cancel(cancelled.job_id)
        assert pids[1] is not None
        os.kill(pids[1], signal.SIGKILL)
        impossible = submit(flow, name="impossible", workload="docstrings", parameters=greedy)
        overdue, killed, impossible = (ended(flow, job) for job in (overdue, killed, impossible))
        wait_until(lambda: gone(pids[0]))
    assert overdue.runs[0].reason == "it took longer than timeout_s = 0.2"
    assert killed.runs[0].reason == "killed by SIGKILL"
    assert killed.runs[0].exit_code == -signal.SIGKILL
    assert impossible.state is JobState.FAILED
    assert (impossible.attempts, impossible.runs[0].exit_code) == (1, 65), impossible.runs
    assert "ask for fewer" in (impossible.runs[0].reason or "")
    assert flow.get(cancelled.job_id).state is JobState.CANCELLED
    assert all(experiments.history_agrees(flow, job) for job in flow.list())


def test_two_schedulers_one_killed_every_job_once(
    postgres_server: PostgresFacts, objects_url: str, unique_name: str, folder: Path
) -> None:
    try:
        frame = experiments.two_schedulers(
            postgres_server.conninfo,
            objects_url,
            seed=5,
            folder=folder,
            schema=unique_name,
            jobs=6,
        )
        claim = promises.nothing_twice(frame)
        assert claim.kept, claim
    finally:
        veriflow.connect(postgres_server.conninfo, schema=unique_name).drop_schema()


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    flow: veriflow.Flow, fleet: Fleet, objects_url: str
) -> None:
    with fleet.running("s1"):
        parameters = {"below": 6_000_000, "segment": 200_000}
        job = submit(flow, parameters=parameters, retry_base_s=60)
        wait_until(lambda: len(flow.checkpoints(job.job_id)) >= 3)
        run = working_run(flow, job)
        assert run.pid is not None
        os.kill(run.pid, signal.SIGKILL)
        wait_until(lambda: flow.get(job.job_id).state is JobState.QUEUED)
        *_, before, newest = flow.checkpoints(job.job_id)
        with veristore.RemoteObjectStore(objects_url) as objects:
            data_key = newest.object_key.replace(".json", ".safetensors")
            objects.put("veriflow", data_key, b"not what it was")
        with flow.database.transaction() as cursor:
            cursor.execute("update jobs set next_attempt_at = clock_timestamp()")
        job = ended(flow, job)
    assert job.state is JobState.SUCCEEDED
    assert job.result is not None
    assert job.result["primes"] == experiments.primes_below(6_000_000)
    told = {event.type: event.payload for event in flow.events(job.job_id)}
    assert newest.object_key in told["CHECKPOINT_REJECTED"]["why"][0]
    assert told["RUN_RESUMED"] == {"step": before.step, "from_epoch": 1}


def test_jobs_outlive_a_power_cut_of_the_database(objects_url: str, folder: Path) -> None:
    """Postgres is killed under a running job and started again on its data."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres(folder / "postgres"))
        if server.origin == "yours":
            pytest.skip("this Postgres is yours, and is not killed")
        flow = stack.enter_context(veriflow.connect(server.conninfo))
        fleet = Fleet(server.conninfo, "veriflow", objects_url, folder, lease_s=2.0, poll_s=0.05)
        scheduler = stack.enter_context(fleet.start("s1"))
        job = submit(flow, parameters={"below": 6_000_000, "segment": 200_000}, max_attempts=10)
        working_run(flow, job)
        wait_until(lambda: flow.checkpoints(job.job_id))
        server.kill()
        away = Database(server.conninfo, "veriflow", timeout_s=0.3)
        with pytest.raises(BackendUnavailable, match="does not answer"), away.transaction():
            pass
        away.close()
        server.restart()
        job = ended(flow, job)
        assert scheduler.alive
        assert experiments.history_agrees(flow, job)
    assert job.state is JobState.SUCCEEDED
    assert job.result is not None
    assert job.result["primes"] == experiments.primes_below(6_000_000)
