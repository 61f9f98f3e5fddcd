"""Kill real writer processes on the real file system, and audit what is left.

Names are loaded when first used: a forked writer needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from veristack_lab.sim.torture.kills import audit, torture, violations

__all__ = ["audit", "torture", "violations"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.kills"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
