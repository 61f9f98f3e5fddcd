"""However the tour ends, no process and no file of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.crash

DEADLINE_S = 60
MARK = "VERISTACK_TEST_MARK"


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {DEADLINE_S} s"
        time.sleep(0.02)


def marked(mark: str) -> list[psutil.Process]:
    """Living processes that inherited the mark, at any depth."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)]
)
def test_a_tour_that_is_ended_in_the_middle_leaves_nothing(
    folder: Path, number: signal.Signals, code: int
) -> None:
    mark, scratch = uuid.uuid4().hex, folder / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "veristack_lab", "tour", "--only", "veristore", "--out"]
    with (folder / "log").open("wb") as log:
        tour = subprocess.Popen(
            [*command, str(folder / "report")],
            env={**os.environ, "TMPDIR": str(scratch), MARK: mark},
            stdout=log,
            stderr=log,
        )
    # The tour itself, its guardian, and a writer at work in the temporary folder.
    wait_for(lambda: len(marked(mark)) >= 3, "a child process of the tour")
    assert list(scratch.iterdir())
    tour.send_signal(number)
    assert tour.wait(DEADLINE_S) == code
    wait_for(lambda: not marked(mark), "the end of every process")
    assert list(scratch.iterdir()) == []
    assert not (folder / "report").exists()
