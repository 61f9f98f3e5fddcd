"""What a learner's file may use of the machine, so that a mistake costs its check and no more."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from pathlib import Path

_PROCESS_EVENTS = frozenset(
    {
        "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.posix_spawn", "os.spawn",
        "os.system", "pty.spawn", "subprocess.Popen",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """Bounds on the process that runs the checks."""

    memory_bytes: int = 512 << 20
    """On top of what the checks use before the learner's file is loaded."""
    file_bytes: int = 64 << 20
    """Size of any file that is written."""
    open_files: int = 256
    processes: int = 4096
    """Processes and threads of this user; on a shared machine others count, too."""
    cpu_s: int = 600
    """Time of the processor for all checks together; each check has a time limit of its own."""


def apply(limits: Limits) -> None:
    """Hold this process to the limits, for good."""
    _lower(resource.RLIMIT_DATA, _data_bytes() + limits.memory_bytes)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_NPROC, limits.processes)
    _lower(resource.RLIMIT_CPU, limits.cpu_s)
    _lower(resource.RLIMIT_CORE, 0)


def refuse_processes(folder: Path) -> None:
    """From now on, code of this folder can start no process and send no signal, for good.

    It gets a PermissionError that says so. The checks themselves are not bound by it.
    """
    inside = f"{folder}/"

    def look(event: str, _: tuple[object, ...]) -> None:
        if event not in _PROCESS_EVENTS:
            return
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_filename.startswith(inside):
                raise PermissionError(f"a lab's file may not start or signal a process ({event})")

    sys.addaudithook(look)


def _lower(kind: int, wanted: int) -> None:
    """Set both the soft and the hard limit, never above what is allowed already."""
    _, hard = resource.getrlimit(kind)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))


def _data_bytes() -> int:
    """Memory of this process that RLIMIT_DATA counts."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0
