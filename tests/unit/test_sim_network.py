"""The network of the simulator: delays, losses, cuts and clogs, each counted."""

from __future__ import annotations

import math
from typing import Any

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import Choices
from veristack_lab.sim.delays import Fixed, LongTail, Uniform, checked
from veristack_lab.sim.network import Conditions, Delivery, Network, around, between
from veristack_lab.sim.world import World

CALM = Conditions(delay=Fixed(1.0))


class Rig:
    """A world with a network, and what arrived when."""

    def __init__(self, conditions: Conditions = CALM, most: int = 1_000, seed: int = 1) -> None:
        self.world = World()
        self.arrived: list[tuple[float, int, int, Any]] = []
        self.network = Network(
            self.world, Choices(seed), [1, 2, 3], self.deliver, conditions, most_in_flight=most
        )

    def deliver(self, delivery: Delivery) -> None:
        sender, receiver, _, message = delivery
        self.arrived.append((self.world.now_s, sender, receiver, message))

    def messages(self) -> list[Any]:
        return [message for *_, message in self.arrived]

    def send_many(self, count: int) -> None:
        for number in range(count):
            self.network.send(1, 2, number)


def test_a_message_takes_its_time_and_is_seen_on_its_way() -> None:
    rig = Rig()
    rig.network.send(1, 2, "hello")
    rig.network.send(3, 3, "self")
    assert [
        (each.delivery.message, each.sent_s, each.due_s, each.held)
        for each in rig.network.in_flight()
    ] == [("hello", 0.0, 1.0, False), ("self", 0.0, 1.0, False)]
    rig.world.run()
    assert rig.arrived == [(1.0, 1, 2, "hello"), (1.0, 3, 3, "self")]
    assert rig.network.in_flight() == []
    assert rig.network.counts == {"sent": 2, "delivered": 2}


def test_messages_of_a_link_keep_their_order_whatever_their_delays() -> None:
    rig = Rig(Conditions(delay=LongTail(0.001, 0.05, 1.0)))
    rig.send_many(500)
    rig.world.run()
    assert rig.messages() == list(range(500))


def test_reordered_messages_are_overtaken_and_counted() -> None:
    rig = Rig(Conditions(delay=Fixed(0.01), reorder=0.2, reorder_delay=Uniform(0.1, 1.0)))
    rig.send_many(500)
    rig.world.run()
    late = rig.network.counts["reordered"]
    assert sorted(rig.messages()) == list(range(500))
    assert rig.messages()[: 500 - late] == sorted(rig.messages()[: 500 - late])
    assert rig.messages() != list(range(500))
    assert 60 < late < 140


def test_losses_and_duplicates_are_counted_one_by_one() -> None:
    rig = Rig(Conditions(delay=Fixed(0.01), loss=0.3, duplicate=0.1))
    rig.send_many(1_000)
    rig.world.run()
    counts = rig.network.counts
    assert 240 < counts["lost"] < 360
    assert 40 < counts["duplicated"] < 110
    assert counts["delivered"] == 1_000 - counts["lost"] + counts["duplicated"]
    assert len(rig.arrived) == counts["delivered"]
    assert len(set(rig.messages())) == 1_000 - counts["lost"]


def test_what_happens_to_a_message_depends_on_no_other_link_or_setting() -> None:
    def fate(others: int, **changes: Any) -> list[tuple[float, Any]]:
        rig = Rig(Conditions(delay=Uniform(0.1, 0.2), loss=0.3)._replace(**changes))
        for number in range(others):
            rig.network.send(2, 1, number)
        for number in range(50):
            rig.world.run(until_s=float(number))
            rig.network.send(1, 2, number)
        rig.world.run()
        return [(when, message) for when, sender, _, message in rig.arrived if sender == 1]

    plain = fate(0)
    assert fate(100) == plain
    assert set(plain) < set(fate(0, loss=0.0))
    assert set(plain) < set(fate(0, duplicate=0.5))


def test_a_cut_is_one_way_and_takes_what_arrives_meanwhile() -> None:
    rig = Rig()
    rig.network.send(1, 2, "on its way")
    rig.world.run(until_s=0.5)
    rig.network.cut([(1, 2)])
    assert not rig.network.is_open(1, 2)
    assert rig.network.is_open(2, 1)
    rig.network.send(1, 2, "sent into the cut")
    rig.network.send(2, 1, "the other way")
    rig.world.run(until_s=2.0)
    rig.network.mend([(1, 2)])
    rig.network.send(1, 2, "after")
    rig.world.run()
    assert rig.messages() == ["the other way", "after"]
    assert rig.network.counts["cut"] == 2


def test_cuts_that_overlap_are_undone_one_by_one() -> None:
    rig = Rig()
    rig.network.cut(between([1], [2, 3]))
    rig.network.cut([(1, 2)])
    rig.network.mend(between([1], [2, 3]))
    assert not rig.network.is_open(1, 2)
    assert rig.network.is_open(1, 3)
    rig.network.mend([(1, 2)])
    assert rig.network.is_open(1, 2)
    with pytest.raises(InvalidInput, match="not cut"):
        rig.network.mend([(1, 2)])
    with pytest.raises(InvalidInput, match="not clogged"):
        rig.network.unclog([(1, 2)])


def test_a_clog_holds_messages_and_releases_them_in_order() -> None:
    rig = Rig()
    rig.network.clog(around(2, [1, 2, 3]))
    rig.network.send(1, 2, "a")
    rig.world.run(until_s=0.5)
    rig.network.send(1, 2, "b")
    rig.network.send(1, 3, "beside")
    rig.world.run(until_s=3.0)
    assert rig.messages() == ["beside"]
    assert [(each.delivery.message, each.held) for each in rig.network.in_flight()] == [
        ("a", True),
        ("b", True),
    ]
    rig.network.send(1, 2, "c")
    rig.world.run(until_s=3.5)
    rig.network.unclog(around(2, [1, 2, 3]))
    rig.world.run()
    assert [(when, message) for when, *_, message in rig.arrived[1:]] == [
        (3.5, "a"),
        (3.5, "b"),
        (4.0, "c"),
    ]
    assert rig.network.counts["held"] == 2


def test_what_is_released_at_the_moment_of_an_arrival_comes_before_it() -> None:
    rig = Rig()
    rig.network.clog([(1, 2)])
    rig.network.send(1, 2, "held")
    rig.world.run(until_s=2.0)

    class Opener:
        name = "opener"

        def handle(self, event: str) -> None:
            rig.network.unclog([(1, 2)])

    rig.world.at(3.0, Opener(), "open")
    rig.network.send(1, 2, "arrives at 3 s")
    rig.world.run()
    assert rig.messages() == ["held", "arrives at 3 s"]


def test_healing_ends_every_cut_and_clog() -> None:
    rig = Rig()
    for _ in range(3):
        rig.network.cut([(1, 2)])
        rig.network.clog([(2, 1)])
    rig.network.send(2, 1, "held")
    rig.world.run()
    rig.network.heal()
    rig.network.send(1, 2, "passes")
    rig.world.run()
    assert rig.messages() == ["held", "passes"]


def test_a_link_carries_no_more_than_its_bound() -> None:
    rig = Rig(most=10)
    rig.send_many(15)
    assert len(rig.network.in_flight()) == 10
    rig.network.clog([(1, 2)])
    rig.world.run()
    rig.send_many(5)
    assert len(rig.network.in_flight()) == 10
    assert rig.network.counts["dropped"] == 10
    rig.network.unclog([(1, 2)])
    rig.world.run()
    assert rig.messages() == list(range(10))


def test_conditions_of_some_links_change_and_bad_ones_are_refused() -> None:
    rig = Rig()
    rig.network.set_conditions(CALM._replace(delay=Fixed(5.0)), [(1, 2)])
    rig.network.send(1, 2, "slow")
    rig.network.send(1, 3, "usual")
    rig.world.run()
    assert rig.arrived == [(1.0, 1, 3, "usual"), (5.0, 1, 2, "slow")]
    assert rig.network.conditions(1, 2).delay == Fixed(5.0)
    for wrong in (
        CALM._replace(loss=1.1),
        CALM._replace(duplicate=-0.1),
        CALM._replace(reorder=math.nan),
        CALM._replace(delay=Fixed(-1.0)),
        CALM._replace(reorder_delay=Uniform(0.0, math.inf)),
    ):
        with pytest.raises(InvalidInput):
            rig.network.set_conditions(wrong)
    with pytest.raises(InvalidInput, match="no link"):
        rig.network.send(1, 4, "nowhere")
    with pytest.raises(InvalidInput, match="no link"):
        rig.network.cut([(0, 1)])


def test_delays_stay_in_their_bounds() -> None:
    stream = Choices(5).stream("delays")
    words = [stream.bits() for _ in range(2_000)]
    tail = checked(LongTail(0.01, 0.02, 0.1))
    times = [tail.of(word) for word in words]
    assert 0.01 <= min(times) < 0.011
    assert max(times) == 0.1
    assert sum(times) / len(times) == pytest.approx(0.03, rel=0.05)
    flat = [Uniform(1.0, 3.0).of(word) for word in words]
    assert 1.0 <= min(flat) < 1.01
    assert 2.99 < max(flat) < 3.0
