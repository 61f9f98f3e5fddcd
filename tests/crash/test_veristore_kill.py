"""A real writer process is killed many times; every acknowledged write must be there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.thoroughness import sized
from tests.waiting import PATIENCE_S
from veristack_lab.runtime.processes import spawn, wait_until_ready
from veristack_lab.veristore.experiments import kill_and_recover
from veristack_lab.veristore.experiments.workload import Expected, check, operation

KILLS = sized(12, 50)


@pytest.mark.crash
def test_kills_lose_nothing(folder: Path) -> None:
    ticks: list[tuple[int, int]] = []
    frame = kill_and_recover(folder, KILLS, 1, on_progress=lambda *tick: ticks.append(tick))
    assert len(frame) == KILLS
    assert ticks == [(kill, KILLS) for kill in range(1, KILLS + 1)]
    assert (frame["acknowledged"] >= frame["kill_after"]).all()
    assert frame["lost"].sum() == 0
    assert frame["mixed"].sum() == 0
    assert (frame["torn_bytes"] >= frame["torn_by_us"]).all()
    assert frame["lsn_monotonic"].all()
    assert frame["snapshot_lsn"].max() > 0, "kills fell before and after checkpoints"


_WRITE_AND_WAIT = """
import sys
import veristack_lab.veristore as veristore
store = veristore.open(sys.argv[1])
for number in range(100):
    store.put(b"%d" % number, b"v" * number)
print("written", flush=True)
sys.stdin.read()
"""


@pytest.mark.crash
def test_a_store_that_is_killed_between_writes_has_room_and_no_torn_tail(folder: Path) -> None:
    path, log = folder / "s", folder / "writer.log"
    command = [sys.executable, "-c", _WRITE_AND_WAIT, path]
    with spawn(command, name="writer", log_path=log, pipe_stdin=True) as writer:
        wait_until_ready(writer, lambda: b"written" in log.read_bytes())
        writer.kill()
    report = veristore.recover_report(path)
    assert [(one.refusal, one.torn_bytes, one.keys) for one in report.modes] == [("", 0, 100)] * 4
    assert report.segments[0].reserved_bytes > 0
    with veristore.open(path, recovery="absolute-consistency") as store:
        recovery = store.stats().recovery
        assert (recovery.torn_bytes, recovery.damage, recovery.after_crash) == (0, (), True)


@pytest.mark.crash
def test_seeds_kill_at_different_points(folder: Path) -> None:
    aims = [
        kill_and_recover(folder / str(number), 2, seed, writers=1)["kill_after"].tolist()
        for number, seed in enumerate((1, 2, 1))
    ]
    assert aims[0] == aims[2] != aims[1]


def test_the_audit_sees_what_is_wrong() -> None:
    """An audit that cannot fail proves nothing."""
    full = Expected(7, 0)
    full.advance(40)
    assert check(Expected(7, 0), 40, dict(full.state)).lost == 0

    short = Expected(7, 0)
    short.advance(33)
    finding = check(Expected(7, 0), 40, dict(short.state))
    assert finding.lost > 0
    assert not finding.mixed

    put = next(n for n in range(40, 100) if operation(7, 0, n)[0][1] is not None)
    ahead = Expected(7, 0)
    ahead.advance(put + 1)
    finding = check(Expected(7, 0), put, dict(ahead.state))
    assert (finding.lost, finding.kept_unacknowledged, finding.mixed) == (0, 1, False)

    batch = next(n for n in range(40, 100) if len(operation(7, 0, n)) == 3)
    half = Expected(7, 0)
    half.advance(batch)
    key, value = operation(7, 0, batch)[0]
    assert value is not None
    finding = check(Expected(7, 0), batch, {**half.state, key: value})
    assert finding.mixed


@pytest.mark.crash
@pytest.mark.parametrize("arguments", [("store", "serve"), ("s3", "serve")])
def test_a_killed_server_lets_go_of_its_store(folder: Path, arguments: tuple[str, str]) -> None:
    log = folder / "server.log"
    command = [sys.executable, "-m", "veristack_lab", *arguments, folder / "s", "--port", "0"]
    with spawn(command, name="server", log_path=log) as server:
        wait_until_ready(server, lambda: b"listening on" in log.read_bytes())
        server.kill()
    with veristore.open(folder / "s") as store:
        assert len(store) == 0


@pytest.mark.parametrize("arguments", [("store", "serve"), ("s3", "serve")])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_cleanly(folder: Path, arguments: tuple[str, str], number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "veristack_lab", *arguments, folder / "s", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on ")
        process.send_signal(number)
        try:
            rest, errors = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
        assert (process.returncode, rest, errors) == (0, "", "")
