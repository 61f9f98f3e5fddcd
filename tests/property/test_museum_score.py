"""The mutation score of the explorer: it finds every exhibit, and nothing in the engine."""

from __future__ import annotations

import pytest

from veristack_lab import museum
from veristack_lab.museum.exhibit import Exhibit


@pytest.mark.parametrize("exhibit", museum.exhibits(), ids=lambda each: each.name)
def test_the_exhibit_is_found_out_and_the_healthy_engine_survives_its_seed(exhibit: Exhibit):
    verdict = museum.run(exhibit)
    assert verdict.exhibit_broken, f"{exhibit.name} survived {verdict.images} images"
    assert verdict.healthy_survived, dict(verdict.healthy_row)
