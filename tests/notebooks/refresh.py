"""Run notebooks and store their outputs, small: `python -m tests.notebooks.refresh FILE...`.

Widget state is dropped (plotly and anywidget put megabytes of JavaScript there), execution
counts start at 1, and nothing else of the kernel that ran them is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

TIMEOUT_S = 300


def refresh(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.pop("id", None)
    NotebookClient(
        notebook, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, path)


def main() -> None:
    for name in sys.argv[1:]:
        refresh(Path(name))
        print(f"{name}: {Path(name).stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
