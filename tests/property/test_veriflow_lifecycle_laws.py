"""Whatever happens in whatever order, a job's life obeys its laws."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
    replay,
)

EVENTS = st.one_of(
    st.builds(Claimed),
    st.builds(Succeeded),
    st.builds(Failed, reason=st.text(max_size=5), retryable=st.booleans()),
    st.builds(LeaseExpired),
    st.builds(Released),
    st.builds(Cancelled),
)


class Life(RuleBasedStateMachine):
    """Keeps its own runs table from the effects alone, as the database does."""

    @initialize(attempts=st.integers(1, 5), base_s=st.floats(0.05, 60))
    def begin(self, attempts: int, base_s: float) -> None:
        self.start = self.status = Status(JobState.QUEUED, attempts, base_s)
        self.runs: dict[int, RunState] = {}
        self.history: list[tuple[str, Any]] = []
        self.claims = 0

    @rule(event=EVENTS)
    def happens(self, event: JobEvent) -> None:
        before = self.status
        try:
            outcome = apply(before, event)
        except InvalidTransition:
            assert not self.legal(before, event)
            return
        assert self.legal(before, event)
        self.status = outcome.status
        for effect in outcome.effects:
            self.carry_out(effect)
        if before.state.terminal:
            assert outcome.status == before
            assert outcome.effects == ()
        requeued = any(isinstance(effect, Requeue) for effect in outcome.effects)
        assert requeued == (
            before.state is JobState.RUNNING and self.status.state is JobState.QUEUED
        )

    def carry_out(self, effect: object) -> None:
        match effect:
            case StartRun(epoch, attempt):
                assert epoch not in self.runs
                assert 1 <= attempt <= self.start.max_attempts
                self.runs[epoch] = RunState.RUNNING
                self.claims += 1
            case EndRun(state):
                (running,) = [e for e, s in self.runs.items() if s is RunState.RUNNING]
                self.runs[running] = state
            case Requeue(delay_s):
                assert 0 <= delay_s <= 60
            case Record(kind, payload):
                self.history.append((kind, payload))

    @staticmethod
    def legal(status: Status, event: JobEvent) -> bool:
        """The table of the state machine, written down a second time."""
        if isinstance(event, Claimed):
            return status.state is JobState.QUEUED
        if isinstance(event, Cancelled):
            return status.state in (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLED)
        return status.state is JobState.RUNNING

    @invariant()
    def one_run_runs_exactly_while_the_job_does(self) -> None:
        running = [epoch for epoch, state in self.runs.items() if state is RunState.RUNNING]
        assert len(running) == (self.status.state is JobState.RUNNING)
        assert running in ([], [self.status.epoch])

    @invariant()
    def attempts_are_bounded_and_counted(self) -> None:
        released = sum(state is RunState.RELEASED for state in self.runs.values())
        assert self.status.attempts == self.claims - released
        assert 0 <= self.status.attempts <= self.start.max_attempts
        assert self.status.epoch == self.claims

    @invariant()
    def success_is_of_one_run(self) -> None:
        done = sum(state is RunState.SUCCEEDED for state in self.runs.values())
        assert done == (self.status.state is JobState.SUCCEEDED)

    @invariant()
    def the_history_tells_the_state(self) -> None:
        assert replay(self.start, self.history) == self.status


TestLife = Life.TestCase
