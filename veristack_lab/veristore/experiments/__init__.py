"""Experiments on the store. Each returns a DataFrame whose `attrs` hold seed and parameters.

What depends on the seed alone is the same every time (where the kills are aimed); what is
measured (times, rates, how far writers got beyond the kill point) is not. Names are loaded when
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.veristore.experiments.durability import (
        is_within_window,
        level_name,
        loss_window,
        loss_window_ms,
    )
    from veristack_lab.veristore.experiments.groups import group_commit_sweep
    from veristack_lab.veristore.experiments.kills import kill_and_recover, leave_torn_record
    from veristack_lab.veristore.experiments.logs import recovery_sweep, truncation_sweep
    from veristack_lab.veristore.experiments.objects import (
        collector_cuts,
        commit_point,
        creation_race,
        interrupted_put,
    )
    from veristack_lab.veristore.experiments.threads import run_threads
    from veristack_lab.veristore.experiments.traces import group_trace
    from veristack_lab.veristore.experiments.waiting import handles_sweep, wakeups_sweep

__all__ = [
    "collector_cuts",
    "commit_point",
    "creation_race",
    "group_commit_sweep",
    "group_trace",
    "handles_sweep",
    "interrupted_put",
    "is_within_window",
    "kill_and_recover",
    "leave_torn_record",
    "level_name",
    "loss_window",
    "loss_window_ms",
    "recovery_sweep",
    "run_threads",
    "truncation_sweep",
    "wakeups_sweep",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "collector_cuts": "objects",
        "commit_point": "objects",
        "creation_race": "objects",
        "group_commit_sweep": "groups",
        "group_trace": "traces",
        "handles_sweep": "waiting",
        "interrupted_put": "objects",
        "is_within_window": "durability",
        "kill_and_recover": "kills",
        "leave_torn_record": "kills",
        "level_name": "durability",
        "loss_window": "durability",
        "loss_window_ms": "durability",
        "recovery_sweep": "logs",
        "run_threads": "threads",
        "truncation_sweep": "logs",
        "wakeups_sweep": "waiting",
    },
)
