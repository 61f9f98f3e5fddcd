"""The map of the stack: which layer stands on which, through what, and on which real servers."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from veristack_lab.viz.layout import headed
from veristack_lab.viz.theme import PALETTE, ink_on

_PACKAGE = Path(__file__).resolve().parent.parent

# Name, row (0 is the ground), column, and how many columns it spans.
_LAYERS = (
    ("kernels", 0, 1, 3),
    ("veristore", 1, 1, 3),
    ("llmcache", 2, 0, 1),
    ("veriflow", 3, 2, 1),
    ("smartsearch", 3, 0, 1),
)
_SERVERS = (("inference engines", 2, -1), ("Kafka", 3, -1), ("Postgres", 3, 1))

# Which part uses which, for what, through what.
_EDGES = (
    ("veristore", "kernels", "log records framed and checksummed", "function calls"),
    ("llmcache", "veristore", "which node holds which prefix", "a store of its own"),
    ("veriflow", "veristore", "checkpoints", "the object store's HTTP face"),
    ("smartsearch", "llmcache", "vectors and answers", "the ollama client"),
    ("llmcache", "inference engines", "prompts", "HTTP"),
    ("smartsearch", "Kafka", "documents to process", "kafka-python"),
    ("smartsearch", "Postgres", "documents, chunks, vectors", "psycopg and pgvector"),
    ("veriflow", "Postgres", "jobs, runs, leases", "psycopg"),
)

_PLACE = ("name", "kind", "row", "column", "span")
_USE = ("above", "below", "what_for", "through")
_HEIGHT, _GAP = 0.56, 0.14
_FILLS = {"layer": PALETTE["blue"], "server": PALETTE["orange"]}


def stack() -> pd.DataFrame:
    """The parts of the stack: one row per layer or server.

    Returns:
        Columns `name`, `kind` (layer or server), `row`, `column`, `span`, `modules` (files of
        the layer's package; 0 for a server) and `what` (the first sentence of its docstring).
    """
    rows = [(name, "layer", *place, *_described(name)) for name, *place in _LAYERS]
    servers = [
        (name, "server", *place, 1, 0, "a real server, yours or started here")
        for name, *place in _SERVERS
    ]
    return pd.DataFrame(rows + servers, columns=[*_PLACE, "modules", "what"])


def uses() -> pd.DataFrame:
    """Which part uses which: columns `above`, `below`, `what_for`, `through`."""
    return pd.DataFrame(_EDGES, columns=list(_USE))


def stack_map(parts: pd.DataFrame, edges: pd.DataFrame) -> go.Figure:
    """Draw `stack()` and `uses()`: boxes upwards from the ground, a line for each use."""
    figure = go.Figure()
    boxes = {}
    for name, kind, row, column, span in parts[list(_PLACE)].itertuples(index=False):
        boxes[str(name)] = _Box(float(column), float(row), span / 2 - _GAP / 2)
        figure.add_shape(**boxes[str(name)].shape(str(kind)))
    for above, below, what_for, through in edges[list(_USE)].itertuples(index=False):
        text = f"{above} → {below}<br>{what_for}<br>through {through}<extra></extra>"
        figure.add_trace(_line(boxes[str(above)], boxes[str(below)], text))
    figure.add_trace(_labels(parts))
    figure.update_xaxes(visible=False, range=[-1.47, 2.47])
    figure.update_yaxes(visible=False, range=[-0.4, 3.4])
    figure.update_layout(showlegend=False)
    headed(
        figure,
        "The stack: every box is real, every line is a call you could make yourself",
        height=380,
    )
    return figure.update_layout(margin={"l": 4, "r": 4, "b": 8})


def _described(layer: str) -> tuple[int, str]:
    # Read, not imported: drawing the map must not import every layer.
    folder = _PACKAGE / layer
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    sentence = " ".join(text.split("\n\n")[0].split())
    return sum(1 for _ in folder.rglob("*.py")), sentence


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    half_width: float

    def shape(self, kind: str) -> dict[str, object]:
        """A plotly shape, drawn below every trace."""
        return {
            "type": "rect",
            "layer": "below",
            "x0": self.x - self.half_width,
            "x1": self.x + self.half_width,
            "y0": self.y - _HEIGHT / 2,
            "y1": self.y + _HEIGHT / 2,
            "line": {"width": 0},
            "fillcolor": _FILLS[kind],
        }


def _line(above: _Box, below: _Box, text: str) -> go.Scatter:
    if above.y == below.y:
        towards = 1 if below.x > above.x else -1
        x0 = above.x + towards * above.half_width
        x1 = below.x - towards * below.half_width
        y0 = y1 = above.y
    else:
        x0 = x1 = above.x
        y0, y1 = above.y - _HEIGHT / 2, below.y + _HEIGHT / 2
    return go.Scatter(
        x=[x0, (x0 + x1) / 2, x1],
        y=[y0, (y0 + y1) / 2, y1],
        mode="lines+markers",
        line={"color": PALETTE["grey"], "width": 2},
        marker={"size": [0, 10, 0], "opacity": 1, "color": PALETTE["grey"]},
        hovertemplate=text,
    )


def _labels(parts: pd.DataFrame) -> go.Scatter:
    return go.Scatter(
        x=parts["column"],
        y=parts["row"],
        mode="text",
        text=[f"<b>{name.replace(' ', '<br>')}</b>" for name in parts["name"]],
        textfont={"size": 11, "color": [ink_on(_FILLS[kind]) for kind in parts["kind"]]},
        customdata=parts[["what", "modules"]],
        hovertemplate="%{text}<br>%{customdata[0]}<extra></extra>",
    )
