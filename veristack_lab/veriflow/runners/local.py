"""Runs as child processes on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

from veristack_lab.runtime.processes import Child, spawn
from veristack_lab.veriflow import contract
from veristack_lab.veriflow.records import Claim, Lease
from veristack_lab.veriflow.runners.protocol import Exit

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
ONE_THREAD = dict.fromkeys(THREAD_VARIABLES, "1")
"""One thread per run: sums are then always added in the same order, and so bit-identical."""


class LocalProcess:
    """Each run a process of its own, which dies with the scheduler, however the scheduler dies."""

    def __init__(self, folder: Path, *, conninfo: str, schema: str, objects_url: str) -> None:
        self._folder = folder
        self._children: dict[UUID, Child] = {}
        self._environment = {
            contract.CONNINFO_VARIABLE: conninfo,
            contract.SCHEMA_VARIABLE: schema,
            contract.OBJECTS_VARIABLE: objects_url,
            "PYTHONHASHSEED": "0",
            **ONE_THREAD,
        }

    def __repr__(self) -> str:
        return f"<LocalProcess {len(self._children)} running>"

    def start(self, claim: Claim) -> None:
        lease = claim.lease
        argv = [sys.executable, "-m", "veristack_lab.veriflow.run"]
        argv += ["--run-id", str(lease.run_id), "--epoch", str(lease.epoch)]
        self._children[lease.run_id] = spawn(
            argv,
            name=f"run {lease.run_id}",
            log_path=self._folder / f"run-{lease.run_id}.log",
            env=self._environment,
        )

    def poll(self, lease: Lease) -> Exit | None:
        child = self._children[lease.run_id]
        if child.returncode is None:
            return None
        del self._children[lease.run_id]
        return Exit(child.returncode, child.log_tail())

    def kill(self, lease: Lease) -> None:
        child = self._children.pop(lease.run_id, None)
        if child is not None:
            child.kill()
