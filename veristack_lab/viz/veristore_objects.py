"""Figures of the object store: where the commit point is."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import folded, headed, steps
from veristack_lab.viz.theme import DARK_INK, FILLS

_FOUND_COLOURS = {
    "nothing": FILLS["pale"],
    "old": FILLS["sky"],
    "new": FILLS["green"],
    "broken": FILLS["red"],
}


def commit_point(frame: pd.DataFrame) -> go.Figure:
    """What a reader finds after a power cut before each disk operation of one act.

    Args:
        frame: as `experiments.commit_point` gives it.
    """
    kinds, cuts = list(_FOUND_COLOURS), list(dict.fromkeys(frame["cut"]))
    names = {"lost": "all unsynced<br>lost", "any": "some of<br>it lost", "kept": "all<br>kept"}
    known = frame["found"].where(frame["found"].isin(kinds), "broken")
    table = frame.assign(kind=known).pivot(index="done", columns="cut", values=["kind", "found"])
    operations = frame.drop_duplicates("done").set_index("done")["operation"]
    heatmap = go.Heatmap(
        z=[[kinds.index(kind) for kind in row] for row in table["kind"][cuts].to_numpy()],
        text=table["kind"][cuts].to_numpy(),
        customdata=table["found"][cuts].to_numpy(),
        x=[names.get(cut, cut) for cut in cuts],
        y=[folded(f"{done}: {operation}", 22) for done, operation in operations.items()],
        texttemplate="%{text}",
        textfont={"color": DARK_INK, "size": 11},
        hovertemplate="cut before %{y}<br>%{x}: %{customdata}<extra></extra>",
        colorscale=steps(list(_FOUND_COLOURS.values())),
        zmin=-0.5,
        zmax=len(kinds) - 0.5,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    figure = go.Figure(heatmap)
    lines = sum(str(name).count("<br>") + 1 for name in heatmap.y)
    figure.update_xaxes(side="top")
    figure.update_yaxes(autorange="reversed", tickfont={"family": "monospace", "size": 10})
    return headed(
        figure,
        f"{frame.attrs['act']}: power cut before each disk operation",
        height=60 + 10 * len(operations) + 15 * lines,
        top_px=40,
    )
