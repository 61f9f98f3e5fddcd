"""However the owner of all three servers ends, no process, file or segment stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.runtime.guardian import start_ticks

pytestmark = [pytest.mark.crash, pytest.mark.backends]

OWNER = """
import os, signal
for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "OLLAMA_HOST", "PGHOST", "PGDATABASE"):
    os.environ.pop(name, None)
from veristack_lab.backends.kafka import kafka
from veristack_lab.backends.llm import llm
from veristack_lab.backends.postgres import postgres
from veristack_lab.runtime.processes import temporary_folder
with (
    temporary_folder() as folder,
    postgres(folder / "postgres"),
    kafka(folder / "kafka"),
    llm(folder / "llm", model="tiny"),
):
    print(folder, flush=True)
    signal.pause()
"""


POSTGRES_OWNER = """
import os, signal
for name in ("DATABASE_URL", "PGHOST", "PGDATABASE"):
    os.environ.pop(name, None)
from veristack_lab.backends.postgres import postgres
with postgres() as server:
    print(server.pid, flush=True)
    signal.pause()
"""


def segments_of(pids: set[int]) -> list[str]:
    """System V shared-memory segments that one of these processes made."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [line for line in lines if int(line.split()[4]) in pids]


def ids(segments: list[str]) -> list[str]:
    return [line.split()[1] for line in segments]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_owner_takes_its_servers_with_it(number: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout:
        folder = Path(owner.stdout.readline().strip())
    below = {process.pid for process in psutil.Process(owner.pid).children(recursive=True)}
    assert len(below) > 5  # a guardian, a postmaster with its helpers, a broker, two engines
    assert segments_of(below)
    owner.send_signal(number)
    owner.wait(PATIENCE_S)
    assert wait_until(lambda: all(start_ticks(pid) is None for pid in below))
    assert not folder.exists()
    assert not segments_of(below)


def test_a_postmaster_that_started_afresh_leaves_no_segment() -> None:
    """Killing one of its processes makes it drop its segment for a new one, unknown to us."""
    owner = subprocess.Popen(
        [sys.executable, "-c", POSTGRES_OWNER], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    with owner.stdout:
        postmaster = psutil.Process(int(owner.stdout.readline()))
    before = segments_of({postmaster.pid})
    assert before
    postmaster.children()[0].kill()
    assert wait_until(lambda: ids(segments_of({postmaster.pid})) not in ([], ids(before)))
    owner.kill()
    owner.wait(PATIENCE_S)
    assert wait_until(lambda: start_ticks(postmaster.pid) is None)
    assert wait_until(lambda: not segments_of({postmaster.pid}))


@pytest.mark.parametrize(
    ("service", "line"),
    [
        ("postgres", "export DATABASE_URL='postgresql://"),
        ("kafka", "export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:"),
        ("llm", "export OLLAMA_HOST=http://127.0.0.1:"),
    ],
)
def test_a_server_in_the_foreground_ends_cleanly(service: str, line: str, folder: Path) -> None:
    argv = [sys.executable, "-m", "veristack_lab", "backends", "start", service]
    server = subprocess.Popen([*argv, "--folder", str(folder)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    with server.stdout:
        printed = next((text for text in server.stdout if text.startswith("export")), "")
        below = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE_S) == 0
    assert printed.startswith(line)
    assert below
    assert wait_until(lambda: all(start_ticks(process.pid) is None for process in below))
