"""Whether a history can be explained by one copy that does one operation at a time.

    verdict = check_linearizable(history.operations())
    assert verdict.ok, verdict.story

Each operation must seem to take effect at one moment between its call and its return. Keys are
independent, so each is searched by itself (Horn and Kroening 2015), as `wing_gong` tells.

The work is bounded. A search that gives up is a failure: what was not shown is not so.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from math import inf
from typing import Literal, NamedTuple

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.blame import first_misfit, in_order_of_return, story_of, up_to
from veristack_lab.sim.history import UNKNOWN, Operation
from veristack_lab.sim.models import KeyValue, Model
from veristack_lab.sim.wing_gong import Budget, GaveUp, linearizable

MOST_STEPS = 2_000_000
"""Operations that a check tries to place before it gives up: some seconds."""


class Verdict(NamedTuple):
    """What a check found."""

    outcome: Literal["linearizable", "not linearizable", "gave up"]
    story: str
    """In sentences."""
    steps: int
    """How often it was tried to place an operation."""
    operation: Operation | None = None
    """The first that cannot be placed: without it and what came after it, all could be."""

    @property
    def ok(self) -> bool:
        """Whether the history is linearizable; giving up is not enough."""
        return self.outcome == "linearizable"


def check_linearizable(
    history: Iterable[Operation], model: Model | None = None, most_steps: int = MOST_STEPS
) -> Verdict:
    """Whether the operations could have been done one at a time.

    Args:
        history: in any order.
        model: what one operation does; `KeyValue` unless given.
        most_steps: of all keys together; the search for each story may take as many again.

    Raises:
        InvalidInput: an operation returned before it was called, or is open and has a result.
    """
    keys: dict[Hashable, list[Operation]] = {}
    for operation in history:
        _check(operation)
        keys.setdefault(operation.key, []).append(operation)
    budget, model = Budget(most_steps), model or KeyValue()
    wrong, given_up = [], []
    for operations in keys.values():
        operations.sort(key=lambda each: (each.call, each.returned))
        try:
            if not linearizable(operations, model, budget):
                wrong.append(operations)
        except GaveUp:
            given_up.append(operations)
    if wrong:
        verdicts = [_violation(operations, model, most_steps) for operations in wrong]
        return min(verdicts, key=lambda each: each.operation.returned if each.operation else inf)
    if given_up:
        return _gave_up(given_up[0], most_steps)
    count = sum(map(len, keys.values()))
    story = f"{count} operations on {len(keys)} keys can be put in one order."
    return Verdict("linearizable", story, budget.most - budget.left)


def _gave_up(operations: Sequence[Operation], most_steps: int) -> Verdict:
    unknown = sum(each.result is UNKNOWN for each in operations)
    story = (
        f"Gave up on {operations[0].key!r} after {most_steps:,} steps: {len(operations)} "
        f"operations, {unknown} of them of unknown outcome. Nothing is shown; use fewer clients, "
        "more keys or a shorter history."
    )
    return Verdict("gave up", story, most_steps)


def _violation(operations: Sequence[Operation], model: Model, most_steps: int) -> Verdict:
    """The verdict on operations of one key that cannot be put in one order."""
    budget = Budget(most_steps)
    try:
        count = first_misfit(operations, model, budget)
        operation = in_order_of_return(operations)[count - 1]
        story = story_of(up_to(operations, count), operation, model, budget)
    except GaveUp:
        key = operations[0].key
        story = (
            f"The {len(operations)} operations on {key!r} cannot be put in one order; which is the "
            f"first that cannot be placed was not found in {most_steps:,} steps."
        )
        return Verdict("not linearizable", story, budget.most - budget.left)
    return Verdict("not linearizable", story, budget.most - budget.left, operation)


def _check(operation: Operation) -> None:
    open_one = operation.result is UNKNOWN
    if not operation.call <= operation.returned or open_one != (operation.returned == inf):
        raise InvalidInput(
            f"{operation} cannot be: it returns after its call, and has a result if it returned"
        )
