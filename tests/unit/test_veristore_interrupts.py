"""Ctrl-C at any moment: no caller is left waiting, and the store goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.faulty_disk import quick_folder
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


def test_ctrl_c_at_any_moment_strands_no_caller() -> None:
    """A timer presses it again and again while this thread and others write."""
    with quick_folder() as folder:
        argv = [sys.executable, "-m", "tests.interrupt_storm", folder]
        ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stderr
    acknowledged, there, stays = ended.stdout.split()
    assert int(acknowledged) > 100
    assert (there, stays) == ("True", "True")
