"""However the tour ends, no process and no file of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest

from tests.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.crash

MARK = "VERISTACK_TEST_MARK"
LOOK_S = 0.2
"""A look at the environment of every process takes long."""


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
    command = [
        sys.executable,
        "-m",
        "veristack_lab",
        "tour",
        "--only",
        "veristore",
        "--quick",
        "--out",
    ]
    with (folder / "log").open("wb") as log:
        tour = subprocess.Popen(
            [*command, str(folder / "report")],
            env={**os.environ, "TMPDIR": str(scratch), MARK: mark},
            stdout=log,
            stderr=log,
        )
    # The tour itself, its guardian, and a writer at work in the temporary folder.
    wait_until(lambda: len(marked(mark)) >= 3, "a child process of the tour", LOOK_S)
    assert list(scratch.iterdir())
    tour.send_signal(number)
    assert tour.wait(PATIENCE_S) == code
    wait_until(lambda: not marked(mark), "the end of every process", LOOK_S)
    assert list(scratch.iterdir()) == []
    assert not (folder / "report").exists()
