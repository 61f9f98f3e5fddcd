"""How often the learner was right: at the end of a notebook."""

from __future__ import annotations

from html import escape
from uuid import uuid4

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.answers import ANSWERS, Entry
from veristack_lab.lessons.catalogue import NOTEBOOKS, Notebook, notebook
from veristack_lab.lessons.live import Bundle, Live
from veristack_lab.lessons.places import is_asking
from veristack_lab.lessons.predictions import BOX, INK
from veristack_lab.runtime.counting import counted


class Scorecard:
    """The predictions of one notebook, asked in this process. Brought up to date in place.

    Its text is one line. Where no learner is asked it holds no measured number, so a test may
    compare it.
    """

    def __init__(self, about: Notebook) -> None:
        self._about = about

    def __repr__(self) -> str:
        entries = ANSWERS.entries(self._about.number)
        start = f"{self._about.stem}: {counted(len(entries), 'prediction')}"
        if not is_asking():
            return f"{start}, answered by default and not scored"
        right, seen = score(entries)
        made = sum(entry.answer is not None for entry in entries)
        return f"{start}, {made} answered, {right} of {seen} right"

    def _ipython_display_(self) -> None:
        live = Live(self._render)
        ANSWERS.listen(f"scorecard {uuid4().hex}", live.refresh)
        live.show()
        live.refresh()

    def _render(self) -> Bundle:
        if not is_asking():
            return {"text/plain": repr(self)}
        rows = "".join(map(_row, ANSWERS.entries(self._about.number)))
        head = "".join(
            f'<th scope="col" style="text-align:left;padding:2px 10px 2px 0">{name}</th>'
            for name in ("question", "predicted", "it was", "")
        )
        html = (
            f'<div class="veristack-scorecard" style="{BOX}{INK}"><b>{escape(repr(self))}</b>'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
        return {"text/plain": repr(self), "text/html": html}


def scorecard(number: str | None = None) -> Scorecard:
    """The score of a notebook, given by its number; by default the only one that asked here.

    Raises:
        InvalidInput: there is no such notebook, or none was named and several asked, or none.
    """
    if number is not None:
        return Scorecard(notebook(number))
    asking = [known for known in NOTEBOOKS if ANSWERS.entries(known.number)]
    if len(asking) != 1:
        found = "several notebooks have" if asking else "no notebook has"
        raise InvalidInput(f"{found} asked for a prediction here: name one, as in scorecard('00')")
    return Scorecard(asking[0])


def score(entries: list[Entry]) -> tuple[int, int]:
    """(right predictions, predictions whose result was seen)."""
    judged = [entry.is_right for entry in entries if entry.is_right is not None]
    return sum(judged), len(judged)


def _row(entry: Entry) -> str:
    say = entry.question.say
    if entry.answer is None:
        cells = [entry.question.text, "not yet", "", ""]
    elif entry.observed is None:
        cells = [entry.question.text, say(entry.answer), "not yet", ""]
    else:
        verdict = "✓ right" if entry.is_right else "✕ not right"
        cells = [entry.question.text, say(entry.answer), say(entry.observed), verdict]
    style = "text-align:left;vertical-align:top;padding:2px 10px 2px 0"
    return "<tr>" + "".join(f'<td style="{style}">{escape(c)}</td>' for c in cells) + "</tr>"
