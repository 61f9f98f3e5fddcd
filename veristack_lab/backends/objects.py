"""The lab's own object store as a process of its own, for everything that runs beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from veristack_lab.runtime.processes import spawn, wait_until_ready

READY = "listening on "


@contextmanager
def object_server(folder: Path) -> Iterator[str]:
    """Serve the object store in `folder` over HTTP while the body runs; yields its URL.

    What is in the folder already is served again.

    Raises:
        ProcessDied: the server ended at once; the message holds the end of its log.
        BackendStartFailed: it was not ready in time.
    """
    log_path = folder / "object-server.log"
    log_path.unlink(missing_ok=True)  # a line of an earlier server must not be taken for ours
    argv = [sys.executable, "-m", "veristack_lab", "s3", "serve", str(folder / "objects")]
    with spawn(
        [*argv, "--port", "0"],
        name="object server",
        log_path=log_path,
        env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},  # ours alone: open
    ) as server:
        wait_until_ready(server, lambda: READY in server.log_tail())
        yield server.log_tail().split(READY)[1].split()[0]
