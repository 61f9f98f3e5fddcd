"""A small lab for tests of the machinery: `add(a, b)`, and where asked for a second task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from veristack_lab.labs import manifest
from veristack_lab.labs.manifest import Lab

HEAD = """
title = "Adding"
summary = "add two numbers"
effort_hours = 0.1
file = "adding.py"
timeout_s = 30
"""
TASK = """
[[tasks]]
id = "{number}"
title = "{title}"
hints = ["one", "two", "three"]
"""


def make(folder: Path, tasks: tuple[str, ...], checks: str, files: Mapping[str, str]) -> Lab:
    """Write the lab `50-adding` into a folder and load it.

    Args:
        folder: where the lab's own folder is made.
        tasks: their titles; their ids are 1, 2, ...
        checks: text of `checks.py`.
        files: texts of further files by name.
    """
    root = folder / "50-adding"
    root.mkdir()
    told = [TASK.format(number=number, title=title) for number, title in enumerate(tasks, 1)]
    texts = {"lab.toml": HEAD + "".join(told), "checks.py": checks, **files}
    for name, text in texts.items():
        (root / name).write_text(text)
    return manifest.load(root)
