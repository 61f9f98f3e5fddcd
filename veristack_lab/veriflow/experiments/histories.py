"""What runs measured and when they ran, read back from the database and checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pandas as pd

from veristack_lab.veriflow.flow import Flow
from veristack_lab.veriflow.lifecycle import JobState, Status, replay
from veristack_lab.veriflow.records import Job


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
    """Which scheduler ran what and when, for a figure.

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
