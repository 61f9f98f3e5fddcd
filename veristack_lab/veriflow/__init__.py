"""Layer 3: training jobs that survive the death of the processes that run them.

    flow = veriflow.connect(conninfo)
    job = flow.submit({"name": "first", "workload": "docstrings"}, idempotency_key="k1")

A job waits in Postgres until a `Scheduler` claims it and starts a run under a lease. Runs save
checkpoints into the object store; a run that dies is tried again and goes on from the newest.
"""

from __future__ import annotations

from veristack_lab.veriflow.flow import Flow, connect
from veristack_lab.veriflow.lifecycle import JobState, RunState
from veristack_lab.veriflow.records import Event, Job, Lease, Metric, Run
from veristack_lab.veriflow.scheduler import Scheduler
from veristack_lab.veriflow.spec import JobSpec

__all__ = [
    "Event",
    "Flow",
    "Job",
    "JobSpec",
    "JobState",
    "Lease",
    "Metric",
    "Run",
    "RunState",
    "Scheduler",
    "connect",
]
