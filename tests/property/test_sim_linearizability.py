"""The linearizability checker agrees with brute force on small histories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from math import inf
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thoroughness import sized
from veristack_lab.sim.blame import in_order_of_return, up_to
from veristack_lab.sim.choices import Choices, Stream
from veristack_lab.sim.history import UNKNOWN, Operation
from veristack_lab.sim.linearizability import check_linearizable
from veristack_lab.sim.models import (
    CompareAndSet,
    Delete,
    KeyValue,
    Model,
    Once,
    Read,
    Sessions,
    Write,
)

VALUES = st.integers(1, 3)
ACTIONS = st.one_of(
    st.just(Read()),
    st.builds(Write, VALUES),
    st.just(Delete()),
    st.builds(CompareAndSet, st.one_of(st.none(), VALUES), VALUES),
)
ONCE = st.builds(Once, st.integers(1, 2), st.integers(1, 3), ACTIONS)


@st.composite
def histories(draw: Any, actions: Any, results: Any) -> list[Operation]:
    """Operations with any overlap and any results, true or not; at most six."""
    count = draw(st.integers(1, 6))
    moments = draw(st.permutations(range(2 * count)))
    operations = []
    for number in range(count):
        call, returned = sorted(moments[2 * number : 2 * number + 2])
        action, result = draw(actions), draw(results)
        bare = action.action if isinstance(action, Once) else action
        if isinstance(bare, Write | Delete) and result not in (UNKNOWN, "stale"):
            result = None
        if isinstance(bare, CompareAndSet) and result not in (UNKNOWN, "stale"):
            result = result in (1, 2)
        operations.append(
            Operation(
                f"client {number}",
                "x",
                action,
                result,
                call,
                inf if result is UNKNOWN else returned,
            )
        )
    return operations


def orders(operations: Sequence[Operation]) -> Iterator[tuple[Operation, ...]]:
    """Every order of all operations with results and any of the others."""
    told = [each for each in operations if each.result is not UNKNOWN]
    unknown = [each for each in operations if each.result is UNKNOWN]
    for chosen in range(2 ** len(unknown)):
        some = [each for place, each in enumerate(unknown) if chosen >> place & 1]
        yield from permutations([*told, *some])


def by_brute_force(operations: Sequence[Operation], model: Model) -> bool:
    """Whether one of all orders respects time and gives every result."""
    for order in orders(operations):
        timely = all(
            not later.returned < earlier.call
            for place, earlier in enumerate(order)
            for later in order[place + 1 :]
        )
        state: Any = model.initial
        for operation in order if timely else ():
            result, state = model.apply(state, operation.action)
            if operation.result is not UNKNOWN and result != operation.result:
                break
        else:
            if timely:
                return True
    return False


def assert_agrees(operations: Sequence[Operation], model: Model) -> None:
    verdict = check_linearizable(operations, model)
    assert verdict.ok == by_brute_force(operations, model)
    assert verdict.outcome != "gave up"
    if not verdict.ok:
        in_order = sorted(operations, key=lambda each: (each.call, each.returned))
        told = in_order_of_return(in_order)
        assert verdict.operation is not None
        place = told.index(verdict.operation)
        assert by_brute_force(up_to(in_order, place), model)
        assert not by_brute_force(up_to(in_order, place + 1), model)


@settings(max_examples=sized(300, 6_000), deadline=None)
@given(histories(ACTIONS, st.sampled_from([UNKNOWN, None, 1, 2, 3])))
def test_the_checker_agrees_with_brute_force(operations: list[Operation]) -> None:
    assert_agrees(operations, KeyValue())


@settings(max_examples=sized(150, 3_000), deadline=None)
@given(histories(ONCE, st.sampled_from([UNKNOWN, None, 1, 2, "stale"])))
def test_it_agrees_on_sessions_whose_actions_are_sent_again(operations: list[Operation]) -> None:
    assert_agrees(operations, Sessions())


def honest_history(
    stream: Stream, count: int, keys: int, clients: int, unknown: float
) -> list[Operation]:
    """What clients of a correct store see: each operation takes effect between call and return."""
    model, states = KeyValue(), dict.fromkeys(range(keys), None)
    free = [0.0] * clients
    plan = []
    for number in range(count):
        client = min(range(clients), key=lambda each: free[each])
        call = free[client] + stream.uniform()
        effect = call + stream.uniform()
        returned = effect + stream.uniform()
        free[client] = returned
        plan.append((effect, call, returned, client, stream.number(0, keys - 1), number))
    operations = []
    for _, call, returned, client, key, number in sorted(plan):
        kind = stream.number(0, 9)
        action: Any = Read() if kind < 5 else Write(number)
        if kind == 8:
            action = CompareAndSet(states[key], number)
        if kind == 9:
            action = Delete()
        lost, happens = stream.chance(unknown), stream.chance(0.5)
        result, after = model.apply(states[key], action)
        if not lost or happens:
            states[key] = after  # type: ignore[assignment]
        operations.append(
            Operation(
                f"client {client}",
                key,
                action,
                UNKNOWN if lost else result,
                call,
                inf if lost else returned,
            )
        )
    return operations


@settings(max_examples=sized(30, 300), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8), st.floats(0, 0.1))
def test_what_a_correct_store_did_is_accepted(seed: int, clients: int, unknown: float) -> None:
    history = honest_history(Choices(seed).stream("history"), 300, 3, clients, unknown)
    verdict = check_linearizable(history)
    assert verdict.ok, verdict.story


@settings(max_examples=sized(30, 300), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_a_read_of_what_was_never_written_is_found_and_named(seed: int, clients: int) -> None:
    stream = Choices(seed).stream("history")
    history = honest_history(stream, 200, 3, clients, 0.02)
    reads = [
        place
        for place, each in enumerate(history)
        if isinstance(each.action, Read) and each.result is not UNKNOWN
    ]
    place = stream.pick(reads)
    history[place] = history[place]._replace(result="phantom")
    verdict = check_linearizable(history)
    assert verdict.outcome == "not linearizable"
    assert verdict.operation == history[place]
    assert "'phantom' was never written" in verdict.story
