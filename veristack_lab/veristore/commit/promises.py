"""What each durability level promises, judged from frames: for notebooks and tests alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    import pandas as pd

LAYER = "veristore"
MOST_SYNCS_SHARE = 0.1
"""Syncs for each write that one thread with many writes in flight may need at most."""


def commit_loses_nothing(window: pd.DataFrame) -> Claim:
    """From `experiments.loss_window`: at "commit", OK means durable."""
    rows = window[window["level"] == "commit"]
    return Claim(
        LAYER,
        "A commit loses nothing",
        f"the power cut after each of {_writes(window)} writes, in every kind of cut",
        f"{len(rows)} cuts, at most {counted(max(rows['lost'].tolist(), default=0), 'write')} lost",
        len(rows) > 0 and not rows["lost"].any(),
    )


def interval_loses_its_window(window: pd.DataFrame, level: str, most: int) -> Claim:
    """From `experiments.loss_window`: the bound is kept, and is no larger than it must be."""
    rows = window[(window["level"] == level) & (window["cut"] == "lost")]
    worst = max(rows["lost"].tolist(), default=0)
    return Claim(
        LAYER,
        f"{level} loses {counted(most, 'write')} at the worst",
        f"everything unsynced lost, after each of {_writes(window)} writes",
        f"{len(rows)} cuts, at most {counted(worst, 'write')} lost",
        worst == most,
    )


def no_level_loses_more_than_it_says(window: pd.DataFrame) -> Claim:
    """From `experiments.loss_window`: the window of each level, and a prefix each time."""
    beyond = int((window["lost"] > window["window"]).sum())
    prefixes = int(window["is_prefix"].sum())
    return Claim(
        LAYER,
        "No level loses more than it says, and what is left is a prefix",
        f"{window['level'].nunique()} levels, each cut after every write, sectors lost at random",
        f"{len(window)} cuts: {beyond} beyond the window of their level, a prefix after {prefixes}",
        beyond == 0 and prefixes == len(window) > 0,
    )


def sync_settles(found: int, synced: int, written: int) -> Claim:
    """From a store without syncs of its own, cut after a call of `sync()`."""
    return Claim(
        LAYER,
        "sync() settles what was written before it",
        f'durability "none": {written} writes, sync() after {synced}, the worst cut',
        f"{found} of {written} writes there",
        found == synced,
    )


def one_thread_can_share_a_sync(lsns: Sequence[int], syncs: int) -> Claim:
    """From handles of one thread that were handed in before any was waited for."""
    writes = len(lsns)
    in_order = list(lsns) == sorted(lsns)
    return Claim(
        LAYER,
        "One thread can share a sync among its writes",
        f"{writes} writes handed in by put_async, then waited for",
        f"{counted(syncs, 'sync')} for {counted(writes, 'write')}, "
        f"LSNs {'in order' if in_order else 'out of order'}",
        in_order and 0 < syncs <= MOST_SYNCS_SHARE * writes,
    )


def each_client_is_answered(lsns: Sequence[int], clients: int) -> Claim:
    """From clients of one event loop that await their handles."""
    return Claim(
        LAYER,
        "Each client is answered, with a number of its own",
        f"{clients} clients of one asyncio loop",
        f"{len(lsns)} answers, {len(set(lsns))} different LSNs",
        len(set(lsns)) == len(lsns) == clients > 0,
    )


def failed_sync_is_final(
    refused: Sequence[str], before: bytes | None, after: bytes | None
) -> Claim:
    """From a store whose disk failed one sync and was well afterwards.

    Args:
        refused: what the writes during and after the failed sync were told.
        before: value of a key that was acknowledged before it, after a power cut.
        after: value of the key whose sync failed, after the same cut.
    """
    told = sum("disk failed" in words for words in refused)
    return Claim(
        LAYER,
        "After a failed sync no write is acknowledged, and earlier ones are safe",
        "one fdatasync fails, the next would succeed; then the power is cut",
        f"{told} of {len(refused)} writes refused; before: {before!r}, during: {after!r}",
        told == len(refused) > 0 and before is not None and after is None,
    )


def _writes(window: pd.DataFrame) -> int:
    return int(window["returned"].max())
