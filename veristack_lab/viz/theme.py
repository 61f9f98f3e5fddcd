"""One look for every figure: on a light page and on a dark one, and without colour vision.

A figure does not know what it will lie on: JupyterLab's light theme is white, its dark one is
nearly black, and one stored figure is shown on both. So the backgrounds are transparent, and what
is drawn straight on the page has a middle tone. Colours of lines and marks keep a contrast of 3 to
white and to `DARK_PAGE`. What is written on a filled area is dark or white, whichever `ink_on`
finds more legible there.

Texts on the page need a contrast of 4.5. No single colour has that to white and to `DARK_PAGE`
(4.3 is the most), so there are two inks (`INKS`). A figure is stored with the ink of light pages.
Where a dark page can be told, `dark_rule` of the page's styles puts the other one in its place: in
JupyterLab by the styles that come with every view of the lab, in the tour's report by its own. A
still picture knows no page, and keeps 4.1 on a dark one.

The hues are Okabe and Ito's ("Color Universal Design", 2008), the lighter ones darkened.
"""

from __future__ import annotations

import sys

import plotly.graph_objects as go
import plotly.io as pio

PALETTE = {
    "blue": "#0072B2",
    "orange": "#C28500",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#C977A4",
    "sky": "#3A98CE",
    "yellow": "#9C8B00",
    "ink": "#757575",
    "grey": "#8A8A8A",
}
"""For lines, marks and bars, and (`ink`) for texts on the page."""

FILLS = {
    "blue": "#7FB2DC",
    "orange": "#E69F00",
    "green": "#4DBB98",
    "red": "#EE7733",
    "purple": "#D996BC",
    "sky": "#A6D8F5",
    "yellow": "#F0E442",
    "sand": "#F0C987",
    "grey": "#A5A5A5",
    "pale": "#CFCFCF",
}
"""For areas with dark text on them."""

LIGHT_PAGE, DARK_PAGE = "#FFFFFF", "#111111"
"""What a figure lies on in JupyterLab's two themes."""
INKS = {LIGHT_PAGE: PALETTE["ink"], DARK_PAGE: "#A8A8A8"}
"""What texts that stand straight on a page are written with, by page."""
DARK_INK, LIGHT_INK = "#111111", "#FFFFFF"
NOTHING = "rgba(0,0,0,0)"
_GRID = "rgba(128,128,128,0.25)"
_LINE = "rgba(128,128,128,0.7)"
HOVER_GROUND = "#333333"
_AXIS = {
    "automargin": True,
    "gridcolor": _GRID,
    "linecolor": _LINE,
    "tickcolor": _LINE,
    "zerolinecolor": _LINE,
    "zeroline": False,
    "title": {"font": {"size": 12}},
}


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB`, 0 to 1, as WCAG 2 defines it."""
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast of two colours `#RRGGBB`, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(fill: str) -> str:
    """The more legible ink on an area of this colour."""
    return max((DARK_INK, LIGHT_INK), key=lambda ink: contrast(ink, fill))


def dark_rule() -> str:
    """The rule of CSS that writes a figure's texts in the ink of dark pages, without its scope."""
    stored = PALETTE["ink"]
    red, green, blue = (int(stored[place : place + 2], 16) for place in (1, 3, 5))
    texts = f'.js-plotly-plot text[style*="rgb({red}, {green}, {blue})"]'
    return f"{texts} {{ fill: {INKS[DARK_PAGE].lower()} !important; }}"


def apply_theme() -> None:
    """Make the lab's template the default, and keep notebooks small."""
    pio.templates["veristack"] = go.layout.Template(
        layout={
            "colorway": [
                PALETTE[name] for name in ("blue", "orange", "green", "red", "purple", "sky")
            ],
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": PALETTE["ink"]},
            "paper_bgcolor": NOTHING,
            "plot_bgcolor": NOTHING,
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": HOVER_GROUND,
                "bordercolor": "#777777",
                "font": {"color": LIGHT_INK},
            },
            "margin": {"l": 40, "r": 16, "t": 44, "b": 40},
            "modebar": {"orientation": "v", "bgcolor": NOTHING, "color": PALETTE["grey"]},
            "title": {
                "x": 0,
                "xanchor": "left",
                "xref": "container",
                "y": 1,
                "yanchor": "top",
                "yref": "container",
                "pad": {"l": 8, "t": 10},
                "font": {"size": 15},
            },
            "xaxis": _AXIS,
            "yaxis": _AXIS,
            "legend": {
                "orientation": "h",
                "bgcolor": NOTHING,
                "xref": "container",
                "x": 0.02,
                "xanchor": "left",
                "yref": "container",
                "y": 0,
                "yanchor": "bottom",
            },
        }
    )
    pio.templates.default = "veristack"
    if "ipykernel" in sys.modules:
        pio.renderers.default = "plotly_mimetype"
