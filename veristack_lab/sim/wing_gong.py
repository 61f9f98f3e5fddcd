"""The search of Wing and Gong (1993) with the memory of Lowe (2017), for the operations of one key.

Place an operation that no other must precede, go on, take it back if that leads nowhere, and never
try the same set of placed operations with the same state twice. Operations of unknown outcome may
be placed anywhere after their call, or nowhere: they are tried last, and of equal ones the earliest
first, because it can do what the others can.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import inf
from typing import Any

from veristack_lab.sim.history import UNKNOWN, Operation
from veristack_lab.sim.models import Model


class GaveUp(Exception):
    """The budget is used up; what was searched for is neither found nor excluded."""


class Budget:
    """How many steps are left."""

    def __init__(self, most_steps: int) -> None:
        self.most = self.left = most_steps

    def spend(self, steps: int) -> None:
        """Use some.

        Raises:
            GaveUp: there are none left.
        """
        self.left -= steps
        if self.left < 0:
            raise GaveUp


def linearizable(operations: Sequence[Operation], model: Model, budget: Budget) -> bool:
    """Whether operations of one key, sorted by their calls, can be put in one order.

    Raises:
        GaveUp: the budget is used up.
    """
    told = [each for each in operations if each.result is not UNKNOWN]
    open_ones = [
        each
        for each in operations
        if each.result is UNKNOWN and model.may_matter(each.action, told)
    ]
    search = _Search(told, open_ones, model)
    found = search.run(budget.left)
    budget.spend(search.steps)
    return found


class _Search:
    """One search: calls and returns as a linked list from which placed operations are taken."""

    def __init__(
        self, told: Sequence[Operation], open_ones: Sequence[Operation], model: Model
    ) -> None:
        self.model, self.steps = model, 0
        self.told, self.open = told, open_ones
        count = len(told)
        events = [(each.call, 0, number) for number, each in enumerate(told)]
        events += [(each.returned, 1, number) for number, each in enumerate(told)]
        events.sort()  # at one moment calls come first: then the operations overlap
        self.head = len(events)
        self.number = [number for _, _, number in events]
        self.is_return = [bool(kind) for _, kind, _ in events] + [True]
        self.when = [when for when, _, _ in events] + [inf]
        self.after = [*range(1, self.head + 1), 0]
        self.before = [self.head, *range(self.head)]
        self.call_at, self.return_at = [0] * count, [0] * count
        for place, (_, kind, number) in enumerate(events):
            (self.return_at if kind else self.call_at)[number] = place
        self.twin = [-1] * len(open_ones)
        """The nearest earlier one of equal action among those of unknown outcome."""
        seen: dict[Any, int] = {}
        for number, each in enumerate(open_ones):
            self.twin[number] = seen.get(each.action, -1)
            seen[each.action] = number

    def run(self, most_steps: int) -> bool:
        """Search; stops early, and says False, when the steps are used up."""
        apply, told, open_ones, is_return = self.model.apply, self.told, self.open, self.is_return
        after, head, count = self.after, self.head, len(self.told)
        state, placed, missing = self.model.initial, 0, count
        tried: set[tuple[int, Hashable]] = set()
        stack: list[tuple[int, int, Hashable]] = []  # place or head + 1 + number; and before it
        entry = after[head]
        while missing:
            if self.steps > most_steps:
                return False
            if entry <= head and not is_return[entry]:
                self.steps += 1
                number = self.number[entry]
                result, new = apply(state, told[number].action)
                there = placed | 1 << number
                if result == told[number].result and (there, new) not in tried:
                    tried.add((there, new))
                    stack.append((entry, placed, state))
                    self._take_out(number)
                    state, placed, missing, entry = new, there, missing - 1, after[head]
                else:
                    entry = after[entry]
                continue
            # every call before the first return was tried: now those of unknown outcome
            number = 0 if entry <= head else entry - head - 1
            limit = self.when[self._first_return(entry if entry <= head else after[head])]
            if number < len(open_ones) and open_ones[number].call <= limit:
                self.steps += 1
                bit, twin = 1 << count + number, self.twin[number]
                if not placed & bit and (twin < 0 or placed >> count + twin & 1):
                    _, new = apply(state, open_ones[number].action)
                    if new != state and (placed | bit, new) not in tried:
                        tried.add((placed | bit, new))
                        stack.append((head + 1 + number, placed, state))
                        state, placed, entry = new, placed | bit, after[head]
                        continue
                entry = head + 2 + number
                continue
            if not stack:
                return False
            entry, placed, state = stack.pop()
            if entry < head:
                self._put_back(self.number[entry])
                missing += 1
                entry = after[entry]
            else:
                entry += 1
        return True

    def _first_return(self, entry: int) -> int:
        while not self.is_return[entry]:
            entry = self.after[entry]
        return entry

    def _take_out(self, number: int) -> None:
        after, before = self.after, self.before
        for place in (self.call_at[number], self.return_at[number]):
            after[before[place]], before[after[place]] = after[place], before[place]

    def _put_back(self, number: int) -> None:
        after, before = self.after, self.before
        for place in (self.return_at[number], self.call_at[number]):
            after[before[place]] = before[after[place]] = place
