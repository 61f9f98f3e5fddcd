"""Ask first: a prediction is recorded before its result may be looked at.

    guess = lessons.predict("00/lost", "How many acknowledged writes are lost?", unit="writes")
    ...
    guess.reveal(crash["lost"].sum(), draw.kills(crash), axis="y")

In JupyterLab the first line shows an input. The last one covers the result until the answer is
recorded, and uncovers it by itself then; nothing waits, so "Run All" works. Where no learner is
asked (`places` says when), the default answers, and the output says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.answers import ANSWERS, Entry
from veristack_lab.lessons.live import Bundle, Live, bundle_of
from veristack_lab.lessons.progress import Value
from veristack_lab.lessons.questions import Question, make

if TYPE_CHECKING:
    from veristack_lab.lessons.marking import Axis

BOX = (
    "border:1px solid var(--jp-border-color1,#bbb);border-radius:6px;padding:8px 12px;"
    "background:var(--jp-layout-color0,#fff);"
)
INK = "color:var(--jp-ui-font-color1,#222);font:13px/1.45 system-ui,sans-serif;max-width:1080px;"


def predict(
    prediction_id: str,
    text: str,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
    default: object = None,
    within: float = 0,
    factor: float = 1,
) -> Prediction:
    """Ask the learner what will happen; shows an input and returns at once.

    Args:
        prediction_id: the number of the notebook, a slash and a name: "00/lost".
        text: the question.
        unit: what a number counts: "writes", "ms".
        choices: 2 to 8 answers to choose from; without them the answer is a number.
        default: the answer where no learner is asked; 0, or the first choice, if not given.
        within: a number is right if it is at most this far from what happens.
        factor: a number is also right within this factor; 2 means half to twice as much.

    Raises:
        InvalidInput: an argument cannot be used, or the learner's folder cannot be used.
    """
    question = make(
        prediction_id,
        text,
        unit=unit,
        choices=choices,
        default=default,
        within=within,
        factor=factor,
    )
    entry = ANSWERS.ask(question)
    prediction = Prediction(question)
    if entry.is_default:
        words = f"{question.text} No learner is asked here; the default is taken: "
        plain = f"{prediction_id}: {words}{question.say(question.default)}"
        Live(lambda: {"text/plain": plain}).show()
    else:
        _show_input(question)
    return prediction


class Prediction:
    """A question that was asked in this notebook. `predict` makes it."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def __repr__(self) -> str:
        entry = ANSWERS.entry(self._question.id)
        if entry.answer is None:
            return f"<Prediction {self._question.id}: not answered yet>"
        kind = "default " if entry.is_default else ""
        return f"<Prediction {self._question.id}: {kind}{self._question.say(entry.answer)}>"

    @property
    def answer(self) -> Value | None:
        """The number or choice; None until it is recorded."""
        return ANSWERS.entry(self._question.id).answer

    def reveal(self, observed: object, shown: object = None, *, axis: Axis | None = None) -> None:
        """Show what happened, as soon as the prediction is recorded.

        Args:
            observed: the number, or which of the choices, that happened.
            shown: a plotly figure, or anything else that a notebook can show.
            axis: for a figure, the axis on which the prediction is marked: "x", "y" or None.

        Raises:
            InvalidInput: what was observed is not a possible answer, or `axis` is unknown.
        """
        if axis not in ("x", "y", None):
            raise InvalidInput(f"the axis of a prediction is 'x', 'y' or None, not {axis!r}")
        result = _Result(self._question, shown, axis)
        ANSWERS.observe(self._question.id, observed)
        result.show()


class _Result:
    """One result and its cover."""

    def __init__(self, question: Question, shown: object, axis: Axis | None) -> None:
        self._id, self._shown, self._axis = question.id, shown, axis
        self._key = f"reveal {uuid4().hex}"
        self._words = Live(self._render_words)
        self._picture = Live(self._render_picture)

    def show(self) -> None:
        # The answer may come at any moment: listen first, look once more at the end.
        is_covered = ANSWERS.entry(self._id).answer is None
        if is_covered:
            ANSWERS.listen(self._key, self._uncover)
        self._words.show()
        if self._shown is not None:
            self._picture.show()
        if is_covered:
            self._uncover()

    def _uncover(self) -> None:
        if ANSWERS.entry(self._id).answer is not None:
            ANSWERS.unlisten(self._key)
            self._words.refresh()
            self._picture.refresh()

    def _render_words(self) -> Bundle:
        entry = ANSWERS.entry(self._id)
        if entry.answer is None:
            return _cover(entry.question)
        return _sentence(entry)

    def _render_picture(self) -> Bundle:
        entry = ANSWERS.entry(self._id)
        if entry.answer is None:
            return {"text/plain": "", "text/html": "<div></div>"}
        return bundle_of(self._drawn(entry))

    def _drawn(self, entry: Entry) -> Any:
        if not hasattr(self._shown, "add_shape"):
            return self._shown
        from veristack_lab.lessons.marking import marked

        return marked(self._shown, entry, self._axis)


def _cover(question: Question) -> Bundle:
    words = f"Predict first: {question.text}"
    more = "The result is here, and shows itself when your answer is recorded above."
    stripes = (
        "background:repeating-linear-gradient(135deg,var(--jp-layout-color2,#eee) 0 12px,"
        "var(--jp-layout-color1,#fff) 12px 24px);"
    )
    html = (
        f'<div class="veristack-cover" data-prediction="{escape(question.id)}" '
        f'style="{BOX}{INK}{stripes}"><span style="background:var(--jp-layout-color1,#fff);'
        f'padding:2px 6px"><b>{escape(words)}</b> {more}</span></div>'
    )
    return {"text/plain": words, "text/html": html}


def _sentence(entry: Entry) -> Bundle:
    assert entry.answer is not None
    assert entry.observed is not None
    words = entry.question.sentence(entry.answer, entry.observed, is_default=entry.is_default)
    if entry.is_default:
        return {"text/plain": words}
    mark = "✓" if entry.is_right else "✕"
    html = (
        f'<div class="veristack-verdict" data-right="{str(entry.is_right).lower()}" '
        f'style="{BOX}{INK}"><b aria-hidden="true">{mark}</b> {escape(words)}</div>'
    )
    return {"text/plain": words, "text/html": html}


def _show_input(question: Question) -> None:
    from IPython.display import display

    from veristack_lab.lessons.prediction_view import PredictionView

    display(PredictionView(question))  # type: ignore[no-untyped-call]
