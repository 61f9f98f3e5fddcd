"""What is sent to an embedding engine, and what is accepted from it."""

from __future__ import annotations

import numpy as np
import pytest

from veristack_lab.errors import EmbeddingFailed
from veristack_lab.runtime.processes import free_port
from veristack_lab.smartsearch.embedding import GatewayEmbedder, plain, unit_rows, with_title


def test_rows_are_scaled_to_length_one():
    rows = unit_rows([[3.0, 4.0], [0.0, 2.0]], 2)
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.0, 1.0]], rtol=1e-6)
    assert rows.dtype == np.float32


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1.0, 0.0]], 2),
        ([[1.0, 0.0], [1.0]], 2),
        ([[0.0, 0.0]], 1),
        ([[float("nan"), 1.0]], 1),
        ([[float("inf"), 1.0]], 1),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(rows: list[list[float]], expected: int):
    with pytest.raises(EmbeddingFailed):
        unit_rows(rows, expected)


def test_accents_are_taken_away_and_other_scripts_stay():
    assert plain("Crème brûlée") == "Creme brulee"
    assert plain("漢字 한국어 2²") == "漢字 한국어 2²"


def test_a_title_goes_before_the_passage_and_is_bounded():
    assert with_title("", "text") == "text"
    assert with_title("json.dumps", "text") == "json.dumps\ntext"
    assert len(with_title("x" * 200, "y" * 400)) == 501


def test_a_gateway_that_is_not_there_is_an_outage():
    embedder = GatewayEmbedder(f"http://127.0.0.1:{free_port()}")
    try:
        with pytest.raises(EmbeddingFailed, match="cannot be reached"):
            embedder.embed(["text"])
    finally:
        embedder.close()
