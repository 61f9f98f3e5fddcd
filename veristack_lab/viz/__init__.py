"""Experiment results (pandas DataFrames) -> plotly figures.

Importing this sets plotly's renderer to the plain mime type inside a Jupyter kernel: the
default embeds five megabytes of JavaScript into every notebook.
"""

from __future__ import annotations

from veristack_lab.viz.theme import PALETTE, apply_theme

__all__ = ["PALETTE", "apply_theme"]

apply_theme()
