"""Write a notebook with each figure's data in one line: half of its bytes would be indentation."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat

FIGURE = "application/vnd.plotly.v1+json"


def write(notebook: Any, path: Path) -> None:
    """Write a notebook as `nbformat.write` does, but for the figures.

    Args:
        notebook: as nbformat reads it; it stays as it is.
        path: the file, which is replaced.
    """
    path.write_text(as_text(notebook), encoding="utf-8")


def as_text(notebook: Any) -> str:
    """The text of the file."""
    lines: list[str] = []
    slim = copy.deepcopy(notebook)
    for cell in slim.cells:
        for output in cell.get("outputs", []):
            if FIGURE in output.get("data", {}):
                figure = output["data"][FIGURE]
                output["data"][FIGURE] = {"figure": len(lines)}
                lines.append(json.dumps(figure, sort_keys=True, ensure_ascii=False))
    text: str = nbformat.writes(slim)
    for line in lines:
        head, place, tail = text.partition(f'"{FIGURE}": {{')
        assert place, "each figure has its place"
        text = f"{head}\0{line}{tail.partition('}')[2]}"
    return text.replace("\0", f'"{FIGURE}": ') + "\n"
