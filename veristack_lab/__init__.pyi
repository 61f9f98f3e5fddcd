from veristack_lab import (
    backends,
    chaos,
    claims,
    errors,
    kernels,
    llmcache,
    museum,
    processes,
    progress,
    sim,
    smartsearch,
    veriflow,
    veristore,
    viz,
    widgets,
)

__all__ = [
    "__version__",
    "backends",
    "chaos",
    "claims",
    "errors",
    "kernels",
    "llmcache",
    "museum",
    "processes",
    "progress",
    "sim",
    "smartsearch",
    "veriflow",
    "veristore",
    "viz",
    "widgets",
]

__version__: str
