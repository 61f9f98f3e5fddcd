"""The kill switch over real inference engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.waiting import PATIENCE_S
from veristack_lab.widgets import KillSwitch, Target, from_llm

if TYPE_CHECKING:
    from veristack_lab.backends.llm import LLM

pytestmark = [pytest.mark.backends, pytest.mark.crash]


@pytest.fixture
def switch(tiny_llm: LLM) -> Iterator[KillSwitch]:
    """All engines of the whole run's servers; they are given back alive."""
    with KillSwitch(from_llm(tiny_llm), name="engines") as opened:
        yield opened
    for facts in tiny_llm.engines:
        if not tiny_llm.alive(facts.node_id):
            tiny_llm.restart(facts.node_id)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=PATIENCE_S).status_code == 200
    except httpx.HTTPError:
        return False


def test_an_engine_is_killed_and_comes_back(switch: KillSwitch, tiny_llm: LLM) -> None:
    victim, other = tiny_llm.text
    assert victim.pid is not None
    assert repr(switch) == "<KillSwitch engines: text-0, text-1, embeddings-0>"
    seen = switch.do("kill", victim.node_id)
    assert seen["targets"][0]["state"] == "dead"
    assert not psutil.pid_exists(victim.pid)
    assert not answers(victim.url)
    assert answers(other.url)
    seen = switch.do("restart", victim.node_id, timeout_s=PATIENCE_S)
    assert seen["targets"][0]["state"] == "alive"
    assert seen["targets"][0]["pid"] not in (None, victim.pid)
    assert answers(victim.url)


def test_a_living_engine_is_restarted_and_a_paused_one_resumed(
    switch: KillSwitch, tiny_llm: LLM
) -> None:
    engine = tiny_llm.text[0]
    assert switch.do("pause", engine.node_id)["targets"][0]["state"] == "paused"
    assert switch.do("resume", engine.node_id)["targets"][0]["state"] == "alive"
    assert answers(engine.url)
    seen = switch.do("restart", engine.node_id, timeout_s=PATIENCE_S)["targets"][0]
    assert seen["pid"] != engine.pid
    assert (seen["state"], seen["deaths"]) == ("alive", 1)
    assert answers(engine.url)


def test_engines_are_targets(tiny_llm: LLM) -> None:
    assert all(isinstance(target, Target) for target in from_llm(tiny_llm))
