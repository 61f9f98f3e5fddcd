"""Figures of blocks: prompts as chains of hashes, and a node's room before and after eviction."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import PALETTE, ink_on

_STATES = {"served": "orange", "idle": "sky", "free": "grey"}


def block_chain(frame: pd.DataFrame) -> go.Figure:
    """Each prompt as a chain of hashed blocks; those shared with the first prompt in green.

    Args:
        frame: as `experiments.chains` gives it.
    """
    figure = go.Figure()
    prompts = list(dict.fromkeys(frame["prompt"]))
    for prompt in prompts:
        part = frame[frame["prompt"] == prompt]
        figure.add_scatter(
            x=part["block"], y=part["prompt"], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": PALETTE["grey"], "width": 3},
        )  # fmt: skip
    for shared, name, colour in ((True, "same hash", "green"), (False, "another hash", "orange")):
        part = frame[frame["shared"] == shared]
        figure.add_scatter(
            x=part["block"], y=part["prompt"], mode="markers", name=name,
            marker={"symbol": "square", "size": 20, "color": PALETTE[colour]},
            hovertext=part["hash"], hovertemplate="block %{x}: %{hovertext}…<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=frame["block"], y=frame["prompt"], mode="text", text=frame["hash"].str[:3],
        textposition="top center", showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    headed(figure, "Prompts as chains of hashed blocks", height=120 + 60 * len(prompts), top_px=8)
    figure.update_layout(margin={"b": 90})
    most = int(frame["block"].max()) if len(frame) else 1
    figure.update_xaxes(title="block of 16 tokens", dtick=1, range=[0.5, most + 0.5])
    figure.update_yaxes(
        categoryorder="array", categoryarray=prompts[::-1], automargin=True,
        range=[-0.6, len(prompts) - 0.4],
    )  # fmt: skip
    return figure


def pool_blocks(frame: pd.DataFrame) -> go.Figure:
    """The room of a node at some moments, one bar a moment, one piece a prefix.

    Args:
        frame: rows of `experiments.held_blocks`, of one or more moments.
    """
    figure = go.Figure()
    moments = list(dict.fromkeys(frame["moment"]))
    order = frame.assign(rank=frame["state"] == "free").sort_values("rank", kind="stable")
    named = set()
    for (prefix, state), part in order.groupby(["prefix", "state"], sort=False):
        figure.add_bar(
            y=part["moment"],
            x=part["blocks"],
            orientation="h",
            name=str(state),
            legendgroup=str(state),
            showlegend=state not in named,
            marker={
                "color": PALETTE[_STATES[str(state)]],
                "line": {"width": 2, "color": "rgba(128,128,128,0.6)"},
            },
            text=[str(prefix) if blocks else "" for blocks in part["blocks"]],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            insidetextfont={"color": ink_on(PALETTE[_STATES[str(state)]])},
            hovertemplate=f"{prefix}: %{{x}} blocks, {state}<extra></extra>",
        )
        named.add(state)
    headed(figure, "Blocks of one node", height=120 + 46 * len(moments), top_px=8)
    figure.update_layout(barmode="stack", margin={"b": 90})
    figure.update_xaxes(title="blocks")
    figure.update_yaxes(categoryorder="array", categoryarray=moments[::-1], automargin=True)
    return figure
