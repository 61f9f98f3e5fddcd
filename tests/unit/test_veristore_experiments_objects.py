"""The commit point is found by cutting, and races end as they should."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import InvalidInput
from veristack_lab.sim import SimDisk
from veristack_lab.veristore import ObjectStore, experiments
from veristack_lab.veristore.experiments.objects import ACTS, IF_NONE_MATCH, LOOK_THEN_PUT
from veristack_lab.viz import veristore as viz


@pytest.mark.parametrize("act", ACTS)
def test_every_act_has_one_commit_point(act: str) -> None:
    frame = experiments.commit_point(SimDisk, act=act)
    assert frame["is_legal"].all()
    worst = frame[frame["cut"] == "lost"]
    before, after = worst["found"].iloc[0], worst["found"].iloc[-1]
    assert before != after
    assert worst["found"].tolist() == sorted(worst["found"], key=[before, after].index)
    # What the worst cut leaves changes with one operation: the sync of the log.
    last_before = worst[worst["found"] == before].iloc[-1]
    assert last_before["operation"] == "fdatasync log-0000000001"
    assert isinstance(viz.commit_point(frame), go.Figure)


def test_no_content_outlives_its_meaning() -> None:
    frame = experiments.commit_point(SimDisk, act="overwrite")
    assert (frame["files"] - frame["swept"] == 1).all()
    assert frame["swept"].sum() > 0


def test_the_same_seed_cuts_the_same() -> None:
    first, again = (experiments.commit_point(SimDisk, seed=5) for _ in range(2))
    assert first.equals(again)


def test_an_act_that_is_not_there_names_the_others() -> None:
    with pytest.raises(InvalidInput, match=r"no act 'rename'; there are put, overwrite"):
        experiments.commit_point(SimDisk, act="rename")


def test_the_collector_can_be_cut_anywhere() -> None:
    frame = experiments.collector_cuts(SimDisk)
    assert frame["is_legal"].all()
    assert frame["files_after"].eq(1).all()
    assert frame["operation"].iloc[-1] == "opened"
    assert any(operation.startswith("unlink") for operation in frame["operation"])


def test_one_conditional_put_wins_where_looking_first_lets_all_win(folder: Path) -> None:
    frame = experiments.creation_race(folder, writers=4, rounds=3)
    told = frame.groupby("way")["told_ok"].apply(list)
    assert told[IF_NONE_MATCH] == [1, 1, 1]
    assert told[LOOK_THEN_PUT] == [4, 4, 4]
    overwritten = frame.groupby("way")["overwritten"].apply(list)
    assert (overwritten[IF_NONE_MATCH], overwritten[LOOK_THEN_PUT]) == ([0] * 3, [3] * 3)


def test_a_collector_in_the_middle_takes_nothing_of_the_put(folder: Path) -> None:
    pieces = [bytes([number]) * 1000 for number in range(5)]
    with veristore.open(folder) as store:
        objects = ObjectStore(store, chunk_bytes=500)
        objects.create_bucket("b")
        assert experiments.interrupted_put(objects, "b", "k", pieces) == 0
        assert objects.get("b", "k") == b"".join(pieces)
