"""What a task is: a text, a function to write, and cases that judge what it returns."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Judge = Callable[[object], str | None]
"""What was expected in place of a value, in words; None if the value is right."""

MAX_SHOWN = 200


@dataclass(frozen=True)
class Case:
    """One call of the learner's function, and what may come back."""

    arguments: tuple[object, ...]
    judge: Judge
    why: str = ""
    """What this case is about, for the learner who fails it."""


@dataclass(frozen=True)
class Task:
    """One small thing to write in a cell."""

    id: str
    """The number of the notebook, a slash and a name: "01/whole-records"."""
    title: str
    text: str
    """What the function is given and what it returns."""
    starter: str
    """The cell that the learner begins with."""
    hints: tuple[str, ...]
    """From a nudge to nearly the answer."""
    cases: Callable[[], Iterator[Case]]
    """Makes fresh arguments at each call, so a function that changes them harms no other case."""


def equals(expected: object) -> Judge:
    """A judge that wants one value; a tuple may stand for a list, a numpy number for a number."""

    def judge(got: object) -> str | None:
        return None if is_same(got, expected) else show(expected)

    return judge


def is_same(got: object, expected: object) -> bool:
    """Whether two plain values are the same, whatever types of number and sequence they have."""
    if isinstance(expected, bool):
        return type(got).__name__ in ("bool", "bool_") and bool(got) == expected
    if isinstance(expected, int):
        is_number = isinstance(got, numbers.Integral) and not isinstance(got, bool)
        return is_number and got == expected
    if isinstance(expected, str | bytes):
        return isinstance(got, str | bytes | bytearray) and got == expected
    if isinstance(expected, Mapping):
        return isinstance(got, Mapping) and dict(got) == dict(expected)
    if isinstance(expected, frozenset | set):
        return isinstance(got, frozenset | set) and got == expected
    if isinstance(expected, Sequence):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return False
        return all(is_same(each, wanted) for each, wanted in zip(got, expected, strict=True))
    return bool(got == expected)


def show(value: object) -> str:
    """A value as a learner wants to read it, on one line and shortened."""
    text = " ".join(repr(value).split())
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
