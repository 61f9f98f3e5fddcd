"""The explorer's model over a healthy engine and over one whose syncs do nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.sim import HEALTHY, PROMISES, SimDisk, engine_of
from veristack_lab.sim.disk.handles import SimFile
from veristack_lab.sim.store.workloads import named
from veristack_lab.widgets.explorer_model import POWER_ON, ExplorerModel, Subject


class LazyFile(SimFile):
    """Says that it synced, and did not."""

    def fdatasync(self) -> None:
        pass


class LazyDisk:
    """A simulated disk whose files are never synced."""

    def __init__(self, disk: SimDisk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)

    def open(self, path: Path, *, create: bool = False) -> SimFile:
        file = self._disk.open(path, create=create)
        file.__class__ = LazyFile
        return file


SUBJECTS = {
    "healthy": Subject("healthy", "as it is", "", HEALTHY, None),
    "lazy": Subject("lazy", "no sync", "acknowledged", engine_of(disk=LazyDisk), named("batches")),
}


@pytest.fixture
def model() -> ExplorerModel:
    return ExplorerModel(named("puts"), SUBJECTS, seed=0)


def move(model: ExplorerModel, position: int) -> dict[str, Any]:
    model.obey("move", position)
    return model.view()


def hunt(model: ExplorerModel, way: str) -> dict[str, Any]:
    unfinished = model.obey("violation", way)
    while unfinished:
        assert model.view()["busy"].startswith("Looking for a broken promise")
        unfinished = model.proceed()
    assert model.view()["busy"] == ""
    return model.view()


def find(model: ExplorerModel, kind: str, name: str = "log-") -> int:
    """A moment right after a write or sync of a file that holds an acknowledged write."""
    for position in range(model.view()["last"] + 1):
        state = move(model, position)
        operations = model._disk().operations
        if (
            state["acknowledged"] > 1
            and operations[-1].kind == kind
            and name in operations[-1].path
        ):
            return position
    raise AssertionError(f"no {kind} of {name}")


def test_a_moment_is_told_in_words_and_sectors(model: ExplorerModel) -> None:
    written = find(model, "pwrite")
    state = move(model, written)
    assert "bytes are written to log-0000000001 at byte" in state["operation"]
    assert "is under way" in state["step"]
    log = next(f for f in state["files"] if f["path"].endswith("log-0000000001"))
    assert log["sectors"].rstrip("D").endswith("C"), "behind it there is only room"
    first = next(n for n, one in enumerate(model._recording.operations) if one.size_bytes > 4000)
    told = move(model, first + 1)["operation"]
    assert re.search(r"The last [\d,]+ of them are zeros: room for the next writes\.", told)
    synced = move(model, written + 1)
    assert synced["operation"].startswith("log-0000000001 is synced")
    log = next(f for f in synced["files"] if f["path"].endswith("log-0000000001"))
    assert set(log["sectors"]) == {"D"}
    assert synced["acknowledged"] == state["acknowledged"] + 1


def test_each_image_has_its_sectors_its_recovery_and_its_promises(model: ExplorerModel) -> None:
    state = move(model, find(model, "pwrite"))
    assert state["image"] == POWER_ON
    assert {p["kept"] for p in state["promises"]} == {None}
    fates: dict[str, set[str]] = {}
    log = next(f for f in state["files"] if f["path"].endswith("log-0000000001"))
    written = log["sectors"].rindex("C")
    for row in state["images"][1:]:
        model.obey("image", row["index"])
        seen = model.view()
        log = next(f for f in seen["files"] if f["path"].endswith("log-0000000001"))
        fates.setdefault(row["policy"], set()).add(log["sectors"][written])
        assert [p["name"] for p in seen["promises"]] == list(PROMISES)
        assert all(p["kept"] and not p["broken"] for p in seen["promises"])
        assert seen["opens"]
        wanted = {"kept", "extra"} if row["policy"] == "kept" else {"kept"}
        assert {item["fate"] for item in seen["items"]} == wanted
    assert fates["lost"] == {"L"}
    assert fates["kept"] == {"K"}
    assert fates["torn"] <= {"T", "K"}


def test_moving_keeps_the_kind_of_cut(model: ExplorerModel) -> None:
    position = find(model, "pwrite")
    state = move(model, position)
    kept = next(row for row in state["images"] if row["policy"] == "kept")
    model.obey("image", kept["index"])
    later = move(model, position + 2)
    assert later["images"][later["image"] + 1]["policy"] == "kept"
    assert move(model, position + 1)["image"] == 0  # all is synced: there is one image


def test_the_healthy_engine_breaks_nothing_and_the_search_says_how_far_it_looked(
    model: ExplorerModel,
) -> None:
    move(model, 12)
    with pytest.raises(InvalidInput, match=r"no promise breaks from operation 12 to \d+"):
        hunt(model, "next")
    state = model.view()
    assert state["position"] == 12
    assert set(state["strip"][:12]) == {"."}
    assert set(state["strip"][12:]) == {"o"}


def test_a_broken_engine_is_caught_and_its_broken_promise_named(model: ExplorerModel) -> None:
    model.obey("engine", "lazy")
    state = model.view()
    assert (state["engine"], state["workload"], state["position"]) == ("lazy", "batches", 0)
    visited = []
    for _ in range(3):
        state = hunt(model, "next")
        visited.append((state["position"], state["image"]))
        broken = [p for p in state["promises"] if p["kept"] is False]
        assert len(broken) == 1
        assert broken[0]["broken"]
        assert state["strip"][state["position"]] == "x"
        assert state["images"][state["image"] + 1]["broken"]
    assert visited == sorted(set(visited))
    hunt(model, "previous")
    assert (model.view()["position"], model.view()["image"]) == visited[1]


def test_another_command_ends_a_search(model: ExplorerModel) -> None:
    assert model.obey("violation", "next")
    assert not model.obey("move", 3)
    assert (model.view()["position"], model.view()["busy"]) == (3, "")


def test_lost_items_are_listed_first(model: ExplorerModel) -> None:
    model.obey("engine", "lazy")
    model.obey("move", model.view()["last"])
    model.obey("judge", None)
    state = model.view()
    broken = next(row["index"] for row in state["images"] if row["broken"])
    model.obey("image", broken)
    state = model.view()
    assert state["items"][0]["fate"] in ("missing", "other")
    model.obey("engine", "healthy")  # the same workload, to compare
    assert model.view()["workload"] == "batches"
    model.obey("judge", None)
    assert not any(row["broken"] for row in model.view()["images"])


def test_judging_a_moment_opens_each_of_its_images(model: ExplorerModel) -> None:
    move(model, find(model, "pwrite"))
    assert {row["broken"] for row in model.view()["images"][1:]} == {None}
    model.obey("judge", None)
    assert {row["broken"] for row in model.view()["images"][1:]} == {False}


def test_what_is_shown_is_plain_json_and_small(model: ExplorerModel) -> None:
    model = ExplorerModel(named("two_hundred"), SUBJECTS, seed=0)
    last = model.view()["last"]
    for position in (0, last // 3, last // 2, last):
        model.obey("move", position)
        model.obey("image", 0)
        state = model.view()
        assert json.loads(json.dumps(state)) == state
        assert len(json.dumps(state)) < 48 * 1024


@pytest.mark.parametrize(
    ("op", "argument", "complaint"),
    [
        ("dance", None, "there are move, image, engine, judge, violation"),
        ("move", -1, "from 0 on"),
        ("move", True, "from 0 on"),
        ("image", -2, "from -1 on"),
        ("engine", "steam", "there are healthy, lazy"),
        ("violation", "worst", "next or previous"),
        ("judge", 3, "takes nothing"),
    ],
)
def test_nonsense_is_refused(
    model: ExplorerModel, op: str, argument: object, complaint: str
) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        model.check(op, argument)


def test_a_moment_or_image_there_is_not_is_refused(model: ExplorerModel) -> None:
    with pytest.raises(InvalidInput, match="operations, not 100000"):
        model.obey("move", 100_000)
    with pytest.raises(InvalidInput, match="this moment has 1 image"):
        model.obey("image", 7)
    assert model.view()["position"] == 0
