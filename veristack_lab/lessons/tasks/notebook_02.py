"""The task of notebook 02: how many records each sync made durable."""

from __future__ import annotations

import random
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals


def _groups(trace: list[str]) -> list[int]:
    groups, waiting = [], 0
    for event in trace:
        if event == "write":
            waiting += 1
        elif event == "sync":
            groups.append(waiting)
            waiting = 0
        else:
            break
    return groups


def _cases() -> Iterator[Case]:
    by_hand = [
        ("", "nothing happened"),
        ("w s", "one record, one sync"),
        ("w w w s", "one sync for three records"),
        ("w s w w s", "a group of one, then a group of two"),
        ("w w", "no sync has returned: nothing is durable"),
        ("w s w", "the last record is not durable"),
        ("w s s w s", "a sync that finds nothing to do is a group of 0"),
        ("w s w w f", "a sync that fails makes nothing durable"),
        ("w s w f w s", "after a sync has failed, no later one can be believed"),
        ("f w s", "likewise when the first one fails"),
    ]
    names = {"w": "write", "s": "sync", "f": "sync failed"}
    for letters, why in by_hand:
        trace = [names[letter] for letter in letters.split()]
        yield Case((list(trace),), equals(_groups(trace)), why)
    dice = random.Random(2)
    for _ in range(20):
        trace = dice.choices(list(names.values()), weights=(6, 3, 0.5), k=dice.randrange(16))
        yield Case((list(trace),), equals(_groups(trace)))


TASKS = (
    Task(
        id="02/groups",
        title="the groups of a trace",
        text=(
            '`trace` is a list of what a log did: "write" (one record), "sync" (it returned),'
            ' "sync failed". Return a list with one number for each sync that can be believed:'
            " how many records it made durable. After a failed sync no sync can be believed."
        ),
        starter="""\
@lessons.task("02/groups")
def groups(trace: list) -> list:
    sizes, waiting = [], 0
    for event in trace:
        if event == "write":
            waiting += 1
        ...  # and the two other events?
    return sizes
""",
        hints=(
            "A sync makes every record durable that was written since the sync before it.",
            'At "sync", append `waiting` and set it to 0 again; at "sync failed", stop.',
        ),
        cases=_cases,
    ),
)
