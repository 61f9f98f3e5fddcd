"""The published table, out of its formula."""

from __future__ import annotations

import pandas as pd
import pytest

from veristack_lab.llmcache import scenarios


def test_published_table_is_exact() -> None:
    table = scenarios.published_table().set_index("scenario")
    assert table["mean_ms"].tolist() == [1405, 985, 205, 843, 1895]
    assert table["p95_ms"].tolist() == [1405, 1405, 205, 1405, 4205]
    assert table["hit_rate"].tolist() == [0.0, 0.5, 1.0, 0.25, 0.25]
    assert table["rejection_rate"].tolist() == [0.0, 0.0, 0.0, 0.25, 0.0]


def test_each_published_latency() -> None:
    latencies = {s.name: s.published_latencies_ms() for s in scenarios.published_scenarios()}
    assert latencies["prefix"] == [1405, 565, 1405, 565]
    assert latencies["GPU-aware"] == [1405, 565, None, 1405]
    assert latencies["GPU-aware + eviction"] == [1405, 565, 4205, 1405]


def test_corrected_means_are_those_of_served_requests() -> None:
    table = scenarios.corrected_table().set_index("scenario")
    assert table.loc["GPU-aware", "mean_served_ms"] == pytest.approx(1125)
    assert table.loc["GPU-aware", "rejected"] == 1
    same = table.loc["GPU-aware + eviction, same requests"]
    pd.testing.assert_series_equal(same, table.loc["GPU-aware"], check_names=False)


def test_the_formula_is_its_three_terms() -> None:
    request = scenarios.Request(prompt_tokens=10, output_tokens=3, cached_tokens=4)
    assert request.latency_ms == 5 + 6 + 3
    assert scenarios.Request(10, 0, cached_tokens=99).latency_ms == scenarios.ROUTING_MS
