"""Figures of groups: which records one sync carries, and who waits for whom."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.runtime.counting import counted
from veristack_lab.viz.spans import add_marks, add_spans, finish

_DISK = "disk"


def groups_over_time(trace: pd.DataFrame) -> go.Figure:
    """Every put as a bar in its writer's lane, every sync in the disk's lane.

    Args:
        trace: as `experiments.group_trace` gives it.
    """
    figure = go.Figure()
    groups = trace.groupby("group").agg(
        began=("sync_ms", "first"), ended=("synced_ms", "first"), records=("lsn", "size")
    )
    began, ended, records = (groups[name].tolist() for name in ("began", "ended", "records"))
    add_spans(
        figure, [_DISK] * len(groups), began, ended,
        name="sync, with its number of records", colour="orange",
        texts=[str(count) for count in records],
        hover=[
            f"sync of group {number}: {counted(count, 'record')} in {end - begin:.2f} ms"
            for number, count, begin, end in zip(groups.index, records, began, ended, strict=True)
        ],
    )  # fmt: skip
    for odd, name, colour in (
        (1, "put, of an odd group", "blue"),
        (0, "put, of an even group", "sky"),
    ):
        part = trace[trace["group"] % 2 == odd]
        add_spans(
            figure, _lanes(part), part["queued_ms"].tolist(), part["returned_ms"].tolist(),
            name=name, colour=colour,
            hover=[f"LSN {put.lsn}, group {put.group}" for put in part.itertuples()],
        )  # fmt: skip
    first = trace.groupby("group", as_index=False).first()
    add_marks(
        figure, _lanes(first), first["queued_ms"].tolist(), name="first of its group", colour="red",
        symbol="diamond", hover=[f"LSN {lsn}: first of its group" for lsn in first["lsn"]],
    )  # fmt: skip
    return finish(
        figure,
        [_DISK, *_all_lanes(trace)],
        title="Puts and the syncs that carry them",
        axis="ms since the first put",
    )


def leader_queue_chain(trace: pd.DataFrame, group: int | None = None) -> go.Figure:
    """One group in full: queued, led and synced by one of its writers, woken one by one.

    Args:
        trace: as `experiments.group_trace` gives it.
        group: which one; the largest, and the last of several, if not given.
    """
    if group is None:
        sizes = trace.groupby("group").size()
        group = int(sizes[sizes == sizes.max()].index[-1])
    part = trace[trace["group"] == group]
    part = part.sort_values("lsn").assign(lane=_lanes(part))
    zero = float(part["queued_ms"].min())
    figure = go.Figure()
    phases = (
        ("in the queue", "grey", part, "queued_ms", "write_ms"),
        ("leads: writes and syncs", "orange", part[part["is_leader"]], "write_ms", "synced_ms"),
        ("sleeps until it is durable", "sky", part[~part["is_leader"]], "write_ms", "synced_ms"),
        ("durable; woken in turn", "green", part, "synced_ms", "returned_ms"),
    )
    for name, colour, rows, begin, end in phases:
        starts, ends = (rows[begin] - zero).tolist(), (rows[end] - zero).tolist()
        add_spans(
            figure, rows["lane"].tolist(), starts, ends, name=name, colour=colour,
            hover=[f"{name}: {b - a:.3f} ms" for a, b in zip(starts, ends, strict=True)],
        )  # fmt: skip
    order = part["returned_ms"].rank().astype(int)
    add_marks(
        figure, part["lane"].tolist(), (part["returned_ms"] - zero).tolist(), name="OK",
        colour="red", symbol="diamond", hover=[f"told OK as number {place}" for place in order],
    )  # fmt: skip
    return finish(
        figure,
        part["lane"].tolist(),
        title=f"One group of {counted(len(part), 'record')}, one sync",
        axis="ms since its first writer queued up",
    )


def _lanes(part: pd.DataFrame) -> list[str]:
    return [f"writer {writer}" for writer in part["writer"]]


def _all_lanes(trace: pd.DataFrame) -> list[str]:
    return [f"writer {writer}" for writer in sorted(trace["writer"].unique())]
