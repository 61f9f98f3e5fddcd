"""Look at a process from outside, and stop it without ending it.

SIGSTOP is the nastier half of a crash: the process keeps its sockets, its locks and its
leases, answers nobody, and may come back at any moment believing that no time has passed.
"""

from __future__ import annotations

import time
from typing import Literal

import psutil

from veristack_lab.errors import ProcessDied

SIGNAL_TIMEOUT_S = 5.0
"""How long a process may take to obey a signal; one in the middle of disk IO takes its time."""

Condition = Literal["running", "stopped", "gone"]


def condition(pid: int) -> Condition:
    """What the operating system says of a process; one that is dead but not reaped is gone."""
    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return "gone"
    if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return "gone"
    return "stopped" if status == psutil.STATUS_STOPPED else "running"


def pause(pid: int) -> None:
    """SIGSTOP; returns when the process stands still.

    Raises:
        ProcessDied: there is no such process, or it does not obey.
    """
    _signal(pid, "stopped")


def resume(pid: int) -> None:
    """SIGCONT; returns when the process goes on, as if nothing had happened.

    Raises:
        ProcessDied: there is no such process, or it does not obey.
    """
    _signal(pid, "running")


def _signal(pid: int, wanted: Condition) -> None:
    # psutil checks that the id was not given to another process in between.
    try:
        process = psutil.Process(pid)
        process.suspend() if wanted == "stopped" else process.resume()
    except psutil.NoSuchProcess as error:
        raise ProcessDied(f"process {pid} cannot be signalled: it is gone") from error
    deadline = time.monotonic() + SIGNAL_TIMEOUT_S
    while (seen := condition(pid)) != wanted:
        if seen == "gone" or time.monotonic() > deadline:
            raise ProcessDied(f"process {pid} is {seen}; it should be {wanted}")
        time.sleep(0.002)
