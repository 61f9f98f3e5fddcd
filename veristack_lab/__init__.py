"""Build, break and measure a whole AI infrastructure stack.

    import veristack_lab as lab

    with lab.veristore.open("folder") as store:
        store.put(b"key", b"value")

The layers, from the ground up: `kernels`, `veristore`, `llmcache`, `veriflow`, `smartsearch`.
Beside them: `backends` finds or starts the real servers, `sim` cuts the power of a simulated
disk, `museum` keeps known defects, `widgets` shows all this and kills processes, `viz` draws
what the `experiments` of each layer measured, `runtime` and `errors` are shared by all.
Each is imported when it is first named (PEP 562): importing this package costs a few
milliseconds and loads no numba, pandas or plotly. Type checkers read `__init__.pyi`.
"""

from __future__ import annotations

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

_ELSEWHERE = {"guardian": "runtime.guardian"}
"""Modules of a layer that scripts outside import by a short name; this one lists descendants."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("veristack-lab")
    if name in __all__:
        from importlib import import_module

        return import_module(f"{__name__}.{_ELSEWHERE.get(name, name)}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
