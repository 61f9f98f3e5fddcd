"""Documents -> log -> workers -> Postgres with pgvector -> search and answers.

    with smartsearch.connect(conninfo, bootstrap=..., gateway_url=...) as search:
        document = search.ingest("me", "request-1", "Some text.")
        search.search("me", "what does it say?")

Names are loaded on first use, so that importing the package does not import the drivers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.smartsearch import dead_letters
    from veristack_lab.smartsearch.client import Search, connect
    from veristack_lab.smartsearch.crew import Crew
    from veristack_lab.smartsearch.relay import Relay
    from veristack_lab.smartsearch.settings import Settings
    from veristack_lab.smartsearch.worker import Worker

__all__ = ["Crew", "Relay", "Search", "Settings", "Worker", "connect", "dead_letters"]


__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Crew": "crew",
        "Relay": "relay",
        "Search": "client",
        "Settings": "settings",
        "Worker": "worker",
        "connect": "client",
        "dead_letters": "dead_letters:",
    },
)
