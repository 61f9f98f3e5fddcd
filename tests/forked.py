"""A fork that does one thing and tells how it went."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable

LIMIT_S = 60


def in_fork(work: Callable[[], object]) -> str:
    """What `work` returns in a fork of this process, as text, or the name of its error.

    A fork that hangs is ended by the kernel after a minute; the answer is then empty.
    """
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        # That threads are running is the point here; Python 3.12 warns of it.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIMIT_S)
        try:
            answer = str(work())
        except BaseException as error:  # noqa: BLE001 it is the answer
            answer = type(error).__name__
        os.write(writes, answer.encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        answer = pipe.read().decode()
    os.waitpid(pid, 0)
    return answer
