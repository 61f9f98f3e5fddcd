"""The thread that obeys a view's commands, over a model of a few lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import PATIENCE_S
from veristack_lab.errors import InvalidInput, StoreClosed, ViewClosed, WaitExpired
from veristack_lab.widgets.loop import Loop, Model, View


class Counter(Model):
    """Adds up what it is told; counts how often it is asked what to show."""

    def __init__(self) -> None:
        self.total = 0
        self.views = 0
        self.thread = ""
        self.left = 0
        self.gate = threading.Event()
        self.gate.set()

    def check(self, op: str, argument: object) -> None:
        if op not in ("add", "refuse", "crash", "wait", "count"):
            raise InvalidInput(f"there is no {op}")

    def obey(self, op: str, argument: Any) -> bool:
        self.left = 0
        self.thread = threading.current_thread().name
        if op == "wait":
            assert self.gate.wait(PATIENCE_S)
        elif op == "refuse":
            raise StoreClosed("it was closed")
        elif op == "crash":
            raise ZeroDivisionError("by nothing")
        elif op == "count":
            self.left = argument
        else:
            self.total += argument
        return self.left > 0

    def proceed(self) -> bool:
        assert self.gate.wait(PATIENCE_S)
        if self.left == 13:
            raise StoreClosed("13 is too much")
        self.total, self.left = self.total + 1, self.left - 1
        return self.left > 0

    def view(self) -> View:
        self.views += 1
        return {"total": self.total}


@pytest.fixture
def model() -> Counter:
    return Counter()


@pytest.fixture
def published() -> list[View]:
    return []


@pytest.fixture
def loop(model: Counter, published: list[View]) -> Iterator[Loop]:
    loop = Loop("test", model, published.append)
    loop.start()
    yield loop
    model.gate.set()
    loop.close()


def do(loop: Loop, op: str, argument: object = None) -> View:
    number = loop.send(op, argument)
    return loop.wait_for(lambda seen: bool(seen["done"] >= number), 30)


def test_a_command_is_obeyed_on_the_views_own_thread(loop: Loop, model: Counter) -> None:
    assert loop.latest["total"] == 0
    seen = do(loop, "add", 3)
    assert (seen["total"], seen["done"], seen["note"], seen["name"]) == (3, 1, "", "test")
    assert model.thread == "view-test"


def test_what_came_meanwhile_is_shown_once(
    loop: Loop, model: Counter, published: list[View]
) -> None:
    model.gate.clear()
    loop.send("wait")
    for _ in range(100):
        last = loop.send("add", 1)
    before = model.views
    model.gate.set()
    seen = loop.wait_for(lambda s: bool(s["done"] == last), 30)
    assert seen["total"] == 100
    assert model.views - before <= 2  # one for `wait`, one for all that had come
    loop.close()
    assert published[-1]["total"] == 100
    assert [v["seq"] for v in published] == sorted({v["seq"] for v in published})


def test_a_refusal_and_a_crash_become_the_note_and_the_loop_lives_on(loop: Loop) -> None:
    assert do(loop, "refuse")["note"] == "it was closed"
    assert do(loop, "crash")["note"] == "crash failed: ZeroDivisionError: by nothing"
    assert do(loop, "add", 1) | {"seq": 0} == {
        "total": 1,
        "name": "test",
        "seq": 0,
        "done": 3,
        "note": "",
        "closed": False,
    }


def test_nonsense_raises_in_a_script_and_is_noted_from_a_wire(loop: Loop) -> None:
    with pytest.raises(InvalidInput, match="there is no dance"):
        loop.send("dance")
    loop.hear("dance", {"with": "me"})
    seen = loop.wait_for(lambda s: bool(s["note"]), 30)
    assert (seen["note"], seen["done"]) == ("there is no dance", 0)


def test_closing_carries_out_what_was_asked_and_publishes_it(
    loop: Loop, published: list[View]
) -> None:
    for _ in range(5):
        loop.send("add", 1)
    loop.close()
    loop.close()
    assert (published[-1]["total"], published[-1]["closed"]) == (5, True)
    with pytest.raises(ViewClosed):
        loop.send("add", 1)
    loop.hear("add", 1)
    assert loop.latest == published[-1]
    with pytest.raises(WaitExpired, match="closed"):
        loop.wait_for(lambda s: False, 30)


def test_a_snapshot_is_the_callers_own_and_a_wait_expires(loop: Loop) -> None:
    loop.latest["total"] = 99
    assert loop.latest["total"] == 0
    with pytest.raises(WaitExpired, match="0 commands were done"):
        loop.wait_for(lambda s: False, 0.01)


def test_a_long_command_shows_how_far_it_has_come_and_is_done_at_its_end(loop: Loop) -> None:
    number = loop.send("count", 5)
    seen = loop.wait_for(lambda s: bool(s["done"] == number), 30)
    assert seen["total"] == 5
    assert do(loop, "count", 20)["note"] == "13 is too much"


def test_another_command_comes_between(loop: Loop, model: Counter) -> None:
    model.gate.clear()
    loop.send("count", 10**9)
    number = loop.send("add", 1)
    model.gate.set()
    seen = loop.wait_for(lambda s: bool(s["done"] >= number), 30)
    assert model.left == 0
    assert seen["total"] < 10**9
    assert do(loop, "add", 0)["total"] == seen["total"]


class Watcher(Model):
    """Shows what it saw when it was last asked to look."""

    interval_s = 0.01

    def __init__(self) -> None:
        self.outside = self.seen = 0
        self.calls: list[str] = []

    def check(self, op: str, argument: object) -> None:
        pass

    def obey(self, op: str, argument: object) -> bool:
        self.calls.append(op)
        return False

    def begin(self) -> None:
        self.calls.append("begin")

    def look(self) -> None:
        self.seen = self.outside

    def end(self) -> None:
        self.calls.append("end")

    def release(self) -> None:
        self.calls.append("release")

    def view(self) -> View:
        return {"seen": self.seen}

    def last_seen(self, view: View) -> str:
        return f"{view['seen']} seen"


def test_a_model_that_watches_is_asked_to_look_without_a_command() -> None:
    shown: list[View] = []
    model = Watcher()
    loop = Loop("watch", model, shown.append)
    loop.start()
    model.outside = 7
    assert loop.wait_for(lambda seen: bool(seen["seen"] == 7), 30)["done"] == 0
    quiet = len(shown)
    # Nothing changes, and it is published nevertheless: now and then, not at every look.
    loop.wait_for(lambda seen: len(shown) > quiet + 1, 30)
    with pytest.raises(WaitExpired, match="last seen: 7 seen"):
        loop.wait_for(lambda seen: False, 0.01)
    loop.send("last")
    loop.close()
    assert model.calls == ["begin", "last", "end", "release"]
    assert shown[-1]["closed"]
