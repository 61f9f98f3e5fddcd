"""Pictures of training jobs: which run ran when and where it died, and what the model learned."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import DARK_INK, LIGHT_INK, PALETTE

STATE_COLOURS = {
    "SUCCEEDED": PALETTE["green"],
    "FAILED": PALETTE["orange"],
    "LOST": PALETTE["orange"],
    "CANCELLED": PALETTE["grey"],
    "RELEASED": PALETTE["grey"],
    "RUNNING": PALETTE["sky"],
}
MARKS = {
    "checkpoint": ("diamond", DARK_INK, 9),
    "resumed": ("triangle-right", PALETTE["purple"], 12),
    "killed": ("x", PALETTE["red"], 13),
    "lease expired": ("x-open", PALETTE["red"], 13),
}
PATTERNS = {"LOST": "/", "RELEASED": "/"}
"""What has the colour of another state is hatched."""
BAR_HEIGHT = 0.55


def job_timeline(timeline: pd.DataFrame, title: str = "Runs of each job") -> go.Figure:
    """One line a job: a bar for each run, marks for checkpoints, kills and resumptions.

    Args:
        timeline: a frame from `experiments.timeline`.
    """
    figure = go.Figure()
    runs = timeline[timeline["kind"] == "run"]
    for state, group in runs.groupby("state", sort=True):
        figure.add_bar(
            y=group["job"],
            x=group["end_s"] - group["start_s"],
            base=group["start_s"],
            orientation="h",
            width=BAR_HEIGHT,
            name=str(state).lower(),
            marker={
                "color": STATE_COLOURS[str(state)],
                "pattern": {"shape": PATTERNS.get(str(state), "")},
                "line": {"width": 0},
            },
            customdata=group[["scheduler", "epoch", "note"]],
            hovertemplate="scheduler %{customdata[0]}, epoch %{customdata[1]}"
            "<br>from %{base:.1f} s for %{x:.1f} s<br>%{customdata[2]}<extra>%{y}</extra>",
        )
    for kind, (symbol, colour, size) in MARKS.items():
        marks = timeline[timeline["kind"] == kind]
        if not marks.empty:
            figure.add_scatter(
                y=marks["job"],
                x=marks["start_s"],
                mode="markers",
                name=kind,
                marker={
                    "symbol": symbol,
                    "color": colour,
                    "size": size,
                    "line": {"color": LIGHT_INK, "width": 1},
                },
                text=marks["note"],
                hovertemplate="%{text} at %{x:.1f} s<extra>" + kind + "</extra>",
            )
    jobs = list(dict.fromkeys(runs["job"]))
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title="seconds since the first submission", rangemode="tozero")
    figure.update_yaxes(categoryorder="array", categoryarray=jobs[::-1])
    return headed(figure, title, height=170 + 34 * max(len(jobs), 2))


def learning_curves(curves: pd.DataFrame, title: str = "Validation accuracy") -> go.Figure:
    """Accuracy by step: the uninterrupted job as one line, each run of the other on top of it.

    Args:
        curves: a frame from `experiments.learning_curves`.
    """
    figure = go.Figure()
    colours = [PALETTE["blue"], PALETTE["orange"], PALETTE["green"], PALETTE["purple"]]
    groups = curves.groupby(["job", "epoch"], sort=False)
    runs_of = curves.groupby("job")["epoch"].nunique()
    for number, ((job, epoch), group) in enumerate(groups):
        whole = runs_of[str(job)] == 1
        figure.add_scatter(
            x=group["step"],
            y=group["accuracy"],
            mode="lines",
            name=str(job) if whole else f"{job}, run {epoch}",
            line={"color": PALETTE["grey"], "width": 7}
            if whole
            else {"color": colours[number % len(colours)], "width": 2.5},
        )
        if not whole:
            first, last = group.iloc[0], group.iloc[-1]
            if last["step"] < curves["step"].max():
                _mark(figure, last, "x", PALETTE["red"], "killed here")
            elif first["step"] > curves["step"].min():
                _mark(figure, first, "triangle-right", PALETTE["purple"], "goes on here")
    figure.update_xaxes(title="step")
    figure.update_yaxes(tickformat=".0%")
    return headed(
        figure, title, height=380, heading="share of unseen docstrings that are placed right"
    )


def _mark(figure: go.Figure, row: pd.Series, symbol: str, colour: str, name: str) -> None:
    figure.add_scatter(
        x=[row["step"]],
        y=[row["accuracy"]],
        mode="markers",
        name=name,
        marker={"symbol": symbol, "color": colour, "size": 13},
    )
