"""Intake, leases, sweeping and dead letters on a real Postgres; vectors are computed here."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from tests.waiting import wait_until
from veristack_lab.errors import (
    DocumentLeaseLost,
    DocumentNotFound,
    EmbeddingFailed,
    EmbeddingModelChanged,
    InvalidInput,
    RequestConflict,
    TextRefused,
)
from veristack_lab.smartsearch import dead_letters, intake, leases, retrieval, sweeper
from veristack_lab.smartsearch.chunking import clean, split
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.embedding import Embedded, unit_rows
from veristack_lab.smartsearch.model import Claimed, Status
from veristack_lab.smartsearch.processing import Processor
from veristack_lab.smartsearch.settings import RetryPolicy, Settings

pytestmark = pytest.mark.backends

TENANT = "acme"


class Words:
    """Each word points somewhere; `refuses` and `down` stand for an engine's two failures."""

    model = "words"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.refuses = ""
        self.down = False
        self.before_reply: Callable[[], None] = lambda: None

    def embed(self, texts: Sequence[str]) -> Embedded:
        self.calls.append(len(texts))
        if self.down:
            raise EmbeddingFailed("engine down")
        if self.refuses and any(self.refuses in text for text in texts):
            raise TextRefused("engine says no")
        self.before_reply()
        rows = [[0.01] * 32 for _ in texts]
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % 32] += 1
        return Embedded(self.model, unit_rows(rows, len(texts)))


@pytest.fixture
def settings(postgres_server, unique_name) -> Settings:
    return Settings(
        postgres_server.conninfo,
        bootstrap="unused",
        gateway_url="http://unused",
        schema=unique_name,
        lease_s=30,
        batch_texts=4,
        max_chunk_chars=40,
        retry=RetryPolicy(max_refusals=2, max_attempts=4, retry_base_s=0.001, retry_max_s=0.002),
    )


@pytest.fixture
def database(settings) -> Iterator[Database]:
    with Database(settings.conninfo, settings.schema) as database:
        yield database


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def processor(database, words, settings) -> Processor:
    return Processor(database, words, settings, "first")


def put(database: Database, text: str, request: str | None = None, tenant: str = TENANT) -> UUID:
    return intake.ingest(database, tenant, request or uuid.uuid4().hex, text).id


def scalar(database: Database, query: str, *values: object) -> object:
    with database.transaction() as conn:
        row = conn.execute(query.encode(), values).fetchone()
    assert row is not None
    return next(iter(row.values()))


def status(database: Database, document: UUID) -> Status:
    return intake.status(database, TENANT, document).status


def found(database: Database, words: Words, query: str, tenant: str = TENANT) -> list[UUID]:
    return [p.document_id for p in retrieval.search(database, words, tenant, query, 100)]


def expire(database: Database, document: UUID) -> None:
    with database.transaction() as conn:
        conn.execute(
            "UPDATE documents SET lease_expires_at = now() - interval '1 s' WHERE id = %s",
            (document,),
        )


def until_due(database: Database, document: UUID) -> None:
    query = "SELECT next_attempt_at <= clock_timestamp() FROM documents WHERE id = %s"
    wait_until(lambda: scalar(database, query, document), "the document is due")


# ------------------------------------------------------------------------ intake


def test_a_document_and_its_event_exist_together(database):
    document = put(database, "hello")
    assert status(database, document) is Status.PENDING
    assert scalar(database, "SELECT payload->>'documentId' FROM outbox") == str(document)


def test_the_same_request_is_the_same_document(database):
    assert put(database, "text", "r1") == put(database, "text", "r1")
    assert scalar(database, "SELECT count(*) FROM outbox") == 1


def test_the_same_request_with_another_text_is_a_conflict(database):
    put(database, "text", "r1")
    with pytest.raises(RequestConflict, match="r1"):
        put(database, "other text", "r1")
    assert put(database, "other text", "r1", tenant="other")


def test_twins_that_come_at_once_make_one_document(database):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: put(database, "same", "twin"), range(24)))
    assert len(ids) == 1
    assert scalar(database, "SELECT count(*) FROM documents") == 1
    assert scalar(database, "SELECT count(*) FROM outbox") == 1


def test_rivals_that_come_at_once_leave_one_winner(database):
    def attempt(number: int) -> str:
        try:
            put(database, f"text {number}", "rival")
        except RequestConflict:
            return "conflict"
        return "taken"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(16)))
    assert sorted(results) == ["conflict"] * 15 + ["taken"]


@pytest.mark.parametrize("text", ["", "a\0b", "x" * 200_001, "\ud800"])
def test_what_cannot_be_stored_is_refused_at_the_door(database, text):
    with pytest.raises(InvalidInput):
        put(database, text)


def test_another_tenants_document_is_not_there(database):
    document = put(database, "mine")
    with pytest.raises(DocumentNotFound):
        intake.status(database, "other", document)


# -------------------------------------------------------------------- processing


def test_documents_become_ready_and_findable(database, processor, words):
    fox, bear = put(database, "the quick fox"), put(database, "a slow bear")
    assert found(database, words, "fox") == []
    outcome = processor.process([fox, bear])
    assert sorted(outcome.ready) == sorted([fox, bear])
    assert found(database, words, "quick fox")[0] == fox
    assert words.calls[1] == 2  # one call for both documents
    assert found(database, words, "quick fox", tenant="other") == []


def test_a_second_delivery_does_nothing(database, processor):
    document = put(database, "once")
    processor.process([document])
    outcome = processor.process([document])
    assert outcome.ready == []
    assert scalar(database, "SELECT count(*) FROM chunks") == 1
    assert intake.status(database, TENANT, document).attempts == 1


def test_a_long_document_stays_hidden_until_its_last_passage(database, processor, words):
    text = " ".join(f"word{n}" for n in range(120))
    document = put(database, text)
    seen: list[tuple[int, Status, list[UUID]]] = []

    def look() -> None:
        chunks = scalar(database, "SELECT count(*) FROM chunks")
        words.before_reply = lambda: None  # the look itself embeds a query
        hits = found(database, words, "word1")
        words.before_reply = look
        seen.append((int(str(chunks)), status(database, document), hits))

    words.before_reply = look
    processor.process([document])
    words.before_reply = lambda: None
    assert len(seen) > 3
    assert seen[-1][0] > 0  # passages were there, hidden
    assert all(state is Status.PROCESSING and hits == [] for _, state, hits in seen)
    assert found(database, words, "word1") == [document]
    assert scalar(database, "SELECT count(*) FROM chunks") == len(split(clean(text), 40))


def test_an_engine_that_is_down_costs_no_document_its_life(database, processor, words):
    document = put(database, "patience")
    words.down = True
    assert processor.process([document]).again == [document]
    assert status(database, document) is Status.PENDING
    until_due(database, document)
    assert sweeper.announce_due(database) == 1
    assert sweeper.announce_due(database) == 0
    words.down = False
    assert processor.process([document]).ready == [document]


def test_a_retry_that_is_not_due_is_not_taken(database, processor, words, settings):
    slow = replace(settings, retry=RetryPolicy(retry_base_s=600, retry_max_s=600))
    document = put(database, "later")
    words.down = True
    Processor(database, words, slow, "first").process([document])
    words.down = False
    assert processor.process([document]).ready == []
    assert status(database, document) is Status.PENDING


def test_poison_is_given_up_with_one_dead_letter_and_delays_no_other(database, processor, words):
    words.refuses = "poison"
    poison, blank = put(database, "some poison here"), put(database, "\x0c \u200b\x0c")
    good = [put(database, f"good text {n}") for n in range(3)]
    outcome = processor.process([poison, blank, *good])
    assert sorted(outcome.ready) == sorted(good)
    assert sorted(outcome.again) == sorted([poison, blank])
    until_due(database, poison)
    until_due(database, blank)
    outcome = processor.process([poison, blank])
    assert sorted(outcome.failed) == sorted([poison, blank])
    letters = {letter.document_id: letter for letter in dead_letters.list(database, TENANT)}
    assert sorted(letters) == sorted([poison, blank])
    assert letters[poison].reason == "engine says no"
    assert "no readable character" in letters[blank].reason
    assert processor.process([poison, blank]).failed == []
    assert len(dead_letters.list(database)) == 2
    assert scalar(database, "SELECT count(*) FROM outbox WHERE kind = 'dead_letter'") == 2


def test_a_replayed_document_gets_a_fresh_budget_and_only_once(database, processor, words):
    words.refuses = "poison"
    document = put(database, "some poison here")
    for _ in range(2):
        processor.process([document])
        if status(database, document) is Status.PENDING:
            until_due(database, document)
    (letter,) = dead_letters.list(database)
    assert dead_letters.replay(database, letter.id) == document
    words.refuses = ""
    assert processor.process([document]).ready == [document]
    dead_letters.replay(database, letter.id)  # a second click
    assert status(database, document) is Status.READY
    assert dead_letters.list(database)[0].replayed_at is not None


def test_replaying_what_is_not_there_is_an_error(database):
    with pytest.raises(DocumentNotFound):
        dead_letters.replay(database, uuid.uuid4())


def test_a_second_model_is_refused_and_the_documents_wait(database, processor, words):
    first, second = put(database, "one"), put(database, "two")
    processor.process([first])
    words.model = "other words"
    with pytest.raises(EmbeddingModelChanged, match="other words"):
        processor.process([second])
    assert status(database, second) is Status.PENDING
    with pytest.raises(EmbeddingModelChanged):
        found(database, words, "one")


# ------------------------------------------------------------------------ leases


def claim(database: Database, document: UUID, owner: str) -> Claimed:
    (claimed,) = leases.claim(database, owner, [document], 30)
    return claimed


def write(database: Database, claimed: Claimed, words: Words, *, last: bool = True) -> None:
    chunks = split(claimed.text, 40)
    embedded = words.embed([c.text for c in chunks])
    database.require_space(embedded.model, 32)
    leases.write_chunks(database, claimed, chunks, embedded.vectors, embedded.model, last=last)


def test_one_of_many_gets_the_claim(database):
    document = put(database, "contested")
    with ThreadPoolExecutor(8) as pool:
        claims = list(
            pool.map(lambda n: leases.claim(database, f"w{n}", [document], 30), range(16))
        )
    assert sum(len(c) for c in claims) == 1


def test_a_worker_thought_dead_cannot_write_after_its_claim_ended(database, settings, words):
    document = put(database, "fought over")
    zombie = claim(database, document, "zombie")
    write(database, zombie, words, last=False)
    expire(database, document)
    assert sweeper.end_expired(database, settings) == 1
    until_due(database, document)
    second = claim(database, document, "second")
    assert second.epoch == zombie.epoch + 1
    for action in (
        lambda: write(database, zombie, words),
        lambda: leases.give_back(database, zombie, leases.Cause.OUTAGE, "late", settings.retry),
    ):
        with pytest.raises(DocumentLeaseLost):
            action()
    assert leases.renew(database, [zombie, second], 30) == {document}
    write(database, second, words)
    with pytest.raises(DocumentLeaseLost):
        write(database, zombie, words)
    assert scalar(database, "SELECT array_agg(DISTINCT version) FROM chunks") == [second.epoch]
    assert found(database, words, "fought") == [document]


def test_a_zombie_inside_process_reports_its_claim_as_lost(database, processor, words, settings):
    document = put(database, "slow work")

    def lose_the_lease() -> None:
        expire(database, document)
        sweeper.end_expired(database, settings)

    words.before_reply = lose_the_lease
    outcome = processor.process([document])
    assert outcome.lost == [document]
    assert status(database, document) is Status.PENDING


def test_a_lease_that_is_renewed_is_not_swept(database, settings):
    document = put(database, "busy")
    held = claim(database, document, "alive")
    expire(database, document)
    assert leases.renew(database, [held], 30) == {document}
    assert sweeper.end_expired(database, settings) == 0


def test_a_text_that_kills_every_worker_is_buried_in_the_end(database, settings):
    document = put(database, "deadly")
    for _ in range(settings.retry.max_attempts):
        claim(database, document, "victim")
        expire(database, document)
        sweeper.end_expired(database, settings)
        if status(database, document) is Status.PENDING:
            until_due(database, document)
    assert status(database, document) is Status.FAILED
    (letter,) = dead_letters.list(database)
    assert "victim" in letter.reason


def test_a_lost_announcement_is_repeated_with_doubling_pauses(database):
    document = put(database, "forgotten")
    with database.transaction() as conn:
        conn.execute("UPDATE outbox SET sent_at = now()")
        conn.execute("UPDATE documents SET announced_at = now() - interval '15 s'")
    assert sweeper.announce_stale(database, 20) == 0
    assert sweeper.announce_stale(database, 10) == 1
    assert sweeper.announce_stale(database, 0) == 0  # its event is not even sent
    with database.transaction() as conn:
        conn.execute("UPDATE outbox SET sent_at = now()")
        conn.execute("UPDATE documents SET announced_at = now() - interval '15 s'")
    assert sweeper.announce_stale(database, 10) == 0  # now 20 s are due
    assert status(database, document) is Status.PENDING


def test_history_has_every_state(database, processor, words):
    document = put(database, "recorded")
    words.down = True
    processor.process([document])
    words.down = False
    until_due(database, document)
    processor.process([document])
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT status, lease_epoch FROM document_states WHERE document_id = %s ORDER BY seq",
            (document,),
        ).fetchall()
    assert [(row["status"], row["lease_epoch"]) for row in rows] == [
        ("PENDING", 0), ("PROCESSING", 1), ("PENDING", 1), ("PROCESSING", 2), ("READY", 2),
    ]  # fmt: skip


def test_nearest_gives_each_document_once_with_its_best_passage(database, processor, words):
    text = "alpha beta gamma delta epsilon zeta eta. needle needle needle needle needle."
    document = put(database, text)
    other = put(database, "haystack only")
    processor.process([document, other])
    hits = retrieval.search(database, words, TENANT, "needle", 10)
    assert [hit.document_id for hit in hits] == [document, other]
    assert "needle" in hits[0].text
    assert np.isclose(hits[0].similarity, max(hit.similarity for hit in hits))


@pytest.mark.parametrize(("query", "k"), [("", 3), ("   ", 3), ("x" * 501, 3), ("x", 0)])
def test_a_query_that_means_nothing_is_refused(database, processor, words, query, k):
    processor.process([put(database, "something")])
    with pytest.raises(InvalidInput):
        retrieval.search(database, words, TENANT, query, k)
