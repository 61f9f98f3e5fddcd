from __future__ import annotations

import pytest

from veristack_lab.errors import InvalidTransition
from veristack_lab.veriflow.lifecycle import (
    Cancelled,
    Claimed,
    EndRun,
    Failed,
    JobEvent,
    JobState,
    LeaseExpired,
    Record,
    Released,
    Requeue,
    RunState,
    StartRun,
    Status,
    Succeeded,
    apply,
    backoff_s,
    replay,
)

QUEUED = Status(JobState.QUEUED, max_attempts=2, retry_base_s=2.0)
RUNNING = apply(QUEUED, Claimed()).status


def test_the_pause_doubles_up_to_a_minute() -> None:
    assert [backoff_s(attempt, 2.0) for attempt in range(1, 9)] == [2, 4, 8, 16, 32, 60, 60, 60]
    assert [backoff_s(attempt, 0.5) for attempt in (1, 2, 3)] == [0.5, 1, 2]
    assert backoff_s(10_000, 2.0) == 60


def test_a_claim_starts_the_next_epoch() -> None:
    outcome = apply(QUEUED, Claimed())
    assert (outcome.status.state, outcome.status.epoch) == (JobState.RUNNING, 1)
    assert outcome.effects[0] == StartRun(epoch=1, attempt=1)


def test_a_failure_is_tried_again_and_then_given_up() -> None:
    first = apply(RUNNING, Failed("it broke"))
    assert first.status.state is JobState.QUEUED
    assert first.effects[0] == EndRun(RunState.FAILED, "it broke")
    assert Requeue(2.0) in first.effects
    second = apply(apply(first.status, Claimed()).status, Failed("it broke again"))
    assert second.status.state is JobState.FAILED
    assert Record("JOB_FAILED", {"reason": "it broke again", "attempts": 2}) in second.effects
    assert not any(isinstance(effect, Requeue) for effect in second.effects)


def test_what_cannot_get_better_is_given_up_at_once() -> None:
    assert apply(RUNNING, Failed("nonsense", retryable=False)).status.state is JobState.FAILED


def test_a_lost_lease_counts_and_a_released_run_does_not() -> None:
    lost = apply(RUNNING, LeaseExpired())
    assert (lost.status.state, lost.status.attempts) == (JobState.QUEUED, 1)
    assert isinstance(lost.effects[0], EndRun)
    assert lost.effects[0].state is RunState.LOST
    released = apply(RUNNING, Released())
    assert (released.status.state, released.status.attempts) == (JobState.QUEUED, 0)
    assert Requeue(0.0) in released.effects
    assert released.status.epoch == 1


@pytest.mark.parametrize("event", [Succeeded(), Failed("x"), LeaseExpired(), Released()])
def test_only_a_running_job_can_end(event: JobEvent) -> None:
    with pytest.raises(InvalidTransition, match="but it is QUEUED"):
        apply(QUEUED, event)


def test_a_running_job_cannot_be_claimed() -> None:
    with pytest.raises(InvalidTransition, match="but it is RUNNING"):
        apply(RUNNING, Claimed())


def test_cancelling_twice_is_cancelling_once() -> None:
    for status in (QUEUED, RUNNING):
        cancelled = apply(status, Cancelled()).status
        assert cancelled.state is JobState.CANCELLED
        assert apply(cancelled, Cancelled()).effects == ()
    done = apply(RUNNING, Succeeded()).status
    with pytest.raises(InvalidTransition, match="already SUCCEEDED"):
        apply(done, Cancelled())


def test_a_history_leads_to_the_state() -> None:
    history = [
        ("JOB_SUBMITTED", {}),
        ("RUN_CLAIMED", {"epoch": 1}),
        ("CHECKPOINT_SAVED", {"step": 5}),
        ("RUN_FAILED", {"reason": "killed", "retryable": True}),
        ("RETRY_SCHEDULED", {"delay_s": 2}),
        ("RUN_CLAIMED", {"epoch": 2}),
        ("RUN_SUCCEEDED", {}),
    ]
    end = replay(QUEUED, history)
    assert (end.state, end.attempts, end.epoch) == (JobState.SUCCEEDED, 2, 2)
    with pytest.raises(InvalidTransition):
        replay(QUEUED, [("RUN_SUCCEEDED", {})])
