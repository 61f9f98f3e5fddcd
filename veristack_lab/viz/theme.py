"""One look for every figure, readable without colour vision.

The palette is Okabe and Ito's ("Color Universal Design", 2008).
"""

from __future__ import annotations

import sys

import plotly.graph_objects as go
import plotly.io as pio

PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "ink": "#222222",
    "grey": "#999999",
}


def apply_theme() -> None:
    """Make the lab's template the default, and keep notebooks small."""
    pio.templates["veristack"] = go.layout.Template(
        layout={
            "colorway": list(PALETTE.values())[:6],
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": PALETTE["ink"]},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "hovermode": "closest",
            "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
            "title": {"x": 0, "xanchor": "left", "xref": "paper", "font": {"size": 16}},
            "xaxis": {"gridcolor": "#EEEEEE", "zeroline": False, "linecolor": "#CCCCCC"},
            "yaxis": {"gridcolor": "#EEEEEE", "zeroline": False, "linecolor": "#CCCCCC"},
            "legend": {
                "orientation": "h",
                "y": 1.02,
                "yanchor": "bottom",
                "x": 1,
                "xanchor": "right",
            },
        }
    )
    pio.templates.default = "veristack"
    if "ipykernel" in sys.modules:
        pio.renderers.default = "plotly_mimetype"
