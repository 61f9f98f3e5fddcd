"""The input of a prediction: a field or a few choices, and a button that records.

Its DOM ids begin with `veristack-predict-00-lost` for the prediction "00/lost". A press of the
button puts a command into the queue of the view's thread, which records the answer durably and
then lets `ANSWERS` uncover the result.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.answers import ANSWERS
from veristack_lab.lessons.questions import Question
from veristack_lab.widgets.command_view import CommandView
from veristack_lab.widgets.loop import Model, View
from veristack_lab.widgets.sources import joined_with

_HERE = Path(__file__).parent
_SPECIAL = re.compile(r"[^\w-]")


class PredictionModel(Model):
    """What the input shows, and what its one command does."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def check(self, op: str, argument: object) -> None:
        """Refuse what is not a valid answer. Raises InvalidInput."""
        if op != "answer":
            raise InvalidInput(f"the command of a prediction is 'answer', not {op!r}")
        self._question.parse(argument)

    def obey(self, op: str, argument: Any) -> bool:
        """Record an answer."""
        del op  # there is one command
        ANSWERS.answer(self._question.id, argument)
        return False

    def view(self) -> View:
        """The question and its answer."""
        question, answer = self._question, ANSWERS.entry(self._question.id).answer
        return {
            "text": question.text,
            "unit": question.unit,
            "choices": list(question.choices),
            "tolerance": question.tolerance,
            "answer": answer,
            "words": "" if answer is None else f"Your prediction: {question.say(answer)}.",
        }


class PredictionView(CommandView):
    """Asks one question. `answer` is its one command."""

    _esm = joined_with(_HERE / "prediction_view.js")
    _css = joined_with(_HERE / "prediction_view.css")

    def __init__(self, question: Question) -> None:
        name = f"predict-{_SPECIAL.sub('-', question.id)}"
        super().__init__(PredictionModel(question), name=name)
