"""Pictures of ingestion and search."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from veristack_lab.smartsearch.model import Answer, Passage
from veristack_lab.viz.theme import PALETTE

STATES = ("READY", "FAILED", "PROCESSING", "PENDING")
_COLOURS = {
    "READY": PALETTE["green"],
    "FAILED": PALETTE["red"],
    "PROCESSING": PALETTE["orange"],
    "PENDING": PALETTE["sky"],
}
_STEPS = 300
_CITED = "#BFDDF0"  # the palette's blue, light enough to read dark text on


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
            line={"width": 0.5, "color": _COLOURS[state], "shape": "hv"},
            hovertemplate="%{y} " + state + "<extra></extra>",
        )
    _mark_events(figure, frame.attrs["events"], top=len(frame))
    figure.update_layout(
        title="Documents by state",
        xaxis_title="seconds since the first document",
        yaxis_title="documents accepted",
        hovermode="x unified",
    )
    return figure


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


def _mark_events(figure: go.Figure, events: dict[str, float], top: int) -> None:
    labels = {
        "worker killed": "worker<br>SIGKILL",
        "broker killed": "broker<br>SIGKILL",
        "broker back": "broker<br>back",
    }
    for name, label in labels.items():
        if name in events:
            figure.add_vline(
                x=events[name], line={"color": PALETTE["ink"], "dash": "dot", "width": 1.5}
            )
            figure.add_annotation(
                x=events[name], y=top, text=label, showarrow=False, font_size=11,
                xanchor="left", yanchor="top", align="left", xshift=3,
            )  # fmt: skip


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
    figure.update_layout(
        title="From accepted to READY",
        xaxis_title="accepted, seconds since the first document",
        yaxis_title="seconds until READY",
    )
    return figure


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
    labels = [f"[{n}] {passage.title}" for n, passage in enumerate(found, start=1)]
    figure = go.Figure(
        go.Bar(
            x=[passage.similarity for passage in found],
            y=labels,
            orientation="h",
            marker={
                "color": [_CITED if full else "white" for full in filled],
                "line": {"color": PALETTE["blue"], "width": 1.5},
            },
            text=[_snippet(passage.text) for passage in found],
            textposition="inside",
            insidetextanchor="start",
            textfont={"color": PALETTE["ink"]},
            constraintext="none",
            hovertext=[passage.text.replace("\n", "<br>") for passage in found],
            hoverinfo="text",
        )
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(title=title, xaxis_title="cosine similarity", height=140 + 46 * len(found))
    return figure


def _snippet(text: str, limit: int = 60) -> str:
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
    figure.update_layout(
        title=(
            f"{len(frame)} questions over {frame.attrs['documents']:,} documents: hit@1"
            f" {frame.attrs['hit_at_1']:.0%}, hit@{k} {frame.attrs['hit_at_k']:.0%},"
            f" MRR {frame.attrs['mrr']:.2f}"
        ),
        xaxis={"title": "rank of the first right entry", "type": "category"},
        yaxis_title="questions",
    )
    return figure
