"""The linearizability checker: known histories, its stories, and its bound."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from veristack_lab import sim
from veristack_lab.errors import InvalidInput
from veristack_lab.sim.history import UNKNOWN, History, Operation
from veristack_lab.sim.linearizability import check_linearizable
from veristack_lab.sim.models import (
    STALE,
    CompareAndSet,
    Delete,
    KeyValue,
    Once,
    Read,
    Sessions,
    Write,
    in_words,
)


def at(call: float, returned: float, action: Any, result: Any = None, key: str = "x") -> Operation:
    client = f"client {int(call)}"
    return Operation(client, key, action, UNKNOWN if returned == inf else result, call, returned)


def test_it_is_a_name_of_the_package() -> None:
    assert sim.check_linearizable is check_linearizable
    assert sim.History is History


def test_operations_that_overlap_may_take_effect_in_any_order() -> None:
    history = [
        at(0, 10, Write(1)),
        at(1, 9, Write(2)),
        at(2, 3, Read(), 2),
        at(4, 5, Read(), 1),
    ]
    verdict = check_linearizable(history)
    assert verdict.ok
    assert verdict.story == "4 operations on 1 keys can be put in one order."
    assert verdict.operation is None


def test_a_stale_read_is_named_with_what_it_could_have_been_and_why() -> None:
    history = [
        at(0, 1, Write(1)),
        at(2, 3, Write(2)),
        at(3.5, 20, Write(3)),
        at(4, 5, Read(), 1),
        at(6, 7, Read(), 3),
    ]
    verdict = check_linearizable(history)
    assert verdict.outcome == "not linearizable"
    assert verdict.operation == history[3]
    assert verdict.story == (
        "Client 4 read 'x' and was told 1 (4 to 5), and no order explains that. "
        "At that time it could only be 2 or 3. "
        "Before its call, client 2 wrote 2 to 'x' (2 to 3); without that it would fit."
    )


def test_where_no_single_operation_is_in_the_way_the_latest_change_is_told() -> None:
    history = [
        at(0, 1, Write(1)),
        at(2, 3, Write(2)),
        at(4, 5, Write(3)),
        at(5.5, 5.6, Read(), 3),
        at(6, 7, Read(), 1),
    ]
    assert check_linearizable(history).story == (
        "Client 6 read 'x' and was told 1 (6 to 7), and no order explains that. "
        "At that time it could only be 3. "
        "The latest change answered before its call: client 4 wrote 3 to 'x' (4 to 5)."
    )


def test_a_value_that_nobody_wrote_is_told_as_such() -> None:
    verdict = check_linearizable([at(0, 1, Write(1)), at(2, 3, Read(), 7)])
    assert "At that time it could only be 1. 7 was never written." in verdict.story


def test_of_several_keys_the_first_misfit_is_told() -> None:
    history = [
        at(0, 9, Read(), 1, "a"),
        at(0, 5, Read(), 1, "b"),
        at(0, 1, Write(1), key="c"),
    ]
    verdict = check_linearizable(history)
    assert verdict.operation == history[1]


def test_an_unknown_outcome_may_take_effect_late_once_or_never() -> None:
    lost = at(0, inf, Write(5))
    first = at(1, 2, Write(1))
    assert check_linearizable([lost, first, at(3, 4, Read(), 1)]).ok
    assert check_linearizable([lost, first, at(3, 4, Read(), 1), at(5, 6, Read(), 5)]).ok
    twice = [lost, first, at(3, 4, Read(), 5), at(5, 6, Write(1)), at(7, 8, Read(), 5)]
    verdict = check_linearizable(twice)
    assert verdict.operation == twice[-1]
    early = [at(0, 1, Read(), 5), at(2, inf, Write(5))]
    assert not check_linearizable(early).ok


def test_comparisons_and_deletions() -> None:
    history = [
        at(0, 1, CompareAndSet(None, 1), True),
        at(2, 3, CompareAndSet(None, 2), False),
        at(4, 5, Delete()),
        at(6, 7, CompareAndSet(None, 3), True),
        at(8, 9, Read(), 3),
    ]
    assert check_linearizable(history).ok
    history[3] = at(6, 7, CompareAndSet(None, 3), False)
    assert check_linearizable(history).operation == history[3]


def test_an_unknown_write_explains_a_comparison_that_failed() -> None:
    history = [at(0, inf, Write(9)), at(1, 2, CompareAndSet(None, 1), False)]
    assert check_linearizable(history).ok


def test_a_session_executes_an_action_once_however_often_it_is_sent() -> None:
    add = Once(1, 1, CompareAndSet(None, 1))
    history = [
        at(0, inf, add),
        at(1, 2, add, True),
        at(3, 4, Delete()),
        at(5, 6, add, True),
        at(7, 8, Read(), None),
    ]
    assert check_linearizable(history, Sessions()).ok
    executed_again = [*history[:4], at(7, 8, Read(), 1)]
    verdict = check_linearizable(executed_again, Sessions())
    assert verdict.operation == executed_again[-1]
    assert verdict.story.startswith("Client 7 read 'x' and was told 1")


def test_an_older_action_of_a_session_is_stale() -> None:
    history = [
        at(0, 1, Once(1, 2, Write(2))),
        at(2, 3, Once(1, 1, Write(1)), STALE),
        at(4, 5, Once(2, 1, Read()), 2),
    ]
    assert check_linearizable(history, Sessions()).ok
    history[1] = at(2, 3, Once(1, 1, Write(1)), None)
    verdict = check_linearizable(history, Sessions())
    assert verdict.operation == history[1]
    assert "number 1 of session 1" in verdict.story


def test_giving_up_is_a_failure_and_says_so() -> None:
    writers = [at(number / 100, inf, Write(number)) for number in range(30)]
    readers = [at(1 + number, 1.5 + number, Read(), number) for number in range(30)]
    readers.append(at(60, 61, Read(), 0))
    readers.append(at(62, 63, Read(), 1))
    verdict = check_linearizable([*writers, *readers], most_steps=200)
    assert verdict.outcome == "gave up"
    assert not verdict.ok
    assert verdict.operation is None
    assert "62 operations, 30 of them of unknown outcome" in verdict.story


def test_unknown_writes_that_no_client_could_have_seen_cost_nothing() -> None:
    lost = [at(number / 100, inf, Write(f"lost {number}")) for number in range(200)]
    reads = [at(10 + number, 10.5 + number, Read(), None) for number in range(50)]
    verdict = check_linearizable([*lost, *reads])
    assert verdict.ok
    assert verdict.steps == 50
    assert not KeyValue().may_matter(Write("lost 1"), reads)


def test_equal_unknown_writes_do_not_multiply() -> None:
    lost = [at(number / 100, inf, Write(1)) for number in range(25)]
    rounds = [
        each
        for number in range(25)
        for each in (
            at(10 + 4 * number, 11 + 4 * number, Delete()),
            at(12 + 4 * number, 13 + 4 * number, Read(), 1),
        )
    ]
    assert check_linearizable([*lost, *rounds]).ok
    one_more = [*rounds, at(500, 501, Delete()), at(502, 503, Read(), 1)]
    verdict = check_linearizable([*lost, *one_more], most_steps=10_000)
    assert verdict.operation == one_more[-1]


def test_a_history_is_recorded_in_the_order_of_its_calls_and_returns() -> None:
    history = History(most=4)
    write = history.called("client 1", "x", Write(1), 0.0)
    read = history.called("client 2", "x", Read(), 0.0)
    history.returned(write, None, 0.0)
    history.returned(read, 1, 0.25)
    lost = history.called("client 1", "x", Write(2), 1.0)
    history.unknown(lost)
    refused = history.called("client 2", "x", Write(3), 1.0)
    assert len(history) == 4
    with pytest.raises(InvalidInput, match="its limit"):
        history.called("client 3", "x", Read(), 2.0)
    history.refused(refused)
    assert [(each.action, each.call, each.returned) for each in history.operations()] == [
        (Write(1), 1, 3),
        (Read(), 2, 4),
        (Write(2), 5, inf),
    ]
    assert check_linearizable(history.operations()).ok
    for closed in (write, refused, 99):
        with pytest.raises(InvalidInput, match="not open"):
            history.returned(closed, None, 3.0)
    wrong = history.called("client 2", "x", Read(), 4.125)
    history.returned(wrong, 3, 4.5)
    story = check_linearizable(history.operations()).story
    assert "client 2 read 'x' and was told 3 (4.125 s to 4.500 s)" in story.lower()


@pytest.mark.parametrize(
    "wrong",
    [
        Operation("c", "x", Read(), 1, 2, 1),
        Operation("c", "x", Read(), UNKNOWN, 1, 2),
        Operation("c", "x", Read(), 1, 1, inf),
    ],
)
def test_operations_that_cannot_be_are_refused(wrong: Operation) -> None:
    with pytest.raises(InvalidInput, match="cannot be"):
        check_linearizable([wrong])


def test_operations_are_told_in_words() -> None:
    told = {
        in_words(at(1, 2, Delete())): "client 1 deleted 'x'",
        in_words(at(1, inf, Write(2))): "client 1 wrote 2 to 'x' with unknown outcome",
        in_words(at(1, 2, CompareAndSet(1, 2), False)): (
            "client 1 compared 'x' with 1 to set 2 and was told False"
        ),
        in_words(at(1, 2, "PING", "PONG")): "client 1 asked 'PING' of 'x' and was told 'PONG'",
    }
    assert list(told) == list(told.values())
