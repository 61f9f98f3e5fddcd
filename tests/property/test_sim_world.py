"""Laws of the simulated world: order, and draws that no other event can shift."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thoroughness import sized
from veristack_lab.sim.choices import Choices
from veristack_lab.sim.world import Scheduled, World

HASH_OF_SEED_7 = "720364906461733776ce1364e75216fe"
"""The same on every version of Python; other guests, faults or traces give another."""
ROOT = Path(__file__).resolve().parents[2]
MOMENTS = st.integers(0, 8).map(lambda number: number / 4)
COMMANDS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(0, 3), MOMENTS),
        st.tuples(st.just("cancel"), st.integers(0, 3), st.just(0.0)),
        st.tuples(st.just("run"), st.just(0), MOMENTS),
    ),
    max_size=40,
)


class Diary:
    name = "diary"

    def __init__(self, world: World) -> None:
        self.world = world
        self.pages: list[tuple[float, Any]] = []

    def handle(self, event: Any) -> None:
        self.pages.append((self.world.now_s, event))


def by_sorting(commands: list[tuple[str, int, float]]) -> list[tuple[float, int]]:
    """What happens when, with a plain list in place of the heap and its lazy entries."""
    waiting: dict[int, tuple[float, int]] = {}
    happened, now = [], 0.0
    for sequence, (command, which, amount) in enumerate([*commands, ("run", 0, 1_000.0)]):
        if command == "move":
            waiting[which] = (now + amount, sequence)
        elif command == "cancel":
            waiting.pop(which, None)
        else:
            now += amount
            due = sorted((when, order, each) for each, (when, order) in waiting.items())
            for when, _, each in due:
                if when <= now:
                    happened.append((when, each))
                    del waiting[each]
    return happened


@settings(max_examples=sized(300, 5_000))
@given(COMMANDS)
def test_events_that_move_and_are_cancelled_happen_as_if_the_heap_were_sorted(
    commands: list[tuple[str, int, float]],
) -> None:
    world = World()
    diary = Diary(world)
    events = [Scheduled(diary, number) for number in range(4)]
    for command, which, amount in commands:
        if command == "move":
            world.move(events[which], world.now_s + amount)
        elif command == "cancel":
            world.cancel(events[which])
        else:
            world.run(until_s=world.now_s + amount)
        shown = [(each.due_s, each.sequence) for each in world.waiting()]
        assert shown == sorted(shown)
        assert len(shown) == sum(each.waits for each in events)
    world.run(until_s=world.now_s + 1_000.0)
    assert diary.pages == by_sorting(commands)


DRAWS = st.lists(
    st.sampled_from(["number", "chance", "between", "exponential", "pick"]), max_size=30
)


def draw(stream: Any, kind: str) -> Any:
    match kind:
        case "number":
            return stream.number(1, 100)
        case "chance":
            return stream.chance(0.5)
        case "between":
            return stream.between(0.0, 1.0)
        case "exponential":
            return stream.exponential(1.0)
        case _:
            return stream.pick("abcdef")


@given(st.integers(), DRAWS, DRAWS, st.data())
def test_draws_of_one_stream_shift_no_other(
    seed: int, kept: list[str], removed: list[str], data: st.DataObject
) -> None:
    alone, together = Choices(seed), Choices(seed)
    expected = [draw(alone.stream("kept"), kind) for kind in kept]
    found, rest = [], list(removed)
    for kind in kept:
        while rest and data.draw(st.booleans()):
            draw(together.stream("removed"), rest.pop())
        found.append(draw(together.stream("kept"), kind))
    assert found == expected


@given(st.integers(), st.integers(0, 10**6), st.lists(st.integers(0, 10**6), max_size=5))
def test_a_row_is_the_same_whatever_was_drawn_before(
    seed: int, number: int, others: list[int]
) -> None:
    stream = Choices(seed).stream("rows")
    expected = stream.row(number)
    for other in others:
        stream.row(other)
        stream.bits()
    assert stream.row(number) == expected


def test_a_run_has_the_same_hash_in_processes_with_different_hash_seeds() -> None:
    def trace_hash(hash_seed: str) -> str:
        program = "from tests.sim_toy import run; print(run(7)[0])"
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    from tests.sim_toy import run

    assert trace_hash("1") == trace_hash("2") == run(7)[0] + "\n" == HASH_OF_SEED_7 + "\n"
    assert run(7)[0] != run(8)[0]
