"""Peak memory of this process and everything below it, sampled while the tour runs."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

SAMPLE_EVERY_S = 0.5


def proportional_bytes(pid: int) -> int:
    """Memory of one process, pages shared with others counted by their share (PSS).

    Several engines map the same model file, and Postgres workers the same buffers: adding up
    resident sizes would count those pages once for each process.
    """
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


class PeakMemory:
    """Context manager; afterwards `peak_bytes` and `peak_processes` hold the peak."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.peak_processes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            self._sample()

    def _sample(self) -> None:
        own = psutil.Process()
        pids = [own.pid, *(child.pid for child in own.children(recursive=True))]
        total = sum(proportional_bytes(pid) for pid in pids)
        if total > self.peak_bytes:
            self.peak_bytes, self.peak_processes = total, len(pids)
