"""Why a job is where it is, in words, from facts read in one snapshot. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from veristack_lab.runtime.counting import counted
from veristack_lab.veriflow.lifecycle import JobState


@dataclass(frozen=True)
class Facts:
    """What the database knows about a job's situation. Times are seconds on its clock."""

    state: JobState
    attempts: int
    max_attempts: int
    backoff_left_s: float
    """Until the job may be claimed; 0 or less when it may now."""
    jobs_ahead: int
    free_slots: int
    schedulers: int
    """Schedulers with a recent heartbeat."""
    last_reason: str | None = None
    """Why the latest ended run ended."""
    scheduler_id: str | None = None
    lease_left_s: float | None = None
    step: int | None = None
    """The latest step the running run reported."""
    checkpoint_step: int | None = None


@dataclass(frozen=True)
class Why:
    """An answer: one headline, and the reasons for it."""

    state: JobState
    headline: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((f"{self.state}: {self.headline}", *(f"  - {r}" for r in self.reasons)))


def explain(facts: Facts) -> Why:
    """Put the facts into words."""
    if facts.state is JobState.QUEUED:
        headline, reasons = _queued(facts)
    elif facts.state is JobState.RUNNING:
        headline, reasons = _running(facts)
    else:
        headline, reasons = _ended(facts)
    return Why(facts.state, headline, tuple(reasons))


def _queued(facts: Facts) -> tuple[str, list[str]]:
    reasons = []
    if facts.last_reason:
        reasons.append(
            f"attempt {facts.attempts} of {facts.max_attempts} ended: {facts.last_reason}"
            if facts.attempts
            else f"its last run ended: {facts.last_reason}"
        )
    if facts.schedulers:
        reasons.append(counted(facts.schedulers, "scheduler is alive", "schedulers are alive"))
        reasons.append(counted(facts.free_slots, "slot is free", "slots are free"))
    else:
        reasons.append("no scheduler is alive; start one with `veristack jobs schedule`")
    reasons.append(counted(facts.jobs_ahead, "job is ahead of it", "jobs are ahead of it"))
    if facts.backoff_left_s > 0:
        return f"it waits {facts.backoff_left_s:.1f} s more before the next attempt", reasons
    if not facts.schedulers:
        return "no scheduler is running", reasons
    if facts.jobs_ahead >= facts.free_slots:
        return "it waits for a free slot", reasons
    return "it is next, and will be claimed within moments", reasons


def _running(facts: Facts) -> tuple[str, list[str]]:
    reasons = []
    if facts.step is not None:
        reasons.append(f"it has reported step {facts.step}")
    if facts.checkpoint_step is not None:
        reasons.append(f"its newest checkpoint is of step {facts.checkpoint_step}")
    if facts.last_reason:
        reasons.append(f"the run before ended: {facts.last_reason}")
    lease_left_s = facts.lease_left_s or 0.0
    if lease_left_s <= 0:
        reasons.append(f"the lease ran out {-lease_left_s:.1f} s ago")
        if not facts.schedulers:
            reasons.append("no scheduler is alive; start one with `veristack jobs schedule`")
        return f"scheduler {facts.scheduler_id} is silent; any other will take it back", reasons
    reasons.append(f"the lease holds for another {lease_left_s:.1f} s")
    attempt = f"attempt {facts.attempts} of {facts.max_attempts}"
    return f"{attempt} runs under scheduler {facts.scheduler_id}", reasons


def _ended(facts: Facts) -> tuple[str, list[str]]:
    runs = f"after {facts.attempts} of at most {counted(facts.max_attempts, 'attempt')}"
    if facts.state is JobState.SUCCEEDED:
        return f"it is done, {runs}", []
    if facts.state is JobState.CANCELLED:
        return f"it was cancelled {runs}", []
    return f"it was given up {runs}", [f"the last run ended: {facts.last_reason}"]
