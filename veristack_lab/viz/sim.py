"""Figures of the simulator: where the power was cut, and what recovery found; kills."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.counting import counted
from veristack_lab.viz import PALETTE
from veristack_lab.viz.layout import add_key, headed, panels, steps
from veristack_lab.viz.theme import NOTHING

_VERDICTS = (
    ("all that was acknowledged", PALETTE["sky"]),
    ("and the step under way, whole", PALETTE["blue"]),
    ("a promise broken", PALETTE["red"]),
)
_NOT_CUT, _BROKEN = -1, 2


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
    points = np.arange(frame["crash_point"].min(), frame["crash_point"].max() + 1, dtype=np.int32)
    worst, texts = _worst(frame)
    # Whole numbers, which plotly packs: a sweep has thousands of squares, and most were not cut.
    cells = [[worst.get((int(point), kind), _NOT_CUT) for point in points] for kind in kinds]
    heat = go.Heatmap(
        x=points,
        y=kinds,
        z=np.array(cells, dtype=np.int8),
        hovertemplate="crash point %{x}, %{y}<extra></extra>",
        zmin=_NOT_CUT - 0.5,
        zmax=_BROKEN + 0.5,
        colorscale=steps([NOTHING, *(colour for _, colour in _VERDICTS)]),
        showscale=False,
        xgap=0 if len(points) > 200 else 1,
        ygap=1,
    )
    figure = go.Figure(heat)
    broken = int((frame["violation"] != "").sum())
    add_key(figure, dict(_VERDICTS[:2]))
    # One broken square among a thousand is half a pixel wide: each gets a mark that is not.
    bad = pd.DataFrame(
        [(*place, text) for place, text in texts.items()], columns=["point", "kind", "text"]
    )
    figure.add_scatter(
        x=bad["point"] if len(bad) else [None],
        y=bad["kind"] if len(bad) else [None],
        text=bad["text"],
        hovertemplate="crash point %{x}, %{y}<br>%{text}<extra></extra>",
        mode="markers",
        name=_VERDICTS[_BROKEN][0],
        marker={"symbol": "x", "size": 9, "color": PALETTE["red"]},
    )
    figure.update_xaxes(title="crash point: disk operations before the cut")
    figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=kinds)
    return headed(
        figure,
        f"{counted(len(frame), 'power cut')}, {counted(broken, 'promise')} broken",
        height=180 + 34 * len(kinds),
        heading="kind of loss",
    )


def _worst(frame: pd.DataFrame) -> tuple[dict[tuple[int, str], int], dict[tuple[int, str], str]]:
    """The worst verdict of each crash point and policy; what was broken, where something was."""
    worst: dict[tuple[int, str], int] = {}
    texts: dict[tuple[int, str], str] = {}
    columns = ("crash_point", "policy", "violation", "promise", "state_index", "acknowledged")
    for point, policy, violation, promise, index, done in zip(
        *(frame[column].tolist() for column in columns), strict=True
    ):
        verdict = _BROKEN if violation else int(index > done)
        if verdict >= worst.get((point, policy), -1):
            worst[point, policy] = verdict
            if violation:
                texts[point, policy] = f"{promise}: {violation}"
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
    return headed(figure, "What recovery found", height=340, heading="steps of the workload")


def kills(frame: pd.DataFrame) -> go.Figure:
    """What every SIGKILL found: acknowledged writes, and how long the store took to recover.

    Args:
        frame: as `sim.torture` gives it.
    """
    figure, height = panels(
        (
            "writes acknowledged between two kills",
            "lost, or kept though not acknowledged",
            "ms to recover",
        ),
        panel_px=110,
        gap_px=34,
        shared_xaxes=True,
    )
    look = {"x": frame["kill"], "col": 1}
    figure.add_bar(
        y=frame["acknowledged"],
        name="acknowledged",
        marker_color=PALETTE["blue"],
        row=1,
        **look,
    )
    for column, name, colour, symbol in (
        ("kept", "under way, and there as a whole", "sky", "circle"),
        ("lost", "acknowledged and lost", "red", "x"),
    ):
        figure.add_scatter(
            y=frame[column],
            name=name,
            mode="markers",
            marker={"color": PALETTE[colour], "size": 7, "symbol": symbol},
            row=2,
            **look,
        )
    figure.add_scatter(
        y=frame["recover_ms"],
        mode="markers",
        marker={"color": PALETTE["green"], "size": 5},
        showlegend=False,
        row=3,
        **look,
    )
    figure.update_xaxes(title="kill", row=3)
    figure.update_yaxes(rangemode="tozero", row=3)
    return headed(
        figure,
        f"{counted(len(frame), 'kill')}: "
        f"{counted(int(frame['acknowledged'].sum()), 'write')} acknowledged, "
        f"{int(frame['lost'].sum()):,} lost",
        height=height,
    )
