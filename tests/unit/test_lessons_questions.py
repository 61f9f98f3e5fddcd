"""What counts as a question, an answer and a right one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.questions import make, parse_number


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("12", 12),
        (" 1,000 ", 1000),
        ("1_000", 1000),
        ("0.5", 0.5),
        ("1e3", 1000),
        ("-3", -3),
        (2.0, 2),
        (np.int64(7), 7),
        (np.float64(0.25), 0.25),
        (pd.Series([1, 2]).sum(), 3),
    ],
)
def test_what_is_a_number(typed: object, number: float) -> None:
    assert parse_number(typed) == number
    assert type(parse_number(typed)) is type(number)


@pytest.mark.parametrize(
    "typed", ["", "many", "nan", "inf", True, np.True_, None, [1], pd.Series([1, 2]), "1 2"]
)
def test_what_is_none(typed: object) -> None:
    with pytest.raises(InvalidInput, match="the answer is a number"):
        parse_number(typed)


@pytest.mark.parametrize(
    ("tolerance", "answer", "observed", "is_right"),
    [
        ({}, 3, 3, True),
        ({}, 3, 4, False),
        ({"within": 1}, 3, 4, True),
        ({"within": 1}, 3, 5, False),
        ({"factor": 2}, 10, 20, True),
        ({"factor": 2}, 20, 10, True),
        ({"factor": 2}, 10, 21, False),
        ({"factor": 2}, 0, 1, False),
        ({"factor": 2}, 0, 0, True),
        ({"factor": 2}, -10, 20, False),
        ({"factor": 2}, -10, -20, True),
        ({"factor": 2, "within": 5}, 0, 5, True),
    ],
)
def test_what_is_right(
    tolerance: dict[str, float], answer: float, observed: float, is_right: bool
) -> None:
    assert make("00/x", "How many?", **tolerance).is_right(answer, observed) is is_right  # type: ignore[arg-type]


def test_a_choice_is_right_when_it_happened() -> None:
    question = make("00/x", "Which?", choices=["this", "that"])
    assert question.default == "this"
    assert question.is_right("this", "this")
    assert not question.is_right("this", "that")
    with pytest.raises(InvalidInput, match="choose one of 'this', 'that', not 'both'"):
        question.parse("both")


def test_words() -> None:
    question = make("00/x", "How many?", unit="writes", within=2)
    assert question.sentence(1, 1200, is_default=False) == (
        "00/x: you predicted 1 write, and it was 1,200 writes: not right (within 2 writes)"
    )
    assert question.sentence(0, 2, is_default=True) == (
        "00/x: 2 writes; the default was 0 writes, no learner was asked"
    )
    assert make("00/x", "How fast?", factor=2).tolerance == "within a factor of 2"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prediction_id": "lost"}, "such as '00/lost'"),
        ({"prediction_id": "99/lost"}, "there is no notebook '99'"),
        ({"prediction_id": "00/Lost"}, "in lower case"),
        ({"text": " "}, "has no question"),
        ({"choices": ["one"]}, "2 to 8 different choices"),
        ({"choices": ["one", "one"]}, "2 to 8 different choices"),
        ({"choices": "ab"}, "a list of texts"),
        ({"choices": ["a", "b"], "unit": "writes"}, "belong to a number"),
        ({"choices": ["a", "b"], "default": "c"}, "choose one of"),
        ({"default": "many"}, "the answer is a number"),
        ({"within": -1}, "0 or more"),
        ({"within": float("nan")}, "0 or more"),
        ({"factor": 0.5}, "1 or more"),
    ],
)
def test_bad_use_is_refused(arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"prediction_id": "00/lost", "text": "How many?", **arguments}
    with pytest.raises(InvalidInput, match=message):
        make(given.pop("prediction_id"), given.pop("text"), **given)  # type: ignore[arg-type]
