"""The labs as pages: the chapter of each, and its hints, folded."""

from __future__ import annotations

import html
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INDEX = "labs/index"
HOW = """\
# Labs

Write a piece of the stack yourself. `veristack labs start NAME` puts a starter and the chapter
into a folder of yours, `veristack labs check NAME` tells the first bad event, and
`veristack labs hint NAME` gives one more hint. Nothing that you wrote is ever overwritten.

| lab | what you build | hours |
|---|---|---|
"""


@dataclass(frozen=True)
class Chapter:
    """One lab, as it is read."""

    text: str
    manifest: Mapping[str, Any]


def found(root: Path) -> dict[str, Chapter]:
    """The labs of the project by name."""
    return {
        manifest.parent.name: Chapter(
            manifest.with_name("README.md").read_text(), tomllib.loads(manifest.read_text())
        )
        for manifest in sorted((root / "labs").glob("*/lab.toml"))
    }


def names(labs: Collection[str]) -> list[str]:
    """The pages that `pages` makes."""
    return [INDEX, *(f"labs/{name}" for name in labs)]


def pages(labs: Mapping[str, Chapter]) -> dict[str, str]:
    """The pages by their names."""
    rows = "".join(
        f"| [{name}]({name}.md) | {lab.manifest['summary']} | {lab.manifest['effort_hours']:g} |\n"
        for name, lab in labs.items()
    )
    return {INDEX: HOW + rows} | {f"labs/{name}": _page(lab) for name, lab in labs.items()}


def _page(lab: Chapter) -> str:
    return lab.text.rstrip() + "\n\n## Hints\n\n" + "".join(map(_hints, lab.manifest["tasks"]))


def _hints(task: Mapping[str, Any]) -> str:
    title = f"Task {task['id']}: {task['title']}"
    return f"{title}\n\n" + "".join(
        f'<details class="hint"><summary>Hint {number}</summary>\n'
        f"<p>{_code(hint)}</p>\n</details>\n\n"
        for number, hint in enumerate(task["hints"], 1)
    )


def _code(hint: str) -> str:
    """A hint as HTML, what stands in backticks as code."""
    parts = html.escape(hint).split("`")
    if len(parts) % 2 == 0:  # a backtick without a partner
        return html.escape(hint)
    return "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )
