"""Figures of the kernels: the ladder of ways to compute a CRC32C."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from veristack_lab.kernels.ladder import BATCH, IDEAS, ONE_BUFFER
from veristack_lab.kernels.rungs import INTERLEAVED
from veristack_lab.viz import PALETTE

_COLOURS = ("grey", "red", "orange", "sky", "blue", "green")


def crc_ladder(frame: pd.DataFrame) -> go.Figure:
    """How many bytes a second each rung gets through: alone, and for a batch of records.

    Args:
        frame: as `kernels.crc_ladder()` gives it.
    """
    colours = dict(zip(IDEAS, (PALETTE[name] for name in _COLOURS), strict=True))
    single, batch = (frame[frame["work"] == work] for work in (ONE_BUFFER, BATCH))
    records = f"{frame.attrs['batch_records']:,} records of {frame.attrs['record_bytes']} bytes"
    figure = make_subplots(
        cols=2,
        column_widths=[0.5, 0.5],
        horizontal_spacing=0.25,
        subplot_titles=["one buffer, one call each", f"one call for {records}"],
    )
    for rung, rows in single.groupby("rung", sort=False):
        figure.add_scatter(
            x=rows["item_bytes"],
            y=rows["gb_per_s"],
            mode="lines+markers",
            name=str(rung),
            line={"color": colours[str(rung)], "dash": _dash(str(rung))},
            text=rows["idea"],
            hovertemplate="%{x:,} B: %{y:.3g} GB/s<br>%{text}",
            row=1,
            col=1,
        )
    figure.add_bar(
        x=batch["gb_per_s"],
        y=batch["rung"],
        orientation="h",
        marker_color=[colours[rung] for rung in batch["rung"]],
        text=[f"{rate:.3g} GB/s" for rate in batch["gb_per_s"]],
        textposition="auto",
        customdata=batch[["ns_per_item", "idea"]],
        hovertemplate="%{customdata[0]:.3g} ns a record<br>%{customdata[1]}<extra></extra>",
        showlegend=False,
        row=1,
        col=2,
    )
    figure.update_xaxes(title="bytes", type="log", dtick=1, col=1)
    figure.update_xaxes(title="GB/s", type="log", dtick=1, col=2)
    figure.update_yaxes(title="GB/s", type="log", dtick=1, col=1)
    return figure.update_layout(
        title="CRC32C, rung by rung",
        height=480,
        margin={"t": 90},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": -0.18, "yanchor": "top"},
    )


def _dash(rung: str) -> str:
    """The interleaved chains lie on the single one for short buffers: let both be seen."""
    return "dot" if rung == INTERLEAVED else "solid"
