"""Run notebooks and store their outputs, small: `python -m tests.notebooks.refresh FILE...`.

Nothing of the kernel and the machine that ran them is kept: no widget state (plotly and
anywidget put megabytes of JavaScript there), no reference to a widget that only that kernel
had, no times of execution. What a page without scripts can show stands in their place: a picture
beside each figure, and the last state of each widget. A notebook that fails is not written.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.notebooks.pictures import add_to_files, chromium
from tests.notebooks.writing import write

TIMEOUT_S = 300
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
ASK_FOR_STILLS = """
import json, sys
views = sys.modules.get("veristack_lab.widgets.command_view")
print(json.dumps(views.stills() if views else {}))
"""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def refresh(path: Path) -> None:
    """Execute one notebook in its own folder and write it back, without pictures yet."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
    notebook.cells.append(nbformat.v4.new_code_cell(ASK_FOR_STILLS))
    resources = {"metadata": {"path": str(path.resolve().parent)}}
    NotebookClient(
        notebook, timeout=TIMEOUT_S, kernel_name="python3", resources=resources
    ).execute()
    add_stills(notebook, json.loads(notebook.cells.pop().outputs[0].text))
    clean(notebook)
    nbformat.validate(notebook)
    write(notebook, path)


def add_stills(notebook: Any, stills: dict[str, str]) -> None:
    """Put the last state of each widget, as HTML by its model's id, where the widget was shown."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            still = stills.get(data.get(WIDGET_VIEW, {}).get("model_id", ""))
            if still is not None:
                data["text/html"] = still


def clean(notebook: Any) -> None:
    """Take away what only the kernel that ran it could make sense of."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if is_revealed(cell):  # its result is folded until the reader has made up their mind
            cell.metadata["jupyter"] = {"outputs_hidden": True}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)


def is_revealed(cell: Any) -> bool:
    """Whether a cell shows what a prediction was asked about."""
    return cell.cell_type == "code" and ".reveal(" in cell.source


def main() -> None:
    """Refresh every notebook that was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="FILE")
    paths = parser.parse_args().notebooks
    chromium()  # rather now than after the notebooks have run
    for path in paths:
        refresh(path)
    # Not while notebooks run: the browser's driver keeps an event loop in this thread.
    add_to_files(paths)


if __name__ == "__main__":
    main()
