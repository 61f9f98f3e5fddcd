"""Documents -> log -> workers -> Postgres with pgvector -> search and answers.

    with smartsearch.connect(conninfo, bootstrap=..., gateway_url=...) as search:
        document = search.ingest("me", "request-1", "Some text.")
        search.search("me", "what does it say?")

Names are loaded on first use, so that importing the package does not import the drivers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veristack_lab.smartsearch import dead_letters
    from veristack_lab.smartsearch.client import Search, connect
    from veristack_lab.smartsearch.crew import Crew
    from veristack_lab.smartsearch.relay import Relay
    from veristack_lab.smartsearch.settings import Settings
    from veristack_lab.smartsearch.worker import Worker

_HOMES = {
    "Crew": "crew",
    "Relay": "relay",
    "Search": "client",
    "Settings": "settings",
    "Worker": "worker",
    "connect": "client",
}

__all__ = ["Crew", "Relay", "Search", "Settings", "Worker", "connect", "dead_letters"]


def __getattr__(name: str) -> Any:
    if name == "dead_letters":
        return importlib.import_module("veristack_lab.smartsearch.dead_letters")
    if name in _HOMES:
        module = importlib.import_module(f"veristack_lab.smartsearch.{_HOMES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
