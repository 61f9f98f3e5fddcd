"""What veriflow promises, judged from the frames of `experiments`: for tour and notebook alike."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.counting import counted
from veristack_lab.veriflow.experiments import history_agrees, overlapping_runs, primes_below
from veristack_lab.veriflow.flow import Flow
from veristack_lab.veriflow.lifecycle import JobState

LAYER = "veriflow"


def same_weights(frame: pd.DataFrame) -> Claim:
    """From `kill_and_resume`: interrupted or not, the weights are the same."""
    quiet, victim = frame.iloc[0], frame.iloc[1]
    killed, resumed = victim["killed_after"], victim["resumed_from"]
    happened = None not in killed and len(resumed) == len(killed) > 0
    hashes = {quiet["weights_sha256"], victim["weights_sha256"]}
    accuracy = victim["validation_accuracy"]
    told = "no result" if pd.isna(accuracy) else f"validation accuracy {accuracy:.1%}"
    return Claim(
        LAYER,
        "A killed training job goes on and ends with the same weights, bit for bit",
        "SIGKILL on the run's process at a step drawn from the seed",
        f"killed after step {_steps(killed)} of {frame.attrs['steps']}, went on from step "
        f"{_steps(resumed)}; sha256 of the weights {str(quiet['weights_sha256'])[:12]} and "
        f"{str(victim['weights_sha256'])[:12]}; {told}",
        happened and len(hashes) == 1 and None not in hashes,
    )


def nothing_twice(frame: pd.DataFrame) -> Claim:
    """From `two_schedulers`: every job done once, and never by two at a time."""
    done = frame[frame["state"] == "SUCCEEDED"]
    twice = int((done.groupby("job").size() > 1).sum())
    overlaps, jobs = overlapping_runs(frame), frame.attrs["jobs"]
    lost = int((frame["state"] == "LOST").sum())
    processes = frame.attrs["processes_started"]
    pairs = zip(done["below"], done["primes"], strict=True)
    right = sum(primes_below(int(below)) == primes for below, primes in pairs)
    happened = frame.attrs["killed_run"] is not None
    return Claim(
        LAYER,
        "No job is lost and none runs twice at once when a scheduler dies",
        "SIGKILL on one of two schedulers while it held a run",
        f"{frame.attrs['killed_scheduler']} {'killed' if happened else 'not killed'}; "
        f"{len(done)} of {jobs} jobs done, {right} with the right number of primes; "
        f"{counted(len(frame), 'run')} in {counted(processes, 'process')}, "
        f"{lost} taken back after its lease; {counted(overlaps, 'overlap')}, {twice} done twice",
        happened and right == len(done) == jobs and processes <= len(frame) and overlaps == 0,
    )


def one_key_one_job(frame: pd.DataFrame) -> Claim:
    """From `repeated_submissions`: a key is one job, and one body."""
    outcomes = frame["outcome"].value_counts().to_dict()
    stored, submitters = frame.attrs["jobs_stored"], frame.attrs["submitters"]
    return Claim(
        LAYER,
        "One Idempotency-Key makes one job, and never passes off another body as the same",
        "many submissions at once with one key, then one with another body",
        f"{submitters} at once: {outcomes.get('new', 0)} new, {outcomes.get('replayed', 0)} "
        f"replayed; the other body: {outcomes.get('conflict', 0)} refused; {stored} stored",
        outcomes == {"new": 1, "replayed": submitters - 1, "conflict": 1} and stored == 1,
    )


def nothing_stranded(flows: Iterable[Flow]) -> Claim:
    """From what is in the databases afterwards: all jobs ended, all histories true."""
    unfinished = jobs = told = 0
    for flow in flows:
        counts = flow.counts()
        unfinished += counts[JobState.RUNNING] + counts[JobState.QUEUED]
        jobs += sum(counts.values())
        told += sum(history_agrees(flow, job) for job in flow.list(limit=1000))
    return Claim(
        LAYER,
        "Nothing is stranded, and each job's events tell how it came to its state",
        "SIGKILL on a run and on a scheduler, between claim and finish",
        f"{unfinished} of {jobs} jobs not ended; replaying the events gives the stored state "
        f"for {told} of {jobs}",
        jobs > 0 and unfinished == 0 and told == jobs,
    )


def _steps(steps: list[int | None]) -> str:
    return ", ".join(str(step) for step in steps) or "none"
