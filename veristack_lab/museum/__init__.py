"""A museum of known defects, each an override of one seam of the real code.

    from veristack_lab import museum

    for exhibit in museum.exhibits():
        print(exhibit.name, exhibit.promise, exhibit.source)
    verdict = museum.run("torn-tail-kept")

"Ancestor" is the published system that this lab grew out of; V1, V2 and so on number its
defects. A wing holds the exhibits of one subject. An exhibit names its trial, with the seed under
which the simulator finds the promise that it breaks. The healthy code runs through the same trial
and must keep every promise.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from veristack_lab.museum.exhibit import Exhibit, Trial
    from veristack_lab.museum.registry import exhibits, find, group, wings
    from veristack_lab.museum.visit import Verdict, run

__all__ = ["Exhibit", "Trial", "Verdict", "exhibits", "find", "group", "run", "wings"]

_HOMES = {
    "Exhibit": "exhibit",
    "Trial": "exhibit",
    "Verdict": "visit",
    "exhibits": "registry",
    "find": "registry",
    "group": "registry",
    "run": "visit",
    "wings": "registry",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
