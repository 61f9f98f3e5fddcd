"""The life of a job as a pure function: (status, event) -> (new status, effects).

Nothing here knows of a database, a clock or a process. The store carries out the effects in
one transaction; tests and replay call the same function, so the same history gives the same state
everywhere.

    QUEUED --Claimed--> RUNNING --Succeeded--> SUCCEEDED
       ^                   |----Failed / LeaseExpired, attempts left--> QUEUED (after a pause)
       |                   |----the same, none left, or not retryable--> FAILED
       |----Released-------|
    QUEUED or RUNNING --Cancelled--> CANCELLED
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, assert_never

from veristack_lab.errors import InvalidTransition
from veristack_lab.runtime.backoff import Backoff

BACKOFF_CAP_S = 60.0


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether the state is final."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


class RunState(StrEnum):
    """The state of one attempt at a job."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    """Its lease ran out: its scheduler died, stood still or was cut off."""
    RELEASED = "RELEASED"
    """Its scheduler was shut down cleanly and gave it back."""


@dataclass(frozen=True)
class Status:
    """Everything about a job that decides what may happen next."""

    state: JobState
    max_attempts: int
    retry_base_s: float
    attempts: int = 0
    """Runs that were begun and not given back."""
    epoch: int = 0
    """Fencing token of the latest run; grows with every claim."""


# ------------------------------------------------------------------ what happens


@dataclass(frozen=True)
class Claimed:
    """A scheduler took the job."""


@dataclass(frozen=True)
class Succeeded:
    """The run ended well and its result was recorded."""


@dataclass(frozen=True)
class Failed:
    """The run ended badly."""

    reason: str
    retryable: bool = True


@dataclass(frozen=True)
class LeaseExpired:
    """The scheduler of the run has not been heard of for a whole lease."""


@dataclass(frozen=True)
class Released:
    """The scheduler is shutting down; the attempt does not count."""


@dataclass(frozen=True)
class Cancelled:
    """The job was cancelled."""


JobEvent = Claimed | Succeeded | Failed | LeaseExpired | Released | Cancelled

# ------------------------------------------------------------- what must be done


@dataclass(frozen=True)
class StartRun:
    """Write a new run row."""

    epoch: int
    attempt: int


@dataclass(frozen=True)
class EndRun:
    """Close the running run."""

    state: RunState
    reason: str | None = None


@dataclass(frozen=True)
class Requeue:
    """Let the job be claimed again, but not before the delay is over."""

    delay_s: float


@dataclass(frozen=True)
class Record:
    """Append an event to the job's history."""

    type: str
    payload: Mapping[str, Any]


Effect = StartRun | EndRun | Requeue | Record


@dataclass(frozen=True)
class Transition:
    """The outcome of one event."""

    status: Status
    effects: tuple[Effect, ...] = ()


def backoff_s(attempt: int, base_s: float) -> float:
    """The pause after the given failed attempt: with base 2 it is 2, 4, 8, 16, 32, 60, 60, ...

    Args:
        attempt: 1 for the first attempt.
        base_s: the pause after the first one.
    """
    return Backoff(base_s, BACKOFF_CAP_S).ceiling_s(attempt)


def apply(status: Status, event: JobEvent) -> Transition:
    """The job's status after the event, and the effects.

    Raises:
        InvalidTransition: the event cannot happen in this state.
    """
    match event:
        case Claimed():
            return _claimed(status)
        case Succeeded():
            return _succeeded(status)
        case Failed(reason, retryable):
            payload = {"reason": reason, "retryable": retryable}
            ended = (EndRun(RunState.FAILED, reason), Record("RUN_FAILED", payload))
            return _failed(status, event, ended, reason, retryable)
        case LeaseExpired():
            reason = "the lease ran out: its scheduler died or was cut off"
            ended = (EndRun(RunState.LOST, reason), Record("LEASE_EXPIRED", {"reason": reason}))
            return _failed(status, event, ended, reason, retryable=True)
        case Released():
            return _released(status)
        case Cancelled():
            return _cancelled(status)
        case _:
            assert_never(event)


def _require(status: Status, state: JobState, event: JobEvent) -> None:
    if status.state is not state:
        what = type(event).__name__
        raise InvalidTransition(f"{what} needs a job that is {state}, but it is {status.state}")


def _claimed(status: Status) -> Transition:
    _require(status, JobState.QUEUED, Claimed())
    after = replace(
        status, state=JobState.RUNNING, attempts=status.attempts + 1, epoch=status.epoch + 1
    )
    started = StartRun(after.epoch, after.attempts)
    payload = {"epoch": after.epoch, "attempt": after.attempts}
    return Transition(after, (started, Record("RUN_CLAIMED", payload)))


def _succeeded(status: Status) -> Transition:
    _require(status, JobState.RUNNING, Succeeded())
    return Transition(
        replace(status, state=JobState.SUCCEEDED),
        (
            EndRun(RunState.SUCCEEDED),
            Record("RUN_SUCCEEDED", {}),
            Record("JOB_SUCCEEDED", {"attempts": status.attempts}),
        ),
    )


def _failed(
    status: Status, event: JobEvent, ended: tuple[Effect, ...], reason: str, retryable: bool
) -> Transition:
    _require(status, JobState.RUNNING, event)
    if retryable and status.attempts < status.max_attempts:
        delay_s = backoff_s(status.attempts, status.retry_base_s)
        payload = {"delay_s": delay_s, "next_attempt": status.attempts + 1}
        again = (Requeue(delay_s), Record("RETRY_SCHEDULED", payload))
        return Transition(replace(status, state=JobState.QUEUED), (*ended, *again))
    given_up = Record("JOB_FAILED", {"reason": reason, "attempts": status.attempts})
    return Transition(replace(status, state=JobState.FAILED), (*ended, given_up))


def _released(status: Status) -> Transition:
    _require(status, JobState.RUNNING, Released())
    reason = "its scheduler was shut down"
    return Transition(
        replace(status, state=JobState.QUEUED, attempts=status.attempts - 1),
        (
            EndRun(RunState.RELEASED, reason),
            Requeue(0.0),
            Record("RUN_RELEASED", {"reason": reason}),
        ),
    )


def _cancelled(status: Status) -> Transition:
    if status.state is JobState.CANCELLED:
        return Transition(status)
    if status.state.terminal:
        raise InvalidTransition(f"the job is already {status.state} and cannot be cancelled")
    ended = (EndRun(RunState.CANCELLED, "cancelled"),) if status.state is JobState.RUNNING else ()
    after = replace(status, state=JobState.CANCELLED)
    return Transition(after, (*ended, Record("JOB_CANCELLED", {})))


# -------------------------------------------------------------------------- replay


def replay(start: Status, history: Iterable[tuple[str, Mapping[str, Any]]]) -> Status:
    """The status that a job's recorded events lead to.

    Events that only inform (checkpoints, retries announced, ...) change nothing.

    Args:
        start: the status at submission.
        history: (type, payload) of each event, oldest first.

    Raises:
        InvalidTransition: the history is not one that this lifecycle can have written.
    """
    status = start
    for kind, payload in history:
        event = _event_of(kind, payload)
        if event is not None:
            status = apply(status, event).status
    return status


def _event_of(kind: str, payload: Mapping[str, Any]) -> JobEvent | None:
    match kind:
        case "RUN_CLAIMED":
            return Claimed()
        case "RUN_SUCCEEDED":
            return Succeeded()
        case "RUN_FAILED":
            return Failed(payload["reason"], payload["retryable"])
        case "LEASE_EXPIRED":
            return LeaseExpired()
        case "RUN_RELEASED":
            return Released()
        case "JOB_CANCELLED":
            return Cancelled()
        case _:
            return None
