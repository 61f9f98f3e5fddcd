"""Figure of an outage as its two sides see it: the server's states and the client's calls."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.spans import add_marks, add_spans, finish

_STATES = {"alive": "green", "paused": "orange", "dead": "purple"}
_CALLS = {"answered": ("blue", "circle"), "gave up": ("red", "x")}


def dead_or_paused(story: pd.DataFrame) -> go.Figure:
    """What state the server was in, and how long each call of the client took to end.

    Args:
        story: as `widgets.ObjectStoreDrill.story` gives it.
    """
    figure = go.Figure()
    for state, colour in _STATES.items():
        part = story[(story["lane"] == "server") & (story["what"] == state)]
        if not part.empty:
            _add(figure, part, f"server {state}", colour)
    for outcome, (colour, symbol) in _CALLS.items():
        part = story[(story["lane"] == "client") & (story["what"] == outcome)]
        if part.empty:
            continue
        _add(figure, part, f"call: {outcome}", colour)
        # Most calls are over in a moment: a mark at the end of each, so that all can be seen.
        figure.data[-1].showlegend = False
        add_marks(
            figure, part["lane"].tolist(), part["end_s"].tolist(), name=f"call: {outcome}",
            colour=colour, symbol=symbol, hover=_told(part),
        )  # fmt: skip
    return finish(
        figure, ["server", "client"], title="Dead and paused, from both sides", axis="seconds"
    )


def _add(figure: go.Figure, part: pd.DataFrame, name: str, colour: str) -> None:
    add_spans(
        figure, part["lane"].tolist(), part["start_s"].tolist(), part["end_s"].tolist(),
        name=name, colour=colour, hover=_told(part),
    )  # fmt: skip


def _told(part: pd.DataFrame) -> list[str]:
    took_ms = ((part["end_s"] - part["start_s"]) * 1e3).tolist()
    return [f"{what} for {ms:,.0f} ms" for what, ms in zip(part["what"], took_ms, strict=True)]
