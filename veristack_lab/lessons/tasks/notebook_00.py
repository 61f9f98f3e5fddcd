"""The task of notebook 00: which acknowledged writes are lost."""

from __future__ import annotations

import random
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals


def _lost(acknowledged: dict[str, int], found: dict[str, int]) -> list[str]:
    return sorted(key for key, value in acknowledged.items() if found.get(key) != value)


def _cases() -> Iterator[Case]:
    by_hand: list[tuple[dict[str, int], dict[str, int], str]] = [
        ({"a": 1}, {"a": 1}, "nothing is lost"),
        ({"a": 1, "b": 2}, {"a": 1}, "b is gone"),
        ({"a": 1}, {"a": 1, "b": 2}, "b was never acknowledged: it may be there"),
        ({"a": 2}, {"a": 1}, "an old value is a lost write too"),
        ({"a": 0}, {}, "a value of 0 can be lost as well"),
        ({}, {"a": 1}, "nothing was promised"),
        ({"c": 3, "b": 2, "a": 1}, {}, "everything is gone; the names are sorted"),
    ]
    for acknowledged, found, why in by_hand:
        yield Case((dict(acknowledged), dict(found)), equals(_lost(acknowledged, found)), why)
    dice = random.Random(0)
    for _ in range(20):
        acknowledged = {key: dice.randrange(3) for key in "abcdef" if dice.random() < 0.7}
        found = {key: dice.randrange(3) for key in "abcdef" if dice.random() < 0.7}
        yield Case((dict(acknowledged), dict(found)), equals(_lost(acknowledged, found)))


TASKS = (
    Task(
        id="00/lost-writes",
        title="which writes are lost",
        text=(
            "`acknowledged` maps each key to the value that its writer was told is safe;"
            " `found` maps keys to the values that were there after the crash. Return a sorted"
            " list of the keys whose acknowledged write is lost."
        ),
        starter="""\
@lessons.task("00/lost-writes")
def lost(acknowledged: dict, found: dict) -> list:
    result = []
    for key, value in acknowledged.items():
        ...  # when is this write lost?
    return result
""",
        hints=(
            "A write is lost if its key is not there. Is it also lost if another value is there?",
            "`found.get(key)` gives None for a key that is not there. Compare it with the value.",
        ),
        cases=_cases,
    ),
)
