"""A simulator for the store: a disk whose power can be cut anywhere, and the sweep that does.

    from veristack_lab import sim

    frame = sim.crash_sweep(sim.workloads.two_hundred(), samples=500)

Names are loaded when first used, so that importing the package stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from veristack_lab.sim import workloads
    from veristack_lab.sim.clock import SimClock
    from veristack_lab.sim.crash import POLICIES
    from veristack_lab.sim.disk import SimDisk
    from veristack_lab.sim.engine import (
        HEALTHY,
        Engine,
        engine_of,
        identity,
        objects_simulated,
        open_simulated,
    )
    from veristack_lab.sim.images import Image
    from veristack_lab.sim.oracle import PROMISES
    from veristack_lab.sim.recording import Recording, record
    from veristack_lab.sim.rot import ROT_PROMISES, rot_sweep
    from veristack_lab.sim.steps import Workload
    from veristack_lab.sim.sweep import crash_sweep
    from veristack_lab.sim.tracing import Trace, explain

_HOMES = {
    "HEALTHY": "engine",
    "POLICIES": "crash",
    "PROMISES": "oracle",
    "Engine": "engine",
    "Image": "images",
    "ROT_PROMISES": "rot",
    "Recording": "recording",
    "SimClock": "clock",
    "SimDisk": "disk",
    "Trace": "tracing",
    "Workload": "steps",
    "crash_sweep": "sweep",
    "engine_of": "engine",
    "explain": "tracing",
    "identity": "engine",
    "objects_simulated": "engine",
    "open_simulated": "engine",
    "record": "recording",
    "rot_sweep": "rot",
    "workloads": "",
}

__all__ = [
    "HEALTHY",
    "POLICIES",
    "PROMISES",
    "ROT_PROMISES",
    "Engine",
    "Image",
    "Recording",
    "SimClock",
    "SimDisk",
    "Trace",
    "Workload",
    "crash_sweep",
    "engine_of",
    "explain",
    "identity",
    "objects_simulated",
    "open_simulated",
    "record",
    "rot_sweep",
    "workloads",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not _HOMES[name]:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
