"""Figures of the object store: where the commit point is."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz import PALETTE

_FOUND_COLOURS = {
    "nothing": "#E8E8E8",
    "old": PALETTE["sky"],
    "new": PALETTE["green"],
    "broken": PALETTE["red"],
}


def commit_point(frame: pd.DataFrame) -> go.Figure:
    """What a reader finds after a power cut before each disk operation of one act.

    Args:
        frame: as `experiments.commit_point` gives it.
    """
    kinds, cuts = list(_FOUND_COLOURS), list(dict.fromkeys(frame["cut"]))
    names = {"lost": "all unsynced lost", "any": "some of it lost", "kept": "all kept"}
    known = frame["found"].where(frame["found"].isin(kinds), "broken")
    table = frame.assign(kind=known).pivot(index="done", columns="cut", values=["kind", "found"])
    operations = frame.drop_duplicates("done").set_index("done")["operation"]
    steps = [
        (edge / len(kinds), colour)
        for number, colour in enumerate(_FOUND_COLOURS.values())
        for edge in (number, number + 1)
    ]
    heatmap = go.Heatmap(
        z=[[kinds.index(kind) for kind in row] for row in table["kind"][cuts].to_numpy()],
        text=table["found"][cuts].to_numpy(),
        x=[names.get(cut, cut) for cut in cuts],
        y=[f"{done}: {operation}" for done, operation in operations.items()],
        texttemplate="%{text}",
        hovertemplate="cut before %{y}<br>%{x}: %{text}<extra></extra>",
        colorscale=steps,
        zmin=-0.5,
        zmax=len(kinds) - 0.5,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    figure = go.Figure(heatmap)
    figure.update_layout(
        title=f"{frame.attrs['act']}: power cut before each disk operation",
        height=140 + 26 * len(operations),
        xaxis={"side": "top"},
        yaxis={"autorange": "reversed", "tickfont": {"family": "monospace", "size": 11}},
        margin={"l": 300, "t": 90},
    )
    return figure
