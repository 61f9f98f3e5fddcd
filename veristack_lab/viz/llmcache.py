"""Figures of the serving experiments: prefix reuse, an engine's death, the published table."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz import PALETTE
from veristack_lab.viz.layout import folded, headed

_STORY = ("cold engine", "cold", "warm", "prefix", "back", "unrelated")
_USERS = (PALETTE["blue"], PALETTE["orange"])
_LANE_HEIGHT = 0.16
MS_PER_S = 1000.0


def cold_warm_prefix(frame: pd.DataFrame) -> go.Figure:
    """What each kind of request waited for, medians over the repeats.

    Args:
        frame: as `experiments.cold_warm_prefix` gives it.
    """
    medians = frame.groupby("kind")[
        ["load_ms", "ttft_ms", "total_ms", "cached_tokens", "prompt_tokens"]
    ].median()
    kinds = [kind for kind in _STORY if kind in medians.index]
    medians = medians.loc[kinds]
    parts = {
        "loading the model": (medians["load_ms"], PALETTE["grey"]),
        "until the first token": (medians["ttft_ms"], PALETTE["blue"]),
        "the rest of the answer": (medians["total_ms"] - medians["ttft_ms"], PALETTE["sky"]),
    }
    reused = zip(kinds, medians["cached_tokens"], medians["prompt_tokens"], strict=True)
    rows = [f"{kind}<br>{held:.0f} of {asked:.0f} tokens" for kind, held, asked in reused]
    figure = go.Figure()
    for name, (values, colour) in parts.items():
        figure.add_bar(
            y=rows,
            x=values,
            name=name,
            orientation="h",
            marker_color=colour,
            hovertemplate="%{y} reused: %{x:.0f} ms<extra>" + name + "</extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title="milliseconds at the client", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return headed(
        figure,
        "What a request waits for, and how many<br>tokens of its prompt were reused",
        height=110 + 46 * len(kinds),
    )


def kill_timeline(frame: pd.DataFrame) -> go.Figure:
    """Each request on the lane of the node that answered it; the dead time shaded.

    Args:
        frame: as `experiments.kill_engine` gives it.
    """
    plan, nodes = frame.attrs, sorted(frame["node_id"].dropna().unique())
    figure = go.Figure()
    lane = nodes.index(plan["killed_node"]) if plan["killed_node"] in nodes else 0
    figure.add_shape(
        type="rect",
        x0=plan["killed_s"],
        x1=plan["back_s"],
        y0=lane - 0.45,
        y1=lane + 0.45,
        fillcolor=PALETTE["red"],
        opacity=0.2,
        line_width=0,
    )
    for user in range(int(frame["user"].max()) + 1):
        requests = frame[frame["user"] == user]
        figure.add_scatter(
            **_segments(requests, nodes, (user - 0.5) * 2 * _LANE_HEIGHT),
            mode="lines",
            line={"width": 9, "color": _USERS[user % len(_USERS)]},
            name=f"user {user}",
        )
    again = frame[frame["attempts"] > 1]
    figure.add_scatter(
        x=again["started_s"] + again["latency_ms"] / MS_PER_S,
        y=[nodes.index(n) + (u - 0.5) * 2 * _LANE_HEIGHT for n, u in _pairs(again)],
        mode="markers",
        marker={"symbol": "star", "size": 13, "color": PALETTE["red"]},
        name="answered by a second node",
        hovertemplate="tried %{customdata}<extra></extra>",
        customdata=again["tried"],
    )
    for label, at_s, side in (("kill -9", "killed_s", "right"), ("back", "back_s", "left")):
        figure.add_annotation(
            x=plan[at_s],
            y=lane - 0.45,
            text=label,
            showarrow=False,
            xanchor=side,
            yanchor="bottom",
        )
    figure.update_xaxes(title="seconds", rangemode="tozero")
    figure.update_yaxes(
        tickvals=list(range(len(nodes))), ticktext=nodes, range=[len(nodes) - 0.4, -0.8]
    )
    return headed(
        figure,
        f"{plan['killed_node']} is killed in the middle of an answer",
        height=130 + 110 * len(nodes),
    )


def _segments(requests: pd.DataFrame, nodes: list[str], offset: float) -> dict[str, list[object]]:
    """One line with gaps: a stretch for each answered request."""
    x: list[object] = []
    y: list[object] = []
    text: list[object] = []
    answered = requests[requests["node_id"].isin(nodes)]
    ended = answered["started_s"] + answered["latency_ms"] / MS_PER_S
    for number, (node_id, ended_s) in enumerate(zip(answered["node_id"], ended, strict=True)):
        request = answered.iloc[number]
        height = nodes.index(node_id) + offset
        x += [request["started_s"], ended_s, None]
        y += [height, height, None]
        text += [f"conversation {request['conversation']}, turn {request['turn']}"] * 3
    return {"x": x, "y": y, "text": text}


def _pairs(requests: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(requests["node_id"], requests["user"], strict=True))


def gateway_restart(frame: pd.DataFrame) -> go.Figure:
    """How much of each prompt the engines did not compute again, by what the gateway knew.

    Args:
        frame: as `experiments.restart_gateway` gives it.
    """
    titles = {
        "first": "first time",
        "restored": "restarted, metadata kept",
        "forgetful": "restarted, nothing kept",
    }
    looks = (("grey", "circle"), ("green", "diamond"), ("red", "x"))
    figure = go.Figure()
    for number, ((run, title), (colour, symbol)) in enumerate(
        zip(titles.items(), looks, strict=True)
    ):
        rows = frame[frame["run"] == run].sort_values("prompt")
        figure.add_scatter(
            x=rows["prompt"] + 0.2 * (number - 1),
            y=100.0 * rows["cached_tokens"] / rows["prompt_tokens"],
            mode="markers",
            name=title,
            marker={"color": PALETTE[colour], "symbol": symbol, "size": 10},
            customdata=rows[["prompt", "node_id"]],
            hovertemplate="prompt %{customdata[0]} on %{customdata[1]}: %{y:.0f} %<extra>"
            + title
            + "</extra>",
        )
    figure.update_xaxes(title="prompt", dtick=1, zeroline=False)
    figure.update_yaxes(range=[-8, 108], ticksuffix=" %", zeroline=True)
    return headed(
        figure,
        "Reuse after the gateway was restarted; the engines kept running",
        height=300,
        heading="tokens not computed again, by the engine's count",
    )


def published(as_published: pd.DataFrame, corrected: pd.DataFrame) -> go.Figure:
    """The published means beside those over served requests alone.

    Args:
        as_published: as `scenarios.published_table` gives it.
        corrected: as `scenarios.corrected_table` gives it; rows that were never published show
            one bar.
    """
    figure = go.Figure()
    figure.add_bar(
        y=[folded(name, 20) for name in as_published["scenario"]],
        x=as_published["mean_ms"],
        text=[f"{mean_ms:,.0f}" for mean_ms in as_published["mean_ms"]],
        name="published mean, rejected = 0 ms",
        marker_color=PALETTE["grey"],
    )
    served = zip(corrected["mean_served_ms"], corrected["rejected"], strict=True)
    figure.add_bar(
        y=[folded(name, 20) for name in corrected["scenario"]],
        x=corrected["mean_served_ms"],
        text=[
            f"{mean_ms:,.0f}" + (f"<br>{rejected} rejected" if rejected else "")
            for mean_ms, rejected in served
        ],
        name="mean of the served ones",
        marker_color=PALETTE["blue"],
    )
    figure.update_traces(orientation="h", textposition="outside", textangle=0, cliponaxis=False)
    longest = float(corrected["mean_served_ms"].max())
    figure.update_xaxes(title="milliseconds by the formula", range=[0, 1.5 * longest])
    figure.update_yaxes(autorange="reversed")
    return headed(
        figure.update_layout(barmode="group"),
        "One formula, four requests a row",
        height=120 + 62 * len(corrected),
    )
