"""What became of a child that ran checks, from the files that it left (see `child`)."""

from __future__ import annotations

import json
import re
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

from veristack_lab.labs import telling

_THREAD = re.compile(r"^(Thread|Current thread) .*:$", re.MULTILINE)
_FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+) in ', re.MULTILINE)
TIMED_OUT = "Timeout ("
"""How faulthandler begins when the time is up."""
MAX_OTHERS = 4
"""At most this many other threads are named."""


def events(folder: Path) -> list[dict[str, Any]]:
    """What the child told, whole lines only."""
    path = folder / "events.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def printed(folder: Path, position: int) -> str:
    """What the learner's code printed in one check."""
    path = folder / f"printed-{position}.txt"
    return path.read_text(errors="replace") if path.exists() else ""


def death(folder: Path, learners: Path, code: int, limit_s: float) -> dict[str, str]:
    """The first bad event of a check in which the process ended.

    Args:
        folder: of the child's files.
        learners: the folder of the learner's file.
        code: what the process ended with, negative for a signal.
        limit_s: the limit of each check.
    """
    given, _, expected = _slate(folder).partition("\n")
    stacks = folder / "stacks.txt"
    text = stacks.read_text(errors="replace") if stacks.exists() else ""
    if TIMED_OUT in text or code == -signal.SIGKILL:
        got = f"no end within {limit_s:.3g} s"
    elif code < 0:
        got = f"the end of the process by {signal.Signals(-code).name}"
    else:
        got = f"the end of the process, with code {code}"
    return {
        "state": "failed",
        "given": given or "this check",
        "expected": expected or "an answer",
        "got": got,
        "where": place(text, learners),
    }


def place(stacks: str, learners: Path) -> str:
    """The learner's line in which the main thread was, and those of the other threads."""
    starts = [found.start() for found in _THREAD.finditer(stacks)]
    blocks = [stacks[a:b] for a, b in pairwise([*starts, len(stacks)])]
    # Main comes last, but where the process crashed, the thread that did it is marked.
    blocks.sort(key=lambda block: block.startswith("Current"))
    lines = [line for block in reversed(blocks) if (line := _own_line(block, learners))]
    others = list(dict.fromkeys(lines[1:]))
    text = lines[0] if lines else ""
    return text + "".join(f", another thread at {line}" for line in others[:MAX_OTHERS])


def _own_line(block: str, learners: Path) -> str:
    for frame in _FRAME.finditer(block):
        path = Path(frame["path"])
        if learners in path.parents:
            return telling.where(path, int(frame["line"]))
    return ""


def _slate(folder: Path) -> str:
    path = folder / "slate"
    content = path.read_bytes() if path.exists() else b""
    return content.partition(b"\0")[0].decode(errors="replace")
