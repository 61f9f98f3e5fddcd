"""The task of notebook 10: how many whole blocks two prompts share."""

from __future__ import annotations

import random
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals


def _shared(one: list[int], two: list[int], block: int) -> int:
    count = 0
    while (count + 1) * block <= min(len(one), len(two)):
        part = slice(count * block, (count + 1) * block)
        if one[part] != two[part]:
            break
        count += 1
    return count


def _cases() -> Iterator[Case]:
    by_hand: list[tuple[list[int], list[int], int, str]] = [
        ([], [], 4, "two empty prompts"),
        ([1, 2, 3, 4], [1, 2, 3, 4], 4, "one whole block"),
        ([1, 2, 3], [1, 2, 3], 4, "half a block counts for nothing"),
        ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], 4, "one block and a half"),
        ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8], 4, "one prompt is longer"),
        ([9, 2, 3, 4], [1, 2, 3, 4], 4, "the first token differs"),
        ([1, 2, 9, 4, 5, 6], [1, 2, 3, 4, 5, 6], 2, "equal blocks after a difference do not count"),
        ([1, 2, 3], [1, 2, 4], 1, "blocks of one token"),
    ]
    for one, two, block, why in by_hand:
        yield Case((list(one), list(two), block), equals(_shared(one, two, block)), why)
    dice = random.Random(10)
    for _ in range(20):
        one = dice.choices([1, 2], k=dice.randrange(10))
        two = [*one[: dice.randrange(10)], *dice.choices([1, 2], k=dice.randrange(6))]
        block = dice.randrange(1, 4)
        yield Case((list(one), list(two), block), equals(_shared(one, two, block)))


TASKS = (
    Task(
        id="10/shared-blocks",
        title="the blocks that two prompts share",
        text=(
            "`one` and `two` are prompts as lists of tokens, cut into blocks of `block` tokens."
            " Return how many whole blocks at their beginning are the same. A block that is not"
            " full counts for nothing, and so does every block after the first difference."
        ),
        starter="""\
@lessons.task("10/shared-blocks")
def shared(one: list, two: list, block: int) -> int:
    count = 0
    for start in range(0, len(one), block):
        ...  # compare one[start : start + block] with the same part of two
    return count
""",
        hints=(
            "Stop at the first block that differs. Which lengths may a slice at the end have?",
            "`if len(part) < block or part != two[start : start + block]: break`, else count.",
        ),
        cases=_cases,
    ),
)
