"""The way of a document, as a picture: from the client to the search that finds it."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import PALETTE

# Name, column, row (0 is the lower one), kind.
_PARTS = (
    ("client", 0, 1, "outside"),
    ("documents<br>and outbox", 1, 1, "Postgres"),
    ("relay", 2, 1, "process"),
    ("topic", 3, 1, "Kafka"),
    ("worker", 3, 0, "process"),
    ("chunks<br>and vectors", 2, 0, "Postgres"),
    ("search", 1, 0, "process"),
    ("reader", 0, 0, "outside"),
)
# From, to, what goes there, and what holds if the part before or after it dies.
_STEPS = (
    (0, 1, "a document, with the client's own request id", "accepted when the commit returns"),
    (1, 2, "events that were not sent yet", "a row and its event commit together"),
    (2, 3, "the event, marked sent after Kafka's answer", "sent at least once, perhaps twice"),
    (3, 4, "the event, as a hint to look", "the place is committed after the work"),
    (4, 5, "passages and vectors, under the claim's epoch", "a late worker is refused"),
    (5, 6, "passages of READY documents only", "all of a document or none of it"),
    (6, 7, "passages, and an answer that cites them", "the passages are always shown"),
)
_COLOURS = {"outside": "grey", "process": "blue", "Postgres": "green", "Kafka": "orange"}


def pipeline_parts() -> pd.DataFrame:
    """The parts: columns `name`, `column`, `row`, `kind` (process, Postgres, Kafka, outside)."""
    return pd.DataFrame(list(_PARTS), columns=["name", "column", "row", "kind"])


def pipeline_steps() -> pd.DataFrame:
    """The steps: `before` and `after` (rows of `pipeline_parts`), `carries`, `promise`."""
    return pd.DataFrame(list(_STEPS), columns=["before", "after", "carries", "promise"])


def pipeline(parts: pd.DataFrame, steps: pd.DataFrame) -> go.Figure:
    """Draw `pipeline_parts()` and `pipeline_steps()`: numbered steps between coloured parts."""
    figure = go.Figure()
    columns, rows = parts["column"].tolist(), parts["row"].tolist()
    told = zip(*(steps[name] for name in ("before", "after", "carries", "promise")), strict=True)
    for number, (before, after, carries, promise) in enumerate(told, 1):
        x0, y0, x1, y1 = columns[before], rows[before], columns[after], rows[after]
        figure.add_scatter(
            x=[x0, x1], y=[y0, y1], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": PALETTE["grey"], "width": 2},
        )  # fmt: skip
        figure.add_scatter(
            x=[(x0 + x1) / 2], y=[(y0 + y1) / 2], mode="markers+text", showlegend=False,
            text=[str(number)], textposition="top center" if y0 == y1 else "middle left",
            marker={"size": 9, "color": PALETTE["grey"]},
            hovertext=[f"{number}. {carries}<br>{promise}"],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    for kind, group in parts.groupby("kind", sort=False):
        figure.add_scatter(
            x=group["column"], y=group["row"], mode="markers+text", name=str(kind),
            text=group["name"], textposition="top center",
            marker={"size": 24, "symbol": "square", "color": PALETTE[_COLOURS[str(kind)]]},
            hovertemplate=f"%{{text}}<br>{kind}<extra></extra>",
        )  # fmt: skip
    headed(figure, "The way of a document", height=330)
    figure.update_layout(margin={"l": 10, "r": 10, "b": 70})
    figure.update_xaxes(visible=False, range=[-0.5, 3.5])
    figure.update_yaxes(visible=False, range=[-0.3, 1.6])
    return figure
