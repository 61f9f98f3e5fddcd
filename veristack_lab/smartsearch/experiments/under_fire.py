"""Real documents, real workers, and a worker and the broker killed on the way."""

from __future__ import annotations

import random
import secrets
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.smartsearch import corpus, retrieval
from veristack_lab.smartsearch.client import Search
from veristack_lab.smartsearch.corpus import SCANNED_PAGE, Source
from veristack_lab.smartsearch.crew import Crew
from veristack_lab.smartsearch.experiments.drill import TENANT, Broker, Drill, Fire
from veristack_lab.smartsearch.settings import Settings
from veristack_lab.smartsearch.witness import Reader, audit

REPEATED_SHARE = 0.1
"""Share of the requests that are sent twice, as a client does after a lost reply."""
OUTAGE_S = 4.0
"""How long the broker stays dead before it is started again."""


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
    outage_s: float = OUTAGE_S,
    schema: str | None = None,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Ingest real documents with real workers while a worker and then the broker are killed.

    The worker is killed by SIGKILL while it holds documents, at a point that the seed chooses;
    the broker later, while documents flow. It stays dead for `outage_s`, and all that time
    documents are offered at an even pace, whatever the workers do; then it is started again. A
    reader compares search with the documents' states all the while.

    Args:
        conninfo: a Postgres with pgvector.
        broker: a Kafka that may be killed.
        gateway_url: serves "embeddings".
        folder: where the processes' logs go.
        documents: size of the sample of the standard library's docstrings.
        poison: how many further documents hold nothing readable.
        seed: of the sample, its order and both kill points.
        workers: how many worker processes; at least 2, since one is killed.
        outage_s: seconds from the death of the broker to the start of the next one.
        schema: database schema and topic prefix; a fresh one when not given.
        on_progress: called with (finished, total).

    Returns:
        One row a document: request_id, title, poison, status, attempts, worker, chunks,
        accepted_s, processing_s, finished_s. `attrs`: parameters, `events` (name -> seconds),
        `history` (list of (seconds, row, status)) and the counters reads, shown, violations,
        lost, duplicates, incomplete, dead_letters, in_hand, in_hand_finished,
        offered_while_broker_down, accepted_while_broker_down, repeated, reprocessed.

    Raises:
        InvalidInput: fewer than 2 workers, an outage below zero, or a sample that cannot be drawn.
        BackendError: not everything was finished in time.
    """
    if workers < 2:
        raise InvalidInput("give at least 2 workers: one of them will be killed")
    if outage_s < 0:
        raise InvalidInput(f"an outage of {outage_s:g} s cannot be; give 0 or more seconds")
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
        "kill_worker_at": kill_worker_at, "kill_broker_at": kill_broker_at,
        "outage_s": outage_s, "schema": name,
    }  # fmt: skip
    with Search(settings) as search, Crew(settings, folder, workers=workers) as crew:
        vectors = _question_vectors(search, count=8)
        repeated = frozenset(rng.sample(range(len(sources)), int(len(sources) * REPEATED_SHARE)))
        fire = Fire(search, sources, repeated, ahead=max(16, len(sources) // 6))
        drill = Drill(fire, crew, broker, rng, on_progress or silent, outage_s)
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
    fire: Fire, drill: Drill, reader: Reader, parameters: Mapping[Hashable, Any]
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
        "offered_while_broker_down": fire.offered_while_down,
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
