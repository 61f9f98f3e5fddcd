"""Why a history has no order: the first operation that cannot be placed, and its story.

If the first N answers of a history cannot be explained, no longer history can. So the shortest such
N is found by halving; the operation that was answered last is the first that cannot be placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from veristack_lab.sim.history import UNKNOWN, Operation
from veristack_lab.sim.models import Model, Read, bare, in_words
from veristack_lab.sim.wing_gong import Budget, GaveUp, linearizable

_MOST_VALUES = 50
_MOST_CAUSES = 20


def in_order_of_return(operations: Sequence[Operation]) -> list[Operation]:
    """The operations whose results are known, earliest answer first."""
    told = [each for each in operations if each.result is not UNKNOWN]
    return sorted(told, key=lambda each: each.returned)


def up_to(operations: Sequence[Operation], count: int) -> list[Operation]:
    """The history as it was when `count` operations had been answered: others were still open."""
    told = [number for number, each in enumerate(operations) if each.result is not UNKNOWN]
    told.sort(key=lambda number: operations[number].returned)
    answered = [False] * len(operations)
    for number in told[:count]:
        answered[number] = True
    moment = operations[told[count - 1]].returned if count else -inf
    return [
        each if answered[number] else each._replace(result=UNKNOWN, returned=inf)
        for number, each in enumerate(operations)
        if answered[number] or each.call <= moment
    ]


def first_misfit(operations: Sequence[Operation], model: Model, budget: Budget) -> int:
    """The least number of answers that cannot be explained.

    Args:
        operations: of one key, sorted by their calls; they cannot be put in one order.
        model: what one operation does.
        budget: for the search.

    Raises:
        GaveUp: the budget is used up.
    """
    fits, fails = 0, len(in_order_of_return(operations))
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if linearizable(up_to(operations, middle), model, budget):
            fits = middle
        else:
            fails = middle
    return fails


def story_of(history: Sequence[Operation], misfit: Operation, model: Model, budget: Budget) -> str:
    """What happened, in sentences.

    Args:
        history: up to the answer of the misfit, as `up_to` gives it.
        misfit: the operation that cannot be placed.
        model: what one operation does.
        budget: for the search; the story is shorter where it is used up.
    """
    sentences = [f"{_capital(in_words(misfit))} ({_when(misfit)}), and no order explains that."]
    try:
        sentences += _possible_results(history, misfit, model, budget)
        sentences += _cause(history, misfit, model, budget)
    except GaveUp:
        sentences.append("What else can be said was not found in the steps allowed.")
    return " ".join(sentences)


def _possible_results(
    history: Sequence[Operation], misfit: Operation, model: Model, budget: Budget
) -> list[str]:
    candidates = model.results(misfit.action, history)
    if not candidates or len(candidates) > _MOST_VALUES:
        return []
    possible = [
        result
        for result in candidates
        if result != misfit.result
        and linearizable(_replaced(history, misfit, result), model, budget)
    ]
    if not possible:
        return []
    shown = " or ".join(map(repr, possible))
    never = "" if misfit.result in candidates else f" {misfit.result!r} was never written."
    return [f"At that time it could only be {shown}.{never}"]


def _cause(
    history: Sequence[Operation], misfit: Operation, model: Model, budget: Budget
) -> list[str]:
    """The latest operation answered before the misfit's call that stands in its way by itself."""
    before = [each for each in in_order_of_return(history) if each.returned < misfit.call]
    for cause in before[: -_MOST_CAUSES - 1 : -1]:
        without = [each for each in history if each is not cause]
        if linearizable(without, model, budget):
            return [
                f"Before its call, {in_words(cause)} ({_when(cause)}); without that it would fit."
            ]
    changes = [each for each in before if type(bare(each.action)) is not Read]
    if not changes:
        return []
    last = changes[-1]
    return [f"The latest change answered before its call: {in_words(last)} ({_when(last)})."]


def _replaced(history: Sequence[Operation], misfit: Operation, result: object) -> list[Operation]:
    return [each._replace(result=result) if each is misfit else each for each in history]


def _when(operation: Operation) -> str:
    if operation.call_s or operation.return_s:
        return f"{operation.call_s:.3f} s to {operation.return_s:.3f} s"
    return f"{operation.call:g} to {operation.returned:g}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
