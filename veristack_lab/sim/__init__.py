"""A simulator: a world of events in virtual time, and a disk whose power can be cut anywhere.

    from veristack_lab import sim

    frame = sim.crash_sweep(sim.workloads.two_hundred(), samples=500)
    verdict = sim.check_linearizable(history.operations())

Names are loaded when first used, so that importing the package stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.sim.clocks import SimClock
    from veristack_lab.sim.cluster.running import Result, run
    from veristack_lab.sim.cluster.scenario import Scenario
    from veristack_lab.sim.cluster.sweeping import shrink, sweep
    from veristack_lab.sim.disk.crash import POLICIES
    from veristack_lab.sim.disk.images import Image
    from veristack_lab.sim.disk.simdisk import SimDisk
    from veristack_lab.sim.history import UNKNOWN, History, Operation
    from veristack_lab.sim.linearizability import Verdict, check_linearizable
    from veristack_lab.sim.places import life_of_a_write
    from veristack_lab.sim.store import workloads
    from veristack_lab.sim.store.engine import (
        HEALTHY,
        Engine,
        engine_of,
        identity,
        objects_simulated,
        open_simulated,
    )
    from veristack_lab.sim.store.oracle import PROMISES
    from veristack_lab.sim.store.power_cuts import crash_sweep
    from veristack_lab.sim.store.recording import Recording, record
    from veristack_lab.sim.store.rot import ROT_PROMISES, rot_sweep
    from veristack_lab.sim.store.steps import Workload
    from veristack_lab.sim.store.tracing import Trace, explain

__all__ = [
    "HEALTHY",
    "POLICIES",
    "PROMISES",
    "ROT_PROMISES",
    "UNKNOWN",
    "Engine",
    "History",
    "Image",
    "Operation",
    "Recording",
    "Result",
    "Scenario",
    "SimClock",
    "SimDisk",
    "Trace",
    "Verdict",
    "Workload",
    "check_linearizable",
    "crash_sweep",
    "engine_of",
    "explain",
    "identity",
    "life_of_a_write",
    "objects_simulated",
    "open_simulated",
    "record",
    "rot_sweep",
    "run",
    "shrink",
    "sweep",
    "workloads",
]


__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Engine": "store.engine",
        "HEALTHY": "store.engine",
        "History": "history",
        "Image": "disk.images",
        "Operation": "history",
        "POLICIES": "disk.crash",
        "PROMISES": "store.oracle",
        "ROT_PROMISES": "store.rot",
        "Recording": "store.recording",
        "Result": "cluster.running",
        "Scenario": "cluster.scenario",
        "SimClock": "clocks",
        "SimDisk": "disk.simdisk",
        "Trace": "store.tracing",
        "UNKNOWN": "history",
        "Verdict": "linearizability",
        "Workload": "store.steps",
        "check_linearizable": "linearizability",
        "crash_sweep": "store.power_cuts",
        "engine_of": "store.engine",
        "explain": "store.tracing",
        "identity": "store.engine",
        "life_of_a_write": "places",
        "objects_simulated": "store.engine",
        "open_simulated": "store.engine",
        "record": "store.recording",
        "rot_sweep": "store.rot",
        "run": "cluster.running",
        "shrink": "cluster.sweeping",
        "sweep": "cluster.sweeping",
        "workloads": "store.workloads:",
    },
)
