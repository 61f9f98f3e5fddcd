"""Rows of the job database as immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from veristack_lab.veriflow.lifecycle import JobState, RunState
from veristack_lab.veriflow.spec import JobSpec


@dataclass(frozen=True)
class Run:
    """One attempt at a job."""

    run_id: UUID
    job_id: UUID
    epoch: int
    attempt: int
    state: RunState
    scheduler_id: str
    lease_expires_at: datetime
    started_at: datetime
    finished_at: datetime | None
    host: str | None
    pid: int | None
    exit_code: int | None
    reason: str | None
    result: Mapping[str, Any] | None

    def __repr__(self) -> str:
        return f"<Run epoch={self.epoch} attempt={self.attempt} {self.state}>"


@dataclass(frozen=True)
class Job:
    """A job and the runs that tried to do it, oldest first."""

    job_id: UUID
    name: str
    spec: JobSpec
    state: JobState
    attempts: int
    max_attempts: int
    epoch: int
    next_attempt_at: datetime
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    runs: tuple[Run, ...] = ()
    replayed: bool = False
    """True when a submission found this job under its Idempotency-Key."""

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.state} attempts={self.attempts}/{self.max_attempts}>"

    @property
    def result(self) -> Mapping[str, Any] | None:
        """What the successful run reported; None until there is one."""
        done = [run.result for run in self.runs if run.state is RunState.SUCCEEDED]
        return done[0] if done else None


@dataclass(frozen=True)
class Event:
    """Something that happened to a job, written in the same transaction as its effect."""

    event_id: int
    job_id: UUID
    run_id: UUID | None
    at: datetime
    type: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Metric:
    """What a run measured at one step."""

    run_id: UUID
    epoch: int
    step: int
    at: datetime
    measured: Mapping[str, float]


@dataclass(frozen=True)
class Lease:
    """The right to work on a job: valid while its epoch is the latest and its time not over."""

    job_id: UUID
    run_id: UUID
    epoch: int


@dataclass(frozen=True)
class Claim:
    """A job that a scheduler has just taken."""

    lease: Lease
    spec: JobSpec
    attempt: int


@dataclass(frozen=True)
class CheckpointRow:
    """A checkpoint that counts: it was recorded while its run held the lease."""

    job_id: UUID
    epoch: int
    step: int
    run_id: UUID
    object_key: str
    sha256: str
    size_bytes: int
    saved_at: datetime
