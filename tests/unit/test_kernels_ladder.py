"""The ladder of CRC32C: every rung is right, and what does not depend on the clock repeats."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import pytest

from veristack_lab import kernels
from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import crc32c, ladder, rungs
from veristack_lab.viz import kernels as viz

SMALL = {"sizes_bytes": (5, 700, 9000), "batch_records": 31, "repeats": 1, "seed": 3}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return kernels.crc_ladder(**SMALL)


def test_every_rung_gives_the_right_answers(frame: pd.DataFrame) -> None:
    assert frame["verified"].all()
    assert set(frame.groupby("work")["crc32c"].nunique()) == {1, 3}


def test_the_rungs_are_those_of_this_process(frame: pd.DataFrame) -> None:
    found = set(frame["rung"])
    assert (found == {rungs.PYTHON}) == (not kernels.jit_enabled())
    assert (rungs.INSTRUCTION in found) == (crc32c.tier() == "hardware")
    assert found <= set(ladder.IDEAS)


def test_a_wrong_answer_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    if not kernels.jit_enabled():
        pytest.skip("JIT is off in this run")
    from veristack_lab.kernels import _ladder_native as native

    monkeypatch.setitem(native.ONE, rungs.SLICING, lambda data: 1)
    monkeypatch.setitem(native.MANY, rungs.SLICING, lambda data, offsets, sums: None)
    wrong = kernels.crc_ladder(**SMALL).query("not verified")
    assert set(wrong["rung"]) == {rungs.SLICING}
    assert len(wrong) == len(SMALL["sizes_bytes"]) + 1


def test_only_what_is_measured_differs_between_runs(frame: pd.DataFrame) -> None:
    seen: list[tuple[int, int]] = []
    again = kernels.crc_ladder(**SMALL, on_progress=lambda done, total: seen.append((done, total)))
    same = [column for column in frame if column not in frame.attrs["measured"]]
    pd.testing.assert_frame_equal(again[same], frame[same])
    assert again.attrs == frame.attrs
    assert seen == [(done, len(frame)) for done in range(1, len(frame) + 1)]


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        kernels.crc_ladder(sizes_bytes=(0,))


def test_the_figure_shows_every_row(frame: pd.DataFrame) -> None:
    figure = viz.crc_ladder(frame)
    assert isinstance(figure, go.Figure)
    *lines, bars = figure.data
    assert sum(len(line.x) for line in lines) + len(bars.x) == len(frame)
