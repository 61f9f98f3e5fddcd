"""Waiting for jobs, and killing what works on them."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from veristack_lab.errors import FlowError
from veristack_lab.runtime.processes import Child, stretched
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veriflow.flow import Flow
from veristack_lab.veriflow.lifecycle import JobState, RunState
from veristack_lab.veriflow.records import Job, Run

POLL_S = 0.02


WATCH_EVERY_S = 0.25


TIMEOUT_S = 240.0
"""On a quiet machine; `stretched` on a busy one."""


class Watch:
    """Reports progress, but not so often that the queries slow the jobs down."""

    def __init__(self, done: Callable[[], int], total: int, on_progress: OnProgress | None) -> None:
        self._done, self._total, self._tick = done, total, on_progress or silent
        self._next_s = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next_s:
            self._tick(self._done(), self._total)
            self._next_s = time.monotonic() + WATCH_EVERY_S

    def end(self) -> None:
        self._tick(self._total, self._total)


def kill_run_at(flow: Flow, job_id: UUID, step: int, watch: Watch) -> int | None:
    """SIGKILL the job's process once it has reported the step; the step last reported.

    None when the job ended before it could be killed.
    """
    limit_s = stretched(TIMEOUT_S)
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        watch()
        reached = flow.step(job_id)
        if reached is not None and reached >= step:
            run = _running(flow.get(job_id))
            if run is not None and run.pid is not None and run.host == socket.gethostname():
                os.kill(run.pid, signal.SIGKILL)
                return max(m.step for m in flow.metrics(job_id) if m.run_id == run.run_id)
        if flow.get(job_id).state.terminal:
            return None
        time.sleep(POLL_S)
    raise FlowError(f"job {job_id} did not reach step {step} within {limit_s:g} s")


def kill_scheduler(
    flow: Flow, processes: Mapping[str, Child], victim: str, before: int, watch: Watch
) -> tuple[str, str]:
    """SIGKILL a scheduler that runs something, once enough jobs are done.

    It is the victim, unless that one runs nothing until half of the other jobs are done too: then
    any scheduler that runs something.

    Returns:
        The name of the scheduler that was killed, and the id of the run that it held.

    Raises:
        FlowError: no scheduler could be killed in the midst of a run.
    """
    limit_s = stretched(TIMEOUT_S)
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        watch()
        jobs = flow.list(limit=1000)
        done = sum(job.state is JobState.SUCCEEDED for job in jobs)
        names = [victim] if done < (before + len(jobs)) // 2 else list(processes)
        runs = [run for job in jobs if (run := _running(job)) and run.scheduler_id in names]
        if runs and done >= before:
            name = runs[0].scheduler_id
            processes[name].kill()
            return name, str(runs[0].run_id)
        if all(job.state.terminal for job in jobs):
            raise FlowError(
                f"all {len(jobs)} jobs ended before a scheduler could be killed; give more jobs"
            )
        time.sleep(POLL_S)
    raise FlowError(f"no scheduler took a job within {limit_s:g} s")


def _running(job: Job) -> Run | None:
    return next((run for run in job.runs if run.state is RunState.RUNNING), None)


def until_ended(flow: Flow, job_ids: Sequence[UUID], watch: Watch) -> None:
    """Wait until every job has ended. Raises `FlowError` after a while, with what is left."""
    limit_s = stretched(TIMEOUT_S)
    deadline_s = time.monotonic() + limit_s
    while not all(flow.get(job_id).state.terminal for job_id in job_ids):
        if time.monotonic() > deadline_s:
            left = [str(flow.why(j)) for j in job_ids if not flow.get(j).state.terminal]
            raise FlowError(f"not ended within {limit_s:g} s: {'; '.join(left)}")
        watch()
        time.sleep(POLL_S)
    watch.end()
