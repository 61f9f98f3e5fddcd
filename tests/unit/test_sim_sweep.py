"""The sweep: the healthy engine survives it, broken ones do not, and it tells what it did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from veristack_lab import sim
from veristack_lab.cli import app
from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.pools import process_pool
from veristack_lab.sim.store.object_steps import PutObject
from veristack_lab.sim.store.steps import Checkpoint, Put, Write, workload
from veristack_lab.veristore.commit.durability import Interval
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter, path_of
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.wal.log import Log
from veristack_lab.viz import sim as figures


def broken(frame: pd.DataFrame) -> dict[str, int]:
    """Violations by promise."""
    return frame[frame["violation"] != ""].groupby("promise").size().to_dict()


# --------------------------------------------------------------- the healthy engine


@pytest.mark.parametrize("name", ["puts", "batches", "failing_syncs", "full_disk"])
def test_every_image_of_a_small_workload_keeps_every_promise(name: str) -> None:
    frame = sim.crash_sweep(name, exhaustive=True)
    counts, coverage = frame.attrs["counts"], frame.attrs["coverage"]
    assert broken(frame) == {}
    assert coverage["crash_points"] == coverage["exhaustive_points"] == 1
    assert counts["crash_points"] == frame["crash_point"].nunique()
    assert counts["images"] == len(frame) > 100
    assert counts["recoveries"] > counts["crash_points"]
    assert set(coverage["policies"]) >= {"lost", "kept", "sectors", "garbage", "names", "torn"}
    assert (frame["recovered_lsn"] >= frame["acknowledged_lsn"]).all()
    assert (frame["state_index"] >= 1).any()
    assert frame["crash_during_recovery_points"].max() > 1
    assert frame["torn_bytes"].max() > 0


def test_a_sample_of_the_two_hundred_steps_keeps_every_promise() -> None:
    chosen = sim.workloads.two_hundred()
    kinds = {type(step).__name__ for step in chosen.steps}
    assert kinds >= {
        *("Put", "Delete", "Write", "PutMany", "Checkpoint", "Reopen", "CreateBucket"),
        *("PutObject", "DeleteObject", "CopyObject", "StartUpload", "PutPart"),
        *("CompleteUpload", "AbortUpload", "CollectGarbage"),
    }
    frame = sim.crash_sweep(chosen, samples=200, seed=6)
    assert broken(frame) == {}
    assert len(chosen.steps) == 201, "two hundred, and the opening"
    policies = set(frame.attrs["coverage"]["policies"])
    assert policies >= {"lost", "kept", "names", "garbage", "length-only", "torn", "stale"}
    operations = [each.path for each in sim.record(chosen, sim.HEALTHY).operations]
    assert len({path for path in operations if "/log-" in path}) > 10, "the log rotates"


def test_uploads_in_parts_keep_every_promise() -> None:
    assert broken(sim.crash_sweep("multipart", samples=60, seed=2)) == {}


@pytest.mark.parametrize("durability", [Interval(writes=3), "none"])
def test_lower_durability_loses_its_window_and_no_more(durability: Any) -> None:
    engine = sim.engine_of(durability=durability)
    frame = sim.crash_sweep("lazy", exhaustive=True, engine=engine)
    assert broken(frame) == {}
    behind = frame["acknowledged"] - frame["state_index"]
    assert behind.max() > 0, "something acknowledged was lost, as it may"
    assert behind.max() <= 2 or durability == "none"
    strict = sim.Engine(open=engine.open)
    assert "acknowledged-present" in broken(
        sim.crash_sweep("lazy", exhaustive=True, engine=strict, stop_at_first=True)
    )


# --------------------------------------------------------------- broken engines


class UnsyncedLog(Log):
    """Acknowledges what it has not synced."""

    def append_group(
        self, types: Sequence[int], payloads: Sequence[bytes], *, sync: bool = True
    ) -> int:
        return super().append_group(types, payloads, sync=False)


class UnsyncedStore(Store):
    log_type = UnsyncedLog


class HastySnapshots(SnapshotWriter):
    """Renames what it has not synced."""

    def publish(self, temporary: Path, lsn: int) -> None:
        self._disk.rename(temporary, path_of(self._folder, lsn))


class HastyStore(Store):
    snapshot_type = HastySnapshots


class LeavingObjects(ObjectStore):
    """Never collects."""

    def collect_garbage(self) -> int:
        return 0


class HalfReadStore(Store):
    """Forgets the longest value when it is opened."""

    def _recover(self) -> Any:
        found = super()._recover()
        pairs = list(self._map.items())
        if pairs:
            self._map.delete(max(pairs, key=lambda pair: len(pair[1]))[0])
        return found


def test_an_acknowledgement_before_the_sync_is_found() -> None:
    engine = sim.engine_of(store_type=UnsyncedStore)
    frame = sim.crash_sweep("puts", exhaustive=True, engine=engine)
    assert "acknowledged-present" in broken(frame)
    row = frame[frame["promise"] == "acknowledged-present"].iloc[0]
    assert row["state_index"] < row["acknowledged"]
    assert "1 acknowledged step is lost: " in row["violation"]


def test_a_rename_without_its_sync_is_found() -> None:
    engine = sim.engine_of(store_type=HastyStore)
    steps = [Put(b"a", b"1"), Checkpoint(), Put(b"b", b"2")]
    frame = sim.crash_sweep(
        workload("short", steps), exhaustive=True, engine=engine, stop_at_first=True
    )
    assert broken(frame)


def test_left_content_is_found() -> None:
    engine = sim.engine_of(objects_type=LeavingObjects)
    frame = sim.crash_sweep("objects", samples=60, engine=engine)
    assert "nothing-orphaned" in broken(frame)


def test_a_forgotten_value_is_found() -> None:
    engine = sim.engine_of(store_type=HalfReadStore)
    steps = [Put(b"a", b"1" * 9), Write(((b"b", b"2"), (b"c", b"3" * 20)))]
    frame = sim.crash_sweep(workload("short", steps), exhaustive=True, engine=engine)
    assert set(broken(frame)) >= {"acknowledged-present", "unacknowledged-atomic"}


def test_a_needless_refusal_is_found() -> None:
    steps = [Put(b"a", b"1"), PutObject("no bucket", "key", b"")]
    frame = sim.crash_sweep(workload("short", steps), exhaustive=True)
    assert set(broken(frame)) == {"refuses-nothing"}
    assert "BucketNotFound" in frame["violation"].iloc[-1]


def test_stop_at_first_ends_with_it() -> None:
    engine = sim.engine_of(store_type=UnsyncedStore)
    whole = sim.crash_sweep("puts", exhaustive=True, engine=engine)
    frame = sim.crash_sweep("puts", exhaustive=True, engine=engine, stop_at_first=True)
    first = int((whole["violation"] != "").idxmax())
    assert len(frame) == first + 1
    pd.testing.assert_frame_equal(frame, whole.head(first + 1))


# --------------------------------------------------------------- the same everywhere


def test_the_frame_is_the_same_whatever_does_the_work() -> None:
    ticks: list[tuple[int, int]] = []
    here = sim.crash_sweep("batches", exhaustive=True, on_progress=lambda *t: ticks.append(t))
    with ThreadPoolExecutor(2) as threads:
        there = sim.crash_sweep("batches", exhaustive=True, executor=threads)
    with process_pool(2) as processes:
        away = sim.crash_sweep("batches", exhaustive=True, executor=processes)
    for other in (there, away):
        pd.testing.assert_frame_equal(here, other)
        assert here.attrs == other.attrs
    assert ticks == [(done, len(ticks)) for done in range(1, len(ticks) + 1)]


def test_samples_follow_their_seed() -> None:
    first, again, other = (sim.crash_sweep("puts", samples=40, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert list(first["choice"]) != list(other["choice"])


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        sim.crash_sweep("puts", exhaustive=True, samples=3)
    with pytest.raises(InvalidInput, match="at least 1"):
        sim.crash_sweep("puts", samples=0)
    with pytest.raises(InvalidInput, match="there is no workload 'putz'"):
        sim.crash_sweep("putz")


# --------------------------------------------------------------- explaining


def test_an_image_is_explained_as_it_was_found() -> None:
    engine = sim.engine_of(store_type=UnsyncedStore)
    frame = sim.crash_sweep("puts", exhaustive=True, engine=engine)
    recording = sim.record(sim.workloads.puts(), engine)
    for position in range(0, len(frame), 17):
        row = frame.iloc[position]
        trace = sim.explain(row, engine=engine, recording=recording)
        assert (trace.row.promise, trace.row.violation) == (row["promise"], row["violation"])
        facts = json.loads(json.dumps(trace.to_json()))
        assert facts["row"]["choice"] == row["choice"]
        assert len(facts["operations"]) == len(recording.operations)
    row = frame[frame["promise"] == "acknowledged-present"].iloc[0]
    trace = sim.explain(row, engine=engine)
    assert trace.missing
    assert trace.promise_text == "What was acknowledged is there."
    states = [step.state for step in trace.steps]
    assert states.count("acknowledged") == row["acknowledged"]


def test_sectors_say_what_became_of_them() -> None:
    value = b"v" * 1400
    chosen = workload("one", [Put(b"k", value)])
    recording = sim.record(chosen, sim.HEALTHY)
    point = recording.steps[-1].ends - 1
    afters: dict[str, set[str]] = {}
    for policy in sim.POLICIES:
        for seed in range(6):
            row = {"crash_point": point, "policy": policy, "image_seed": seed}
            trace = sim.explain(row, recording=recording)
            log = next(file for file in trace.files if "log-" in file.path)
            assert log.cached_bytes > log.durable_bytes
            assert [sector.before for sector in log.sectors] == ["cached"] * 8
            afters.setdefault(policy, set()).update(sector.after for sector in log.sectors)
            assert trace.error == ""
    assert afters["kept"] == {"kept"}
    assert afters["lost"] == {"lost", "absent"}
    assert afters["length-only"] == {"lost", "zeros", "kept"}, "zeros are as good as kept room"
    assert "garbage" in afters["garbage"]
    assert "torn" in afters["torn"]


# --------------------------------------------------------------- figures, command line


def test_figures_show_the_sweep() -> None:
    engine = sim.engine_of(store_type=UnsyncedStore)
    frame = sim.crash_sweep("puts", exhaustive=True, engine=engine)
    heat = figures.crash_map(frame)
    cells, marks = heat.data[0], heat.data[-1]
    broken = frame[frame["violation"] != ""].drop_duplicates(["crash_point", "policy"])
    assert sum(value == 2 for line in cells.z for value in line) == len(broken) > 0
    assert set(zip(marks.x, marks.y, strict=True)) == set(
        zip(broken["crash_point"], broken["policy"], strict=True)
    )
    assert "broken" in heat.layout.title.text
    recovered = figures.recovered_states(frame)
    assert len(recovered.data) == 3
    with pytest.raises(InvalidInput, match="empty"):
        figures.crash_map(frame.head(0))


def test_the_command_reports_and_writes(folder: Path) -> None:
    path = folder / "rows.json"
    arguments = ["crash-sweep", "--workload", "puts", "--samples", "30", "--workers", "1"]
    done = CliRunner().invoke(app, [*arguments, "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert "violations:    0" in done.output
    facts = json.loads(path.read_text())
    assert facts["attrs"]["counts"]["images"] == len(facts["rows"])
    assert f"{facts['attrs']['trace_hash']}" in done.output
