"""What veristore promises, judged from frames: for the tour, the notebooks and the tests alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.counting import counted
from veristack_lab.veristore.recovery.damage import Damage
from veristack_lab.veristore.status import Recovery, StoreStats

LAYER = "veristore"
LEAST_SHARE = 0.25
"""Share of the writers whose records one sync must carry. The chain of wake-ups brings nearly all
of them together; two crowds that take turns would bring half."""


def acknowledged_survives(frame: pd.DataFrame) -> Claim:
    """From `experiments.kill_and_recover`: OK means durable."""
    acknowledged, lost = int(frame["acknowledged"].sum()), int(frame["lost"].sum())
    aims = ", ".join(str(count) for count in frame["kill_after"].head(4))
    return Claim(
        LAYER,
        "A write that was acknowledged survives",
        _killed(frame),
        f"{counted(acknowledged, 'write')} acknowledged, {lost} lost (kills aimed at {aims}, ... "
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
        f"...), {counts['recoveries']:,} recoveries, "
        f"{counted(counts['violations'], 'promise')} broken",
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
        bool(most["records_per_sync"] >= LEAST_SHARE * writers),
    )


def prefix_after_every_cut(frame: pd.DataFrame) -> Claim:
    """From `experiments.truncation_sweep`: a prefix is found, and what follows it is kept."""
    prefixes, going_on = int(frame["is_prefix"].sum()), int(frame["accepts_writes"].sum())
    return Claim(
        LAYER,
        "What is found is a prefix of what was written, and nothing is appended behind garbage",
        "the log cut at every byte, then opened, written to, and opened again",
        f"{len(frame)} cuts: a prefix after {prefixes}, the later write kept after {going_on}",
        prefixes == going_on == len(frame) > 0,
    )


def damage_is_told(
    damage: Damage, flipped_lsn: int, next_lsn: int, kept_files: Sequence[str]
) -> Claim:
    """From opening a store whose log has one flipped bit: found, told, and kept as evidence."""
    evidence = [name for name in kept_files if name.startswith("damaged-")]
    first, last = damage.first_lost_lsn, damage.last_lost_lsn
    return Claim(
        LAYER,
        "Damage is found and told, the evidence is kept, and no lost number is given again",
        f"one bit flipped in the record with LSN {flipped_lsn}",
        f"LSN {first} to {last} reported lost; {', '.join(evidence) or 'nothing'} kept; the next "
        f"write has LSN {next_lsn}",
        first == flipped_lsn <= last < next_lsn and len(evidence) == 1,
    )


def checkpoint_shortens_the_log(before: StoreStats, after: StoreStats) -> Claim:
    """From the statistics of a store before and after a checkpoint."""
    return Claim(
        LAYER,
        "A checkpoint empties the log, and its numbers go on",
        "a checkpoint of a store with a long log",
        f"log {before.log_bytes:,} to {after.log_bytes:,} bytes; last LSN {before.last_lsn:,}, "
        f"then {after.last_lsn:,}",
        after.log_bytes < before.log_bytes / 10 and after.last_lsn >= before.last_lsn > 0,
    )


def torn_record_is_cut_off(
    found: Recovery, torn_bytes: int, kept: Mapping[bytes, bytes], wanted: Mapping[bytes, bytes]
) -> Claim:
    """From opening a store whose log ends in the middle of a record."""
    return Claim(
        LAYER,
        "The rest of a torn record is cut off and never read",
        f"the first {torn_bytes} bytes of one more record left behind the log",
        f"{found.torn_bytes} bytes cut off, {found.records} records replayed; "
        f"{len(kept)} of {len(wanted)} names there",
        found.torn_bytes == torn_bytes and dict(kept) == dict(wanted),
    )


def _killed(frame: pd.DataFrame) -> str:
    return f"kill -9 of a writer process under load, {len(frame)} times"
