from veristack_lab import (
    backends,
    chaos,
    errors,
    kernels,
    lessons,
    llmcache,
    museum,
    runtime,
    sim,
    smartsearch,
    veriflow,
    veristore,
    viz,
    widgets,
)
from veristack_lab.runtime import guardian

__all__ = [
    "__version__",
    "backends",
    "chaos",
    "errors",
    "guardian",
    "kernels",
    "lessons",
    "llmcache",
    "museum",
    "runtime",
    "sim",
    "smartsearch",
    "veriflow",
    "veristore",
    "viz",
    "widgets",
]

__version__: str
