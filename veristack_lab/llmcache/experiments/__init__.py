"""What can be measured about the serving layer, as functions that return DataFrames.

All of them work through the gateway's HTTP face, as a client does: the time to the first token
is the client's own. Cached-token counts are the engine's own. Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.llmcache.experiments.asking import (
        Engines,
        Reply,
        ask,
        attempts_of,
        wait_for_node,
    )
    from veristack_lab.llmcache.experiments.blocks import chains, held_blocks
    from veristack_lab.llmcache.experiments.kills import KillPlan, kill_engine, plan_kill
    from veristack_lab.llmcache.experiments.prefixes import cold_warm_prefix
    from veristack_lab.llmcache.experiments.restarts import restart_gateway

__all__ = [
    "Engines",
    "KillPlan",
    "Reply",
    "ask",
    "attempts_of",
    "chains",
    "cold_warm_prefix",
    "held_blocks",
    "kill_engine",
    "plan_kill",
    "restart_gateway",
    "wait_for_node",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Engines": "asking",
        "KillPlan": "kills",
        "Reply": "asking",
        "ask": "asking",
        "attempts_of": "asking",
        "chains": "blocks",
        "cold_warm_prefix": "prefixes",
        "held_blocks": "blocks",
        "kill_engine": "kills",
        "plan_kill": "kills",
        "restart_gateway": "restarts",
        "wait_for_node": "asking",
    },
)
