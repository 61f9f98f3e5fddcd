"""Runs and schedulers that are killed with SIGKILL."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd

from veristack_lab.runtime.progress import OnProgress
from veristack_lab.veriflow.experiments.watching import (
    Watch,
    kill_run_at,
    kill_scheduler,
    until_ended,
)
from veristack_lab.veriflow.fleet import Fleet
from veristack_lab.veriflow.flow import Flow, connect
from veristack_lab.veriflow.lifecycle import JobState

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
        parameters: parameters of the `docstrings` workload; default `TRAINING`.
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
        watch = Watch(
            lambda: sum(flow.step(job.job_id) or 0 for job in (quiet, victim)),
            2 * steps,
            on_progress,
        )
        killed_after = [kill_run_at(flow, victim.job_id, step, watch) for step in kill_steps]
        until_ended(flow, [quiet.job_id, victim.job_id], watch)
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

    A replacement under another name is started, as a supervisor would.

    The victim and how many jobs are done before it dies are drawn from the seed (another scheduler
    is killed if the victim gets no job, see `kill_scheduler`); every job
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
        watch = Watch(lambda: flow.counts()[JobState.SUCCEEDED], jobs, on_progress)
        killed, held = kill_scheduler(flow, schedulers, victim, before, watch)
        replacements.enter_context(fleet.start("replacement"))
        until_ended(flow, ids, watch)
        frame = pd.DataFrame(_run_rows(flow, ids))
    frame.attrs.update(
        seed=seed, schema=schema, jobs=jobs, lease_s=lease_s, killed_scheduler=killed,
        killed_run=held, killed_after_jobs=before, processes_started=fleet.processes_started,
    )  # fmt: skip
    return frame


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
