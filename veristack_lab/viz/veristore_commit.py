"""Figures of writers and durability: group commit, what a power cut takes, which writer to wake."""

from __future__ import annotations

import itertools

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz import PALETTE
from veristack_lab.viz.layout import headed, panels

_LEVEL_COLOURS = ("blue", "orange", "red", "purple", "green")


def group_commit(frame: pd.DataFrame) -> go.Figure:
    """Puts a second, and records a sync, against the number of writers, at each level.

    Args:
        frame: as `experiments.group_commit_sweep` gives it.
    """
    figure, height = panels(("puts a second", "records a sync"), panel_px=180)
    for level, colour in zip(dict.fromkeys(frame["level"]), _LEVEL_COLOURS, strict=False):
        part = frame[frame["level"] == level]
        rates = part.groupby("writers")["puts_per_s"]
        median, per_sync = rates.median(), part.groupby("writers")["records_per_sync"].median()
        look = {"name": level, "legendgroup": level, "line_color": PALETTE[colour]}
        figure.add_scatter(
            x=median.index,
            y=median,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": rates.max() - median,
                "arrayminus": median - rates.min(),
                "thickness": 1,
            },
            row=1,
            col=1,
            **look,
        )
        per_sync = per_sync[per_sync > 0]  # a level that never asked for a sync has no groups
        figure.add_scatter(x=per_sync.index, y=per_sync, showlegend=False, row=2, col=1, **look)
    raw = frame.groupby("writers")["raw_per_s"].median()
    figure.add_scatter(
        x=raw.index,
        y=raw,
        name="bare disk: one sync a write",
        line={"color": PALETTE["grey"], "dash": "dash"},
        row=1,
        col=1,
    )
    ticks = sorted(int(count) for count in frame["writers"].unique())
    figure.update_xaxes(title="writers", type="log", tickvals=ticks)
    figure.update_yaxes(type="log", row=1)
    figure.update_yaxes(rangemode="tozero", row=2)
    title = "One sync for many writers: median, lowest and highest round"
    return headed(figure, title, height=height)


def loss_window(frame: pd.DataFrame) -> go.Figure:
    """Writes that returned and were gone after a power cut, at each durability level.

    Args:
        frame: as `experiments.loss_window` gives it.
    """
    levels = list(dict.fromkeys(frame["level"]))
    figure, height = panels(levels, panel_px=90, gap_px=34, shared_xaxes=True)
    looks = {"lost": ("worst cut", "red"), "any": ("some cut", "orange"), "kept": ("kill", "blue")}
    for row, level in enumerate(levels, 1):
        part = frame[frame["level"] == level]
        for cut in (cut for cut in looks if cut in set(part["cut"])):
            rows, (name, colour) = part[part["cut"] == cut], looks[cut]
            figure.add_scatter(
                x=rows["returned"],
                y=rows["lost"],
                name=name,
                legendgroup=cut,
                showlegend=row == 1,
                mode="markers" if cut == "any" else "lines+markers",
                line={"shape": "hv", "color": PALETTE[colour]},
                marker={"size": 5},
                row=row,
                col=1,
            )
    figure.update_xaxes(title="writes that had returned", row=len(levels))
    most = max(1, int(frame["lost"].max()))
    figure.update_yaxes(range=[-0.08 * most, 1.08 * most])
    return headed(figure, "Writes that a power cut takes, level by level", height=height)


def loss_window_ms(frame: pd.DataFrame) -> go.Figure:
    """How old the oldest write is that the worst power cut takes, at `Interval(ms=...)`.

    Args:
        frame: as `experiments.loss_window_ms` gives it.
    """
    ms = frame.attrs["ms"]
    figure = go.Figure()
    figure.add_scatter(
        x=frame["at_ms"],
        y=frame["oldest_lost_ms"],
        customdata=frame["lost"],
        hovertemplate="cut at %{x:.0f} ms: %{customdata} lost, %{y:.1f} ms old<extra></extra>",
        mode="lines+markers",
        marker={"size": 4},
        line_color=PALETTE["red"],
        showlegend=False,
    )
    figure.add_hline(y=ms, line={"color": PALETTE["grey"], "dash": "dash"})
    figure.update_xaxes(title="milliseconds after the first write")
    figure.update_yaxes(rangemode="tozero")
    return headed(
        figure,
        f"What a power cut takes if a sync comes every {ms:g} ms",
        height=300,
        heading="age of the oldest lost write, ms",
    )


def wakeups(frame: pd.DataFrame) -> go.Figure:
    """Group size, context switches and processor time a record, for each way to wait.

    Args:
        frame: as `experiments.wakeups_sweep` gives it.
    """
    shown = {
        "records_per_sync": "records a sync",
        "switches_per_put": "context switches a record",
        "cpu_us_per_put": "processor µs a record",
    }
    figure, height = panels(list(shown.values()), panel_px=130, gap_px=34, shared_xaxes=True)
    medians = frame.groupby(["way", "writers"], as_index=False).median(numeric_only=True)
    ways = zip(dict.fromkeys(frame["way"]), ("red", "orange", "blue"), strict=True)
    for (way, colour), (row, value) in itertools.product(ways, enumerate(shown, 1)):
        part = medians[medians["way"] == way]
        figure.add_scatter(
            x=part["writers"],
            y=part[value],
            name=way,
            legendgroup=way,
            showlegend=row == 1,
            line_color=PALETTE[colour],
            row=row,
            col=1,
        )
    ticks = sorted(int(count) for count in medians["writers"].unique())
    figure.update_xaxes(type="log", tickvals=ticks)
    figure.update_xaxes(title="writers", row=len(shown))
    figure.update_yaxes(rangemode="tozero")
    return headed(figure, "Whom to wake, and whom to take", height=height)


def handles(frame: pd.DataFrame) -> go.Figure:
    """Durable puts a second of one thread, against how many it keeps in flight.

    Args:
        frame: as `experiments.handles_sweep` gives it.
    """
    figure, height = panels(
        ("durable puts a second", "records a sync"), panel_px=150, gap_px=34, shared_xaxes=True
    )
    medians = frame.groupby("depth", as_index=False).median(numeric_only=True)
    for row, (value, colour) in enumerate(
        {"puts_per_s": "blue", "records_per_sync": "green"}.items(), 1
    ):
        figure.add_scatter(
            x=medians["depth"],
            y=medians[value],
            line_color=PALETTE[colour],
            showlegend=False,
            row=row,
            col=1,
        )
    ticks = [int(depth) for depth in medians["depth"]]
    figure.update_xaxes(type="log", tickvals=ticks)
    figure.update_xaxes(title="puts in flight", row=2)
    figure.update_yaxes(type="log", row=1)
    figure.update_yaxes(rangemode="tozero", row=2)
    return headed(figure, "One thread that does not wait for each", height=height)
