"""Real kills: of writers by the torture, and of the commands themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.errors import InvalidInput, ProcessDied
from veristack_lab.runtime import guardian
from veristack_lab.sim.torture import audit, torture, violations
from veristack_lab.sim.torture.kills import nursery
from veristack_lab.sim.torture.load import (
    BUCKET,
    OBJECT_WRITER,
    ExpectedObjects,
    expectations,
    object_operation,
    open_for_audit,
)
from veristack_lab.veristore.experiments.workload import operation
from veristack_lab.veristore.experiments.writer import Acknowledgement
from veristack_lab.viz import sim as figures

KILLS = 16


@pytest.mark.crash
def test_killed_writers_lose_nothing(folder: Path) -> None:
    ticks: list[tuple[int, int]] = []
    frame = torture(folder, kills=KILLS, seed=3, on_progress=lambda *tick: ticks.append(tick))
    assert violations(frame) == 0
    assert ticks == [(kill, KILLS) for kill in range(1, KILLS + 1)]
    assert (frame["acknowledged"] >= frame["kill_after"]).all()
    assert frame["kept"].sum() > 0, "some kills fell between the commit and its acknowledgement"
    assert frame["snapshot_lsn"].max() > 0, "checkpoints were part of the load"
    assert frame["objects"].max() > 1
    assert (frame["torn_bytes"] > 0).sum() >= KILLS // 4 - 1
    assert frame["recovered_lsn"].is_monotonic_increasing
    figure = figures.kills(frame)
    assert f"{KILLS} kills" in figure.layout.title.text


@pytest.mark.crash
def test_a_writer_that_ends_by_itself_is_an_error(folder: Path) -> None:
    with nursery(folder / "log") as writers:
        (folder / "store").write_bytes(b"a file where the store should be")
        (folder / "acks").touch()
        pid = writers.fork(folder / "store", folder / "acks", 0, [0, 0, 0, 0])
        wait_until(lambda: guardian.start_ticks(pid) is None, "the writer cannot go on")
        with pytest.raises(ProcessDied, match="NotAStore"):
            writers.kill(pid)


def test_how_long_is_said_in_one_way(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="seconds or kills"):
        torture(folder)
    with pytest.raises(InvalidInput, match="seconds or kills"):
        torture(folder, seconds=1, kills=1)


def test_the_audit_sees_what_is_wrong(folder: Path) -> None:
    """An audit that cannot fail proves nothing."""
    done = 30
    acks = [Acknowledgement(OBJECT_WRITER, number, 0) for number in range(done)]
    model = ExpectedObjects(5, OBJECT_WRITER)
    model.advance(done)

    def left(state: dict[bytes, bytes], name: str) -> dict[str, object]:
        store, objects = open_for_audit(folder / name)
        with store:
            objects.create_bucket(BUCKET)
            for key, content in state.items():
                objects.put(BUCKET, key.decode(), content)
        return audit(folder / name, expectations(5), acks, 0)

    assert left(model.state, "whole")["lost"] == 0
    key = max(model.state, key=lambda name: len(model.state[name]))
    assert left({**model.state, key: b"half"}, "half")["mixed"] == 1
    earlier = ExpectedObjects(5, OBJECT_WRITER)
    earlier.advance(done - 3)
    assert left(earlier.state, "earlier")["lost"] in (1, 2, 3)
    late = Acknowledgement(0, 0, 10_000)
    row = audit(folder / "whole", expectations(5), [*acks, late], 0)
    assert row["lsn_went_back"]
    assert row["lost"] == 1, f"no write put {operation(5, 0, 0)}"


def test_operations_follow_the_seed() -> None:
    contents = [object_operation(1, number) for number in range(200)]
    assert contents == [object_operation(1, number) for number in range(200)]
    assert contents != [object_operation(2, number) for number in range(200)]
    sizes = {len(content) // 1000 for _, content in contents if content is not None}
    assert sizes == {0, 3, 6, 30}, "small ones in the log, large ones in files"
    assert any(content is None for _, content in contents)


# ------------------------------------------------------------- the commands themselves


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "veristack_lab", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def below(pid: int) -> set[int]:
    """Living processes below one, without the guardian, which leaves last by design."""
    found = guardian.with_descendants({pid}) - {pid}
    return {child for child in found if guardian.start_ticks(child) and not is_guardian(child)}


def is_guardian(pid: int) -> bool:
    try:
        return b"guardian" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


@pytest.mark.crash
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize(
    "arguments",
    [
        ["crash-sweep", "--exhaustive", "--workers", "2"],
        ["store", "torture", "--seconds", "60"],
    ],
)
def test_nothing_is_left_of_a_command(arguments: list[str], number: int) -> None:
    with start(arguments) as process:
        try:
            wait_until(lambda: len(below(process.pid)) >= 2, "it has processes of its own")
            children = below(process.pid)
            os.kill(process.pid, number)
            process.wait(PATIENCE_S)
        finally:
            process.kill()
    if number == signal.SIGINT:
        assert process.returncode == 130
    wait_until(lambda: not any(map(guardian.start_ticks, children)), "they end too")


@pytest.mark.crash
def test_the_command_prints_the_kills(folder: Path) -> None:
    arguments = ["store", "torture", "--seconds", "1", "--path", str(folder / "t")]
    done = subprocess.run(
        [sys.executable, "-m", "veristack_lab", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert lines["violations"].strip() == "0"
    assert int(lines["kills"].split()[0]) > 0
    assert (folder / "t" / "store").is_dir()
    again = subprocess.run(
        [sys.executable, "-m", "veristack_lab", *arguments], capture_output=True, text=True
    )
    assert again.returncode == 1
    assert "not an empty folder" in again.stderr
