"""The process of one run: `python -m veristack_lab.veriflow.run --run-id ID --epoch N`.

Takes where database and object store are from its environment and reports how it ended by its exit
code; both are described in `contract`.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import traceback
from uuid import UUID

from veristack_lab.errors import InvalidInput, LeaseLost, VeriStackError
from veristack_lab.veriflow.contract import (
    CONNINFO_VARIABLE,
    EXIT_BAD_JOB,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_LEASE_LOST,
    OBJECTS_VARIABLE,
    SCHEMA_VARIABLE,
)


def main() -> int:
    """Do the run; the exit code."""
    parser = argparse.ArgumentParser(description="One run of a training job.")
    parser.add_argument("--run-id", type=UUID, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    arguments = parser.parse_args()
    try:
        perform(arguments.run_id, arguments.epoch)
    except LeaseLost as error:
        print(f"LeaseLost: {error}", file=sys.stderr)
        return EXIT_LEASE_LOST
    except InvalidInput as error:
        print(f"InvalidInput: {error}", file=sys.stderr)
        return EXIT_BAD_JOB
    except VeriStackError:
        traceback.print_exc()
        return EXIT_FAILED
    return EXIT_DONE


def perform(run_id: UUID, epoch: int) -> None:
    """Find the run, do its workload, record the result.

    Commit point of the result: `RunLog.result`, guarded by the lease.

    Raises:
        LeaseLost: the run does not count any more.
        InvalidInput: the job cannot be done as it is described.
    """
    from veristack_lab.veriflow import workloads
    from veristack_lab.veriflow.context import RunContext
    from veristack_lab.veriflow.database import Database
    from veristack_lab.veriflow.runlog import RunLog
    from veristack_lab.veristore import RemoteObjectStore

    database = Database(os.environ[CONNINFO_VARIABLE], os.environ[SCHEMA_VARIABLE], connections=1)
    try:
        log, spec = RunLog.find(database, run_id, epoch)
        log.started(socket.gethostname(), os.getpid())
        workload, parameters = workloads.find(spec.workload), workloads.parameters(spec)
        objects = RemoteObjectStore(os.environ[OBJECTS_VARIABLE])
        log.result(workload.run(RunContext(spec.seed, objects, log), parameters))
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
