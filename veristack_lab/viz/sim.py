"""Figures of the simulator: where the power was cut, and what recovery found; kills."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from veristack_lab.errors import InvalidInput
from veristack_lab.viz import PALETTE

_VERDICTS = (
    ("all that was acknowledged", PALETTE["sky"]),
    ("and the step under way, whole", PALETTE["blue"]),
    ("a promise broken", PALETTE["red"]),
)


def crash_map(frame: pd.DataFrame) -> go.Figure:
    """Crash point against kind of loss: the worst result found there.

    Args:
        frame: as `sim.crash_sweep` gives it.

    Raises:
        InvalidInput: the frame is empty.
    """
    if frame.empty:
        raise InvalidInput("the frame is empty; sweep something first")
    kinds = frame.attrs["coverage"]["policies"]
    points = list(range(int(frame["crash_point"].min()), int(frame["crash_point"].max()) + 1))
    worst, texts = _worst(frame)
    heat = go.Heatmap(
        x=points,
        y=kinds,
        z=[[worst.get((point, kind)) for point in points] for kind in kinds],
        text=[[texts.get((point, kind), "") for point in points] for kind in kinds],
        hovertemplate="crash point %{x}, %{y}<br>%{text}<extra></extra>",
        zmin=-0.5,
        zmax=2.5,
        colorscale=[
            [edge / 3, colour]
            for number, (_, colour) in enumerate(_VERDICTS)
            for edge in (number, number + 1)
        ],
        colorbar={
            "tickvals": [0, 1, 2],
            "ticktext": [name for name, _ in _VERDICTS],
            "orientation": "h",
            "y": -0.35,
            "thickness": 12,
        },
        xgap=0 if len(points) > 200 else 1,
        ygap=1,
    )
    figure = go.Figure(heat)
    broken = int((frame["violation"] != "").sum())
    figure.update_layout(
        title=f"{frame.attrs.get('workload', 'a workload')}: {len(frame):,} power cuts, "
        f"{broken:,} promises broken",
        height=420,
        margin={"b": 110},
    )
    figure.update_xaxes(title="crash point: disk operations before the cut")
    figure.update_yaxes(autorange="reversed")
    return figure


def _worst(frame: pd.DataFrame) -> tuple[dict[tuple[int, str], int], dict[tuple[int, str], str]]:
    """The worst verdict of each crash point and policy, and its words."""
    worst: dict[tuple[int, str], int] = {}
    texts: dict[tuple[int, str], str] = {}
    columns = ("crash_point", "policy", "violation", "promise", "state_index", "acknowledged")
    for point, policy, violation, promise, index, done in zip(
        *(frame[column].tolist() for column in columns), strict=True
    ):
        verdict = 2 if violation else int(index > done)
        if verdict >= worst.get((point, policy), -1):
            worst[point, policy] = verdict
            texts[point, policy] = f"{promise}: {violation}" if violation else _VERDICTS[verdict][0]
    return worst, texts


def recovered_states(frame: pd.DataFrame) -> go.Figure:
    """After each crash: how many steps were acknowledged, and how many recovery found.

    Args:
        frame: as `sim.crash_sweep` gives it.
    """
    opened = frame[frame["state_index"] >= 0]
    kept = opened[opened["violation"] == ""]
    broken = frame[frame["violation"] != ""]
    acknowledged = frame.groupby("crash_point", as_index=False)["acknowledged"].first()
    figure = go.Figure()
    figure.add_scatter(
        x=acknowledged["crash_point"],
        y=acknowledged["acknowledged"],
        name="acknowledged",
        mode="lines",
        line={"color": PALETTE["grey"], "shape": "hv"},
    )
    for rows, name, colour in (
        (kept, "found, every promise kept", "blue"),
        (broken, "found, a promise broken", "red"),
    ):
        figure.add_scatter(
            x=rows["crash_point"],
            y=rows["state_index"],
            text=[f"{a}<br>{b}" for a, b in zip(rows["policy"], rows["violation"], strict=True)],
            hovertemplate="crash point %{x}: %{y} steps<br>%{text}<extra></extra>",
            name=name,
            mode="markers",
            marker={"color": PALETTE[colour], "size": 4},
        )
    figure.update_xaxes(title="crash point: disk operations before the cut")
    figure.update_yaxes(title="steps")
    figure.update_layout(title="What recovery found", height=400)
    return figure


def kills(frame: pd.DataFrame) -> go.Figure:
    """What every SIGKILL found: acknowledged writes, and how long the store took to recover.

    Args:
        frame: as `sim.torture` gives it.
    """
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.1,
        subplot_titles=("writes between two kills", "milliseconds to recover"),
    )
    for column, name, colour in (
        ("acknowledged", "acknowledged, and there", "blue"),
        ("kept", "under way, and there as a whole", "sky"),
        ("lost", "acknowledged and lost", "red"),
    ):
        heights = (
            frame["acknowledged"] - frame["lost"] if column == "acknowledged" else frame[column]
        )
        figure.add_bar(
            x=frame["kill"], y=heights, name=name, marker_color=PALETTE[colour], row=1, col=1
        )
    figure.add_scatter(
        x=frame["kill"],
        y=frame["recover_ms"],
        mode="markers",
        marker={"color": PALETTE["green"], "size": 4},
        showlegend=False,
        row=2,
        col=1,
    )
    figure.update_layout(
        title=f"{len(frame):,} kills: {int(frame['acknowledged'].sum()):,} writes acknowledged, "
        f"{int(frame['lost'].sum()):,} lost",
        barmode="stack",
        height=460,
        margin={"t": 80},
        legend={"y": -0.2, "yanchor": "top", "x": 0, "xanchor": "left"},
    )
    figure.update_xaxes(title="kill", row=2, col=1)
    return figure
