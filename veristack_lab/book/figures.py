"""Stored outputs of notebooks, as pages can show them: figures drawn by plotly's own script.

A notebook stores a figure as data, for JupyterLab to draw. Here the data become a `<script>` of
JSON that `pages/figures.js` draws when it comes into view, with the plotly that the lab pins.
"""

from __future__ import annotations

import html
import json
from typing import Any

PLOTLY = "application/vnd.plotly.v1+json"
HTML = "text/html"
PICTURES = ("image/svg+xml", "image/png")
DEFAULT_HEIGHT_PX = 450


def drawn(output: dict[str, Any]) -> dict[str, Any]:
    """The output with its figure as HTML; other outputs as they are.

    A picture that is stored beside the figure stays, for readers without JavaScript.
    """
    data = output.get("data", {})
    if PLOTLY not in data:
        return output
    others = {kind: value for kind, value in data.items() if kind not in (PLOTLY, HTML, *PICTURES)}
    shown = figure_html(data[PLOTLY], picture_html(data))
    return {**output, "data": {**others, HTML: shown}}


def figure_html(figure: dict[str, Any], without_script: str = "") -> str:
    """A figure as a place on the page and the data to draw there.

    Args:
        figure: plotly's JSON: `data` and `layout`.
        without_script: what is shown where no JavaScript runs.
    """
    height = figure.get("layout", {}).get("height") or DEFAULT_HEIGHT_PX
    kept = {"data": figure.get("data", []), "layout": figure.get("layout", {})}
    text = json.dumps(kept, separators=(",", ":")).replace("</", "<\\/")
    fallback = without_script or "This figure is drawn by JavaScript."
    return (
        f'<div class="lab-figure" style="min-height:{float(height):.0f}px">'
        f'<script type="application/json">{text}</script>'
        f"<noscript>{fallback}</noscript></div>"
    )


def picture_html(data: dict[str, Any]) -> str:
    """A picture that is stored in an output as an `<img>`; empty if there is none."""
    import base64

    for kind in PICTURES:
        if kind in data:
            content = data[kind] if isinstance(data[kind], str) else "".join(data[kind])
            if kind.endswith("xml"):
                content = base64.b64encode(content.encode()).decode()
            return f'<img src="data:{kind};base64,{html.escape(content.strip())}" alt="figure">'
    return ""
