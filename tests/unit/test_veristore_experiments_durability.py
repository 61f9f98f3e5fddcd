"""What a power cut takes at each level, and what waiting writers cost."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.sim import SimDisk
from veristack_lab.veristore import Interval, experiments
from veristack_lab.veristore.experiments.waiting import WAYS
from veristack_lab.viz import veristore as viz


def test_each_level_loses_what_it_says_and_no_more() -> None:
    frame = experiments.loss_window(SimDisk, writes=12)
    worst = frame[frame["cut"] == "lost"].groupby("level")["lost"].apply(list)
    assert worst["commit"] == [0] * 12
    assert worst["Interval(writes=5)"] == [1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2]
    assert worst["none"] == list(range(1, 13))
    assert frame[frame["cut"] == "kept"]["lost"].eq(0).all()
    assert frame["is_prefix"].all()
    assert experiments.is_within_window(frame)
    assert isinstance(viz.loss_window(frame), go.Figure)


def test_the_same_seed_cuts_the_same() -> None:
    first, again = (experiments.loss_window(SimDisk, writes=8, seed=3) for _ in range(2))
    assert first.equals(again)
    assert first.attrs == again.attrs


def test_a_window_that_is_broken_is_noticed() -> None:
    frame = experiments.loss_window(SimDisk, writes=6)
    frame.loc[frame["level"] == "commit", "lost"] = 1
    assert not experiments.is_within_window(frame)


def test_a_level_that_depends_on_time_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"Interval\(ms=10\) depends on time"):
        experiments.loss_window(SimDisk, levels=[Interval(ms=10)])


def test_in_milliseconds_the_newest_writes_are_lost_and_no_others() -> None:
    frame = experiments.loss_window_ms(SimDisk, ms=5, writes=20, pause_ms=1)
    assert frame["at_ms"].is_monotonic_increasing
    assert all(0 <= lost <= number for number, lost in enumerate(frame["lost"], 1))
    assert (frame["oldest_lost_ms"].gt(0) == frame["lost"].gt(0)).all()
    assert isinstance(viz.loss_window_ms(frame), go.Figure)


def test_every_way_to_wait_make_everything_durable(folder: Path) -> None:
    frame = experiments.wakeups_sweep(folder, writers=(1, 8), rounds=1, puts_per_writer=10)
    assert frame["way"].tolist() == [*WAYS, *WAYS]
    assert frame["puts"].tolist() == [50] * 3 + [80] * 3
    assert frame["records_per_sync"].tolist()[:3] == [1.0] * 3
    # How many share a sync is up to the disk and the scheduler; no writer can be left out.
    assert frame["records_per_sync"].iloc[3:].between(1.0, 8.0).all()
    assert isinstance(viz.wakeups(frame), go.Figure)


def test_handles_in_flight_share_syncs(folder: Path) -> None:
    frame = experiments.handles_sweep(folder, depths=(1, 16), rounds=1, puts=64)
    assert frame["records_per_sync"].iloc[0] == 1.0
    assert frame["records_per_sync"].iloc[1] > 1.0
    assert isinstance(viz.handles(frame), go.Figure)
