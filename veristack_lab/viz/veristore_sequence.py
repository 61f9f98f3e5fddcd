"""The order in which one act on an object reaches its files: content, names, log."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import PALETTE

LANES = ("content file", "folder entry", "log record", "log synced")
"""Where an operation takes effect, from the first to be durable to the last."""
_COLOURS = dict(zip(LANES, ("blue", "purple", "orange", "green"), strict=True))


def lane_of(operation: str) -> str:
    """Where an operation takes effect, from its words."""
    if " log-" in operation:
        return "log synced" if operation.startswith("fdatasync") else "log record"
    entries = ("create", "unlink", "rename", "fsync_dir")
    return "folder entry" if operation.startswith(entries) else "content file"


def sequence(frame: pd.DataFrame) -> go.Figure:
    """Each disk operation of one act as a step from left to right, in the lane that it changes.

    The dashed line is the commit point: the worst power cut before it finds the old state, and
    after it the new one.

    Args:
        frame: as `experiments.commit_point` gives it, with the cut "lost".
    """
    worst = frame[frame["cut"] == "lost"]
    before = worst["found"].iloc[0]
    steps = worst[worst["operation"] != "returned"]
    lanes = [lane_of(operation) for operation in steps["operation"]]
    numbers = (steps["done"] + 1).tolist()
    figure = go.Figure()
    figure.add_scatter(
        x=numbers, y=lanes, mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": PALETTE["grey"], "width": 1.5},
    )  # fmt: skip
    figure.add_scatter(
        x=numbers, y=lanes, mode="markers+text", showlegend=False,
        text=[str(number) for number in numbers],
        textposition="top center",
        marker={"size": 16, "color": [PALETTE[_COLOURS[lane]] for lane in lanes]},
        hovertext=steps["operation"], hovertemplate="%{x}: %{hovertext}<extra></extra>",
    )  # fmt: skip
    changed = worst[worst["found"] != before]
    if not changed.empty:
        figure.add_vline(
            x=int(changed["done"].iloc[0]) + 0.5, line={"color": PALETTE["red"], "dash": "dash"}
        )
    headed(figure, f"{frame.attrs['act'].capitalize()}, step by step", height=270, top_px=8)
    figure.update_xaxes(title="disk operation", dtick=1, range=[0.4, len(steps) + 0.6])
    figure.update_yaxes(
        categoryorder="array", categoryarray=list(LANES)[::-1], automargin=True,
        range=[-0.6, len(LANES) - 0.4],
    )  # fmt: skip
    return figure
