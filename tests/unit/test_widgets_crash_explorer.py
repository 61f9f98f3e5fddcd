"""The explorer by its commands, over the engine and the museum, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from veristack_lab import museum
from veristack_lab.errors import InvalidInput, ViewClosed
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim import crash_sweep
from veristack_lab.widgets import CrashExplorer
from veristack_lab.widgets.explorer_model import IMAGES_SHOWN

EXHIBITS = [exhibit.name for exhibit in museum.exhibits() if isinstance(exhibit.trial, PowerCuts)]
QUICK = ("rename-unsynced", "ack-before-sync", "batch-in-parts", "torn-tail-kept")


@pytest.fixture
def explorer() -> Iterator[CrashExplorer]:
    with CrashExplorer(name="test") as explorer:
        yield explorer


def broken(state: dict[str, Any]) -> list[str]:
    return [promise["name"] for promise in state["promises"] if promise["kept"] is False]


def test_it_begins_with_the_healthy_engine_and_lists_the_museum(explorer: CrashExplorer) -> None:
    state = explorer.snapshot()
    assert (state["engine"], state["workload"], state["position"]) == ("healthy", "puts", 0)
    assert [engine["name"] for engine in state["engines"]] == ["healthy", *EXHIBITS]
    assert repr(explorer) == "<CrashExplorer test>"
    assert explorer.state == state


@pytest.mark.parametrize("name", QUICK)
def test_an_exhibit_is_caught_at_a_moment_at_which_the_healthy_engine_is_whole(
    explorer: CrashExplorer, name: str
) -> None:
    explorer.do("engine", name)
    caught = explorer.do("violation", "next")
    assert caught["note"] == ""
    assert broken(caught) == [museum.find(name).promise]
    assert caught["strip"][caught["position"]] == "x"
    healthy = explorer.do("engine", "healthy")
    assert healthy["workload"] == caught["workload"]
    judged = explorer.do("judge")
    assert not any(image["broken"] for image in judged["images"])


def test_a_workload_and_an_engine_can_be_given(explorer: CrashExplorer) -> None:
    with CrashExplorer("batches", name="other") as other:
        assert other.snapshot()["workload"] == "batches"
    with CrashExplorer(engine="length-trusted", name="other") as other:
        assert other.snapshot()["engine"] == "length-trusted"
    with pytest.raises(InvalidInput, match="there is no workload"):
        CrashExplorer("sleeping", name="other")
    with pytest.raises(InvalidInput, match="there is no engine"):
        CrashExplorer(engine="steam", name="other")


def test_a_search_that_finds_nothing_says_so_and_stays(explorer: CrashExplorer) -> None:
    explorer.do("move", 20)
    state = explorer.do("violation", "next")
    assert "no promise breaks from operation 20" in state["note"]
    assert state["position"] == 20
    assert explorer.do("move", 21)["note"] == ""


def test_a_click_is_the_same_command(explorer: CrashExplorer) -> None:
    explorer._handle_custom_msg({"op": "move", "argument": 7}, [])
    assert explorer.wait_for(lambda s: s["position"] == 7)["done"] == 1
    explorer._handle_custom_msg({"op": "move", "argument": "7"}, [])
    assert "move takes a number" in explorer.wait_for(lambda s: bool(s["note"]))["note"]


def test_a_new_explorer_of_the_same_name_closes_the_older(explorer: CrashExplorer) -> None:
    with CrashExplorer(name="test"):
        assert explorer.snapshot()["closed"]
        with pytest.raises(ViewClosed):
            explorer.send("move", 1)


def test_the_explorer_and_the_sweep_find_the_same_moments() -> None:
    exhibit = museum.find("ack-before-sync")
    trial = exhibit.trial
    assert isinstance(trial, PowerCuts)
    frame = crash_sweep(trial.workload(), exhaustive=True, engine=trial.engine, limit=IMAGES_SHOWN)
    swept = sorted(set(frame[frame["violation"] != ""]["crash_point"]))
    assert swept
    with CrashExplorer(engine=exhibit.name, name="test") as explorer:
        for moment in range(explorer.snapshot()["last"] + 1):
            explorer.send("move", moment)
            last = explorer.send("judge")
        strip = explorer.wait_for(lambda s: bool(s["done"] >= last))["strip"]
    assert [moment for moment, verdict in enumerate(strip) if verdict == "x"] == swept
    assert "." not in strip
