"""Which worker the drill of `ingest_under_fire` kills, when the seed's choice holds nothing."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from veristack_lab.errors import BackendError
from veristack_lab.runtime.processes import Child, spawn
from veristack_lab.runtime.progress import silent
from veristack_lab.smartsearch import Search, Settings, corpus
from veristack_lab.smartsearch.experiments.drill import Drill, Fire

pytestmark = pytest.mark.backends

_IDLE = "import signal\nwhile True: signal.pause()"
_LEASE = """
UPDATE documents SET status = 'PROCESSING', lease_owner = %s, lease_epoch = lease_epoch + 1,
       lease_expires_at = now() + interval '1 hour'
WHERE request_id = %s
"""


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[dict[str, Child]]:
    """Two processes that do nothing, under the names of workers."""
    children = {
        name: spawn([sys.executable, "-c", _IDLE], name=name, log_path=tmp_path / name)
        for name in ("one", "two")
    }
    yield children
    for child in children.values():
        child.stop()


@pytest.fixture
def drill(postgres_server, unique_name, tmp_path, workers) -> Iterator[Drill]:
    """A drill in whose database the worker that the seed did not choose holds a document."""
    settings = Settings(postgres_server.conninfo, "unused:1", "http://unused",
                        schema=unique_name, topic=unique_name)  # fmt: skip
    sources = corpus.standard_library()[:4]
    crew: Any = SimpleNamespace(workers=workers, folder=tmp_path)
    broker: Any = None
    with Search(settings) as search:
        fire = Fire(search, sources, frozenset(), ahead=4)
        fire.feed()
        made = Drill(fire, crew, broker, random.Random(1), silent, outage_s=0.0)
        busy = next(name for name in workers if name != made.victim)
        with search.database.transaction() as conn:
            conn.execute(_LEASE, (busy, sources[0].request_id))
        yield made


def test_a_victim_that_holds_nothing_is_waited_for_and_then_another_is_killed(drill, workers):
    chosen = drill.victim
    other = next(name for name in workers if name != chosen)
    assert not drill.kill_busy_worker(any_from=2)
    assert all(child.alive for child in workers.values())
    drill.fire.finished = 2
    assert drill.kill_busy_worker(any_from=2)
    assert drill.victim == other
    assert drill.in_hand == [drill.fire.sources[0].request_id]
    assert [workers[name].alive for name in (chosen, other)] == [True, False]
    assert "worker killed" in drill.events


def test_documents_that_end_too_early_are_told_at_once(drill):
    drill.fire.finished = len(drill.fire.sources)
    with pytest.raises(BackendError, match="give more documents"):
        drill.kill_busy_worker(any_from=2)
