"""The frame around a figure's data: headings that fit on a narrow page, panels, keys to colours.

On a window of 390 pixels a line of a title holds some 44 letters, and there is no room for panels
side by side or for the name of an axis beside it. So titles are folded, panels stand below each
other, and what a panel shows is written above it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from veristack_lab.viz.theme import PALETTE

LINE_LETTERS = 44
TITLE_TOP_PX, TITLE_LINE_PX, TITLE_PAD_PX, HEADING_PX = 16, 20, 10, 24
HEADING_FONT_PX = 12
_ABOVE_CORNER = {
    "xref": "paper",
    "yref": "paper",
    "x": 0,
    "y": 1,
    "xanchor": "left",
    "yanchor": "bottom",
    "yshift": 2,
}


def folded(text: str, letters: int = LINE_LETTERS) -> str:
    """A text folded to lines of at most this many letters; lines that it has stay apart."""
    lines = [
        line
        for part in text.split("<br>")
        for line in textwrap.wrap(part, letters, break_long_words=False, break_on_hyphens=False)
    ]
    return "<br>".join(lines)


def headed(
    figure: go.Figure, title: str, *, height: int, heading: str = "", top_px: int = 0
) -> go.Figure:
    """Give a figure its title, with room for it above the plot.

    Args:
        figure: is changed, and returned.
        title: is folded.
        height: pixels, without the title's.
        heading: what the only panel shows, to be written above it.
        top_px: further room between title and plot.
    """
    text = folded(title)
    room = TITLE_TOP_PX + TITLE_LINE_PX * (text.count("<br>") + 1) + top_px
    if heading:
        figure.add_annotation(
            text=folded(heading, 52),
            font={"size": HEADING_FONT_PX},
            showarrow=False,
            align="left",
            **_ABOVE_CORNER,
        )
    has_headings = bool(heading) or any(
        note.xref == "paper" and note.y > 0.999 for note in figure.layout.annotations
    )
    room += HEADING_PX if has_headings else 0
    # Plotly sets the middle of a title of several lines where that of a single line would be.
    lines = text.count("<br>")
    return figure.update_layout(
        title={"text": text, "pad": {"t": TITLE_PAD_PX + TITLE_LINE_PX // 2 * lines, "l": 8}},
        height=height + room,
        margin={"t": room},
    )


def panels(
    headings: Sequence[str],
    *,
    panel_px: int,
    gap_px: int = 84,
    shares: Sequence[float] | None = None,
    shared_xaxes: bool = False,
) -> tuple[go.Figure, int]:
    """Panels below each other, each with its heading above it.

    Args:
        headings: one a panel, from the top.
        panel_px: height of a panel; of a mean one, if they have `shares`.
        gap_px: between two panels: for ticks, the name of the axis, and a heading.
        shares: relative heights.
        shared_xaxes: whether only the lowest panel has ticks.

    Returns:
        The figure, and the height for `headed`.
    """
    count = len(headings)
    height = panel_px * count + gap_px * (count - 1)
    figure = make_subplots(
        rows=count,
        cols=1,
        shared_xaxes=shared_xaxes,
        vertical_spacing=gap_px / height if count > 1 else 0,
        row_heights=shares,
    )
    for row, heading in enumerate(headings, 1):
        axis = figure.get_subplot(row, 1).yaxis
        figure.add_annotation(
            text=heading,
            font={"size": HEADING_FONT_PX},
            showarrow=False,
            align="left",
            **{**_ABOVE_CORNER, "y": axis.domain[1]},
        )
    return figure, height + 44


def add_key(figure: go.Figure, colours: dict[str, str]) -> None:
    """A legend of coloured squares, for what has no legend of its own, as a heatmap."""
    for name, colour in colours.items():
        marker = {
            "symbol": "square",
            "size": 11,
            "color": colour,
            "line": {"color": PALETTE["ink"], "width": 1},
        }
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=name)


def steps(colours: Sequence[str]) -> list[list[object]]:
    """A colour scale of bands, one for each whole number from 0 on."""
    count = len(colours)
    return [
        [edge / count, colour]
        for number, colour in enumerate(colours)
        for edge in (number, number + 1)
    ]
