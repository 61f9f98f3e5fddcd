"""A witness: it checks from outside whether the promises hold.

`Reader` compares, in one snapshot of the database, what search shows with what is READY.
`audit` looks at everything once at the end.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from veristack_lab.errors import BackendUnavailable
from veristack_lab.smartsearch import retrieval
from veristack_lab.smartsearch.chunking import clean, split
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.retrieval import Vector

PAUSE_S = 0.02  # leaves the two cores of a small machine to the workers


@dataclass
class Reader:
    """Queries search continuously from its own thread and counts every disagreement.

    Args:
        database: where to look.
        tenant_id: owner of the documents.
        vectors: queries, asked in turn.
    """

    database: Database
    tenant_id: str
    vectors: Sequence[Vector]
    reads: int = 0
    """Snapshots compared."""
    shown: int = 0
    """Documents that were found, over all reads."""
    violations: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.read_once()
            except BackendUnavailable:
                self._stop.wait(
                    0.2
                )  # a database that is unavailable shows nothing, so it breaks no promise
            self._stop.wait(PAUSE_S)

    def read_once(self) -> None:
        """One comparison: exactly the READY documents are found, each once."""
        vector = self.vectors[self.reads % len(self.vectors)]
        with self.database.snapshot() as conn:
            # One snapshot for both queries: otherwise a document could change in between.
            hits = retrieval.nearest(conn, self.tenant_id, vector, retrieval.MAX_RESULTS)
            rows = conn.execute(
                "SELECT id, status FROM documents WHERE tenant_id = %s", (self.tenant_id,)
            ).fetchall()
        self.reads += 1
        self.shown += len(hits)
        status = {row["id"]: row["status"] for row in rows}
        found = {hit.document_id for hit in hits}
        if len(found) != len(hits):
            self.violations.append("a document was found twice in one search")
        for document in found:
            if status.get(document) != "READY":
                self.violations.append(f"{document} was found while {status.get(document)}")
        for document in (d for d, state in status.items() if state == "READY"):
            if document not in found:
                self.violations.append(f"{document} is READY and was not found")


@dataclass(frozen=True)
class Audit:
    """What is true of a tenant's documents at the end."""

    documents: int
    ready: int
    failed: int
    unfinished: int
    incomplete: int
    """READY documents whose visible passages are not exactly those of their text."""
    hidden_leftovers: int
    """Passages that no reader will ever see, left by attempts that died."""
    dead_letters: int
    failed_without_one_letter: int
    """FAILED documents that have not exactly one dead letter."""


def audit(database: Database, tenant_id: str, max_chunk_chars: int) -> Audit:
    """Compare every document of a tenant with what is stored for it."""
    with database.snapshot() as conn:
        rows = conn.execute(
            "SELECT d.id, d.status, d.text,"
            "  (SELECT array_agg(c.text ORDER BY c.chunk_no) FROM chunks c"
            "    WHERE c.document_id = d.id AND c.version = d.ready_version) AS visible,"
            "  (SELECT count(*) FROM chunks c WHERE c.document_id = d.id"
            "    AND c.version IS DISTINCT FROM d.ready_version) AS hidden,"
            "  (SELECT count(*) FROM dead_letters l WHERE l.document_id = d.id) AS letters"
            " FROM documents d WHERE d.tenant_id = %s",
            (tenant_id,),
        ).fetchall()
    ready = [row for row in rows if row["status"] == "READY"]
    failed = [row for row in rows if row["status"] == "FAILED"]
    return Audit(
        documents=len(rows),
        ready=len(ready),
        failed=len(failed),
        unfinished=len(rows) - len(ready) - len(failed),
        incomplete=sum(
            row["visible"] != [c.text for c in split(clean(row["text"]), max_chunk_chars)]
            for row in ready
        ),
        hidden_leftovers=sum(row["hidden"] for row in rows),
        dead_letters=sum(row["letters"] for row in rows),
        failed_without_one_letter=sum(row["letters"] != 1 for row in failed),
    )
