"""The world of events: order, time, bounds, and a hash of what happened."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from veristack_lab.errors import InvalidInput, NotDeterministic, WorldOverrun
from veristack_lab.sim.trace import Trace
from veristack_lab.sim.world import Limits, World


class Diary:
    """A guest that writes down what happens to it, and may act on it."""

    def __init__(
        self, world: World, name: str = "diary", act: Callable[[Any], object] | None = None
    ) -> None:
        self.name, self.world, self.act = name, world, act
        self.pages: list[tuple[float, Any]] = []

    def handle(self, event: Any) -> None:
        self.pages.append((self.world.now_s, event))
        if self.act is not None:
            self.act(event)


def test_events_happen_earliest_first_and_those_of_one_instant_in_their_order() -> None:
    world = World()
    diary = Diary(world)
    world.at(2.0, diary, "late")
    for number in range(5):
        world.at(1.0, diary, number)
    assert [waiting.event for waiting in world.waiting()] == [0, 1, 2, 3, 4, "late"]
    assert world.run() == 6
    assert diary.pages == [*((1.0, number) for number in range(5)), (2.0, "late")]
    assert (world.now_s, world.events, world.waiting()) == (2.0, 6, [])


def test_a_run_ends_at_its_moment_and_goes_on_from_there() -> None:
    world = World()
    diary = Diary(world, act=lambda event: world.after(1.0, diary, event + 1))
    world.after(1.0, diary, 1)
    assert world.run(until_s=3.0) == 3
    assert world.run(until_s=3.5) == 0
    assert world.now_s == 3.5
    assert world.run(until_s=5.0) == 2
    assert diary.pages == [(float(number), number) for number in range(1, 6)]


def test_a_deadline_that_moves_later_keeps_its_one_entry() -> None:
    world = World(Limits(waiting=2))
    diary = Diary(world)
    timeout = world.after(1.0, diary, "timeout")
    for step in range(1_000):
        world.at(step * 0.5, diary, "heartbeat")
        world.run(until_s=step * 0.5)
        world.move(timeout, world.now_s + 1.0)
    world.run()
    assert diary.pages[-1] == (999 * 0.5 + 1.0, "timeout")
    assert len(diary.pages) == 1_001


def test_a_deadline_that_moves_has_the_place_of_an_event_scheduled_now() -> None:
    world = World()
    diary = Diary(world)
    moved = world.at(1.0, diary, "moved")
    world.at(3.0, diary, "first")
    world.move(moved, 3.0)
    world.at(3.0, diary, "last")
    world.run()
    assert [event for _, event in diary.pages] == ["first", "moved", "last"]


def test_a_deadline_moves_earlier_is_cancelled_and_is_used_again() -> None:
    world = World()
    diary = Diary(world)
    timer = world.at(5.0, diary, "ring")
    world.move(timer, 2.0)
    assert world.run(until_s=3.0) == 1
    assert not timer.waits
    world.move(timer, 4.0)
    world.cancel(timer)
    assert world.waiting() == []
    assert world.run(until_s=6.0) == 0
    world.move(timer, 7.0)
    world.cancel(timer)
    world.cancel(timer)
    world.move(timer, 8.0)
    assert timer.waits
    assert world.run() == 1
    assert diary.pages == [(2.0, "ring"), (8.0, "ring")]


@pytest.mark.parametrize("moment_s", [0.5, -1.0, math.nan, math.inf])
def test_an_event_in_the_past_or_at_no_moment_is_refused(moment_s: float) -> None:
    world = World()
    world.at(1.0, Diary(world), "now")
    world.run()
    with pytest.raises(InvalidInput, match="later moment"):
        world.at(moment_s, Diary(world), "then")
    assert world.waiting() == []


def test_guests_that_answer_each_other_without_end_are_stopped() -> None:
    world = World(Limits(events=100))
    ping = Diary(world, "ping", lambda event: world.after(0.0, pong, event))
    pong = Diary(world, "pong", lambda event: world.after(0.0, ping, event))
    world.after(0.0, ping, "ball")
    with pytest.raises(WorldOverrun, match=r"100 events happened by 0 s(.|\n)*'ball'"):
        world.run()
    assert len(ping.pages) + len(pong.pages) == 100


def test_time_and_waiting_events_are_bounded() -> None:
    world = World(Limits(virtual_s=10.0, waiting=3))
    diary = Diary(world)
    world.at(11.0, diary, "too late")
    with pytest.raises(WorldOverrun, match="10 s, which is the limit"):
        world.run()
    with pytest.raises(WorldOverrun, match="10 s, which is the limit"):
        world.run(until_s=20.0)
    for _ in range(3):
        world.at(1.0, diary, "fits")
    with pytest.raises(WorldOverrun, match="3 events wait"):
        world.at(1.0, diary, "one too many")
    assert diary.pages == []


def test_the_same_events_give_the_same_hash_and_others_another() -> None:
    def hash_of(event: str, at_s: float = 1.0, name: str = "diary", note: str = "seen") -> str:
        world = World()
        world.at(at_s, Diary(world, name, lambda _: world.note(note)), event)
        world.run()
        return world.trace.hexdigest()

    assert hash_of("a") == hash_of("a")
    others = {
        hash_of("b"),
        hash_of("a", at_s=1.5),
        hash_of("a", name="ledger"),
        hash_of("a", note="heard"),
    }
    assert len(others | {hash_of("a")}) == 5


def test_a_trace_keeps_its_last_lines_and_hands_all_to_its_sink() -> None:
    lines: list[str] = []
    trace = Trace(kept=3, sink=lines.append)
    for number in range(1_000):
        trace.add(f"line {number}")
    assert trace.last() == ["line 997", "line 998", "line 999"]
    assert lines == [f"line {number}" for number in range(1_000)]
    assert trace.lines == 1_000
    middle = Trace()
    for line in lines[:500]:
        middle.add(line)
    middle.hexdigest()  # asking in between changes nothing
    for line in lines[500:]:
        middle.add(line)
    assert middle.hexdigest() == trace.hexdigest()


def test_an_address_never_gets_into_the_trace() -> None:
    world = World()
    world.at(0.0, Diary(world), object())
    with pytest.raises(NotDeterministic, match="address"):
        world.run()


def test_watchers_see_every_event_after_it_happened() -> None:
    world = World()
    diary = Diary(world)
    seen: list[tuple[str, Any, int]] = []
    world.watch(lambda guest, event: seen.append((guest.name, event, len(diary.pages))))
    world.at(0.0, diary, "a")
    world.at(0.0, diary, "b")
    world.run()
    assert seen == [("diary", "a", 1), ("diary", "b", 2)]


def test_a_guest_can_stop_the_run_and_an_error_says_where_it_was() -> None:
    world = World()

    def act(event: str) -> None:
        if event == "stop":
            world.stop()
        if event == "fail":
            raise RuntimeError("broken")
        if event == "run":
            world.run()

    diary = Diary(world, act=act)
    for at_s, event in enumerate(["stop", "fail", "run", "more"]):
        world.at(float(at_s), diary, event)
    assert world.run() == 1
    with pytest.raises(RuntimeError) as broken:
        world.run()
    assert broken.value.__notes__ == [
        "This was event 2 of the run, at 1.0 s of virtual time: diary handled 'fail'"
    ]
    with pytest.raises(InvalidInput, match="runs already"):
        world.run()
    assert world.run() == 1
    assert diary.pages[-1] == (3.0, "more")


def test_the_trace_takes_the_callers_description() -> None:
    world = World(describe=lambda event: event.upper())
    world.at(0.25, Diary(world), "quiet")
    world.run()
    assert world.trace.last() == ["0.25 diary QUIET"]
