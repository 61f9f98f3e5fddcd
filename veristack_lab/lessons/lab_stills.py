"""A lab as plain HTML, from a snapshot of its `LabModel`: for pages on which nothing runs.

No style, no script, and no place of the machine that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from veristack_lab.lessons.lab_pictures import Piece
from veristack_lab.widgets.loop import View
from veristack_lab.widgets.stills import table

STATES = {"passed": "✓ passed", "failed": "✕ not yet", "waiting": "… waits", "open": "open"}


def parts(view: View) -> list[str]:
    """The lab, its tasks, and the first bad event with its picture."""
    tasks = [(task["id"], task["title"], STATES[task["state"]]) for task in view["tasks"]]
    bad = view["bad"]
    return [
        f"<p>{escape(view['summary'])}</p>",
        table(("task", "what to write", ""), tasks),
        *(_first_bad(bad) if bad else []),
        *([f"<p>{escape(view['hint'])}</p>"] if view["hint"] else []),
    ]


def block(view: View, end: str) -> str:
    """The parts below the lab's name and title, and a last line in italics."""
    name = f"<b>Lab {escape(view['lab'])}</b>: {escape(view['title'])}"
    return "\n".join(("<div>", name, *parts(view), f"<i>{escape(end)}</i>", "</div>"))


def _first_bad(bad: View) -> list[str]:
    found = [table(("first bad event", ""), bad["rows"])]
    if bad["lines"]:
        drawn = "\n".join(map(_line, bad["lines"]))
        found.append(f"<p>{escape(bad['title'])}</p>\n<pre>{drawn}</pre>")
    return found


def _line(pieces: Sequence[Piece]) -> str:
    text = "".join(
        f"<b>{escape(piece['text'])}</b>" if piece["mark"] else escape(piece["text"])
        for piece in pieces
    )
    words = "; ".join(piece["words"] for piece in pieces if piece["words"])
    return f"{text}   ← {escape(words)}" if words else text
