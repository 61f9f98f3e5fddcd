"""Experiments on real schedulers, real runs and a real Postgres, as DataFrames.

`kill_and_resume`, `two_schedulers` and `repeated_submissions` make the schema they are given and
leave it to the caller, to look into and to drop (`connect(...).drop_schema()`). Names are loaded
when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from veristack_lab.veriflow.experiments.histories import (
        history_agrees,
        learning_curves,
        overlapping_runs,
        primes_below,
        timeline,
    )
    from veristack_lab.veriflow.experiments.kills import TRAINING, kill_and_resume, two_schedulers
    from veristack_lab.veriflow.experiments.submissions import repeated_submissions

__all__ = [
    "TRAINING",
    "history_agrees",
    "kill_and_resume",
    "learning_curves",
    "overlapping_runs",
    "primes_below",
    "repeated_submissions",
    "timeline",
    "two_schedulers",
]

_HOMES = {
    "TRAINING": "kills",
    "history_agrees": "histories",
    "kill_and_resume": "kills",
    "learning_curves": "histories",
    "overlapping_runs": "histories",
    "primes_below": "histories",
    "repeated_submissions": "submissions",
    "timeline": "histories",
    "two_schedulers": "kills",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
