"""The rules by which a view's snapshot changes, without any process."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.widgets.counters import Counters, Tally
from veristack_lab.widgets.snapshots import (
    LOG_LINES,
    Snapshot,
    TargetView,
    count,
    log,
    put_target,
    see,
)

ALIVE = TargetView("worker", "alive", 10, ("kill",))
OTHER = TargetView("other", "alive", 11, ("kill",))


def snapshot() -> Snapshot:
    return Snapshot((ALIVE, OTHER))


def test_an_unasked_death_is_counted_and_logged() -> None:
    seen = see(snapshot(), replace(ALIVE, state="dead"), 1.0, asked=False)
    assert seen.target("worker").state == "dead"
    assert seen.target("worker").deaths == 1
    assert [line.text for line in seen.log] == ["worker is dead, without being told to"]
    assert seen.target("other") == OTHER


def test_a_death_that_was_asked_for_is_counted_but_logged_by_its_command() -> None:
    seen = see(snapshot(), replace(ALIVE, state="dead"), 1.0, asked=True)
    assert seen.target("worker").deaths == 1
    assert seen.log == ()


def test_a_new_process_means_that_the_old_one_died() -> None:
    seen = see(snapshot(), replace(ALIVE, pid=99), 1.0, asked=True)
    assert (seen.target("worker").pid, seen.target("worker").deaths) == (99, 1)


def test_coming_back_from_death_is_not_another_death() -> None:
    dead = put_target(snapshot(), replace(ALIVE, state="dead", deaths=1))
    seen = see(dead, replace(ALIVE, pid=99), 1.0, asked=True)
    assert (seen.target("worker").state, seen.target("worker").deaths) == ("alive", 1)


def test_what_stays_the_same_changes_nothing() -> None:
    assert see(snapshot(), ALIVE, 1.0, asked=False) == snapshot()


@given(st.lists(st.text(max_size=5), min_size=1, max_size=3 * LOG_LINES))
def test_the_log_is_bounded_keeps_the_newest_and_its_numbers_grow(texts: list[str]) -> None:
    current = snapshot()
    for at, text in enumerate(texts):
        current = log(current, float(at), text)
    assert [line.text for line in current.log] == texts[-LOG_LINES:]
    numbers = [line.number for line in current.log]
    assert numbers == list(range(len(texts) - len(numbers) + 1, len(texts) + 1))


def test_counters_of_targets_that_are_not_counted_stay_unknown() -> None:
    seen = count(snapshot(), {"worker": Counters(3, 1), "stranger": Counters(9, 9)})
    assert (seen.target("worker").served, seen.target("worker").failed) == (3, 1)
    assert seen.target("other").served is None


def test_a_snapshot_is_plain_json() -> None:
    current = log(count(snapshot(), {"worker": Counters(3, 1)}), 0.5, "hello")
    assert json.loads(json.dumps(current.to_json())) == current.to_json()
    assert current.to_json()["targets"][0]["served"] == 3


def test_a_tally_counts_by_name() -> None:
    tally = Tally()
    for name in ("a", "b", "a"):
        tally.served(name)
    tally.failed("b")
    assert tally() == {"a": Counters(2, 0), "b": Counters(1, 1)}
