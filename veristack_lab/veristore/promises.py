"""What veristore promises, judged from frames: for the tour, the notebooks and the tests alike."""

from __future__ import annotations

import pandas as pd

from veristack_lab.runtime.claims import Claim

LAYER = "veristore"


def acknowledged_survives(frame: pd.DataFrame) -> Claim:
    """From `experiments.kill_and_recover`: OK means durable."""
    acknowledged, lost = int(frame["acknowledged"].sum()), int(frame["lost"].sum())
    aims = ", ".join(str(count) for count in frame["kill_after"].head(4))
    return Claim(
        LAYER,
        "A write that was acknowledged survives",
        _killed(frame),
        f"{acknowledged:,} writes acknowledged, {lost} lost (kills aimed at {aims}, ... "
        "acknowledgements)",
        lost == 0 and acknowledged > 0,
    )


def whole_or_not_at_all(frame: pd.DataFrame) -> Claim:
    """From `experiments.kill_and_recover`: what was not acknowledged is never there in part."""
    mixed, kept = int(frame["mixed"].sum()), int(frame["unacknowledged_kept"].sum())
    return Claim(
        LAYER,
        "A write that was not acknowledged is there as a whole or not at all",
        _killed(frame),
        f"{kept} found as a whole, {mixed} in part",
        mixed == 0,
    )


def torn_tail_is_cut_off(frame: pd.DataFrame) -> Claim:
    """From `experiments.kill_and_recover` that left torn records behind."""
    torn, cut = int(frame["torn_by_us"].sum()), int(frame["torn_bytes"].sum())
    is_cut = bool((frame["torn_bytes"] >= frame["torn_by_us"]).all())
    return Claim(
        LAYER,
        "A torn tail is cut off before anything is appended",
        f"the first bytes of one more record left behind each of {len(frame)} kills",
        f"{torn:,} bytes left, {cut:,} cut off; later writes survived the next kill",
        is_cut and torn > 0 and not frame["lost"].any(),
    )


def numbers_never_go_back(frame: pd.DataFrame) -> Claim:
    """From `experiments.kill_and_recover`: no LSN is given twice."""
    first, last = frame["acknowledged_lsn"].iloc[0], frame["recovered_lsn"].iloc[-1]
    return Claim(
        LAYER,
        "Log sequence numbers never go back",
        f"{len(frame)} kills and reopenings",
        f"from {int(first):,} to {int(last):,}, without a step back in "
        f"{int(frame['lsn_monotonic'].sum())} of {len(frame)} rounds",
        bool(frame["lsn_monotonic"].all()),
    )


def holds_after_every_power_cut(frame: pd.DataFrame) -> Claim:
    """From `sim.crash_sweep`: every promise that the simulator asks about."""
    counts, steps = frame.attrs["counts"], frame.attrs["steps"]
    points = ", ".join(str(point) for point in frame["crash_point"].head(4))
    return Claim(
        LAYER,
        "Every promise holds when the power fails at any moment",
        f"power cuts in a history of {steps} steps: lost sectors, torn writes, lost names",
        f"{counts['images']} images at {counts['crash_points']} moments (disk operations {points}, "
        f"...), {counts['recoveries']:,} recoveries, {counts['violations']} promises broken",
        counts["violations"] == 0 and counts["images"] > 0,
    )


def writers_share_a_sync(frame: pd.DataFrame) -> Claim:
    """From `experiments.group_commit_sweep` with one writer and with many."""
    medians = frame.groupby("writers").median(numeric_only=True)
    writers = int(medians.index.max())
    most, alone = medians.loc[writers], medians.loc[1]
    return Claim(
        LAYER,
        "Writers at the same time share a sync",
        f"{writers} threads, every put durable before it returns",
        f"{most['records_per_sync']:.1f} records a sync; {most['puts_per_s']:,.0f} puts/s against "
        f"{alone['puts_per_s']:,.0f} of one writer and {most['raw_per_s']:,.0f} syncs/s of the "
        "bare disk",
        bool(most["records_per_sync"] > 1),
    )


def _killed(frame: pd.DataFrame) -> str:
    return f"kill -9 of a writer process under load, {len(frame)} times"
