"""Ingestion while the power is being cut, and how good the search is.

Both return a DataFrame with seed, parameters and counters in `.attrs`. Times are seconds on
the database's clock since the first document was offered. Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Broker": "drill",
        "TENANT": "drill",
        "connect_to": "quality",
        "ingest_under_fire": "under_fire",
        "retrieval_quality": "quality",
    },
)
