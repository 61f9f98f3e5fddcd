"""Bars along a time axis, one lane a row: what was going on where, and for how long."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import PALETTE, ink_on

THICKNESS = 0.6
LANE_PX = 46
"""Height of one lane."""


def add_spans(
    figure: go.Figure,
    lanes: Sequence[str],
    starts: Sequence[float],
    ends: Sequence[float],
    *,
    name: str,
    colour: str,
    texts: Sequence[str] | None = None,
    hover: Sequence[str] | None = None,
    opacity: float = 1.0,
) -> None:
    """Add bars from `starts` to `ends`, as one entry of the legend.

    Args:
        figure: what to add to.
        lanes: the lane of each bar.
        starts: where each begins, in the unit of the axis.
        ends: where each ends.
        name: of the legend's entry.
        colour: a name of the palette.
        texts: written into the bars; left out where a bar is too short for its text.
        hover: shown at the pointer; the name if not given.
        opacity: of the bars.
    """
    figure.add_bar(
        y=list(lanes),
        x=[end - start for start, end in zip(starts, ends, strict=True)],
        base=list(starts),
        orientation="h",
        width=THICKNESS,
        name=name,
        marker={"color": PALETTE[colour]},
        opacity=opacity,
        text=None if texts is None else list(texts),
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        insidetextfont={"color": ink_on(PALETTE[colour])},
        constraintext="inside",
        hovertext=list(hover) if hover is not None else [name] * len(lanes),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def add_marks(
    figure: go.Figure,
    lanes: Sequence[str],
    moments: Sequence[float],
    *,
    name: str,
    colour: str,
    symbol: str,
    hover: Sequence[str] | None = None,
    size: int = 12,
) -> None:
    """Add marks on lanes, as one entry of the legend."""
    figure.add_scatter(
        y=list(lanes),
        x=list(moments),
        mode="markers",
        name=name,
        marker={"symbol": symbol, "color": PALETTE[colour], "size": size},
        hovertext=list(hover) if hover is not None else [name] * len(lanes),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def finish(figure: go.Figure, lanes: Sequence[str], *, title: str, axis: str) -> go.Figure:
    """Lanes from the top in the given order, a legend below the axis, a height that fits."""
    headed(figure, title, height=170 + LANE_PX * len(lanes), top_px=8)
    figure.update_layout(barmode="overlay", margin={"b": 130})
    figure.update_xaxes(title=axis, automargin=True)
    figure.update_yaxes(
        categoryorder="array", categoryarray=list(lanes)[::-1], automargin=True, ticks=""
    )
    return figure
