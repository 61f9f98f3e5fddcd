"""Children die with their owner, however it dies, and its folders go with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.errors import BackendStartFailed, ProcessDied
from veristack_lab.runtime import guardian
from veristack_lab.runtime.processes import (
    MAX_STRETCH,
    Child,
    free_port,
    spawn,
    stretched,
    temporary_folder,
    wait_until_ready,
)

SLEEPER = "import time; time.sleep(600)"
PARENT_OF_SLEEPER = """
import subprocess, sys, time
below = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(below.pid, flush=True)
time.sleep(600)
"""
OWNER = f"""
import pathlib, sys, time
from veristack_lab.runtime.processes import spawn, temporary_folder
with temporary_folder() as folder:
    (folder / "deep" / "er").mkdir(parents=True)
    child = spawn([sys.executable, "-c", {PARENT_OF_SLEEPER!r}], name="c", log_path=folder / "log")
    paused = spawn([sys.executable, "-c", {SLEEPER!r}], name="p", log_path=folder / "log2")
    paused.pause()
    while not (folder / "log").read_text().endswith("\\n"):
        time.sleep(0.01)
    print(folder, child.pid, paused.pid, (folder / "log").read_text().strip(), flush=True)
    ENDING
"""


def gone(pid: int) -> bool:
    return guardian.start_ticks(pid) is None


@pytest.fixture
def sleeper(folder: Path) -> Iterator[Child]:
    child = spawn([sys.executable, "-c", SLEEPER], name="sleeper", log_path=folder / "log")
    with child:
        yield child


def run_owner(ending: str) -> tuple[subprocess.Popen[str], Path, list[int]]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.replace("ENDING", ending)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner.stdout:
        path, *pids = owner.stdout.readline().split()
    assert len(pids) == 3
    return owner, Path(path), [int(pid) for pid in pids]


@pytest.mark.crash
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_owner_leaves_no_child_and_no_folder(number: signal.Signals) -> None:
    owner, folder, pids = run_owner("time.sleep(600)")
    assert folder.is_dir()
    assert not any(map(gone, pids))
    owner.send_signal(number)
    owner.wait(PATIENCE_S)
    assert wait_until(lambda: all(map(gone, pids)))
    assert wait_until(lambda: not folder.exists())


@pytest.mark.crash
@pytest.mark.parametrize("ending", ["pass", "sys.exit(3)", "raise RuntimeError('no')", "1 / 0"])
def test_an_owner_that_ends_by_itself_leaves_nothing_either(ending: str) -> None:
    owner, folder, pids = run_owner(ending)
    owner.wait(PATIENCE_S)
    assert wait_until(lambda: all(map(gone, pids)) and not folder.exists())


@pytest.mark.crash
def test_a_forked_copy_that_ends_does_not_end_the_guardian(folder: Path) -> None:
    script = f"""
import os, pathlib, sys
from veristack_lab.runtime.processes import spawn
folder = pathlib.Path({str(folder)!r})
child = spawn([sys.executable, "-c", {SLEEPER!r}], name="c", log_path=folder / "l")
if os.fork() == 0:
    sys.exit(0)
os.wait()
print(child.pid, child.alive, flush=True)
sys.stdin.read()
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid, alive = owner.stdout.readline().split()
    assert alive == "True"
    assert not gone(int(pid))
    owner.communicate("", timeout=PATIENCE_S)
    assert wait_until(lambda: gone(int(pid)))


DETACHED = f"env -i setsid {sys.executable} -S -c 'import time; time.sleep(600)' & echo $!"
"""A daemon with a session of its own and a clean environment; the shell that started it ends."""
OWNER_OF_A_DAEMON = f"""
import pathlib, sys, time
from veristack_lab.runtime import guard
from veristack_lab.runtime.processes import spawn, temporary_folder
with temporary_folder() as folder:
    log = folder / "log"
    with spawn(["sh", "-c", {DETACHED!r}], name="sh", log_path=log) as shell:
        assert shell.wait(20) == 0
    child = spawn([sys.executable, "-S", "-c", {SLEEPER!r}], name="c", log_path=folder / "log2")
    print(folder, int(log.read_text()), child.pid, guard._guard._process.pid, flush=True)
    time.sleep(600)
"""


def run_owner_of_a_daemon() -> tuple[subprocess.Popen[str], Path, int, int, int]:
    argv = [sys.executable, "-c", OWNER_OF_A_DAEMON]
    owner = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        folder, daemon, child, guard = owner.stdout.readline().split()
    return owner, Path(folder), int(daemon), int(child), int(guard)


def guardians_of(owner: int) -> set[int]:
    above = guardian.parents()
    return {pid for pid, parent in above.items() if parent == owner and guardian.is_guardian(pid)}


def may_make_groups() -> bool:
    group = guardian.make_group("test")
    guardian.remove_group(group)
    return group is not None


@pytest.mark.crash
def test_a_killed_guardian_is_replaced_and_told_everything() -> None:
    owner, folder, _, child, guard = run_owner_of_a_daemon()
    for _ in range(3):
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda dead=guard: guardians_of(owner.pid) - {dead})
        (guard,) = guardians_of(owner.pid) - {guard}
    wait_until(lambda: open_pipe_is_read(guard))
    owner.kill()
    owner.wait(PATIENCE_S)
    wait_until(lambda: gone(child) and not folder.exists() and gone(guard))


def open_pipe_is_read(guard: int) -> bool:
    """Whether the guardian waits for messages, so that it has heard all that were sent."""
    return "poll" in Path(f"/proc/{guard}/wchan").read_text() or (
        Path(f"/proc/{guard}/stat").read_text().rpartition(")")[2].split()[0] == "S"
    )


@pytest.mark.crash
@pytest.mark.skipif(not may_make_groups(), reason="no control group can be made here")
def test_a_daemon_without_session_and_environment_ends_too() -> None:
    owner, folder, daemon, child, _ = run_owner_of_a_daemon()
    assert not gone(daemon)
    owner.kill()
    owner.wait(PATIENCE_S)
    wait_until(lambda: gone(daemon) and gone(child) and not folder.exists())


def test_a_ward_without_a_group_remembers_what_left_its_child(folder: Path) -> None:
    ward = guardian.Ward("no such token", None)
    slow = f"{DETACHED}; read line"
    log = folder / "log"
    with spawn(["sh", "-c", slow], name="sh", log_path=log, pipe_stdin=True) as shell:
        wait_until(lambda: log.read_text().endswith("\n"))
        ward.hear(f"child {shell.pid} {guardian.start_ticks(shell.pid)}".encode())
        ward.look()
    daemon = int(log.read_text())
    assert not gone(daemon)
    ward.kill_children()
    wait_until(lambda: gone(daemon))


@pytest.mark.crash
def test_a_guardian_of_a_killed_child_still_does_its_own_work(folder: Path) -> None:
    """A child that owns children and folders itself: its guardian must outlive our cleaning."""
    script = f"""
import sys, time
from veristack_lab.runtime.processes import spawn
inner = spawn([sys.executable, "-c", {OWNER.replace("ENDING", "time.sleep(600)")!r}],
              name="inner", log_path=__import__("pathlib").Path({str(folder / "log")!r}))
time.sleep(600)
"""
    owner = subprocess.Popen([sys.executable, "-c", script])
    log = folder / "log"
    wait_until(lambda: log.exists() and log.read_text().endswith("\n"))
    path, *pids = log.read_text().split()
    owner.kill()
    owner.wait(PATIENCE_S)
    wait_until(lambda: all(gone(int(pid)) for pid in pids) and not Path(path).exists())


@pytest.mark.crash
def test_kill_returns_when_the_process_is_gone(sleeper: Child) -> None:
    sleeper.kill()
    assert gone(sleeper.pid)
    assert sleeper.returncode == -signal.SIGKILL
    sleeper.kill()
    sleeper.stop()


@pytest.mark.crash
def test_kill_tree_takes_everything_below(folder: Path) -> None:
    log = folder / "log"
    with spawn([sys.executable, "-c", PARENT_OF_SLEEPER], name="parent", log_path=log) as child:
        assert wait_until(lambda: log.read_text().endswith("\n"))
        below = int(log.read_text())
        child.kill_tree()
        assert gone(child.pid)
        assert gone(below)


def test_pause_stands_still_and_resume_goes_on(folder: Path) -> None:
    log = folder / "log"
    ticking = "import time\nwhile True:\n    print('tick', flush=True)\n    time.sleep(0.01)"
    with spawn([sys.executable, "-c", ticking], name="ticking", log_path=log) as child:
        assert wait_until(lambda: log.stat().st_size > 0)
        child.pause()
        stat = Path(f"/proc/{child.pid}/stat")
        assert wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
        assert child.alive
        size = log.stat().st_size
        child.resume()
        assert wait_until(lambda: log.stat().st_size > size)


def test_a_paused_child_can_be_stopped(sleeper: Child) -> None:
    sleeper.pause()
    sleeper.stop()
    assert sleeper.returncode == -signal.SIGTERM


def test_a_child_that_ignores_the_question_is_killed(folder: Path) -> None:
    log = folder / "log"
    deaf = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf', flush=True)\n"
    child = spawn([sys.executable, "-c", deaf + SLEEPER], name="deaf", log_path=log)
    assert wait_until(lambda: log.read_text() == "deaf\n")
    child.stop(grace_s=0.1)
    assert child.returncode == -signal.SIGKILL


def test_a_program_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(BackendStartFailed, match="nothing could not be started"):
        spawn([folder / "missing"], name="nothing", log_path=folder / "log")


def test_waiting_for_a_child_that_dies_shows_its_last_words(folder: Path) -> None:
    argv = [sys.executable, "-c", "print('my last words'); raise SystemExit(7)"]
    child = spawn(argv, name="doomed", log_path=folder / "log")
    with pytest.raises(ProcessDied, match=r"doomed ended with code 7.*\nmy last words"):
        wait_until_ready(child, lambda: False)


def test_waiting_too_long_kills_the_child(sleeper: Child) -> None:
    with pytest.raises(BackendStartFailed, match=r"was not ready after [\d.]+ s"):
        wait_until_ready(sleeper, lambda: False, timeout_s=0.05)
    assert not sleeper.alive


def test_a_start_may_take_longer_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for load, factor in ((0.1, 1), (2.0, 1), (5.0, 2.5), (900.0, MAX_STRETCH)):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert stretched(30.0) == pytest.approx(30.0 * factor)


PAUSED_GUARDIAN = """
import os, signal
from veristack_lab.runtime.guard import current_guard
from veristack_lab.runtime.processes import temporary_folder
with temporary_folder() as folder:
    os.kill(current_guard()._process.pid, signal.SIGSTOP)
"""


def test_a_paused_guardian_does_not_keep_its_owner_alive() -> None:
    done = subprocess.run([sys.executable, "-c", PAUSED_GUARDIAN], timeout=PATIENCE_S, check=False)
    assert done.returncode == 0


def test_a_temporary_folder_is_gone_after_its_body() -> None:
    with temporary_folder("veristack-test-") as path:
        (path / "file").write_text("x")
        assert path.name.startswith("veristack-test-")
    assert not path.exists()


def test_a_child_sees_added_variables_and_the_token(folder: Path) -> None:
    argv = [
        sys.executable,
        "-c",
        "import os; print(os.environ['ADDED'], 'VERISTACK_GUARD' in os.environ)",
    ]
    with spawn(argv, name="env", log_path=folder / "log", env={"ADDED": "yes"}) as child:
        assert child.wait(PATIENCE_S) == 0
    assert child.log_tail() == "yes True"


def test_free_ports_can_be_bound() -> None:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))
        assert probe.getsockname()[1] > 0


def test_start_ticks_tell_processes_apart(sleeper: Child) -> None:
    own = guardian.start_ticks(os.getpid())
    assert own is not None
    assert guardian.start_ticks(os.getpid()) == own
    assert (guardian.start_ticks(sleeper.pid) or 0) >= own


def test_descendants_hold_the_whole_tree(sleeper: Child) -> None:
    assert {os.getpid(), sleeper.pid} <= guardian.with_descendants({os.getpid()})
    assert guardian.with_descendants({sleeper.pid}) == {sleeper.pid}


def test_parents_are_killed_before_their_children(sleeper: Child) -> None:
    me = os.getpid()
    assert guardian.parents_first([sleeper.pid, me, os.getppid()]) == [
        os.getppid(),
        me,
        sleeper.pid,
    ]


def test_a_segment_goes_only_when_its_maker_is_named_and_no_process_is_attached(
    folder: Path,
) -> None:
    program = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0, 56, 0o1600)
assert segment >= 0 and libc.shmat(segment, None, 0) not in (None, ctypes.c_void_p(-1).value)
print("attached", flush=True)
sys.stdin.read()
"""
    argv = [sys.executable, "-c", program]
    log_path = folder / "log"
    with spawn(argv, name="maker", log_path=log_path, pipe_stdin=True) as maker:
        wait_until_ready(maker, lambda: "attached" in maker.log_tail(), PATIENCE_S)
        assert guardian.orphaned_segments({maker.pid}) == []
        maker.kill()
    assert len(guardian.orphaned_segments({maker.pid})) == 1
    guardian.remove_segments({os.getpid()})
    assert len(guardian.orphaned_segments({maker.pid})) == 1
    guardian.remove_segments({maker.pid})
    assert guardian.orphaned_segments({maker.pid}) == []


def test_a_ward_forgets_what_was_released() -> None:
    ward = guardian.Ward("token", None)
    for what, path in (("folder", b"/a"), ("folder", b"/b \n"), ("release", b"/a")):
        ward.hear(f"{what} {path.hex()}".encode())
    assert ward.folders == {b"/b \n"}
