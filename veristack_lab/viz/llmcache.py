"""Figures of the serving experiments: prefix reuse, an engine's death, the published table."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz import PALETTE

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
    figure = go.Figure()
    for name, (values, colour) in parts.items():
        figure.add_bar(
            y=kinds,
            x=values,
            name=name,
            orientation="h",
            marker_color=colour,
            hovertemplate="%{y}: %{x:.0f} ms<extra>" + name + "</extra>",
        )
    for kind, row in medians.iterrows():
        figure.add_annotation(
            y=kind,
            x=row["load_ms"] + row["total_ms"],
            text=f" {row['cached_tokens']:.0f} of {row['prompt_tokens']:.0f} tokens reused",
            showarrow=False,
            xanchor="left",
            font={"size": 11},
        )
    longest = float((medians["load_ms"] + medians["total_ms"]).max())
    return figure.update_layout(
        title="What a request waits for",
        barmode="stack",
        height=110 + 46 * len(kinds),
        xaxis={"title": "milliseconds at the client", "range": [0, longest * 1.35]},
        yaxis={"autorange": "reversed"},
        legend={"y": 1.0},
        margin={"l": 90},
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
        opacity=0.12,
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
    for label, at_s in (("kill -9", plan["killed_s"]), ("back", plan["back_s"])):
        figure.add_annotation(
            x=at_s, y=lane - 0.45, text=label, ay=-22, ax=0, arrowcolor=PALETTE["red"]
        )
    return figure.update_layout(
        title=f"{plan['killed_node']} is killed in the middle of an answer",
        height=150 + 110 * len(nodes),
        xaxis={"title": "seconds"},
        yaxis={
            "tickvals": list(range(len(nodes))),
            "ticktext": nodes,
            "range": [len(nodes) - 0.3, -0.8],
        },
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
    colours = (PALETTE["grey"], PALETTE["green"], PALETTE["red"])
    figure = go.Figure()
    for (run, title), colour in zip(titles.items(), colours, strict=True):
        rows = frame[frame["run"] == run].sort_values("prompt")
        figure.add_bar(
            x=[f"prompt {number}" for number in rows["prompt"]],
            y=100.0 * rows["cached_tokens"] / rows["prompt_tokens"],
            name=title,
            marker_color=colour,
            text=rows["node_id"],
            hovertemplate="%{x} on %{text}: %{y:.0f} %<extra>" + title + "</extra>",
        )
    return figure.update_layout(
        title="Reuse after the gateway was restarted; the engines kept running",
        height=340,
        yaxis={"title": "tokens reused, % (engine's count)", "range": [0, 115]},
        barmode="group",
        margin={"t": 70},
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
        x=[_folded(name) for name in as_published["scenario"]],
        y=as_published["mean_ms"],
        text=as_published["mean_ms"],
        name="published mean, rejected = 0 ms",
        marker_color=PALETTE["grey"],
    )
    figure.add_bar(
        x=[_folded(name) for name in corrected["scenario"]],
        y=corrected["mean_served_ms"],
        text=[
            f"{mean_ms:.0f}" + (f"<br>{rejected} rejected" if rejected else "")
            for mean_ms, rejected in zip(
                corrected["mean_served_ms"].tolist(), corrected["rejected"].tolist(), strict=True
            )
        ],
        name="mean of the served ones",
        marker_color=PALETTE["blue"],
    )
    return figure.update_layout(
        title="One formula, four requests a row",
        height=400,
        yaxis={
            "title": "milliseconds by the formula",
            "range": [0, 1.15 * float(corrected["mean_served_ms"].max())],
        },
        xaxis={"tickangle": 0, "tickfont": {"size": 11}},
        barmode="group",
        margin={"t": 70, "b": 80},
    ).update_traces(textposition="outside", textangle=0, cliponaxis=False)


def _folded(name: str) -> str:
    """A scenario's name on several lines, to stand under its bars."""
    return name.replace(" + ", "<br>+ ").replace(", ", ",<br>")
