"""Ingestion while the power is being cut, and how good the search is.

Both return a DataFrame with seed, parameters and counters in `.attrs`. Times are seconds on
the database's clock since the first document was offered.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from veristack_lab.errors import BackendError, InvalidInput
from veristack_lab.processes import stretched
from veristack_lab.progress import OnProgress, silent
from veristack_lab.smartsearch import corpus, retrieval
from veristack_lab.smartsearch.client import Search
from veristack_lab.smartsearch.corpus import SCANNED_PAGE, Source
from veristack_lab.smartsearch.crew import Crew
from veristack_lab.smartsearch.settings import Settings
from veristack_lab.smartsearch.witness import Reader, audit

TENANT = "stdlib"
POLL_S = 0.03
REPEATED_SHARE = 0.1
"""Share of the requests that are sent twice, as a client does after a lost reply."""


class Broker(Protocol):
    """A broker that may be hurt; `backends.kafka` yields one."""

    bootstrap: str

    def kill(self) -> None:
        """SIGKILL."""

    def restart(self) -> None:
        """Start it again on the same port and data; returns when it answers."""


@dataclass
class _Fire:
    """The state that feeder and main thread share."""

    search: Search
    sources: Sequence[Source]
    repeated: frozenset[int]
    ahead: int
    """How many documents may be accepted and unfinished at a time."""
    finished: int = 0
    accepted: int = 0
    repeats_that_differed: int = 0
    broker_down: bool = False
    accepted_while_down: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def feed(self) -> None:
        """Offer every document, some of them twice, never too far ahead of the workers."""
        try:
            for number, source in enumerate(self.sources):
                while self.accepted - self.finished >= self.allowed and not self.stop.is_set():
                    self.stop.wait(POLL_S)
                if self.stop.is_set():
                    return
                self._offer(number, source)
        except Exception as error:  # noqa: BLE001  (handed to the main thread, which raises it)
            self.error = error

    @property
    def allowed(self) -> int:
        # While the broker is away nothing finishes: there must be room to show that documents
        # are taken in all the same.
        return self.ahead * 2 if self.broker_down else self.ahead

    def _offer(self, number: int, source: Source) -> None:
        down = self.broker_down
        offer = (TENANT, source.request_id, source.text, source.title)
        first = self.search.ingest(*offer)
        if number in self.repeated:
            self.repeats_that_differed += self.search.ingest(*offer).id != first.id
        self.accepted += 1
        self.accepted_while_down += down and self.broker_down


def ingest_under_fire(
    conninfo: str,
    broker: Broker,
    gateway_url: str,
    folder: Path,
    *,
    documents: int = 600,
    poison: int = 2,
    seed: int = 1,
    workers: int = 2,
    schema: str | None = None,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Ingest real documents with real workers while a worker and then the broker are killed.

    The worker is killed by SIGKILL while it holds documents, at a point that the seed chooses;
    the broker later, while documents flow, and started again after more were taken in. A reader
    compares search with the documents' states all the while.

    Args:
        conninfo: a Postgres with pgvector.
        broker: a Kafka that may be killed.
        gateway_url: serves "embeddings".
        folder: where the processes' logs go.
        documents: size of the sample of the standard library's docstrings.
        poison: how many further documents hold nothing readable.
        seed: of the sample, its order and both kill points.
        workers: how many worker processes; at least 2, since one is killed.
        schema: database schema and topic prefix; a fresh one when not given.
        on_progress: called with (finished, total).

    Returns:
        One row a document: request_id, title, poison, status, attempts, worker, chunks,
        accepted_s, processing_s, finished_s. `attrs`: parameters, `events` (name -> seconds),
        `history` (list of (seconds, row, status)) and the counters reads, shown, violations,
        lost, duplicates, incomplete, dead_letters, in_hand, in_hand_finished,
        accepted_while_broker_down, repeated, reprocessed.

    Raises:
        InvalidInput: fewer than 2 workers, or a sample that cannot be drawn.
        BackendError: not everything was finished in time.
    """
    if workers < 2:
        raise InvalidInput("give at least 2 workers: one of them will be killed")
    rng = random.Random(seed)
    sources = _with_poison(corpus.sample(documents, seed), poison, rng)
    kill_worker_at = int(len(sources) * rng.uniform(0.15, 0.35))
    kill_broker_at = int(len(sources) * rng.uniform(0.45, 0.65))
    name = schema or f"fire_{secrets.token_hex(4)}"
    settings = Settings(
        conninfo, broker.bootstrap, gateway_url, schema=name, topic=name, lease_s=3.0
    )
    parameters: dict[Hashable, Any] = {
        "seed": seed, "documents": documents, "poison": poison, "workers": workers,
        "kill_worker_at": kill_worker_at, "kill_broker_at": kill_broker_at, "schema": name,
    }  # fmt: skip
    with Search(settings) as search, Crew(settings, folder, workers=workers) as crew:
        vectors = _question_vectors(search, count=8)
        repeated = frozenset(rng.sample(range(len(sources)), int(len(sources) * REPEATED_SHARE)))
        fire = _Fire(search, sources, repeated, ahead=max(16, len(sources) // 6))
        drill = _Drill(fire, crew, broker, rng, on_progress or silent)
        with Reader(search.database, TENANT, vectors) as reader:
            drill.run(kill_worker_at, kill_broker_at)
        return _report(fire, drill, reader, parameters)


def _with_poison(sources: list[Source], poison: int, rng: random.Random) -> list[Source]:
    mixed = list(sources)
    for number in range(poison):
        scanned = Source(f"scan-{number}", f"scanned page {number}", SCANNED_PAGE)
        mixed.insert(rng.randrange(len(mixed) // 2), scanned)
    return mixed


def _question_vectors(search: Search, count: int) -> list[retrieval.Vector]:
    texts = [question.text for question in corpus.questions()[:count]]
    return list(search.embedder.embed(texts).vectors)


class _Drill:
    """Kills at the chosen points and waits for the end."""

    def __init__(
        self, fire: _Fire, crew: Crew, broker: Broker, rng: random.Random, on_progress: OnProgress
    ) -> None:
        self.fire = fire
        self.crew = crew
        self.broker = broker
        self.events: dict[str, float] = {}
        self.victim = rng.choice(sorted(crew.workers))
        self.in_hand: list[str] = []
        """Request ids that the victim held a lease on when it was killed."""
        self._on_progress = on_progress
        self._began_s, self._limit_s = time.monotonic(), 90 + len(fire.sources) / 4
        self._start = self._clock()

    def run(self, kill_worker_at: int, kill_broker_at: int) -> None:
        feeder = threading.Thread(target=self.fire.feed, name="feeder", daemon=True)
        feeder.start()
        try:
            self._until(lambda: self.fire.finished >= kill_worker_at)
            self._until(self._killed_with_documents_in_hand)
            self._until(lambda: self.fire.finished >= kill_broker_at)
            self._restart_broker()
            self._until(lambda: self.fire.finished >= len(self.fire.sources))
            self._mark("all finished")
        finally:
            self.fire.stop.set()
            feeder.join()

    def _killed_with_documents_in_hand(self) -> bool:
        """Stop the victim, look what it holds, and kill it there; else let it go on."""
        child = self.crew.workers[self.victim]
        child.pause()
        with self.fire.search.database.transaction() as conn:
            rows = conn.execute(
                "SELECT request_id FROM documents WHERE status = 'PROCESSING'"
                " AND lease_owner = %s AND lease_expires_at > now()",
                (self.victim,),
            ).fetchall()
        if not rows:
            child.resume()
            return False
        child.kill()
        self.in_hand = [row["request_id"] for row in rows]
        self._mark("worker killed")
        return True

    def _restart_broker(self) -> None:
        self.broker.kill()
        self._mark("broker killed")
        self.fire.broker_down = True
        wanted = min(8, len(self.fire.sources) - self.fire.accepted)
        self._until(lambda: self.fire.accepted_while_down >= wanted)
        self.fire.broker_down = False
        self.broker.restart()
        self._mark("broker back")

    def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            if self.fire.error is not None:
                raise self.fire.error
            if time.monotonic() - self._began_s > stretched(self._limit_s):
                raise BackendError(
                    f"only {self.fire.finished} of {len(self.fire.sources)} documents were finished"
                    f" in time; the logs in {self.crew.folder} say why"
                )
            self._look()
            time.sleep(POLL_S)

    def _look(self) -> None:
        self.fire.finished = self.fire.search.finished(TENANT)
        self._on_progress(self.fire.finished, len(self.fire.sources))

    def _clock(self) -> float:
        with self.fire.search.database.transaction() as conn:
            row = conn.execute(
                "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"
            ).fetchone()
        assert row is not None  # a SELECT without FROM always gives one row
        now: float = row["now"]
        return now

    def _mark(self, event: str) -> None:
        self.events[event] = self._clock() - self._start

    @property
    def start(self) -> float:
        """When the first document was offered, on the database's clock."""
        return self._start


_DOCUMENTS = """
SELECT d.request_id, d.title, d.status, d.attempts,
       (SELECT s.lease_owner FROM document_states s WHERE s.document_id = d.id
         AND s.status = 'PROCESSING' ORDER BY s.seq DESC LIMIT 1) AS worker,
       (SELECT count(*) FROM chunks c WHERE c.document_id = d.id
         AND c.version = d.ready_version) AS chunks,
       extract(epoch FROM min(s.at) FILTER (WHERE s.status = 'PENDING'))::float8 - %(start)s
         AS accepted_s,
       extract(epoch FROM min(s.at) FILTER (WHERE s.status = 'PROCESSING'))::float8 - %(start)s
         AS processing_s,
       extract(epoch FROM max(s.at) FILTER (WHERE s.status IN ('READY', 'FAILED')))::float8
         - %(start)s AS finished_s
FROM documents d JOIN document_states s ON s.document_id = d.id
GROUP BY d.id ORDER BY min(s.seq)
"""

_HISTORY = """
SELECT extract(epoch FROM s.at)::float8 - %(start)s AS at_s, d.request_id, s.status
FROM document_states s JOIN documents d ON d.id = s.document_id ORDER BY s.seq
"""


def _report(
    fire: _Fire, drill: _Drill, reader: Reader, parameters: Mapping[Hashable, Any]
) -> pd.DataFrame:
    database, settings = fire.search.database, fire.search.settings
    with database.transaction() as conn:
        rows = conn.execute(_DOCUMENTS, {"start": drill.start}).fetchall()
        history = conn.execute(_HISTORY, {"start": drill.start}).fetchall()
    frame = pd.DataFrame(rows)
    frame.insert(2, "poison", frame["request_id"].str.startswith("scan-"))
    found = audit(database, TENANT, settings.max_chunk_chars)
    position = {request: row for row, request in enumerate(frame["request_id"])}
    in_hand = frame[frame["request_id"].isin(drill.in_hand)]
    attrs: dict[Hashable, Any] = {
        **parameters,
        "events": drill.events,
        "history": [(row["at_s"], position[row["request_id"]], row["status"]) for row in history],
        "victim": drill.victim,
        "reads": reader.reads,
        "shown": reader.shown,
        "violations": len(reader.violations),
        "first_violations": reader.violations[:5],
        "accepted": fire.accepted,
        "repeated": len(fire.repeated),
        "accepted_while_broker_down": fire.accepted_while_down,
        "lost": fire.accepted - int((frame["status"] == "READY").sum()) - found.failed,
        "duplicates": found.documents - len(fire.sources) + fire.repeats_that_differed,
        "in_hand": len(in_hand),
        "in_hand_finished": int(
            ((in_hand["status"] == "READY") & (in_hand["worker"] != drill.victim)).sum()
            + (in_hand["poison"] & (in_hand["status"] == "FAILED")).sum()
        ),
        "reprocessed": int((frame["attempts"] > 1).sum()),
        **{f"audit_{key}": value for key, value in asdict(found).items()},
    }
    frame.attrs = attrs
    return frame


def retrieval_quality(search: Search, *, tenant_id: str = TENANT, k: int = 10) -> pd.DataFrame:
    """Ask the hand-written questions and look where the first right entry stands.

    Args:
        search: with the standard library's entries (or a `corpus.sample`) ingested.
        tenant_id: whose documents.
        k: how far down to look.

    Returns:
        One row a question: question, rank (NaN when not among the first k), first (title of the
        first hit), similarity (of the first hit), relevant. `attrs`: hit_at_1, hit_at_3,
        hit_at_k, mrr (mean reciprocal rank, 0 for a miss), k, documents, chance (hit@k of a
        blind guess).

    Raises:
        EmbeddingFailed: the questions could not be embedded.
        InvalidInput: nothing is READY.
    """
    questions = corpus.questions()
    rows = []
    for first in range(0, len(questions), 16):
        batch = questions[first : first + 16]
        vectors = search.embedder.embed([question.text for question in batch]).vectors
        with search.database.transaction() as conn:
            for question, vector in zip(batch, vectors, strict=True):
                hits = retrieval.nearest(conn, tenant_id, vector, k)
                if not hits:
                    raise InvalidInput(f"tenant {tenant_id!r} has no READY document to search")
                ranks = [n for n, hit in enumerate(hits, 1) if hit.title in question.relevant]
                rows.append(
                    {
                        "question": question.text,
                        "rank": ranks[0] if ranks else np.nan,
                        "first": hits[0].title,
                        "similarity": hits[0].similarity,
                        "relevant": ", ".join(sorted(question.relevant)),
                    }
                )
    frame = pd.DataFrame(rows)
    ready = search.pressure().ready
    relevant = float(np.mean([len(question.relevant) for question in questions]))
    frame.attrs = {
        "k": k,
        "documents": ready,
        "hit_at_1": float((frame["rank"] <= 1).mean()),
        "hit_at_3": float((frame["rank"] <= 3).mean()),
        "hit_at_k": float((frame["rank"] <= k).mean()),
        "mrr": float((1 / frame["rank"]).fillna(0).mean()),
        "chance": min(1.0, k * relevant / ready),
    }
    return frame


def connect_to(frame: pd.DataFrame, conninfo: str, bootstrap: str, gateway_url: str) -> Search:
    """A `Search` on the documents that `ingest_under_fire` left behind."""
    name = str(frame.attrs["schema"])
    settings = Settings(conninfo, bootstrap, gateway_url)
    return Search(replace(settings, schema=name, topic=name))
