"""Experiments on real schedulers, real runs and a real Postgres, as DataFrames.

`kill_and_resume`, `two_schedulers` and `repeated_submissions` make the schema they are given and
leave it to the caller, to look into and to drop (`connect(...).drop_schema()`). Names are loaded
when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.veriflow.experiments.histories import (
        history_agrees,
        learning_curves,
        overlapping_runs,
        primes_below,
        timeline,
    )
    from veristack_lab.veriflow.experiments.kills import TRAINING, kill_and_resume, two_schedulers
    from veristack_lab.veriflow.experiments.stories import (
        database_now,
        lease_story,
        transitions,
    )
    from veristack_lab.veriflow.experiments.submissions import repeated_submissions

__all__ = [
    "TRAINING",
    "database_now",
    "history_agrees",
    "kill_and_resume",
    "learning_curves",
    "lease_story",
    "overlapping_runs",
    "primes_below",
    "repeated_submissions",
    "timeline",
    "transitions",
    "two_schedulers",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "TRAINING": "kills",
        "database_now": "stories",
        "history_agrees": "histories",
        "kill_and_resume": "kills",
        "learning_curves": "histories",
        "lease_story": "stories",
        "overlapping_runs": "histories",
        "primes_below": "histories",
        "repeated_submissions": "submissions",
        "timeline": "histories",
        "transitions": "stories",
        "two_schedulers": "kills",
    },
)
