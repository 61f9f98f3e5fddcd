"""Figures of the kernels: the ladder of ways to compute a CRC32C."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.kernels.ladder import BATCH, IDEAS, ONE_BUFFER
from veristack_lab.kernels.rungs import INTERLEAVED
from veristack_lab.viz import PALETTE
from veristack_lab.viz.layout import folded, headed, panels

_COLOURS = ("grey", "red", "orange", "sky", "blue", "green")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")


def crc_ladder(frame: pd.DataFrame) -> go.Figure:
    """How many bytes a second each rung gets through: alone, and for a batch of records.

    Args:
        frame: as `kernels.crc_ladder()` gives it.
    """
    colours = dict(zip(IDEAS, (PALETTE[name] for name in _COLOURS), strict=True))
    single, batch = (frame[frame["work"] == work] for work in (ONE_BUFFER, BATCH))
    records = f"{frame.attrs['batch_records']:,} records of {frame.attrs['record_bytes']} bytes"
    headings = ("GB/s, one buffer and one call each", f"GB/s, one call for {records}")
    figure, height = panels(headings, panel_px=240, gap_px=100)
    for number, (rung, rows) in enumerate(single.groupby("rung", sort=False)):
        figure.add_scatter(
            x=rows["item_bytes"],
            y=rows["gb_per_s"],
            mode="lines+markers",
            name=str(rung),
            line={"color": colours[str(rung)], "dash": _dash(str(rung))},
            marker={"symbol": _SYMBOLS[number % len(_SYMBOLS)], "size": 8},
            text=rows["idea"],
            hovertemplate="%{x:,} B: %{y:.3g} GB/s<br>%{text}",
            row=1,
            col=1,
        )
    figure.add_scatter(
        x=batch["gb_per_s"],
        y=[folded(str(rung), 24) for rung in batch["rung"]],
        mode="markers+text",
        marker={"color": [colours[rung] for rung in batch["rung"]], "size": 11},
        text=[f"{rate:.3g}" for rate in batch["gb_per_s"]],
        textposition="top center",
        cliponaxis=False,
        customdata=batch[["ns_per_item", "idea"]],
        hovertemplate="%{customdata[0]:.3g} ns a record<br>%{customdata[1]}<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
    figure.update_xaxes(title="bytes", type="log", dtick=1, row=1)
    figure.update_xaxes(title="GB/s", type="log", dtick=1, row=2)
    figure.update_yaxes(type="log", dtick=1, row=1)
    figure.update_yaxes(range=[-0.5, len(batch) - 0.2], row=2)
    return headed(figure, "CRC32C, rung by rung", height=height)


def _dash(rung: str) -> str:
    """The interleaved chains lie on the single one for short buffers: let both be seen."""
    return "dot" if rung == INTERLEAVED else "solid"
