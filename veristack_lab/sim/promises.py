"""What the simulated disk and its sweeps show, judged from what they found: for notebooks and
tests alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from veristack_lab.runtime.claims import Claim

if TYPE_CHECKING:
    import pandas as pd

LAYER = "sim"
LEAST_OUTCOMES = 20
"""A write of three sectors with its name and length has at least this many outcomes."""


def unsynced_is_uncertain(outcomes: int, size_bytes: int) -> Claim:
    """From every image of a disk with one write that no sync covered."""
    return Claim(
        LAYER,
        "Without a sync nothing is certain",
        f"every power cut after one write of {size_bytes:,} bytes",
        f"{outcomes} different contents found",
        outcomes >= LEAST_OUTCOMES,
    )


def name_needs_a_sync_of_its_own(
    file_synced: Collection[bytes | None], both_synced: Collection[bytes | None]
) -> Claim:
    """From every image after the file was synced, and after its folder was synced too."""
    return Claim(
        LAYER,
        "A file's sync says nothing of its name; with the folder's sync one outcome is left",
        "every power cut after fdatasync, and after fsync of the folder",
        f"{len(file_synced)} outcomes after fdatasync, {len(both_synced)} after both",
        None in file_synced and len(file_synced) == 2 and len(both_synced) == 1,
    )


def torn_write_is_not_there(torn: pd.DataFrame) -> Claim:
    """From those rows of `sim.crash_sweep` in which a write of the log was torn."""
    beyond = int((torn["state_index"] != torn["acknowledged"]).sum())
    return Claim(
        LAYER,
        "A torn write is not there at all, and all acknowledged ones are",
        "each write of the log cut at every byte",
        f"{len(torn):,} torn writes: {beyond} left another state than the acknowledged one",
        beyond == 0 and len(torn) > 0,
    )


def commit_point_has_two_sides(seen: Sequence[Mapping[str, Any]]) -> Claim:
    """From a `CrashExplorer` at the rename of a snapshot: each outcome of the cut, opened."""
    opened = sum(bool(view["opens"]) for view in seen)
    states = {view["found"] for view in seen}
    return Claim(
        LAYER,
        "A commit point has two whole sides",
        "the power cut at the rename of a snapshot, with the new name and without it",
        f"{opened} of {len(seen)} outcomes open, with {len(states)} state",
        opened == len(seen) > 1 and len(states) == 1,
    )


def kill_is_no_power_cut(window: pd.DataFrame) -> Claim:
    """From `experiments.loss_window` at "none": a kill takes nothing, a power cut everything."""
    worst = window[window["level"] == "none"].groupby("cut")["lost"].max()
    writes = int(window["returned"].max())
    return Claim(
        LAYER,
        "A kill is not a power cut",
        f"{writes} writes of a store that never syncs, the process killed or the power cut",
        f"a kill lost {int(worst['kept'])}, a power cut {int(worst['lost'])} of {writes}",
        int(worst["kept"]) == 0 and int(worst["lost"]) == writes,
    )


def killed_writers_lose_nothing(kills: pd.DataFrame) -> Claim:
    """From `sim.torture.torture`: real processes on the real disk."""
    from veristack_lab.sim.torture import violations

    acknowledged, broken = int(kills["acknowledged"].sum()), violations(kills)
    return Claim(
        LAYER,
        "What was acknowledged survives the death of its process",
        f"kill -9 of a writing process, {len(kills)} times, its store opened after each",
        f"{acknowledged:,} acknowledged, {int(kills['lost'].sum())} lost, "
        f"{int(kills['mixed'].sum())} in part; {broken} kills broke a promise",
        broken == 0 and acknowledged > 0,
    )
