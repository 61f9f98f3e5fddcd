"""Pictures of ingestion and search."""

from __future__ import annotations

import html
from collections import Counter

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from veristack_lab.smartsearch.model import Answer, Passage
from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import NOTHING, PALETTE

STATES = ("READY", "FAILED", "PROCESSING", "PENDING")
_COLOURS = {
    "READY": PALETTE["green"],
    "FAILED": PALETTE["red"],
    "PROCESSING": PALETTE["orange"],
    "PENDING": PALETTE["sky"],
}
_STEPS = 160
_EVENTS = {
    "worker killed": "worker SIGKILL",
    "broker killed": "broker SIGKILL",
    "broker back": "broker back",
}
_EVENT_LINE_PX = 15


def states_over_time(frame: pd.DataFrame) -> go.Figure:
    """How many documents were in which state, with the kills marked.

    Args:
        frame: from `smartsearch.experiments.ingest_under_fire`.
    """
    times, counts = state_counts(frame)
    figure = go.Figure()
    for state in STATES:
        figure.add_scatter(
            x=times,
            y=counts[state],
            name=state,
            stackgroup="documents",
            mode="lines",
            line={"width": 0, "color": _COLOURS[state], "shape": "hv"},
            fillcolor=_COLOURS[state],
            hovertemplate="%{y} " + state + "<extra></extra>",
        )
    _mark_events(figure, frame.attrs["events"], last_s=float(times[-1]))
    figure.update_xaxes(title="seconds since the first document")
    figure.update_layout(hovermode="x unified")
    return headed(
        figure,
        "Documents accepted, by state",
        height=340,
        top_px=_EVENT_LINE_PX * len(_EVENTS),
    )


def state_counts(frame: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Times (seconds) and, for each state, how many documents were in it then."""
    history = frame.attrs["history"]
    end = max(at for at, _, _ in history)
    times = np.linspace(0, end * 1.02, _STEPS)
    counts = {state: np.zeros(_STEPS, dtype=int) for state in STATES}
    current: dict[int, str] = {}
    totals: Counter[str] = Counter()
    position = 0
    for step, now in enumerate(times):
        while position < len(history) and history[position][0] <= now:
            _, document, state = history[position]
            if document in current:
                totals[current[document]] -= 1
            current[document] = state
            totals[state] += 1
            position += 1
        for state in STATES:
            counts[state][step] = totals[state]
    return times, counts


def _mark_events(figure: go.Figure, events: dict[str, float], last_s: float) -> None:
    """A dotted line for each, and its name above the plot, on a line of its own."""
    for line, (name, label) in enumerate(_EVENTS.items()):
        if name not in events:
            continue
        figure.add_vline(
            x=events[name], line={"color": PALETTE["ink"], "dash": "dot", "width": 1.5}
        )
        figure.add_annotation(
            x=events[name],
            y=1,
            yref="paper",
            text=label,
            font={"size": 11},
            showarrow=False,
            xanchor="left" if events[name] < last_s / 2 else "right",
            yanchor="bottom",
            yshift=_EVENT_LINE_PX * (len(_EVENTS) - 1 - line),
        )


def time_to_ready(frame: pd.DataFrame) -> go.Figure:
    """How long each document took from accepted to READY, in the order of arrival.

    Args:
        frame: from `smartsearch.experiments.ingest_under_fire`.
    """
    ready = frame[frame["status"] == "READY"]
    figure = go.Figure()
    for again, name, colour in (
        (False, "first attempt", PALETTE["blue"]),
        (True, "taken over or tried again", PALETTE["orange"]),
    ):
        part = ready[(ready["attempts"] > 1) == again]
        figure.add_scatter(
            x=part["accepted_s"],
            y=part["finished_s"] - part["accepted_s"],
            mode="markers",
            name=f"{name} ({len(part)})",
            marker={"color": colour, "size": 6, "symbol": "diamond" if again else "circle"},
            text=part["title"],
            hovertemplate="%{text}<br>%{y:.1f} s<extra></extra>",
        )
    figure.update_xaxes(title="accepted, seconds since the first document")
    figure.update_yaxes(rangemode="tozero")
    return headed(
        figure,
        "From accepted to READY",
        height=340,
        heading="seconds from accepted to READY",
    )


def passages(answer: Answer) -> go.Figure:
    """The passages of an answer by similarity; cited ones are filled.

    Args:
        answer: from `Search.ask`.
    """
    return _bars(
        answer.passages,
        [n in answer.cited for n in range(1, len(answer.passages) + 1)],
        title=f"“{answer.question}”",
    )


def hits(question: str, found: list[Passage]) -> go.Figure:
    """Search results by similarity, nearest on top."""
    return _bars(tuple(found), [True] * len(found), title=f"“{question}”")


def _bars(found: tuple[Passage, ...], filled: list[bool], title: str) -> go.Figure:
    """A thin bar for each passage, and above it, on lines of their own, its title and beginning."""
    figure = go.Figure()
    figure.add_bar(
        x=[passage.similarity for passage in found],
        y=list(range(len(found))),
        orientation="h",
        width=0.16,
        marker={
            "color": [PALETTE["blue"] if full else NOTHING for full in filled],
            "line": {"color": PALETTE["blue"], "width": 1.5},
        },
        hovertext=[passage.text.replace("\n", "<br>") for passage in found],
        hoverinfo="text",
        showlegend=False,
    )
    for number, passage in enumerate(found):
        figure.add_annotation(
            x=0,
            y=number - 0.1,
            text=f"<b>[{number + 1}] {html.escape(_snippet(passage.title, 34))}</b>"
            f"  {passage.similarity:.2f}<br>{html.escape(_snippet(passage.text))}",
            align="left",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": 11},
        )
    figure.update_xaxes(title="cosine similarity", rangemode="tozero")
    figure.update_yaxes(range=[len(found) - 0.7, -0.75], visible=False)
    figure.update_layout(margin={"l": 12})
    return headed(figure, title, height=90 + 56 * len(found))


def _snippet(text: str, limit: int = 54) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quality(frame: pd.DataFrame) -> go.Figure:
    """The rank of the first right entry, over all questions.

    Args:
        frame: from `smartsearch.experiments.retrieval_quality`.
    """
    k = frame.attrs["k"]
    ranks = [str(n) for n in range(1, k + 1)]
    counts = [int((frame["rank"] == n).sum()) for n in range(1, k + 1)]
    missed = int(frame["rank"].isna().sum())
    figure = go.Figure(
        go.Bar(
            x=[*ranks, f"> {k}"],
            y=[*counts, missed],
            marker_color=[PALETTE["green"]] * k + [PALETTE["red"]],
            text=[*counts, missed],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="rank %{x}: %{y} questions<extra></extra>",
        )
    )
    seen = frame.attrs
    figure.update_xaxes(title="rank of the first right entry", type="category")
    figure.update_yaxes(rangemode="tozero")
    return headed(
        figure,
        f"{len(frame)} questions over {seen['documents']:,} documents<br>"
        f"right at once: {seen['hit_at_1']:.0%}, among the first {k}: {seen['hit_at_k']:.0%}",
        height=340,
        heading=f"questions (mean reciprocal rank {seen['mrr']:.2f})",
    )
