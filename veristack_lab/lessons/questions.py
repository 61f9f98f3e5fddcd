"""A question about what will happen: what counts as an answer, and as a right one. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.catalogue import notebook_of
from veristack_lab.lessons.progress import Value
from veristack_lab.runtime.counting import singular

MAX_CHOICES = 8


@dataclass(frozen=True)
class Question:
    """One question of a notebook, for a number or for one of several choices.

    Raises:
        InvalidInput: the id, the choices, the default or the tolerance cannot be used.
    """

    id: str
    """The number of the notebook, a slash and a name: "00/lost"."""
    text: str
    default: Value
    """What a run without a learner answers."""
    unit: str = ""
    choices: tuple[str, ...] = field(default=())
    """Empty: the answer is a number."""
    within: float = 0
    """A number is right if it is at most this far from what happens."""
    factor: float = 1
    """A number is also right if it is at most this many times as much, or as little."""

    def __post_init__(self) -> None:
        notebook_of(self.id)
        if not self.text.strip():
            raise InvalidInput(f"prediction {self.id} has no question: give a text")
        if self.choices:
            self._check_choices()
        elif self.within < 0 or not math.isfinite(self.within):
            raise InvalidInput(f"within is a distance, 0 or more, not {self.within!r}")
        elif self.factor < 1 or not math.isfinite(self.factor):
            raise InvalidInput(f"factor is 1 or more, not {self.factor!r}")
        object.__setattr__(self, "default", self.parse(self.default))

    def _check_choices(self) -> None:
        if len(set(self.choices)) != len(self.choices) or not 2 <= len(self.choices) <= MAX_CHOICES:
            raise InvalidInput(
                f"prediction {self.id} needs 2 to {MAX_CHOICES} different choices, not"
                f" {list(self.choices)!r}"
            )
        if self.unit or self.within or self.factor != 1:
            raise InvalidInput(
                f"prediction {self.id} has choices: unit, within and factor belong to a number"
            )

    def parse(self, answer: object) -> Value:
        """The answer that was typed, chosen or measured, as a plain value.

        Raises:
            InvalidInput: it is not a number, or not one of the choices.
        """
        if self.choices:
            if answer not in self.choices:
                known = ", ".join(map(repr, self.choices))
                raise InvalidInput(f"choose one of {known}, not {answer!r}")
            return str(answer)
        return parse_number(answer)

    def is_right(self, answer: Value, observed: Value) -> bool:
        """Whether what happened is what was predicted, within the tolerance."""
        if isinstance(answer, str) or isinstance(observed, str):
            return answer == observed
        if abs(answer - observed) <= self.within:
            return True
        if answer == 0 or observed == 0 or (answer < 0) != (observed < 0):
            return answer == observed
        return max(answer / observed, observed / answer) <= self.factor

    def say(self, value: Value) -> str:
        """A value in words: with its unit, or as the choice it is."""
        if isinstance(value, str):
            return value
        number = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
        return f"{number} {singular(self.unit) if value == 1 else self.unit}".rstrip()

    @property
    def tolerance(self) -> str:
        """What counts as right besides the exact number, in words; may be empty."""
        parts = [f"within {self.say(_plain(self.within))}"] if self.within else []
        parts += [f"within a factor of {self.factor:g}"] if self.factor != 1 else []
        return " or ".join(parts)

    def sentence(self, answer: Value, observed: Value, *, is_default: bool) -> str:
        """The prediction and what happened, on one line."""
        if is_default:
            return (
                f"{self.id}: {self.say(observed)}; the default was {self.say(answer)},"
                " no learner was asked"
            )
        verdict = "right" if self.is_right(answer, observed) else "not right"
        tolerance = f" ({self.tolerance})" if self.tolerance else ""
        return (
            f"{self.id}: you predicted {self.say(answer)}, and it was {self.say(observed)}:"
            f" {verdict}{tolerance}"
        )


def parse_number(answer: object) -> int | float:
    """A finite number from what was typed or measured; digits may be grouped by `,` or `_`.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        plain: object = answer.item() if hasattr(answer, "item") else answer
        if isinstance(plain, str):
            plain = float(plain.replace(",", "").replace("_", "").strip())
        if isinstance(plain, bool) or not isinstance(plain, int | float):
            raise ValueError
        if not math.isfinite(plain):
            raise ValueError
    except ValueError:
        raise InvalidInput(f"the answer is a number such as 12 or 0.5, not {answer!r}") from None
    return _plain(plain)


def _plain(number: float) -> int | float:
    return int(number) if number % 1 == 0 else number


def make(
    prediction_id: str,
    text: str,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
    default: object = None,
    within: float = 0,
    factor: float = 1,
) -> Question:
    """A question; the default is 0 for a number and the first of the choices.

    Raises:
        InvalidInput: something of it cannot be used.
    """
    if isinstance(choices, str):
        raise InvalidInput(f"choices is a list of texts, not the text {choices!r}")
    if default is None:
        default = choices[0] if choices else 0
    answer = cast("Value", default)  # parsed, and refused if it is none, when the question is made
    return Question(prediction_id, text, answer, unit, tuple(choices), within, factor)
