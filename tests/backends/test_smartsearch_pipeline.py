"""The whole pipeline: HTTP in, Kafka, worker, real MiniLM through the gateway, search out."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import httpx
import numpy as np
import pytest
from kafka import KafkaConsumer

from tests.waiting import wait_until
from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.gateway import Gateway
from veristack_lab.runtime.processes import free_port
from veristack_lab.smartsearch import broker, experiments, sweeper
from veristack_lab.smartsearch import worker as worker_module
from veristack_lab.smartsearch.api import serve_in_thread
from veristack_lab.smartsearch.client import Search
from veristack_lab.smartsearch.corpus import SCANNED_PAGE
from veristack_lab.smartsearch.embedding import Embedded
from veristack_lab.smartsearch.relay import Relay
from veristack_lab.smartsearch.settings import RetryPolicy, Settings
from veristack_lab.smartsearch.worker import Worker

pytestmark = pytest.mark.backends

TENANT = "acme"
TEXTS = {
    "html.escape": "Replace special characters &, < and > to HTML-safe sequences.",
    "shutil.disk_usage": "Return disk usage statistics about the given path: total, used, free.",
    "heapq.merge": "Merge multiple sorted inputs into a single sorted output.",
}


@dataclass
class Pipeline:
    search: Search
    http: httpx.Client
    relay: Relay
    worker: Worker

    def post(self, request: str, text: str, title: str = "") -> httpx.Response:
        body = {"tenantId": TENANT, "requestId": request, "text": text, "title": title}
        return self.http.post("/api/documents", json=body)

    def state(self, document: str) -> str:
        reply = self.http.get(f"/api/documents/{document}", params={"tenantId": TENANT})
        return str(reply.raise_for_status().json()["status"])


@pytest.fixture(scope="module")
def gateway_url(tiny_llm) -> Iterator[str]:
    with Gateway(tiny_llm.engines).serve() as url:
        yield url


@pytest.fixture(scope="module")
def pipeline(postgres_server, kafka_server, gateway_url) -> Iterator[Pipeline]:
    """Relay and worker in threads; one schema and topic for this module."""
    name = f"t{uuid.uuid4().hex[:10]}"
    settings = Settings(
        postgres_server.conninfo, kafka_server.bootstrap, gateway_url, schema=name, topic=name,
        lease_s=5, sweep_interval_s=0.05, retry=RetryPolicy(retry_base_s=0.02, retry_max_s=0.1),
    )  # fmt: skip
    stop = threading.Event()
    with (
        Search(settings) as search,
        serve_in_thread(search) as url,
        httpx.Client(base_url=url) as http,
        Relay(settings) as relay,
        Worker(settings, name="only") as worker,
    ):
        threads = [threading.Thread(target=part.run, args=(stop,)) for part in (relay, worker)]
        for thread in threads:
            thread.start()
        try:
            yield Pipeline(search, http, relay, worker)
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@pytest.fixture(scope="module")
def ready(pipeline: Pipeline) -> dict[str, str]:
    """Three documents, READY; their ids by title."""
    ids = {t: pipeline.post(t, text, t).json()["id"] for t, text in TEXTS.items()}
    wait_until(lambda: all(pipeline.state(i) == "READY" for i in ids.values()), "READY")
    return ids


def test_a_document_is_accepted_with_202_and_its_real_state(pipeline, ready):
    again = pipeline.post("html.escape", TEXTS["html.escape"], "html.escape")
    assert again.status_code == 202
    assert again.json() == {"id": ready["html.escape"], "status": "READY"}


def test_another_text_for_the_same_request_is_409(pipeline, ready):
    reply = pipeline.post("html.escape", "something else", "html.escape")
    assert reply.status_code == 409
    assert reply.json()["error"] == "RequestConflict"


@pytest.mark.parametrize(
    "body",
    [
        {"tenantId": TENANT, "requestId": "x"},
        {"tenantId": TENANT, "requestId": "", "text": "a"},
        {"tenantId": TENANT, "requestId": "x", "text": ""},
        {"tenantId": TENANT, "requestId": "x", "text": "a\0b"},
    ],
)
def test_a_body_that_cannot_be_taken_is_422(pipeline, body):
    reply = pipeline.http.post("/api/documents", json=body)
    assert reply.status_code == 422
    assert reply.json()["error"] == "InvalidInput"


def test_a_document_of_another_tenant_is_404(pipeline, ready):
    path = f"/api/documents/{ready['html.escape']}"
    reply = pipeline.http.get(path, params={"tenantId": "other"})
    assert reply.status_code == 404
    assert reply.json()["error"] == "DocumentNotFound"


def test_a_question_in_other_words_finds_the_document(pipeline, ready):
    question = {"tenantId": TENANT, "q": "how much space is left on my hard drive?", "k": 2}
    hits = pipeline.http.get("/api/search", params=question).json()
    assert hits[0]["documentId"] == ready["shutil.disk_usage"]
    assert hits[0]["similarity"] > hits[1]["similarity"]
    other = pipeline.http.get("/api/search", params={**question, "tenantId": "other"}).json()
    assert other == []


def test_ask_gives_the_passages_alone_when_the_model_has_random_weights(pipeline, ready):
    reply = pipeline.http.get("/api/ask", params={"tenantId": TENANT, "q": "escape HTML"}).json()
    assert reply["answer"] is None
    assert "random" in reply["note"]
    assert reply["passages"][0]["title"] == "html.escape"


def test_ask_gives_the_passages_when_no_text_engine_lives(pipeline, ready, tiny_llm):
    with Gateway(tiny_llm.embeddings).serve() as url:
        only_embeddings = replace(pipeline.search.settings, gateway_url=url)
        with Search(only_embeddings) as search:
            answer = search.ask(TENANT, "escape HTML")
    assert answer.text is None
    assert "no text engine answered" in answer.note
    assert answer.passages[0].title == "html.escape"


def test_search_without_an_embedding_engine_is_503(pipeline, ready):
    nowhere = replace(pipeline.search.settings, gateway_url=f"http://127.0.0.1:{free_port()}")
    with Search(nowhere) as search, serve_in_thread(search) as url:
        reply = httpx.get(f"{url}/api/search", params={"tenantId": TENANT, "q": "x"})
    assert reply.status_code == 503
    assert reply.json()["error"] == "EmbeddingFailed"


def test_a_scanned_page_ends_as_one_dead_letter_here_and_in_kafka(pipeline, ready):
    page = pipeline.post("scan", SCANNED_PAGE).json()["id"]
    good = pipeline.post("after the scan", "A text that stands behind the poison.").json()["id"]
    wait_until(lambda: pipeline.state(good) == "READY", "the next document")
    wait_until(lambda: pipeline.state(page) == "FAILED", "FAILED")
    letters = pipeline.http.get("/api/dead-letters", params={"tenantId": TENANT}).json()
    assert [letter["documentId"] for letter in letters] == [page]
    assert letters[0]["attempts"] == RetryPolicy().max_refusals
    wait_until(lambda: pipeline.search.pressure().outbox_unsent == 0, "an empty outbox")
    assert [record["documentId"] for record in records(pipeline.search.settings)] == [page]
    # Replayed, it fails again: a second letter, for a second burial.
    replayed = pipeline.http.post(f"/api/dead-letters/{letters[0]['id']}/replay")
    assert (replayed.status_code, replayed.json()) == (202, {"documentId": page})
    wait_until(lambda: len(pipeline.search.dead_letters(TENANT)) == 2, "the second letter")
    assert pipeline.search.pressure().dead_letters_open == 1


def test_replaying_an_unknown_letter_is_404(pipeline):
    assert pipeline.http.post(f"/api/dead-letters/{uuid.uuid4()}/replay").status_code == 404


def test_pressure_shows_an_idle_pipeline(pipeline, ready):
    def idle() -> bool:
        now = pipeline.http.get("/api/system/pressure").json()
        return bool(
            now["pending"] == now["processing"] == now["outboxUnsent"] == now["consumerLag"] == 0
        )

    wait_until(idle, "an idle pipeline")
    empty = pipeline.http.get("/api/system/pressure", params={"tenantId": "unused"}).json()
    assert (empty["ready"], empty["failed"]) == (0, 0)
    assert pipeline.http.get("/api/health").json() == {"status": "up", "parts": []}


def test_a_duplicate_announcement_and_a_foreign_record_are_harmless(pipeline, ready):
    settings = pipeline.search.settings
    producer = broker.producer(settings)
    event = broker.encode({"documentId": ready["heapq.merge"], "tenantId": TENANT})
    for value in (event, b"not json", b"[]", None, event):
        producer.send(settings.documents_topic, value=value, key=b"x")
    producer.flush()
    producer.close()
    last = pipeline.post("behind them", "One more text.").json()["id"]
    wait_until(lambda: pipeline.state(last) == "READY", "the document behind")
    wait_until(lambda: broker.lag(settings) == 0, "no lag")
    found = pipeline.search.status(TENANT, uuid.UUID(ready["heapq.merge"]))
    assert (found.status, found.attempts) == ("READY", 1)


def records(settings: Settings) -> list[dict[str, str]]:
    consumer = KafkaConsumer(
        settings.dead_letters_topic,
        bootstrap_servers=settings.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=2000,
    )
    try:
        return [json.loads(record.value) for record in consumer]
    finally:
        consumer.close()


def test_two_relays_share_the_outbox_and_send_each_event_once(
    postgres_server, kafka_server, gateway_url, unique_name
):
    settings = Settings(
        postgres_server.conninfo, kafka_server.bootstrap, gateway_url,
        schema=unique_name, topic=unique_name,
    )  # fmt: skip
    with Search(settings) as search, Relay(settings) as one, Relay(settings) as two:
        for number in range(500):
            search.ingest(TENANT, f"r{number}", f"text {number}")
        threads = [threading.Thread(target=drain, args=(relay,)) for relay in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert search.pressure().outbox_unsent == 0
        wait_until(lambda: broker.lag(settings) == 500, "the end offsets")


class Slow:
    """An engine that answers only after the lease was renewed twice."""

    def __init__(self, search: Search, lease_s: float) -> None:
        self.search = search
        self.lease_s = lease_s
        self.swept = 0

    def embed(self, texts: Sequence[str]) -> Embedded:
        wait_until(self.renewed_twice, "two renewals")
        return Embedded("slow", np.ones((len(texts), 1), np.float32))

    def renewed_twice(self) -> bool:
        self.swept += sweeper.end_expired(self.search.database, self.search.settings)
        with self.search.database.transaction() as conn:
            row = conn.execute(
                "SELECT lease_expires_at > updated_at + make_interval(secs => %s) AS renewed"
                " FROM documents",
                (self.lease_s * 2,),
            ).fetchone()
        return bool(row and row["renewed"])


def test_a_worker_keeps_its_lease_while_it_works_longer_than_that(
    postgres_server, kafka_server, unique_name
):
    settings = Settings(
        postgres_server.conninfo, kafka_server.bootstrap, "http://unused",
        schema=unique_name, topic=unique_name, lease_s=1.0,
    )  # fmt: skip
    stop = threading.Event()
    with Search(settings) as search, Relay(settings) as relay:
        slow = Slow(search, settings.lease_s)
        document = search.ingest(TENANT, "r", "text").id
        with Worker(settings, name="slow", embedder=slow) as worker:
            relay.relay_once()
            thread = threading.Thread(target=worker.run, args=(stop,))
            thread.start()
            try:
                wait_until(lambda: search.status(TENANT, document).status == "READY", "READY")
            finally:
                stop.set()
                thread.join()
        assert slow.swept == 0
        assert search.status(TENANT, document).attempts == 1


def test_a_worker_joins_anew_if_its_group_was_formed_without_partitions(
    postgres_server, kafka_server, unique_name, monkeypatch
):
    settings = Settings(
        postgres_server.conninfo, kafka_server.bootstrap, "http://unused",
        schema=unique_name, topic=unique_name,
    )  # fmt: skip
    monkeypatch.setattr(worker_module, "UNASSIGNED_S", 0.5)
    elsewhere = replace(settings, topic=f"{unique_name}-none")
    with Search(settings) as search, Worker(settings, name="w", embedder=Slow(search, 0)) as worker:
        broker.ensure_topics(settings)
        worker._consumer = lost = KafkaConsumer(
            elsewhere.documents_topic, group_id=settings.group,
            bootstrap_servers=settings.bootstrap, client_id="lost",
        )  # fmt: skip

        def has_joined_anew() -> bool:
            worker.work_once()
            consumer = worker._consumer
            return consumer not in (None, lost) and bool(consumer.assignment())

        wait_until(has_joined_anew, "a consumer with partitions")
        assert broker.has_reader(settings)
        assert not broker.has_reader(elsewhere)


def test_a_worker_too_many_stays_in_its_group(
    postgres_server, kafka_server, unique_name, monkeypatch
):
    settings = Settings(
        postgres_server.conninfo, kafka_server.bootstrap, "http://unused",
        schema=unique_name, topic=unique_name, partitions=1,
    )  # fmt: skip
    monkeypatch.setattr(worker_module, "UNASSIGNED_S", 0.0)
    broker.ensure_topics(settings)
    with closing(broker.consumer(settings)) as first:
        wait_until(lambda: first.poll(timeout_ms=100) or first.assignment(), "the partition")
        with Worker(settings, name="second") as worker:
            worker._consumer = second = broker.consumer(settings)
            worker._require_partition(second)
            assert worker._consumer is second


def drain(relay: Relay) -> None:
    while relay.relay_once():
        pass


def test_documents_are_taken_in_without_a_broker_and_pressure_says_so(
    postgres_server, gateway_url, unique_name, caplog
):
    caplog.set_level(logging.CRITICAL)
    settings = Settings(
        postgres_server.conninfo, f"127.0.0.1:{free_port()}", gateway_url,
        schema=unique_name, topic=unique_name,
    )  # fmt: skip
    with Search(settings) as search:
        search.ingest(TENANT, "r", "text")
        now = search.pressure()
    assert (now.pending, now.outbox_unsent, now.consumer_lag) == (1, 1, None)


def test_experiments_refuse_what_they_cannot_show(kafka_server, folder):
    with pytest.raises(InvalidInput, match="at least 2 workers"):
        experiments.ingest_under_fire("", kafka_server, "", folder, workers=1)
