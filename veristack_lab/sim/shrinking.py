"""The smallest list of events that still fails.

    small = shrink(plan, fails=lambda faults: not run(seed, faults).ok, simpler=simpler_fault)

Delta debugging (Zeller and Hildebrandt 2002) takes out large parts first; then each event is taken
out by itself, and what is left is made simpler. It works because removing an event shifts no random
draw of the others. A smaller list may fail in another way: what counts as failing is up to `fails`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

from veristack_lab.errors import InvalidInput

Event = TypeVar("Event", bound=Hashable)


class Shrunk(NamedTuple, Generic[Event]):
    """What is left, and what it took."""

    events: tuple[Event, ...]
    tries: int
    """How often `fails` was asked."""
    complete: bool
    """Whether no event can be left out and none made simpler; else the tries were used up."""


def shrink(
    events: Iterable[Event],
    fails: Callable[[tuple[Event, ...]], bool],
    simpler: Callable[[Event], Iterable[Event]] | None = None,
    most_tries: int = 1_000,
) -> Shrunk[Event]:
    """Leave out and simplify events as long as what is left fails.

    Args:
        events: hashable values; their order stays.
        fails: whether these events fail; must always say the same of the same events.
        simpler: simpler values to put in an event's place, the best first; each must be nearer to
            the end of all simplification, so that there is an end.
        most_tries: how often `fails` is asked at most.

    Raises:
        InvalidInput: the events do not fail as they are, or no try is allowed.
    """
    if most_tries < 1:
        raise InvalidInput("shrinking needs at least one try")
    search = _Search(fails, most_tries)
    left = tuple(events)
    if not search.fails(left):
        raise InvalidInput("these events do not fail, so there is nothing to shrink")
    try:
        left = search.best = _halve(left, search)
        while True:
            before = left
            left = _one_by_one(left, search)
            left = _simplify(left, simpler, search) if simpler else left
            if left == before:
                break
    except _UsedUp:
        return Shrunk(search.best, search.tries, complete=False)
    return Shrunk(left, search.tries, complete=True)


class _UsedUp(Exception):
    """No try is left."""


class _Search(Generic[Event]):
    """Asks, counts, and remembers answers and the smallest failure."""

    def __init__(self, fails: Callable[[tuple[Event, ...]], bool], most: int) -> None:
        self._fails, self._most = fails, most
        self._known: dict[tuple[Event, ...], bool] = {}
        self.tries = 0
        self.best: tuple[Event, ...] = ()

    def fails(self, events: tuple[Event, ...]) -> bool:
        known = self._known.get(events)
        if known is not None:
            return known
        if self.tries >= self._most:
            raise _UsedUp
        self.tries += 1
        known = self._known[events] = self._fails(events)
        if known:
            self.best = events
        return known


def _halve(events: tuple[Event, ...], search: _Search[Event]) -> tuple[Event, ...]:
    """Leave out parts, large ones first (ddmin)."""
    parts = 2
    while len(events) >= 2:
        chunks = _split(events, parts)
        rests = [_without(chunks, place) for place in range(len(chunks))]
        smaller = next((each for each in [*chunks, *rests] if search.fails(each)), None)
        if smaller is None:
            if parts >= len(events):
                break
            parts = min(len(events), 2 * parts)
        else:
            parts = 2 if smaller in chunks else max(2, parts - 1)
            events = smaller
    return events


def _split(events: tuple[Event, ...], parts: int) -> list[tuple[Event, ...]]:
    ends = [len(events) * part // parts for part in range(parts + 1)]
    return [events[start:end] for start, end in pairwise(ends) if start < end]


def _without(chunks: Sequence[tuple[Event, ...]], place: int) -> tuple[Event, ...]:
    return tuple(event for at, chunk in enumerate(chunks) if at != place for event in chunk)


def _one_by_one(events: tuple[Event, ...], search: _Search[Event]) -> tuple[Event, ...]:
    """Leave out single events, the last first, until none can go."""
    place = len(events) - 1
    while place >= 0:
        fewer = events[:place] + events[place + 1 :]
        if search.fails(fewer):
            events, place = fewer, len(fewer)
        place -= 1
    return events


def _simplify(
    events: tuple[Event, ...],
    simpler: Callable[[Event], Iterable[Event]],
    search: _Search[Event],
) -> tuple[Event, ...]:
    """Put simpler values in the place of each event, as long as that fails."""
    place = 0
    while place < len(events):
        for event in simpler(events[place]):
            changed = (*events[:place], event, *events[place + 1 :])
            if event != events[place] and search.fails(changed):
                events = changed
                break
        else:
            place += 1
    return events
