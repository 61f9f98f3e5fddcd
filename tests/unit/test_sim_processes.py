"""Processes of the simulator: lives, pauses that miss nothing, and power cuts."""

from __future__ import annotations

from typing import Any

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import Choices
from veristack_lab.sim.processes import Life, Processes
from veristack_lab.sim.world import World


class Rig:
    """A world with two processes, and what their programs handled."""

    def __init__(self, most: int = 1_000) -> None:
        self.world = World()
        self.handled: list[tuple[float, int, int, Any]] = []
        self.cuts: list[tuple[int, str, int]] = []
        self.processes = Processes(
            self.world,
            Choices(4),
            [1, 2],
            self.boot,
            lambda *cut: self.cuts.append(cut),
            most_waiting=most,
        )

    def boot(self, life: Life) -> Program:
        return Program(self, life)

    def events(self) -> list[Any]:
        return [event for *_, event in self.handled]


class Program:
    """Writes down its events; "tick" begets another in a second, "end" ends it."""

    def __init__(self, rig: Rig, life: Life) -> None:
        self.rig, self.life = rig, life

    def handle(self, event: Any) -> None:
        self.rig.handled.append((self.rig.world.now_s, self.life.node, self.life.number, event))
        if event == "tick":
            self.rig.world.after(1.0, self.life, "tick")
        if event == "end":
            self.life.end()


def test_a_process_handles_events_between_its_start_and_its_end() -> None:
    rig = Rig()
    rig.processes.deliver(1, "too early")
    assert rig.processes.state(1) == "down"
    assert rig.processes.start(1)
    assert not rig.processes.start(1)
    rig.processes.deliver(1, "in time")
    assert rig.processes.kill(1)
    assert not rig.processes.kill(1)
    rig.processes.deliver(1, "too late")
    assert rig.handled == [(0.0, 1, 1, "in time")]
    assert rig.processes.counts == {"to a process that is down": 2, "started": 1, "killed": 1}


def test_what_a_life_scheduled_dies_with_it() -> None:
    rig = Rig()
    rig.processes.start(1)
    rig.processes.deliver(1, "tick")
    rig.world.run(until_s=2.5)
    first = rig.processes.life(1)
    rig.processes.kill(1)
    rig.processes.start(1)
    rig.world.run(until_s=10.0)
    assert first is not None
    assert first.over
    assert [(when, number) for when, _, number, _ in rig.handled] == [(0.0, 1), (1.0, 1), (2.0, 1)]
    rig.processes.deliver(1, "again")
    assert rig.handled[-1] == (10.0, 1, 2, "again")


def test_a_stopped_process_misses_nothing_and_goes_on_in_order() -> None:
    rig = Rig()
    rig.processes.start(1)
    rig.world.at(1.0, rig.processes.life(1), "timer")  # type: ignore[arg-type]
    life = rig.processes.pause(1)
    assert life is rig.processes.life(1)
    assert rig.processes.pause(1) is None
    rig.processes.deliver(1, "message")
    rig.world.run(until_s=5.0)
    assert rig.processes.state(1) == "paused"
    assert rig.processes.waiting(1) == ["message", "timer"]
    assert rig.handled == []
    assert life is not None
    assert rig.processes.resume(life)
    assert not rig.processes.resume(life)
    rig.processes.deliver(1, "while it catches up")
    rig.world.run()
    assert [(when, event) for when, *_, event in rig.handled] == [
        (5.0, "message"),
        (5.0, "timer"),
        (5.0, "while it catches up"),
    ]


def test_a_pause_is_over_when_its_life_is() -> None:
    rig = Rig()
    rig.processes.start(1)
    life = rig.processes.pause(1)
    rig.processes.deliver(1, "lost with the process")
    rig.processes.kill(1)
    rig.processes.start(1)
    assert rig.processes.state(1) == "up"
    rig.processes.pause(1)
    assert life is not None
    assert not rig.processes.resume(life)
    assert rig.processes.state(1) == "paused"
    assert rig.processes.waiting(1) == []


def test_it_may_be_stopped_again_while_it_catches_up() -> None:
    rig = Rig()
    rig.processes.start(1)
    life = rig.processes.pause(1)
    assert life is not None
    rig.processes.deliver(1, "a")
    rig.processes.deliver(1, "b")
    rig.processes.resume(life)
    rig.processes.pause(1)
    rig.world.run(until_s=1.0)
    assert rig.handled == []
    rig.processes.resume(life)
    rig.world.run()
    assert rig.events() == ["a", "b"]


def test_messages_beyond_the_buffer_are_dropped_and_own_events_are_not() -> None:
    rig = Rig(most=3)
    rig.processes.start(1)
    life = rig.processes.pause(1)
    assert life is not None
    for number in range(5):
        rig.processes.deliver(1, number)
    life.handle("timer")
    assert rig.processes.counts["beyond the buffer"] == 2
    rig.processes.resume(life)
    rig.world.run()
    assert rig.events() == [0, 1, 2, "timer"]
    rig.processes.pause(1)
    for number in range(3):
        rig.processes.deliver(1, number)
    assert rig.processes.counts["beyond the buffer"] == 2, "the buffer was emptied"


def test_a_slow_process_takes_its_time_for_each_event() -> None:
    rig = Rig()
    rig.processes.slow(1, 0.5)
    rig.processes.start(1)
    for number in range(3):
        rig.processes.deliver(1, number)
    rig.world.run()
    assert [when for when, *_ in rig.handled] == [0.5, 1.0, 1.5]
    rig.processes.slow(1, 0.0)
    rig.processes.deliver(1, "fast")
    assert rig.handled[-1] == (1.5, 1, 1, "fast")
    with pytest.raises(InvalidInput):
        rig.processes.slow(1, -1.0)


def test_a_power_cut_ends_the_process_first_and_seeds_each_cut_by_itself() -> None:
    rig = Rig()
    rig.processes.start(1)
    rig.processes.start(2)
    assert rig.processes.cut_power(1, "torn")
    assert not rig.processes.cut_power(1)
    assert rig.processes.cut_power(2)
    streams = [Choices(4).stream("power cut", node) for node in (1, 2)]
    first, second = streams[0].bits(), streams[0].bits()
    assert rig.cuts == [(1, "torn", first), (1, "any", second), (2, "any", streams[1].bits())]
    assert rig.processes.state(1) == "down"
    assert rig.processes.counts["power cut"] == 2


def test_a_program_may_end_itself() -> None:
    rig = Rig()
    rig.processes.start(1)
    life = rig.processes.life(1)
    rig.processes.deliver(1, "end")
    assert life is not None
    assert life.over
    life.end()
    assert rig.processes.state(1) == "down"
    assert rig.processes.program(1) is None
    assert rig.processes.counts["ended"] == 1


def test_a_boot_may_end_its_own_life() -> None:
    world = World()

    class Silent:
        def handle(self, event: Any) -> None:
            raise AssertionError("it never ran")

    def boot(life: Life) -> Silent:
        life.end()
        return Silent()

    processes = Processes(world, Choices(0), [1], boot)
    assert processes.start(1)
    processes.deliver(1, "nothing")
    assert processes.state(1) == "down"
    with pytest.raises(InvalidInput, match="no node 3"):
        processes.start(3)
