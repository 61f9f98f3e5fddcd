"""The benchmark harness: who is better, by how much, and what is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veristack_lab import bench
from veristack_lab.bench import Contest, Contestant
from veristack_lab.cli import app
from veristack_lab.cli.bench import benchmark_folder, chosen, opened
from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import paths


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


def on_disk(speeds: list[float], ours: float = 1.0) -> Contest:
    return Contest(
        "D",
        "a work item",
        "puts/s",
        fixed("ours", ours),
        [fixed("peer", 2.0)],
        0.4,
        yardstick=fixed("the bare disk", *speeds),
    )


def test_no_verdict_while_the_yardstick_swings() -> None:
    (row,) = bench.run([on_disk([0, 100, 900, 100, 900, 100])], repeats=5)
    assert (row.goal, row.met, row.ratio) == (0.4, None, 0.5)
    assert row.profile.startswith("no verdict: the bare disk swung between 100 and 900")


def test_a_steady_yardstick_lets_the_goal_be_judged_and_is_no_peer() -> None:
    (row,) = bench.run([on_disk([0, 100, 150, 120, 110, 130])], repeats=5)
    assert (row.peer, row.met, row.profile) == ("peer", True, "")


def test_only_a_missed_goal_is_profiled() -> None:
    asked: list[float] = []

    def why(ours: float) -> str:
        asked.append(ours)
        return "the limit is elsewhere"

    plain = contest("ms", 5, {"peer": 1}, 1.0)
    missed, met = replace(plain, profile=why), replace(plain, goal=0.1, profile=why)
    rows = bench.run([missed, met], repeats=2)
    assert [row.profile for row in rows] == ["the limit is elsewhere", ""]
    assert asked == [5]
    assert bench.summary(rows) == {"met": ["X"], "missed": ["X"], "no verdict": []}


def test_long_work_has_fewer_rounds_but_never_more() -> None:
    seen: list[tuple[int, int]] = []
    long = replace(contest("ms", 1, {"peer": 1}, None), rounds=2)
    bench.run([long, contest("ms", 1, {"peer": 1}, None)], 4, lambda *step: seen.append(step))
    assert seen == [(done, 3 + 5) for done in range(1, 9)]


@pytest.mark.parametrize(
    ("unit", "peers", "repeats", "words"),
    [
        ("furlongs", {"p": 1}, 2, "unknown unit"),
        ("ms", {}, 2, "no peers"),
        ("ms", {"p": 1}, 1, "2"),
    ],
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


ONE_CONTEST = """
from veristack_lab.bench import Contest, Contestant
{imports}
def contests():
    return [Contest("{id}", "work", "ms", Contestant("a", lambda: 1.0), [Contestant("b", {peer})])]
"""


def test_a_benchmark_may_include_others_and_use_modules_beside_it(folder: Path) -> None:
    (folder / "_beside.py").write_text("def peer():\n    return 2.0\n")
    other = ONE_CONTEST.format(id="A1", imports="from _beside import peer", peer="peer")
    (folder / "other.py").write_text(other)
    both = ONE_CONTEST.format(id="B1", imports="INCLUDES = ('other',)", peer="lambda: 3.0")
    (folder / "both.py").write_text(both)
    before = list(sys.path)
    with opened(folder, "both") as contests:
        assert [found.id for found in contests] == ["A1", "B1"]
        assert [found.id for found in chosen(contests, "B, C")] == ["B1"]
        with pytest.raises(InvalidInput, match="A1, B1"):
            chosen(contests, "P")
    assert sys.path == before
    del sys.modules["_beside"]


def test_the_store_is_held_to_each_of_its_eight_goals() -> None:
    pytest.importorskip("rocksdict", reason="the bench extra is not installed")
    with opened(benchmark_folder(), "store") as contests:
        names = [found.id for found in contests]
        with_goals = {found.id.split("-")[0] for found in contests if found.goal is not None}
    assert len(set(names)) == len(names)
    assert with_goals == {f"P{number}" for number in range(1, 9)}


def test_outside_a_checkout_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "checkout", lambda: None)
    with pytest.raises(InvalidInput, match="source tree"):
        benchmark_folder()


def test_the_command_writes_the_rows(folder: Path) -> None:
    pytest.importorskip("google_crc32c", reason="the bench extra is not installed")
    out = folder / "deep" / "rows.json"
    arguments = ["kernels", "--repeats", "2", "--only", "P2,P3-list", "--out", str(out)]
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == 0, result.output
    rows = json.loads(out.read_text())
    assert [row["id"] for row in rows] == ["P2", "P3-list", "P2-64"]
    for row in rows:
        assert row["ratio"] == pytest.approx(row["ours"] / row["peer_value"])
        assert row["met"] == (None if row["goal"] is None else row["ratio"] >= row["goal"])
