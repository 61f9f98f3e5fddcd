"""Figure of one write on its way: process, page cache, disk, and the entry in the folder."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import DARK_INK, FILLS

_LOOKS = {
    "not there": ("", "rgba(153,153,153,0.25)"),
    "in the cache": ("cache", FILLS["sky"]),
    "on the disk": ("disk", FILLS["green"]),
}
"""By the place that a frame names: what is written into the cell, and its colour."""


def cache_and_platter(life: pd.DataFrame) -> go.Figure:
    """For each step and each part of a file: is it only in the page cache, or on the disk?

    Args:
        life: as `sim.life_of_a_write` gives it, or some of its steps.
    """
    steps, parts = list(dict.fromkeys(life["step"])), list(dict.fromkeys(life["part"]))
    places = life.pivot(index="part", columns="step", values="place").loc[parts, steps]
    order = list(_LOOKS)
    colours = [
        (edge / len(order), colour)
        for number, (_, colour) in enumerate(_LOOKS.values())
        for edge in (number, number + 1)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=[[order.index(place) for place in row] for row in places.to_numpy()],
            x=[_folded(step) for step in steps],
            y=parts,
            text=[[_LOOKS[place][0] for place in row] for row in places.to_numpy()],
            texttemplate="%{text}",
            textfont={"color": DARK_INK},
            customdata=places.to_numpy(),
            hovertemplate="after “%{x}”: %{y} is %{customdata}<extra></extra>",
            colorscale=colours,
            zmin=-0.5,
            zmax=len(order) - 0.5,
            showscale=False,
            xgap=3,
            ygap=3,
        )
    )
    headed(figure, "Where each part of the file is", height=60 + 36 * len(parts), top_px=60)
    figure.update_xaxes(side="top", tickangle=0)
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure


def _folded(step: str) -> str:
    return step.replace(" of the ", "<br>of the<br>").replace("file made", "file<br>made")
