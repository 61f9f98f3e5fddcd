from __future__ import annotations

from dataclasses import replace

import pytest

from veristack_lab.veriflow.lifecycle import JobState
from veristack_lab.veriflow.why import Facts, explain

QUEUED = Facts(
    state=JobState.QUEUED,
    attempts=0,
    max_attempts=3,
    backoff_left_s=-1.0,
    jobs_ahead=0,
    free_slots=2,
    schedulers=1,
)


@pytest.mark.parametrize(
    ("facts", "headline"),
    [
        (QUEUED, "it is next, and will be claimed within moments"),
        (replace(QUEUED, jobs_ahead=2), "it waits for a free slot"),
        (replace(QUEUED, schedulers=0, free_slots=0), "no scheduler is running"),
        (
            replace(QUEUED, attempts=1, backoff_left_s=3.26),
            "it waits 3.3 s more before the next attempt",
        ),
        (
            replace(QUEUED, state=JobState.RUNNING, attempts=2, scheduler_id="s1", lease_left_s=4),
            "attempt 2 of 3 runs under scheduler s1",
        ),
        (
            replace(QUEUED, state=JobState.RUNNING, scheduler_id="s1", lease_left_s=-2.0),
            "scheduler s1 is silent; any other will take it back",
        ),
        (
            replace(QUEUED, state=JobState.FAILED, attempts=3, last_reason="killed by SIGKILL"),
            "it was given up after 3 of at most 3 attempts",
        ),
        (replace(QUEUED, state=JobState.SUCCEEDED, attempts=1), "it is done, after 1 of at most 3"),
        (replace(QUEUED, state=JobState.CANCELLED), "it was cancelled"),
    ],
)
def test_headline(facts: Facts, headline: str) -> None:
    assert explain(facts).headline.startswith(headline)


def test_reasons_tell_what_the_headline_rests_on() -> None:
    facts = replace(QUEUED, attempts=1, backoff_left_s=5.0, last_reason="exit code 1: boom")
    assert str(explain(facts)).splitlines() == [
        "QUEUED: it waits 5.0 s more before the next attempt",
        "  - attempt 1 of 3 ended: exit code 1: boom",
        "  - 1 scheduler is alive",
        "  - 2 slots are free",
        "  - 0 jobs are ahead of it",
    ]
    alone = explain(replace(QUEUED, schedulers=0))
    assert "no scheduler is alive; start one with `veristack jobs schedule`" in alone.reasons
    silent = replace(QUEUED, state=JobState.RUNNING, lease_left_s=-2.0, schedulers=0, step=40)
    assert "it has reported step 40" in explain(silent).reasons
    assert "the lease ran out 2.0 s ago" in explain(silent).reasons
    assert explain(replace(QUEUED, state=JobState.FAILED, last_reason="x")).reasons == (
        "the last run ended: x",
    )
