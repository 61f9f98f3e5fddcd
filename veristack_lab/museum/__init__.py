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

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.museum.exhibit import Exhibit, Trial
    from veristack_lab.museum.registry import exhibits, find, group, wings
    from veristack_lab.museum.visit import Verdict, run

__all__ = ["Exhibit", "Trial", "Verdict", "exhibits", "find", "group", "run", "wings"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Exhibit": "exhibit",
        "Trial": "exhibit",
        "Verdict": "visit",
        "exhibits": "registry",
        "find": "registry",
        "group": "registry",
        "run": "visit",
        "wings": "registry",
    },
)
