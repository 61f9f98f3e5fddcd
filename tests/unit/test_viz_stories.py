"""Frames and figures of the notebooks: who waited for whom, what is where, what leads to what."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from veristack_lab import sim
from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache import BlockPool, prefixes
from veristack_lab.llmcache import experiments as caching
from veristack_lab.veriflow.experiments import transitions
from veristack_lab.veristore import experiments
from veristack_lab.viz import (
    llmcache_blocks,
    outages,
    sim_places,
    smartsearch_pipeline,
    veriflow_states,
    veristore_groups,
    veristore_sequence,
)


def test_every_put_returns_after_the_sync_that_carries_it(tmp_path: Path) -> None:
    trace = experiments.group_trace(tmp_path / "store", writers=4, puts_per_writer=5)
    assert len(trace) == 20
    assert trace["lsn"].tolist() == [*range(1, 21)]
    assert (trace["queued_ms"] <= trace["synced_ms"]).all()
    assert (trace["synced_ms"] <= trace["returned_ms"]).all()
    assert (trace["write_ms"] <= trace["sync_ms"]).all()
    assert (trace.groupby("group")["is_leader"].sum() == 1).all()
    assert trace["group"].is_monotonic_increasing
    assert trace["group"].max() < len(trace)

    over_time = veristore_groups.groups_over_time(trace)
    syncs = next(bar for bar in over_time.data if bar.name.startswith("sync"))
    assert sum(map(int, syncs.text)) == len(trace)
    sizes = trace.groupby("group").size()
    one = veristore_groups.leader_queue_chain(trace)
    told = next(each for each in one.data if each.name == "OK")
    assert len(told.x) == sizes.max()
    leads = next(each for each in one.data if each.name.startswith("leads"))
    assert len(leads.x) == 1


@pytest.mark.parametrize(("writers", "puts"), [(0, 1), (1, 0)])
def test_a_trace_of_nothing_is_refused(tmp_path: Path, writers: int, puts: int) -> None:
    with pytest.raises(InvalidInput, match="1 or more"):
        experiments.group_trace(tmp_path, writers=writers, puts_per_writer=puts)


def test_each_step_of_a_write_makes_its_own_part_certain() -> None:
    life = sim.life_of_a_write(1000)
    places = life.pivot(index="part", columns="step", values="place")
    parts = ["length", "sector 1", "sector 2"]
    assert list(places.index) == ["entry in the folder", *parts]
    assert set(places.loc[parts, "file made"]) == {"not there"}
    assert set(places["written"]) == {"in the cache"}
    assert set(places.loc[parts, "fdatasync of the file"]) == {"on the disk"}
    assert places.loc["entry in the folder", "fdatasync of the file"] == "in the cache"
    assert set(places["fsync of the folder"]) == {"on the disk"}
    (drawn,) = sim_places.cache_and_platter(life).data
    assert next(list(row) for row in drawn.text) == ["cache", "cache", "cache", "disk"]


@pytest.mark.parametrize("size", [0, 5000])
def test_a_write_of_no_or_of_many_sectors_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput, match="give 1 to 4096"):
        sim.life_of_a_write(size)


@pytest.mark.parametrize(("act", "first", "last"), [
    ("overwrite", "folder entry", "folder entry"),
    ("delete", "log record", "folder entry"),
])  # fmt: skip
def test_an_act_goes_through_its_files_in_order(act: str, first: str, last: str) -> None:
    frame = experiments.commit_point(sim.SimDisk, act=act)
    figure = veristore_sequence.sequence(frame)
    _, steps = figure.data
    assert (steps.y[0], steps.y[-1]) == (first, last)
    assert set(steps.y) <= set(veristore_sequence.LANES)
    (line,) = figure.layout.shapes
    assert steps.y[int(line.x0) - 1] == "log synced"


def test_blocks_are_shared_up_to_the_first_difference() -> None:
    one = prefixes.of_tokens("m", [*range(48)])
    two = prefixes.of_tokens("m", [*range(16), 99, *range(17, 48)])
    frame = caching.chains({"one": one, "two": two})
    assert frame["shared"].tolist() == [True, True, True, True, False, False]
    same, other = (
        next(each for each in llmcache_blocks.block_chain(frame).data if each.name == name)
        for name in ("same hash", "another hash")
    )
    assert (len(same.x), len(other.x)) == (4, 2)
    with pytest.raises(InvalidInput, match="no prompt"):
        caching.chains({})


def test_a_pool_is_drawn_as_it_is() -> None:
    pool = BlockPool(10)
    pool.allocate(b"a", 4, now=1)
    pool.allocate(b"b", 4, now=2)
    pool.pin(b"b")
    before = caching.held_blocks(pool, "before")
    pool.allocate(b"c", 6, now=3)
    frame = pd.concat([before, caching.held_blocks(pool, "after")])
    assert frame.groupby("moment")["blocks"].sum().tolist() == [10, 10]
    rows = set(zip(frame["moment"], frame["prefix"], frame["state"], strict=True))
    assert {("before", "a", "idle"), ("before", "b", "served"), ("after", "c", "idle")} <= rows
    assert ("after", "a", "idle") not in rows
    names = [bar.name for bar in llmcache_blocks.pool_blocks(frame).data if bar.showlegend]
    assert sorted(names) == ["free", "idle", "served"]


def test_the_life_of_a_job_has_every_change_and_no_other() -> None:
    frame = transitions()
    found = set(frame.itertuples(index=False, name=None))
    assert found == {
        ("QUEUED", "Claimed", "RUNNING"),
        ("QUEUED", "Cancelled", "CANCELLED"),
        ("RUNNING", "Succeeded", "SUCCEEDED"),
        ("RUNNING", "Failed", "QUEUED"),
        ("RUNNING", "Failed, last attempt", "FAILED"),
        ("RUNNING", "LeaseExpired", "QUEUED"),
        ("RUNNING", "LeaseExpired, last attempt", "FAILED"),
        ("RUNNING", "Released", "QUEUED"),
        ("RUNNING", "Cancelled", "CANCELLED"),
    }
    hovers = [each.hovertext[0] for each in veriflow_states.states(frame).data if each.hovertext]
    assert "RUNNING → QUEUED<br>Failed<br>LeaseExpired<br>Released" in hovers
    assert len(hovers) == 6


def test_a_lease_is_drawn_with_what_was_believed_after_its_end() -> None:
    rows = [
        ("job", "state", "QUEUED", 0.0, 0.1), ("job", "state", "RUNNING", 0.1, 0.6),
        ("job", "state", "QUEUED", 0.6, 0.9), ("alice", "lease", "epoch 1", 0.1, 0.6),
        ("alice", "belief", "believes to own the job", 0.6, 0.9),
        ("job", "taken back", "the lease was over", 0.6, 0.6),
        ("alice", "refused", "its report was refused", 0.9, 0.9),
    ]  # fmt: skip
    story = pd.DataFrame(rows, columns=["lane", "kind", "what", "start_s", "end_s"])
    names = [each.name for each in veriflow_states.lease(story).data]
    assert names == ["QUEUED", "RUNNING", "lease holds", "believes to own it", "taken back",
                     "refused"]  # fmt: skip


def test_the_way_of_a_document_has_no_gap() -> None:
    parts, steps = smartsearch_pipeline.pipeline_parts(), smartsearch_pipeline.pipeline_steps()
    assert steps["before"].tolist() == [*range(len(parts) - 1)]
    assert steps["after"].tolist() == [*range(1, len(parts))]
    figure = smartsearch_pipeline.pipeline(parts, steps)
    numbers = [each.text[0] for each in figure.data if each.hovertext]
    assert numbers == [str(number) for number in range(1, len(parts))]


def test_an_outage_is_drawn_with_the_states_and_calls_that_there_were() -> None:
    rows = [
        ("server", "alive", 0.0, 1.0), ("server", "paused", 1.0, 2.0),
        ("client", "answered", 0.0, 0.1), ("client", "gave up", 1.0, 2.0),
    ]  # fmt: skip
    story = pd.DataFrame(rows, columns=["lane", "what", "start_s", "end_s"])
    figure = outages.dead_or_paused(story)
    named = {each.name for each in figure.data if each.showlegend is not False}
    assert named == {"server alive", "server paused", "call: answered", "call: gave up"}
