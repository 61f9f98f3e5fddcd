"""The task of notebook 05: what a listing shows."""

from __future__ import annotations

import random
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals


def _listed(keys: list[str], prefix: str, delimiter: str) -> list[str]:
    shown = set()
    for key in keys:
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix) :]
        head, found, _ = rest.partition(delimiter)
        shown.add(prefix + head + found)
    return sorted(shown)


def _cases() -> Iterator[Case]:
    by_hand = [
        ([], "", "an empty bucket"),
        (["a", "b"], "", "no slash: the keys themselves"),
        (["a/1", "a/2", "b"], "", "two keys below a/ are one entry"),
        (["a/1", "a/2", "b"], "a/", "below a/: the keys, for no slash follows"),
        (["a/b/1", "a/b/2", "a/c"], "a/", "an entry ends with the first slash after the prefix"),
        (["a/1", "ab"], "a", "a prefix need not end with a slash"),
        (["a", "a/"], "", "a key and an entry of nearly the same name are two"),
        (["a/"], "a/", "a key that is the prefix itself is shown"),
        (["b/1", "a"], "", "the entries are sorted"),
        (["b"], "a", "nothing begins with the prefix"),
    ]
    for keys, prefix, why in by_hand:
        yield Case((list(keys), prefix, "/"), equals(_listed(keys, prefix, "/")), why)
    dice = random.Random(5)
    for _ in range(20):
        keys = sorted({"".join(dice.choices("ab/", k=dice.randrange(1, 6))) for _ in range(6)})
        prefix = dice.choice(["", "a", "a/", "/"])
        yield Case((list(keys), prefix, "/"), equals(_listed(keys, prefix, "/")))


TASKS = (
    Task(
        id="05/common-prefixes",
        title="what a listing shows",
        text=(
            "`keys` are the keys of a bucket. A listing shows those that begin with `prefix`; and"
            " where `delimiter` (one character) follows later in a key, it shows the key only up to"
            " the first one after the prefix, the delimiter included, once for all such keys."
            " Return the sorted list of what is shown."
        ),
        starter="""\
@lessons.task("05/common-prefixes")
def listed(keys: list, prefix: str, delimiter: str) -> list:
    shown = set()
    for key in keys:
        if key.startswith(prefix):
            rest = key[len(prefix) :]
            shown.add(prefix + rest)  # all of the rest?
    return sorted(shown)
""",
        hints=(
            "Look for the delimiter in `rest`, not in `key`: the prefix may hold some too.",
            "`head, found, _ = rest.partition(delimiter)`: `found` is the delimiter, or empty.",
        ),
        cases=_cases,
    ),
)
