"""What the operating system says of a process, and waiting until it says something else.

SIGSTOP is the nastier half of a crash: the process keeps its sockets, its locks and its
leases, answers no request, and may come back at any moment as if no time had passed.
"""

from __future__ import annotations

import time
from typing import Literal

import psutil

from veristack_lab.errors import ProcessDied, WaitExpired

Condition = Literal["running", "stopped", "gone"]

SIGNAL_TIMEOUT_S = 5.0
"""How long a process may take to obey a signal; one in the middle of disk IO takes its time."""
POLL_INTERVAL_S = 0.002


def condition(pid: int) -> Condition:
    """What the operating system says of a process; one that is dead but not reaped is gone."""
    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return "gone"
    if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        return "gone"
    return "stopped" if status == psutil.STATUS_STOPPED else "running"


def wait_until(pid: int, wanted: Condition, timeout_s: float = SIGNAL_TIMEOUT_S) -> None:
    """Wait until a process that was signalled has obeyed: a signal only asks.

    Raises:
        ProcessDied: it ended instead.
        WaitExpired: it did not obey in time.
    """
    deadline = time.monotonic() + timeout_s
    while (seen := condition(pid)) != wanted:
        if seen == "gone":
            raise ProcessDied(f"process {pid} is gone; it should be {wanted}")
        if time.monotonic() > deadline:
            raise WaitExpired(f"process {pid} is still {seen} after {timeout_s:g} s")
        time.sleep(POLL_INTERVAL_S)
