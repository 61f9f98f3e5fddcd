from veristack_lab import (
    backends,
    chaos,
    errors,
    kernels,
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

__all__ = [
    "__version__",
    "backends",
    "chaos",
    "errors",
    "kernels",
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
