"""The published table of a first serving cache, computed from its formula, and corrected.

The table's five rows come not from a measurement but from one formula over four requests each:
5 ms of routing, 1 ms for each prompt token that is not cached, 1 ms for each token of the
answer. `published_table` computes them as published, a rejected request counting as 0 ms.
`corrected_table` separates what that mixes: the mean over served requests, and the share of
rejected ones. It books memory in a real `BlockPool`, and it adds the row that the published
table lacks: eviction for the very requests that the row before it had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from veristack_lab.errors import NoNodeAvailable
from veristack_lab.llmcache.blocks import BlockPool

if TYPE_CHECKING:
    import pandas as pd

ROUTING_MS = 5
PROMPT_TOKEN_MS = 1
OUTPUT_TOKEN_MS = 1
PROMPT_TOKENS = 1200
OUTPUT_TOKENS = 200
SHARED_TOKENS = PROMPT_TOKENS * 7 // 10
"""What related prompts have in common: 0.7 of the prompt."""
LARGE_PROMPT_TOKENS = 10_000
MEDIUM_PROMPT_TOKENS = 4_000
TOKENS_PER_MB = 10
"""The published estimate of a prompt's keys and values, whatever the model."""
BUDGET_MB = 500
EVICTION_FREES_MB = 200
"""What one eviction gives back by the published account, whatever is evicted."""
BLOCK_MB = 16


@dataclass(frozen=True)
class Request:
    """One request of a scenario."""

    prompt_tokens: int = PROMPT_TOKENS
    output_tokens: int = OUTPUT_TOKENS
    cached_tokens: int = 0

    @property
    def kv_mb(self) -> int:
        """What its keys and values take, by the published estimate."""
        return self.prompt_tokens // TOKENS_PER_MB

    @property
    def latency_ms(self) -> int:
        """The formula."""
        uncached = max(0, self.prompt_tokens - self.cached_tokens)
        return ROUTING_MS + PROMPT_TOKEN_MS * uncached + OUTPUT_TOKEN_MS * self.output_tokens


@dataclass(frozen=True)
class Scenario:
    """Four requests and the memory they meet."""

    name: str
    requests: tuple[Request, ...]
    budget_mb: int | None = None
    """A node's memory; None if it is ignored."""
    evicts: bool = False

    def published_latencies_ms(self) -> list[int | None]:
        """Latency of each request, None for a rejected one, by the published account.

        Without eviction each request alone is held against the whole budget. With it, requests
        use the budget up, and an eviction gives a fixed amount back.
        """
        left_mb = self.budget_mb
        found: list[int | None] = []
        for request in self.requests:
            if left_mb is not None and self.evicts:
                while request.kv_mb > left_mb:
                    left_mb += EVICTION_FREES_MB
                left_mb -= request.kv_mb
            elif left_mb is not None and request.kv_mb > left_mb:
                found.append(None)
                continue
            found.append(request.latency_ms)
        return found

    def corrected_latencies_ms(self) -> tuple[list[int | None], int]:
        """The same with memory counted in blocks; also returns how many prefixes were evicted."""
        if self.budget_mb is None:
            return [request.latency_ms for request in self.requests], 0
        pool, evicted = BlockPool(self.budget_mb // BLOCK_MB), 0
        found: list[int | None] = []
        for number, request in enumerate(self.requests):
            blocks = -(-request.kv_mb // BLOCK_MB)
            if not self.evicts and blocks > pool.free_blocks:
                found.append(None)
                continue
            try:
                evicted += len(pool.allocate(b"%d" % number, blocks, number))
            except NoNodeAvailable:
                found.append(None)
                continue
            found.append(request.latency_ms)
        return found, evicted


def published_scenarios() -> tuple[Scenario, ...]:
    """The five scenarios with their published requests."""
    plain, related = Request(), Request(cached_tokens=SHARED_TOKENS)
    exact, large = Request(cached_tokens=PROMPT_TOKENS), Request(LARGE_PROMPT_TOKENS)
    medium = Request(MEDIUM_PROMPT_TOKENS)
    return (
        Scenario("no cache", (plain,) * 4),
        Scenario("prefix", (plain, related, plain, related)),
        Scenario("exact", (exact,) * 4),
        Scenario("GPU-aware", (plain, related, large, plain), BUDGET_MB),
        Scenario("GPU-aware + eviction", (plain, related, medium, plain), BUDGET_MB, evicts=True),
    )


def published_table() -> pd.DataFrame:
    """The published table: mean, "P95" (the worst of four), hit and rejection rate.

    The mean divides by all requests and a rejected one counts as 0 ms, in whole numbers.
    """
    import pandas as pd

    rows = []
    for scenario in published_scenarios():
        latencies = [ms or 0 for ms in scenario.published_latencies_ms()]
        served = [ms for ms in scenario.published_latencies_ms() if ms is not None]
        rows.append(
            {
                "scenario": scenario.name,
                "mean_ms": sum(latencies) // len(latencies),
                "p95_ms": sorted(latencies)[int(0.95 * len(latencies))],
                "hit_rate": _hit_rate(scenario.requests),
                "rejection_rate": 1 - len(served) / len(latencies),
            }
        )
    return _frame(pd.DataFrame(rows))


def corrected_table() -> pd.DataFrame:
    """The same scenarios with served and rejected requests separated.

    No 95th percentile: four requests do not have one. `evicted` counts prefixes.
    """
    import pandas as pd

    rows = []
    for scenario in (*published_scenarios(), *_missing_row()):
        latencies, evicted = scenario.corrected_latencies_ms()
        served = [ms for ms in latencies if ms is not None]
        pairs = zip(scenario.requests, latencies, strict=True)
        rows.append(
            {
                "scenario": scenario.name,
                "served": len(served),
                "rejected": len(latencies) - len(served),
                "mean_served_ms": sum(served) / len(served),
                "worst_served_ms": max(served),
                "hit_rate_of_served": _hit_rate([r for r, ms in pairs if ms is not None]),
                "evicted": evicted,
            }
        )
    return _frame(pd.DataFrame(rows))


def _missing_row() -> Iterator[Scenario]:
    """Eviction, for the requests of the row without it."""
    for scenario in published_scenarios():
        if scenario.budget_mb is not None and not scenario.evicts:
            name = f"{scenario.name} + eviction, same requests"
            yield Scenario(name, scenario.requests, scenario.budget_mb, evicts=True)


def _hit_rate(requests: Sequence[Request]) -> float:
    return sum(request.cached_tokens > 0 for request in requests) / len(requests)


def _frame(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs = {
        "routing_ms": ROUTING_MS,
        "prompt_token_ms": PROMPT_TOKEN_MS,
        "output_token_ms": OUTPUT_TOKEN_MS,
        "budget_mb": BUDGET_MB,
        "block_mb": BLOCK_MB,
    }
    return frame
