"""A museum of known defects, each an override of one seam of the real engine.

    from veristack_lab import museum

    for exhibit in museum.exhibits():
        print(exhibit.name, exhibit.promise, exhibit.source)
    verdict = museum.run("torn-tail-kept")

"Ancestor" is the published system that this lab grew out of; V1, V2 and so on number its
defects. An exhibit names the seed under which the simulator finds the promise that it breaks. The
healthy engine is put through the same and has to come out whole.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from veristack_lab.museum.exhibit import Exhibit
    from veristack_lab.museum.registry import exhibits, find
    from veristack_lab.museum.visit import Verdict, run

__all__ = ["Exhibit", "Verdict", "exhibits", "find", "run"]

_HOMES = {
    "Exhibit": "exhibit",
    "Verdict": "visit",
    "exhibits": "registry",
    "find": "registry",
    "run": "visit",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
