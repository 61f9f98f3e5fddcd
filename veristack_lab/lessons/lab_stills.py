"""A lab as plain HTML, from a snapshot of its `LabModel`: for pages on which nothing runs.

No style, no script, and no place of the machine that made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from veristack_lab.lessons.lab_pictures import Piece
from veristack_lab.widgets.loop import View

STATES = {"passed": "✓ passed", "failed": "✕ not yet", "waiting": "… waits", "open": "open"}


def parts(view: View) -> list[str]:
    """The lab, its tasks, and the first bad event with its picture."""
    tasks = [f"{task['title']}: {STATES[task['state']]}" for task in view["tasks"]]
    bad = view["bad"]
    return [
        f"<p>{escape(view['summary'])}</p>",
        _list("ol", map(escape, tasks)),
        *(_first_bad(bad) if bad else []),
        *([f"<p>{escape(view['hint'])}</p>"] if view["hint"] else []),
    ]


def block(view: View, end: str) -> str:
    """The parts below the lab's name and title, and a last line in italics."""
    name = f"<b>Lab {escape(view['lab'])}</b>: {escape(view['title'])}"
    return "\n".join(("<div>", name, *parts(view), f"<i>{escape(end)}</i>", "</div>"))


def _list(kind: str, items: Iterable[str]) -> str:
    """No table: pages of notebooks set the words in its cells to the right."""
    lines = [f"<li>{item}</li>" for item in items]
    return "\n".join((f"<{kind}>", *lines, f"</{kind}>"))


def _first_bad(bad: View) -> list[str]:
    facts = [f"<b>{escape(name)}</b>: {escape(text)}" for name, text in bad["rows"]]
    found = [f"<p>First bad event</p>\n{_list('ul', facts)}"]
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
