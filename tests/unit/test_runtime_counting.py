"""Counts in messages: one of a thing, several, and units."""

from __future__ import annotations

import pytest

from veristack_lab.lessons.questions import make
from veristack_lab.runtime.counting import counted, plural, singular


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 steps"), (1, "1 step"), (2, "2 steps"), (12_345, "12,345 steps")],
)
def test_a_noun_takes_the_form_of_its_number(number: int, told: str) -> None:
    assert counted(number, "step") == told


def test_an_irregular_plural_is_given() -> None:
    assert counted(1, "slot is free", "slots are free") == "1 slot is free"
    assert counted(3, "slot is free", "slots are free") == "3 slots are free"


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("entry", "entries"),
        ("key", "keys"),
        ("hash", "hashes"),
        ("prefix", "prefixes"),
        ("process", "processes"),
        ("time", "times"),
        ("acknowledged step", "acknowledged steps"),
    ],
)
def test_singular_and_plural_undo_each_other(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == one


@pytest.mark.parametrize("unit", ["", "ms", "%", "s", "GB/s"])
def test_a_unit_that_is_not_a_plural_stays(unit: str) -> None:
    assert singular(unit) == unit


def test_an_answer_of_one_has_its_unit_in_the_singular() -> None:
    question = make("00/lost", "How many?", unit="writes")
    assert [question.say(n) for n in (0, 1, 2)] == ["0 writes", "1 write", "2 writes"]
