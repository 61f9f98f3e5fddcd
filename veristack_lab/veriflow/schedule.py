"""A scheduler as a process: `python -m veristack_lab.veriflow.schedule --id NAME ...`.

Prints one line `scheduling as NAME` when it is ready. SIGTERM and SIGINT shut it down cleanly:
its runs are ended and their jobs given back to the queue. After SIGKILL its runs die with it
and their leases run out.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path

from veristack_lab.runtime.supervised import ends_with_outage_code
from veristack_lab.veriflow.contract import CONNINFO_VARIABLE, OBJECTS_VARIABLE, SCHEMA_VARIABLE
from veristack_lab.veriflow.database import Database
from veristack_lab.veriflow.migrations import migrate
from veristack_lab.veriflow.runners.local import LocalProcess
from veristack_lab.veriflow.scheduler import Scheduler

READY = "scheduling as"


def main() -> None:
    """Parse the arguments and schedule until told to stop."""
    parser = argparse.ArgumentParser(description="Run queued training jobs.")
    parser.add_argument("--id", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for the output of runs")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--lease-s", type=float, default=10.0)
    parser.add_argument("--poll-s", type=float, default=0.2)
    arguments = parser.parse_args()
    schedule(
        conninfo=os.environ[CONNINFO_VARIABLE],
        schema=os.environ[SCHEMA_VARIABLE],
        objects_url=os.environ[OBJECTS_VARIABLE],
        scheduler_id=arguments.id,
        folder=arguments.folder,
        slots=arguments.slots,
        lease_s=arguments.lease_s,
        poll_s=arguments.poll_s,
    )


def schedule(
    *,
    conninfo: str,
    schema: str,
    objects_url: str,
    scheduler_id: str,
    folder: Path,
    slots: int = 1,
    lease_s: float = 10.0,
    poll_s: float = 0.2,
) -> None:
    """Run a scheduler in this process, on its main thread, until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    migrate(conninfo, schema)
    database = Database(conninfo, schema, connections=1)
    try:
        runner = LocalProcess(folder, conninfo=conninfo, schema=schema, objects_url=objects_url)
        scheduler = Scheduler(
            database, runner, scheduler_id, slots=slots, lease_s=lease_s, poll_s=poll_s
        )
        print(f"{READY} {scheduler_id}", flush=True)
        scheduler.run(stop)
    finally:
        database.close()


if __name__ == "__main__":
    with ends_with_outage_code():
        main()
