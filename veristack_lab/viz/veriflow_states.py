"""Figures of a job's life: the states with what leads from one to another, and one lease."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.spans import add_marks, add_spans, finish
from veristack_lab.viz.theme import PALETTE
from veristack_lab.viz.veriflow import STATE_COLOURS

_PLACES = {
    "QUEUED": (0.0, 1.0),
    "RUNNING": (1.0, 1.0),
    "SUCCEEDED": (2.0, 1.0),
    "FAILED": (2.0, 0.0),
    "CANCELLED": (0.5, 0.0),
}
_COLOURS = {"QUEUED": PALETTE["yellow"], **STATE_COLOURS, "FAILED": PALETTE["red"]}
_BEND = 0.16
"""How far a line between two states that are joined both ways is bent from the straight one."""
_STATE_LANE_COLOURS = {"QUEUED": "yellow", "RUNNING": "sky", "SUCCEEDED": "green",
                       "FAILED": "red", "CANCELLED": "grey"}  # fmt: skip


def states(frame: pd.DataFrame) -> go.Figure:
    """The states of a job and every event that leads from one to another.

    Point at the middle of a line to read which events those are.

    Args:
        frame: as `experiments.transitions` gives it.
    """
    figure = go.Figure()
    pairs: dict[tuple[str, str], list[str]] = {}
    for before, after, event in zip(frame["before"], frame["after"], frame["event"], strict=True):
        pairs.setdefault((before, after), []).append(event)
    for (before, after), events in pairs.items():
        _add_arrow(figure, before, after, events, bent=(after, before) in pairs)
    names = [name for name in _PLACES if name in {*frame["before"], *frame["after"]}]
    figure.add_scatter(
        x=[_PLACES[name][0] for name in names], y=[_PLACES[name][1] for name in names],
        mode="markers+text", text=names, textposition=[_side(name) for name in names],
        marker={"size": 34, "symbol": "square", "color": [_COLOURS[name] for name in names]},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    headed(figure, "The life of a job", height=310)
    figure.update_layout(showlegend=False, margin={"l": 10, "r": 10, "b": 10})
    figure.update_xaxes(visible=False, range=[-0.4, 2.4])
    figure.update_yaxes(visible=False, range=[-0.5, 1.5])
    return figure


def _side(name: str) -> str:
    """Where a state's name stands: away from the lines, which lie between the two rows."""
    return "top center" if _PLACES[name][1] > 0 else "bottom center"


def _add_arrow(
    figure: go.Figure, before: str, after: str, events: list[str], *, bent: bool
) -> None:
    (x0, y0), (x1, y1) = _PLACES[before], _PLACES[after]
    middle = ((x0 + x1) / 2, (y0 + y1) / 2 + (_BEND if x1 >= x0 else -_BEND) * bent)
    figure.add_scatter(
        x=[x0, middle[0], x1], y=[y0, middle[1], y1], mode="lines+markers", hoverinfo="skip",
        line={"color": PALETTE["grey"], "width": 2, "shape": "spline"},
        marker={"size": [0, 0, 13], "opacity": 1, "symbol": "arrow", "angleref": "previous",
                "standoff": 18, "color": PALETTE["grey"]},
    )  # fmt: skip
    figure.add_scatter(
        x=[middle[0]], y=[middle[1]], mode="markers",
        marker={"size": 10, "color": PALETTE["grey"]},
        hovertext=[f"{before} → {after}<br>" + "<br>".join(events)],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def lease(story: pd.DataFrame) -> go.Figure:
    """One lease that ran out: the job's state, what the owner held and believed, and its report.

    Args:
        story: as `experiments.lease_story` gives it.
    """
    figure = go.Figure()
    spans = story[story["kind"] == "state"]
    for state, part in spans.groupby("what", sort=False):
        _add(figure, part, str(state), _STATE_LANE_COLOURS[str(state)])
    _add(figure, story[story["kind"] == "lease"], "lease holds", "green")
    _add(figure, story[story["kind"] == "belief"], "believes to own it", "grey")
    for kind, symbol in (("taken back", "diamond"), ("refused", "x")):
        marks = story[story["kind"] == kind]
        add_marks(
            figure, marks["lane"].tolist(), marks["start_s"].tolist(), name=kind, colour="red",
            symbol=symbol,
            hover=[f"{row.what} at {row.start_s:.2f} s" for row in marks.itertuples()],
        )  # fmt: skip
    lanes = list(dict.fromkeys(story["lane"]))
    return finish(figure, lanes, title="A lease runs out", axis="seconds since the submission")


def _add(figure: go.Figure, part: pd.DataFrame, name: str, colour: str) -> None:
    starts, ends = part["start_s"].tolist(), part["end_s"].tolist()
    hover = [f"{what}: {end - start:.2f} s" for what, start, end in zip(part["what"], starts, ends,
             strict=True)]  # fmt: skip
    add_spans(figure, part["lane"].tolist(), starts, ends, name=name, colour=colour, hover=hover)
