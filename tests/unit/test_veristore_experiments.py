"""The experiments give frames of the promised shape, and each frame has its figure."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import InvalidInput
from veristack_lab.veristore import Interval, experiments
from veristack_lab.veristore.wal.anatomy import log_anatomy
from veristack_lab.viz import veristore as viz


def test_a_log_cut_at_every_byte_gives_a_prefix(folder: Path) -> None:
    frame = experiments.truncation_sweep(folder, records_written=3)
    assert frame["cut"].tolist() == list(range(32, frame.attrs["size_bytes"] + 1))
    assert frame["is_prefix"].all()
    assert frame["accepts_writes"].all()
    assert frame["keys"].is_monotonic_increasing
    assert frame["keys"].iloc[-1] == 3
    assert isinstance(viz.truncation(frame), go.Figure)


def test_writers_at_once_share_syncs(folder: Path) -> None:
    frame = experiments.group_commit_sweep(folder, writers=(1, 16), rounds=1, puts_per_writer=10)
    assert frame["puts"].tolist() == [50, 160]
    assert frame["records_per_sync"].iloc[0] == 1.0
    assert frame["records_per_sync"].iloc[1] > 1.0
    assert (frame["raw_per_s"] > 0).all()
    assert isinstance(viz.group_commit(frame), go.Figure)


def test_levels_below_commit_ask_the_disk_less_often(folder: Path) -> None:
    levels = ("commit", Interval(writes=5), "none")
    frame = experiments.group_commit_sweep(
        folder, writers=(1,), levels=levels, rounds=1, puts_per_writer=4
    )
    assert frame["level"].tolist() == ["commit", "Interval(writes=5)", "none"]
    assert frame["records_per_sync"].tolist() == [1.0, 5.0, 0.0]
    assert len(viz.group_commit(frame).data) == 7


def test_recovery_reads_every_record(folder: Path) -> None:
    ticks: list[tuple[int, int]] = []
    frame = experiments.recovery_sweep(
        folder, sizes=(10, 2000), on_progress=lambda *tick: ticks.append(tick)
    )
    assert ticks == [(1, 2), (2, 2)]
    assert frame["log_bytes"].is_monotonic_increasing
    assert isinstance(viz.recovery_time(frame), go.Figure)
    with veristore.open(folder / "store-2000") as store:
        assert len(store) == 1000


def test_one_kill_has_a_row_and_a_figure(folder: Path) -> None:
    frame = experiments.kill_and_recover(folder, 1, 5, writers=2, tear=False)
    row = frame.iloc[0]
    assert (row["lost"], row["mixed"], row["torn_by_us"]) == (0, 0, 0)
    assert row["acknowledged"] >= row["kill_after"] >= 20
    figure = viz.kills(frame)
    assert "0 lost" in figure.layout.title.text
    with pytest.raises(InvalidInput, match="at least 1"):
        experiments.kill_and_recover(folder, 0, 5)


def test_the_strip_shows_each_byte_once(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        store.put(b"key", b"value")
    frame = log_anatomy(folder / "s")
    shown = [text for row in viz.log_strip(frame).data[0].text for text in row if text]
    assert bytes.fromhex("".join(shown)) == (folder / "s" / "log-0000000001").read_bytes()
    with veristore.open(folder / "s") as store:
        store.put(b"key", bytes(3000))
    with pytest.raises(InvalidInput, match="2,048"):
        viz.log_strip(log_anatomy(folder / "s"))
