"""The shell that keeps parts alive, on real processes and threads."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.backoff import Backoff
from veristack_lab.runtime.parts import PartState, Restarts
from veristack_lab.runtime.processes import Child, spawn
from veristack_lab.runtime.supervised import EXIT_OUTAGE, ChildPart, ServerPart
from veristack_lab.runtime.supervisor import Supervisor, all_up

FAST = Restarts(Backoff(0.01, 0.02), deaths=3, window_s=1000)


def sleeper(folder: Path, program: str = "import time; time.sleep(600)") -> Child:
    return spawn([sys.executable, "-S", "-c", program], name="part", log_path=folder / "log")


def test_a_killed_child_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    part = ChildPart("sleeper", sleeper(tmp_path), lambda: sleeper(tmp_path))
    first = part.child.pid
    with Supervisor([part], FAST) as supervisor:
        assert all_up(supervisor.health())
        part.child.kill()
        wait_until(lambda: supervisor.health()[0].restarts == 1)
        (health,) = supervisor.health()
        assert (health.state, health.reason) == (PartState.UP, "started again")
        assert health.document()["name"] == "sleeper"
    assert part.child.pid != first
    part.stop()
    told = [record.getMessage() for record in caplog.records]
    assert any("part sleeper is down: it ended with code -9" in text for text in told)
    assert any("part sleeper is up again after" in text for text in told)


def test_a_crash_loop_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    program = "print('my last words'); raise SystemExit(7)"
    part = ChildPart("doomed", sleeper(tmp_path, program), lambda: sleeper(tmp_path, program))
    with Supervisor([part], FAST) as supervisor:
        wait_until(lambda: supervisor.health()[0].state is PartState.GAVE_UP)
        (health,) = supervisor.health()
    assert "3 times" in health.reason
    assert "code 7: my last words" in health.reason
    assert any(record.levelno == logging.ERROR for record in caplog.records)


def test_an_outage_is_waited_out(tmp_path: Path) -> None:
    away = f"raise SystemExit({EXIT_OUTAGE})"
    starts: list[int] = []

    def start() -> Child:
        starts.append(1)
        return sleeper(tmp_path, away) if len(starts) < 5 else sleeper(tmp_path)

    part = ChildPart("patient", sleeper(tmp_path, away), start)
    with Supervisor([part], FAST) as supervisor:
        wait_until(lambda: part.alive and len(starts) == 5)
        assert supervisor.health()[0].state is not PartState.GAVE_UP
    part.stop()


def test_a_server_that_does_not_start_is_tried_again() -> None:
    alive = threading.Event()
    failures = iter([BackendUnavailable("no database"), OSError("no port"), None])

    def start() -> None:
        failure = next(failures)
        if failure is not None:
            raise failure
        alive.set()

    with Supervisor([ServerPart("server", alive.is_set, start)], FAST) as supervisor:
        wait_until(lambda: supervisor.health()[0].restarts == 1)
    assert alive.is_set()


def test_a_stopped_child_is_silent_and_comes_back_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    part = ChildPart("sleeper", sleeper(tmp_path), lambda: sleeper(tmp_path))
    with part.child, Supervisor([part], FAST, probe_s=0.01) as supervisor:
        pid = part.child.pid
        part.child.pause()
        wait_until(lambda: supervisor.health()[0].state is PartState.SILENT)
        (health,) = supervisor.health()
        assert health.document()["state"] == "not answering"
        assert health.reason == "its process is stopped (SIGSTOP)"
        assert not all_up([health])
        part.child.resume()
        wait_until(lambda: all_up(supervisor.health()))
        assert supervisor.health()[0].reason == "answers again"
        assert (part.child.pid, supervisor.health()[0].restarts) == (pid, 0)
        part.child.pause()
        wait_until(lambda: supervisor.health()[0].state is PartState.SILENT)
        part.child.kill()
        wait_until(lambda: supervisor.health()[0].restarts == 1)
    part.stop()
    told = [record.getMessage() for record in caplog.records]
    assert "part sleeper is silent: its process is stopped (SIGSTOP)" in told
    assert "part sleeper answers again" in told


def test_a_start_that_ends_after_the_service_leaves_no_process(tmp_path: Path) -> None:
    may_end = threading.Event()
    begun: list[Child] = []

    def start() -> Child:
        begun.append(sleeper(tmp_path))
        may_end.wait(PATIENCE_S)
        return begun[0]

    part = ChildPart("sleeper", sleeper(tmp_path), start)
    part.child.kill()
    starting = threading.Thread(target=part.start)
    starting.start()
    wait_until(lambda: begun)
    part.stop()
    may_end.set()
    starting.join(PATIENCE_S)
    assert not begun[0].alive
    assert part.child is begun[0]


def test_a_question_that_fails_is_not_answered() -> None:
    def silence() -> str:
        raise OSError("no route")

    server = ServerPart("server", lambda: True, lambda: None, silence)
    with Supervisor([server], FAST, probe_s=0.01) as supervisor:
        wait_until(lambda: supervisor.health()[0].reason == "no route")
        assert supervisor.health()[0].state is PartState.SILENT
