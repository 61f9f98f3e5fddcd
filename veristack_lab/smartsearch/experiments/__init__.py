"""Ingestion while the power is being cut, and how good the search is.

Both return a DataFrame with seed, parameters and counters in `.attrs`. Times are seconds on
the database's clock since the first document was offered. Names are loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from veristack_lab.smartsearch.experiments.drill import TENANT, Broker
    from veristack_lab.smartsearch.experiments.quality import connect_to, retrieval_quality
    from veristack_lab.smartsearch.experiments.under_fire import ingest_under_fire

__all__ = [
    "TENANT",
    "Broker",
    "connect_to",
    "ingest_under_fire",
    "retrieval_quality",
]

_HOMES = {
    "Broker": "drill",
    "TENANT": "drill",
    "connect_to": "quality",
    "ingest_under_fire": "under_fire",
    "retrieval_quality": "quality",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
