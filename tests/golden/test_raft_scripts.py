"""The scripts of the Raft core say what the core does. How to record: see `raft_scripts`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.raft_scripts import FOLDER, run

SCRIPTS = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_gives_what_was_recorded(path: Path) -> None:
    text = path.read_text()
    assert run(text) == text


def test_there_are_at_least_25_scripts() -> None:
    assert len(SCRIPTS) >= 25


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_with_another_hash_seed_does_the_same(hash_seed: str) -> None:
    code = (
        "import hashlib; from tests.golden.raft_scripts import FOLDER, run; "
        "text = ''.join(run(p.read_text()) for p in sorted(FOLDER.glob('*.txt'))); "
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    here = "".join(path.read_text() for path in SCRIPTS)
    expected = hashlib.sha256(here.encode()).hexdigest()
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(FOLDER.parents[2])},
        cwd=FOLDER.parents[2],
    )
    assert done.stdout.strip() == expected
