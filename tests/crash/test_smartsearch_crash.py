"""A worker is killed with documents in hand, then the broker; nothing is lost, nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from tests.waiting import wait_until
from veristack_lab.backends.kafka import kafka
from veristack_lab.backends.postgres import postgres
from veristack_lab.errors import BackendUnavailable
from veristack_lab.llmcache.gateway import Gateway
from veristack_lab.smartsearch import Relay, Search, Settings, Worker, experiments, promises
from veristack_lab.smartsearch.embedding import Embedded
from veristack_lab.viz import smartsearch as viz

pytestmark = [pytest.mark.crash, pytest.mark.backends]


def test_nothing_is_lost_or_doubled_when_a_worker_and_the_broker_are_killed(
    postgres_server, tiny_llm, folder
):
    ticks: list[tuple[int, int]] = []
    with kafka(folder / "kafka") as broker, Gateway(tiny_llm.embeddings).serve() as url:
        frame = experiments.ingest_under_fire(
            postgres_server.conninfo,
            broker,
            url,
            folder / "crew",
            documents=110,
            poison=1,
            seed=11,
            on_progress=lambda done, total: ticks.append((done, total)),
        )
        with experiments.connect_to(frame, postgres_server.conninfo, "unused:1", url) as search:
            quality = experiments.retrieval_quality(search)
    seen = frame.attrs
    assert len(frame) == seen["accepted"] == 111
    for judge in (
        promises.nothing_lost_or_doubled,
        promises.shown_if_and_only_if_ready,
        promises.accepted_without_a_broker,
        promises.poison_gets_one_dead_letter,
    ):
        claim = judge(frame)
        assert claim.kept, (claim, seen["first_violations"])
    assert seen["audit_hidden_leftovers"] == 0
    assert list(frame.loc[frame["poison"], "status"]) == ["FAILED"]
    assert seen["audit_dead_letters"] == 1
    assert ticks[-1] == (111, 111)
    # The pictures are drawn from the same frame.
    times, counts = viz.state_counts(frame)
    assert [int(counts[state][-1]) for state in viz.STATES] == [110, 1, 0, 0]
    assert len(viz.states_over_time(frame).data) == 4
    assert len(times) == len(counts["READY"])
    # Ranks far above chance: the vectors are the right ones for their texts.
    assert quality.attrs["hit_at_k"] > 0.7 > 3 * quality.attrs["chance"]
    assert sum(len(bar.x) for bar in viz.quality(quality).data) == quality.attrs["k"] + 1


class Ones:
    """Every text is the same to it."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        return Embedded("ones", np.ones((len(texts), 1), np.float32))


def test_relay_and_worker_live_through_the_death_of_the_database(kafka_server, folder, unique_name):
    stop = threading.Event()
    with postgres(folder / "postgres") as server:
        settings = Settings(
            server.conninfo, kafka_server.bootstrap, "http://unused",
            schema=unique_name, topic=unique_name, lease_s=1.0, sweep_interval_s=0.1,
        )  # fmt: skip
        with Search(settings) as search, Relay(settings) as relay:
            with Worker(settings, name="only", embedder=Ones()) as worker:
                threads = [threading.Thread(target=p.run, args=(stop,)) for p in (relay, worker)]
                for thread in threads:
                    thread.start()
                try:
                    taken = [search.ingest("t", f"before-{n}", f"text {n}").id for n in range(40)]
                    server.kill()
                    with pytest.raises(BackendUnavailable):
                        search.ingest("t", "while it is dead", "text")
                    server.restart()
                    wait_until(lambda: answers(search), "the pool has found the database again")
                    taken += [search.ingest("t", f"after-{n}", f"text {n}").id for n in range(10)]
                    wait_until_finished(search, len(taken))
                finally:
                    stop.set()
                    for thread in threads:
                        thread.join()
            assert {search.status("t", document).status for document in taken} == {"READY"}
            assert search.pressure("t").ready == len(taken)


def answers(search: Search) -> bool:
    """Whether the database can be asked: after an outage a pool waits between its attempts."""
    try:
        search.pressure("t")
    except BackendUnavailable:
        return False
    return True


def wait_until_finished(search: Search, count: int) -> None:
    wait_until(lambda: search.finished("t") >= count, f"all {count} documents are finished")
