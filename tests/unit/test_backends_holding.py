"""A second server on one folder is told who holds it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import wait_until
from veristack_lab.backends.holding import LOCK_NAME, describe, held
from veristack_lab.errors import FolderHeld, FolderUnusable

HOLDER = """
import sys, time
from pathlib import Path
from veristack_lab.backends.holding import held
with held(Path(sys.argv[1]), "Postgres", "Stop it"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_holder_is_named_with_its_pid_its_command_and_since_when(folder: Path) -> None:
    argv = [sys.executable, "-c", HOLDER, str(folder / "data")]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(FolderHeld) as refused,
            held(folder / "data", "Postgres", "Stop it there"),
        ):
            raise AssertionError("two servers in one folder")
        told = str(refused.value)
        assert f"Postgres runs in {folder / 'data'} already: process {process.pid} (" in told
        assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Stop it there$", told)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with held(folder / "data", "Postgres", "Stop it"):
            assert str(os.getpid()) in (folder / "data" / LOCK_NAME).read_text()


def test_a_second_one_in_this_process_is_told_so(folder: Path) -> None:
    with (
        held(folder, "Kafka", "Stop it"),
        pytest.raises(FolderHeld, match=r"`, this one\) holds the folder since"),
        held(folder, "Kafka", "Stop it"),
    ):
        raise AssertionError("two servers in one folder")


def test_a_folder_is_free_again_after_its_block(folder: Path) -> None:
    for _ in range(2):
        with held(folder, "Kafka", "Stop it"):
            assert (folder / LOCK_NAME).read_bytes()
        assert (folder / LOCK_NAME).read_bytes() == b""


def test_children_do_not_hold_it_on(folder: Path) -> None:
    with held(folder, "Kafka", "Stop it"):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    wait_until(lambda: child.poll() is None, "the child runs")
    with held(folder, "Kafka", "Stop it"):
        assert child.poll() is None
    child.communicate(b"\n")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"pid": "x"}', b"\xff"])
def test_a_holder_that_wrote_nothing_readable_is_no_riddle(content: bytes) -> None:
    assert describe(content) == "a process that has not told its name yet"


def test_a_folder_below_a_file_is_refused(folder: Path) -> None:
    (folder / "file").write_text("")
    for path in (folder / "file", folder / "file" / "below"):
        with (
            pytest.raises(FolderUnusable, match="there is a file where a folder is needed"),
            held(path, "Postgres", "Stop it"),
        ):
            raise AssertionError("no folder")


def test_a_folder_that_cannot_be_made_is_refused() -> None:
    with (
        pytest.raises(FolderUnusable, match=r"^/proc/nonsense cannot be used: "),
        held(Path("/proc/nonsense"), "Postgres", "Stop it"),
    ):
        raise AssertionError("no folder")
