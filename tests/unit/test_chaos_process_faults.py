"""What is said of processes is so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from veristack_lab.chaos import process_faults
from veristack_lab.errors import ProcessDied, WaitExpired
from veristack_lab.runtime import processes

pytestmark = pytest.mark.crash


def test_the_life_of_a_process_as_seen_from_outside(folder: Path) -> None:
    argv = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    with processes.spawn(argv, name="sleeper", log_path=folder / "log") as child:
        process_faults.wait_until(child.pid, "running")
        child.pause()
        process_faults.wait_until(child.pid, "stopped")
        assert process_faults.condition(child.pid) == "stopped"
        with pytest.raises(WaitExpired, match="still stopped"):
            process_faults.wait_until(child.pid, "running", timeout_s=0.01)
        child.resume()
        process_faults.wait_until(child.pid, "running")
        child.kill()
        assert process_faults.condition(child.pid) == "gone"
        process_faults.wait_until(child.pid, "gone")
        with pytest.raises(ProcessDied, match="it should be running"):
            process_faults.wait_until(child.pid, "running")
