"""The quick checkers have nothing to say: style, layout, the order of imports.

They run here and nowhere else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {
    "style": ["ruff", "check", "."],
    "layout": ["ruff", "format", "--check", "."],
    "imports": ["lint-imports"],
}


def assert_silent(program: str, *arguments: str) -> None:
    """Run one of the environment's checkers on the project."""
    argv = [str(Path(sys.executable).with_name(program)), *arguments]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("tool", TOOLS)
def test_the_checker_has_nothing_to_say(tool: str) -> None:
    assert_silent(*TOOLS[tool])
