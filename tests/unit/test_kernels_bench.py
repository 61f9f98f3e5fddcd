"""The benchmark harness: who is better, by how much, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veristack_lab import bench, paths
from veristack_lab.bench import Contest, Contestant
from veristack_lab.cli import app
from veristack_lab.cli.bench import benchmark_folder, opened
from veristack_lab.errors import InvalidInput


def fixed(name: str, *values: float) -> Contestant:
    left = list(values)
    return Contestant(name, lambda: left.pop(0) if len(left) > 1 else left[0])


def contest(unit: str, ours: float, peers: dict[str, float], goal: float | None) -> Contest:
    rivals = [fixed(name, value) for name, value in peers.items()]
    return Contest("X", "a work item", unit, fixed("ours", ours), rivals, goal)


def test_of_rates_the_larger_is_better() -> None:
    (row,) = bench.run([contest("GB/s", 30, {"slow": 1, "quick": 10}, 2.0)], repeats=2)
    assert (row.peer, row.peer_value, row.ratio, row.met) == ("quick", 10, 3.0, True)


def test_of_times_the_smaller_is_better() -> None:
    (row,) = bench.run([contest("ms", 30, {"slow": 90, "quick": 15}, 1.0)], repeats=2)
    assert (row.peer, row.ratio, row.met) == ("quick", 0.5, False)


def test_without_a_goal_nothing_is_met_or_missed() -> None:
    (row,) = bench.run([contest("ms", 1, {"peer": 1}, None)], repeats=2)
    assert (row.goal, row.met) == (None, None)


def test_medians_and_spread_leave_out_the_first_round() -> None:
    ours = fixed("ours", 1000, 1, 2, 3, 4, 5)
    peer = fixed("peer", 1000, 1, 1, 1, 1, 1)
    (row,) = bench.run([Contest("X", "w", "ops/s", ours, [peer])], repeats=5)
    assert (row.ours, row.ratio, row.iqr) == (3, 3, 3)


def test_contestants_take_turns_and_turns_to_begin() -> None:
    order: list[str] = []

    def noted(name: str) -> Contestant:
        return Contestant(name, lambda: order.append(name) or 1.0)

    bench.run([Contest("X", "w", "ms", noted("a"), [noted("b"), noted("c")])], repeats=2)
    assert order == [*"abc", *"bca", *"cab"]


def test_a_rate_counts_its_calls() -> None:
    calls: list[int] = []
    per_second = bench.rate(10, lambda: calls.append(1))
    assert 0 < per_second <= 10 * len(calls) / bench.ROUND_S


@pytest.mark.parametrize(
    ("unit", "peers", "repeats", "words"),
    [("furlongs", {"p": 1}, 2, "unknown unit"), ("ms", {}, 2, "nobody"), ("ms", {"p": 1}, 1, "2")],
)
def test_what_cannot_be_compared_is_refused(unit, peers, repeats, words) -> None:
    with pytest.raises(InvalidInput, match=words):
        bench.run([contest(unit, 1, peers, None)], repeats)


def test_an_unknown_benchmark_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="kernels"), opened(benchmark_folder(), "../kernels"):
        pass


def test_a_missing_peer_names_the_command(folder: Path) -> None:
    (folder / "x.py").write_text("import no_such_peer\n")
    words = r"no_such_peer.*veristack-lab\[bench\]"
    with pytest.raises(InvalidInput, match=words), opened(folder, "x"):
        pass


def test_outside_a_checkout_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "checkout", lambda: None)
    with pytest.raises(InvalidInput, match="source tree"):
        benchmark_folder()


def test_the_command_writes_the_rows(folder: Path) -> None:
    pytest.importorskip("google_crc32c", reason="the bench extra is not installed")
    out = folder / "deep" / "rows.json"
    result = CliRunner().invoke(app, ["bench", "kernels", "--repeats", "2", "--out", str(out)])
    assert result.exit_code == 0, result.output
    rows = json.loads(out.read_text())
    assert {"P1", "P2", "P3"} <= {row["id"] for row in rows}
    for row in rows:
        assert row["ratio"] == pytest.approx(row["ours"] / row["peer_value"])
        assert row["met"] == (None if row["goal"] is None else row["ratio"] >= row["goal"])
