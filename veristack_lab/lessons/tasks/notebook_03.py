"""The task of notebook 03: which disk contents a power cut may leave."""

from __future__ import annotations

import random
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals

Operation = tuple[str, int, str]
SYNC: Operation = ("sync", 0, "")
SECTORS = 3


def _may(operations: list[Operation]) -> list[set[str]]:
    """What each sector may hold."""
    may = [{""} for _ in range(SECTORS)]
    newest = [""] * SECTORS
    for what, sector, value in operations:
        if what == "write":
            may[sector].add(value)
            newest[sector] = value
        else:
            may = [{value} for value in newest]
    return may


def _case(operations: list[Operation], image: list[str], why: str = "") -> Case:
    may = _may(operations)
    is_legal = all(value in allowed for value, allowed in zip(image, may, strict=True))
    return Case((list(operations), list(image)), equals(is_legal), why)


def _write(sector: int, value: str) -> Operation:
    return ("write", sector, value)


def _cases() -> Iterator[Case]:
    a, b, c = _write(0, "a"), _write(1, "b"), _write(0, "c")
    yield _case([], ["", "", ""], "nothing was written")
    yield _case([a], ["", "", ""], "a write that was not synced may be lost")
    yield _case([a], ["a", "", ""], "a write that was not synced may also be there")
    yield _case([a], ["x", "", ""], "what was never written cannot be there")
    yield _case([a, SYNC], ["", "", ""], "a synced write must be there")
    yield _case([a, b], ["", "b", ""], "the disk may write the second and not the first")
    yield _case([a, c], ["a", "", ""], "of two writes to a sector either may be the last")
    yield _case([a, SYNC, c], ["a", "", ""], "the old content, synced")
    yield _case([a, SYNC, c], ["", "", ""], "older than what was synced")
    yield _case([a, c, SYNC], ["a", "", ""], "the sync was after the second write")
    yield _case([a, SYNC, b], ["a", "a", ""], "the value of another sector")
    dice = random.Random(3)
    for _ in range(40):
        operations = [
            SYNC if dice.random() < 0.25 else _write(dice.randrange(SECTORS), dice.choice("ab"))
            for _ in range(dice.randrange(7))
        ]
        yield _case(operations, [dice.choice(["", "a", "b"]) for _ in range(SECTORS)])


TASKS = (
    Task(
        id="03/legal-images",
        title="what a power cut may leave",
        text=(
            'A disk has three sectors, each holding "" at first. `operations` is a list of'
            ' ("write", sector, value) and ("sync", 0, ""); then the power goes. `image` lists'
            " what each sector holds afterwards. Return True if that is possible: a sync makes"
            " the newest values durable, and of what was written to a sector since, any one value"
            " may be there, or the synced one."
        ),
        starter="""\
@lessons.task("03/legal-images")
def may_be(operations: list, image: list) -> bool:
    possible = [{""} for _ in image]  # what each sector may hold
    newest = ["" for _ in image]
    for what, sector, value in operations:
        if what == "write":
            newest[sector] = value
        ...  # what does a write add, and what does a sync leave?
    return all(value in held for value, held in zip(image, possible))
""",
        hints=(
            "Before a sync each write adds one more thing that its sector may hold.",
            "At a write: `possible[sector].add(value)`. At a sync: `possible = [{value} for value"
            " in newest]`.",
        ),
        cases=_cases,
    ),
)
