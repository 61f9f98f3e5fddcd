"""Experiments on real schedulers, real runs and a real Postgres, as DataFrames.

`kill_and_resume`, `two_schedulers` and `repeated_submissions` make the schema they are given and
leave it to the caller, to look into and to drop (`connect(...).drop_schema()`).
"""

from __future__ import annotations

import math
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd

from veristack_lab.errors import FlowError, IdempotencyConflict
from veristack_lab.runtime.processes import Child
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veriflow.fleet import Fleet
from veristack_lab.veriflow.flow import Flow, connect
from veristack_lab.veriflow.lifecycle import JobState, RunState, Status, replay
from veristack_lab.veriflow.records import Job, Run

POLL_S = 0.02
WATCH_EVERY_S = 0.25
TIMEOUT_S = 240.0

TRAINING = {"steps": 400, "checkpoint_every": 50, "measure_every": 5}
"""Parameters of the `docstrings` workload that give a curve worth looking at in seconds."""


def kill_and_resume(
    conninfo: str,
    objects_url: str,
    *,
    seed: int,
    folder: Path,
    schema: str = "veriflow_resume",
    parameters: dict[str, Any] | None = None,
    kills: int = 1,
    lease_s: float = 5.0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Train twice from one seed; kill one of the two, and compare the final weights.

    Two scheduler processes run both jobs at once. The process of the second job gets SIGKILL
    as soon as it reports a step at or after a seeded one; it is tried again after its backoff
    and goes on from its newest checkpoint.

    Args:
        parameters: of the `docstrings` workload; `TRAINING` when not given.
        kills: how often to kill.

    Returns:
        One row per job: name, job_id, state, runs, kill_steps (chosen), killed_after (the step
        last reported before each kill), resumed_from (step each later run went on from),
        weights_sha256, validation_accuracy, seconds.
    """
    parameters = {**TRAINING, **(parameters or {})}
    steps = int(parameters["steps"])
    rng = random.Random(seed)
    kill_steps = sorted(rng.sample(range(steps // 4, steps * 3 // 4), kills))
    spec = {
        "workload": "docstrings", "parameters": parameters, "seed": seed,
        "max_attempts": kills + 3, "retry_base_s": 0.5,
    }  # fmt: skip
    fleet = Fleet(conninfo, schema, objects_url, folder, lease_s, poll_s=0.05)
    with connect(conninfo, schema=schema) as flow, fleet.running("s1", "s2"):
        quiet = flow.submit({**spec, "name": "uninterrupted"})
        victim = flow.submit({**spec, "name": "interrupted"})
        watch = _Watch(
            lambda: sum(flow.step(job.job_id) or 0 for job in (quiet, victim)),
            2 * steps,
            on_progress,
        )
        killed_after = [_kill_at(flow, victim.job_id, step, watch) for step in kill_steps]
        _until_ended(flow, [quiet.job_id, victim.job_id], watch)
        rows = [
            _resume_row(flow, quiet.job_id, [], []),
            _resume_row(flow, victim.job_id, kill_steps, killed_after),
        ]
    frame = pd.DataFrame(rows)
    frame.attrs.update(seed=seed, schema=schema, kills=kills, lease_s=lease_s, **parameters)
    return frame


def two_schedulers(
    conninfo: str,
    objects_url: str,
    *,
    seed: int,
    folder: Path,
    schema: str = "veriflow_schedulers",
    jobs: int = 10,
    lease_s: float = 2.0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Many small jobs on two schedulers, one of which gets SIGKILL while it runs something.

    A replacement under another name is started, as whoever keeps the schedulers alive would.

    The victim and how many jobs are done before it dies are drawn from the seed; every job
    counts primes below a bound of its own, so its result can be checked.

    Returns:
        One row per run: job, below, epoch, attempt, state, scheduler, started_s, finished_s
        (seconds since the first submission, on the database's clock), primes. `.attrs` says
        which scheduler was killed, holding which run, and how many processes were started.
    """
    rng = random.Random(seed)
    bounds = [rng.randrange(400_000, 900_000) for _ in range(jobs)]
    victim, before = rng.choice(["s1", "s2"]), rng.randrange(1, max(2, jobs // 2))
    fleet = Fleet(conninfo, schema, objects_url, folder, lease_s, poll_s=0.05)
    with (
        connect(conninfo, schema=schema) as flow,
        fleet.running("s1", "s2") as schedulers,
        ExitStack() as replacements,
    ):
        ids = [
            flow.submit(
                {
                    "name": f"primes-{number:02d}", "workload": "primes", "retry_base_s": 0.2,
                    "parameters": {"below": below, "segment": 100_000}, "max_attempts": 5,
                }
            ).job_id
            for number, below in enumerate(bounds)
        ]  # fmt: skip
        watch = _Watch(lambda: flow.counts()[JobState.SUCCEEDED], jobs, on_progress)
        held = _kill_scheduler(flow, schedulers[victim], victim, before, watch)
        replacements.enter_context(fleet.start("replacement"))
        _until_ended(flow, ids, watch)
        frame = pd.DataFrame(_run_rows(flow, ids))
    frame.attrs.update(
        seed=seed, schema=schema, jobs=jobs, lease_s=lease_s, killed_scheduler=victim,
        killed_run=held, killed_after_jobs=before, processes_started=fleet.processes_started,
    )  # fmt: skip
    return frame


def repeated_submissions(
    conninfo: str, *, schema: str = "veriflow_keys", submitters: int = 10
) -> pd.DataFrame:
    """The same submission from many threads at once, then the same key with another body.

    Returns:
        One row per submission: submitter, job_id, outcome (`new`, `replayed` or `conflict`).
    """
    spec = {"name": "once", "workload": "primes", "parameters": {"below": 1000}}
    with connect(conninfo, schema=schema, connections=submitters) as flow:

        def submit(number: int) -> dict[str, object]:
            job = flow.submit(spec, "one-key")
            outcome = "replayed" if job.replayed else "new"
            return {"submitter": number, "job_id": str(job.job_id), "outcome": outcome}

        with ThreadPoolExecutor(submitters) as pool:
            rows = list(pool.map(submit, range(submitters)))
        try:
            other = flow.submit({**spec, "seed": 1}, "one-key")
            rows.append({"submitter": -1, "job_id": str(other.job_id), "outcome": "accepted"})
        except IdempotencyConflict:
            rows.append({"submitter": -1, "job_id": None, "outcome": "conflict"})
        jobs = len(flow.list())
    frame = pd.DataFrame(rows)
    frame.attrs.update(schema=schema, submitters=submitters, jobs_stored=jobs)
    return frame


def learning_curves(flow: Flow, job_ids: Sequence[UUID | str]) -> pd.DataFrame:
    """What the runs measured: job, epoch, step, loss (nats), accuracy, at_s since the first."""
    rows = [
        {"job": flow.get(job_id).name, "epoch": each.epoch, "step": each.step, "at": each.at}
        | {name: float(value) for name, value in each.measured.items()}
        for job_id in job_ids
        for each in flow.metrics(job_id)
    ]
    frame = pd.DataFrame(rows)
    frame["at_s"] = (frame["at"] - frame["at"].min()).dt.total_seconds()
    frame.attrs.update(schema=flow.database.schema)
    return frame.drop(columns="at")


def timeline(flow: Flow, job_ids: Sequence[UUID | str]) -> pd.DataFrame:
    """Who ran what when, for a picture.

    Returns:
        One row per run (kind `run`) and per event worth a mark (kind `checkpoint`, `killed`,
        `lease expired`, `resumed`): job, epoch, kind, state, scheduler, start_s, end_s (seconds
        since the first submission), note.
    """
    jobs = [flow.get(job_id) for job_id in job_ids]
    zero = min(job.created_at for job in jobs)
    rows = [
        {
            "job": job.name, "epoch": run.epoch, "kind": "run", "state": str(run.state),
            "scheduler": run.scheduler_id, "start_s": (run.started_at - zero).total_seconds(),
            "end_s": ((run.finished_at or job.updated_at) - zero).total_seconds(),
            "note": run.reason or "",
        }
        for job in jobs
        for run in job.runs
    ]  # fmt: skip
    for job in jobs:
        epochs = {run.run_id: run.epoch for run in job.runs}
        for event in flow.events(job.job_id):
            kind, note = _mark(event.type, event.payload)
            if kind and event.run_id is not None:
                at_s = (event.at - zero).total_seconds()
                rows.append(
                    {
                        "job": job.name, "epoch": epochs[event.run_id], "kind": kind, "state": "",
                        "scheduler": "", "start_s": at_s, "end_s": at_s, "note": note,
                    }
                )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.attrs.update(schema=flow.database.schema)
    return frame


def overlapping_runs(runs: pd.DataFrame) -> int:
    """How many pairs of runs of one job were under way at the same time.

    Args:
        runs: a frame with columns job, started_s, finished_s.
    """
    pairs = 0
    for _, group in runs.sort_values("started_s").groupby("job"):
        finished = group["finished_s"].to_list()
        for later, started in enumerate(group["started_s"].to_list()):
            pairs += sum(end > started for end in finished[:later])
    return pairs


def history_agrees(flow: Flow, job: Job) -> bool:
    """Whether replaying the job's events leads to the state that its row says."""
    start = Status(JobState.QUEUED, job.max_attempts, job.spec.retry_base_s)
    history = [(event.type, event.payload) for event in flow.events(job.job_id)]
    end = replay(start, history)
    return (end.state, end.attempts, end.epoch) == (job.state, job.attempts, job.epoch)


def primes_below(bound: int) -> int:
    """How many primes there are below the bound, by a sieve that shares no code with the job's."""
    sieve = bytearray([1]) * max(bound, 2)
    sieve[:2] = b"\0\0"
    for number in range(2, math.isqrt(bound) + 1):
        if sieve[number]:
            multiples = range(number * number, len(sieve), number)
            sieve[number * number :: number] = bytes(len(multiples))
    return sum(sieve[:bound])


class _Watch:
    """Tells how far things are, but not so often that the asking slows them down."""

    def __init__(self, done: Callable[[], int], total: int, on_progress: OnProgress | None) -> None:
        self._done, self._total, self._tick = done, total, on_progress or silent
        self._next_s = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next_s:
            self._tick(self._done(), self._total)
            self._next_s = time.monotonic() + WATCH_EVERY_S

    def end(self) -> None:
        self._tick(self._total, self._total)


def _mark(kind: str, payload: Any) -> tuple[str, str]:
    match kind:
        case "CHECKPOINT_SAVED":
            return "checkpoint", f"step {payload['step']}"
        case "RUN_RESUMED":
            return "resumed", f"from step {payload['step']}"
        case "LEASE_EXPIRED":
            return "lease expired", payload["reason"]
        case "RUN_FAILED" if payload["reason"].startswith("killed by"):
            return "killed", payload["reason"]
        case _:
            return "", ""


def _kill_at(flow: Flow, job_id: UUID, step: int, watch: _Watch) -> int | None:
    """SIGKILL the job's process once it has reported the step; the step last reported.

    None when the job ended before it could be killed.
    """
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        watch()
        reached = flow.step(job_id)
        if reached is not None and reached >= step:
            run = _running(flow.get(job_id))
            if run is not None and run.pid is not None and run.host == socket.gethostname():
                os.kill(run.pid, signal.SIGKILL)
                return max(m.step for m in flow.metrics(job_id) if m.run_id == run.run_id)
        if flow.get(job_id).state.terminal:
            return None
        time.sleep(POLL_S)
    raise FlowError(f"job {job_id} did not reach step {step} within {TIMEOUT_S:g} s")


def _kill_scheduler(
    flow: Flow, process: Child, name: str, before: int, watch: _Watch
) -> str | None:
    """SIGKILL a scheduler that runs something, once enough jobs are done; the run it held."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        watch()
        jobs = flow.list(limit=1000)
        done = sum(job.state is JobState.SUCCEEDED for job in jobs)
        runs = [run for job in jobs if (run := _running(job)) and run.scheduler_id == name]
        if runs and done >= before:
            process.kill()
            return str(runs[0].run_id)
        if all(job.state.terminal for job in jobs):
            return None
        time.sleep(POLL_S)
    raise FlowError(f"scheduler {name} took no job within {TIMEOUT_S:g} s")


def _running(job: Job) -> Run | None:
    return next((run for run in job.runs if run.state is RunState.RUNNING), None)


def _until_ended(flow: Flow, job_ids: Sequence[UUID], watch: _Watch) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not all(flow.get(job_id).state.terminal for job_id in job_ids):
        if time.monotonic() > deadline_s:
            left = [str(flow.why(j)) for j in job_ids if not flow.get(j).state.terminal]
            raise FlowError(f"not ended within {TIMEOUT_S:g} s: {'; '.join(left)}")
        watch()
        time.sleep(POLL_S)
    watch.end()


def _resume_row(
    flow: Flow, job_id: UUID, kill_steps: list[int], killed_after: list[int | None]
) -> dict[str, Any]:
    job = flow.get(job_id)
    result = job.result or {}
    resumed = [e.payload["step"] for e in flow.events(job_id) if e.type == "RUN_RESUMED"]
    return {
        "name": job.name,
        "job_id": str(job_id),
        "state": str(job.state),
        "runs": len(job.runs),
        "kill_steps": kill_steps,
        "killed_after": killed_after,
        "resumed_from": resumed,
        "weights_sha256": result.get("weights_sha256"),
        "validation_accuracy": result.get("validation_accuracy"),
        "seconds": ((job.finished_at or job.updated_at) - job.created_at).total_seconds(),
    }


def _run_rows(flow: Flow, job_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    jobs = [flow.get(job_id) for job_id in job_ids]
    zero = min(job.created_at for job in jobs)
    return [
        {
            "job": job.name,
            "job_id": str(job.job_id),
            "job_state": str(job.state),
            "below": job.spec.parameters["below"],
            "epoch": run.epoch,
            "attempt": run.attempt,
            "state": str(run.state),
            "scheduler": run.scheduler_id,
            "started_s": (run.started_at - zero).total_seconds(),
            "finished_s": ((run.finished_at or job.updated_at) - zero).total_seconds(),
            "primes": (run.result or {}).get("primes"),
        }
        for job in jobs
        for run in job.runs
    ]
