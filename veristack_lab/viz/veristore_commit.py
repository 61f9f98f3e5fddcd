"""Figures of writers and durability: group commit, what a power cut takes, which writer to wake."""

from __future__ import annotations

import itertools

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from veristack_lab.viz import PALETTE

_LEVEL_COLOURS = ("blue", "orange", "red", "purple", "green")


def group_commit(frame: pd.DataFrame) -> go.Figure:
    """Puts a second, and records a sync, against the number of writers, at each level.

    Args:
        frame: as `experiments.group_commit_sweep` gives it.
    """
    figure = make_subplots(rows=1, cols=2, subplot_titles=("puts a second", "records a sync"))
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
        figure.add_scatter(x=per_sync.index, y=per_sync, showlegend=False, row=1, col=2, **look)
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
    figure.update_yaxes(type="log", row=1, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    _legend_below(figure, "One sync for many writers: median, lowest and highest round", 420)
    return figure


def loss_window(frame: pd.DataFrame) -> go.Figure:
    """Writes that returned and were gone after a power cut, at each durability level.

    Args:
        frame: as `experiments.loss_window` gives it.
    """
    levels = list(dict.fromkeys(frame["level"]))
    figure = make_subplots(
        rows=1,
        cols=len(levels),
        subplot_titles=levels,
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    looks = {"lost": ("worst cut", "red"), "any": ("some cut", "orange"), "kept": ("kill", "blue")}
    for column, level in enumerate(levels, 1):
        part = frame[frame["level"] == level]
        for cut in (cut for cut in looks if cut in set(part["cut"])):
            rows, (name, colour) = part[part["cut"] == cut], looks[cut]
            figure.add_scatter(
                x=rows["returned"],
                y=rows["lost"],
                name=name,
                legendgroup=cut,
                showlegend=column == 1,
                mode="markers" if cut == "any" else "lines+markers",
                line={"shape": "hv", "color": PALETTE[colour]},
                marker={"size": 5},
                row=1,
                col=column,
            )
    figure.update_xaxes(title="writes that had returned")
    figure.update_yaxes(title="lost", row=1, col=1)
    _legend_below(figure, "What a power cut takes", 380)
    return figure


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
    figure.update_yaxes(title="age of the oldest lost write, ms", rangemode="tozero")
    figure.update_layout(title=f"What a power cut takes at Interval(ms={ms:g})", height=340)
    return figure


def wakeups(frame: pd.DataFrame) -> go.Figure:
    """Group size, context switches and processor time a record, for each way to wait.

    Args:
        frame: as `experiments.wakeups_sweep` gives it.
    """
    panels = {
        "records_per_sync": "records a sync",
        "switches_per_put": "context switches a record",
        "cpu_us_per_put": "processor µs a record",
    }
    figure = make_subplots(rows=1, cols=3, subplot_titles=list(panels.values()))
    medians = frame.groupby(["way", "writers"], as_index=False).median(numeric_only=True)
    ways = zip(dict.fromkeys(frame["way"]), ("red", "orange", "blue"), strict=True)
    for (way, colour), (column, value) in itertools.product(ways, enumerate(panels, 1)):
        part = medians[medians["way"] == way]
        figure.add_scatter(
            x=part["writers"],
            y=part[value],
            name=way,
            legendgroup=way,
            showlegend=column == 1,
            line_color=PALETTE[colour],
            row=1,
            col=column,
        )
    ticks = sorted(int(count) for count in medians["writers"].unique())
    figure.update_xaxes(title="writers", type="log", tickvals=ticks)
    figure.update_yaxes(rangemode="tozero")
    _legend_below(figure, "Whom to wake, and whom to take", 400)
    return figure


def handles(frame: pd.DataFrame) -> go.Figure:
    """Durable puts a second of one thread, against how many it keeps in flight.

    Args:
        frame: as `experiments.handles_sweep` gives it.
    """
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=("durable puts a second", "records a sync")
    )
    medians = frame.groupby("depth", as_index=False).median(numeric_only=True)
    for column, (value, colour) in enumerate(
        {"puts_per_s": "blue", "records_per_sync": "green"}.items(), 1
    ):
        figure.add_scatter(
            x=medians["depth"],
            y=medians[value],
            line_color=PALETTE[colour],
            showlegend=False,
            row=1,
            col=column,
        )
    ticks = [int(depth) for depth in medians["depth"]]
    figure.update_xaxes(title="puts in flight", type="log", tickvals=ticks)
    figure.update_yaxes(type="log", row=1, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    figure.update_layout(title="One thread that does not wait for each", height=360)
    figure.update_layout(margin={"t": 80})
    return figure


def _legend_below(figure: go.Figure, title: str, height: int) -> None:
    figure.update_layout(
        title=title,
        height=height,
        margin={"t": 80},
        legend={"y": -0.3, "yanchor": "top", "x": 0, "xanchor": "left"},
    )
