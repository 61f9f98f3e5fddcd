"""The live limit on what runs."""

from __future__ import annotations

import pytest

from veristack_lab.errors import AdmissionRejected, InvalidInput
from veristack_lab.llmcache.admission import MaxActive


def test_rejects_at_the_limit_and_admits_again_below_it() -> None:
    gate = MaxActive(2)
    gate.enter()
    gate.enter()
    with pytest.raises(AdmissionRejected, match="it serves 2 requests and may serve 2 at once"):
        gate.enter()
    gate.leave(0.1)
    gate.enter()
    assert (gate.active, gate.admitted, gate.rejected) == (2, 3, 1)


def test_a_lower_limit_takes_effect_as_requests_end() -> None:
    gate = MaxActive(3)
    for _ in range(3):
        gate.enter()
    gate.limit = 1
    gate.leave(1.0)
    with pytest.raises(AdmissionRejected):
        gate.enter()
    gate.leave(1.0)
    gate.leave(1.0)
    gate.enter()
    assert gate.active == 1


def test_comes_back_after_about_one_service_time() -> None:
    gate = MaxActive(1)
    assert gate.retry_after_s == 1
    for _ in range(50):
        gate.enter()
        gate.leave(7.5)
    assert gate.retry_after_s == 8


def test_misuse_is_refused() -> None:
    with pytest.raises(InvalidInput):
        MaxActive(0)
    with pytest.raises(InvalidInput, match="without enter"):
        MaxActive(1).leave(0.0)
