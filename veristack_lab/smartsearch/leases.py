"""Which worker may process a document, and what each outcome writes.

A claim raises the document's `lease_epoch`. The epoch is the fencing token (Kleppmann, "How to
do distributed locking", 2016) and the version under which the claim's chunks are written: two
workers can never write the same version, and each write checks, in its own transaction, that
the epoch is still the document's. All times are the database's; a worker's clock is never used.

Commit points: `write_chunks(last=True)` makes a version visible, by one UPDATE of the document's
row; before it commits no reader sees any chunk of that version. `give_back` makes a failure known.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from veristack_lab.errors import DocumentLeaseLost
from veristack_lab.smartsearch import outbox
from veristack_lab.smartsearch.chunking import Chunk
from veristack_lab.smartsearch.database import Connection, Database
from veristack_lab.smartsearch.embedding import Vectors
from veristack_lab.smartsearch.model import Claimed
from veristack_lab.smartsearch.retry import Cause, GiveUp, decide
from veristack_lab.smartsearch.settings import RetryPolicy

MAX_ERROR_CHARS = 500


def claim(
    database: Database, owner: str, document_ids: Sequence[UUID], lease_s: float
) -> list[Claimed]:
    """Take those of the documents that are PENDING and due; the others need no work.

    A document whose retry lies in the future is not taken, so that a duplicate message cannot
    get around the pause.
    """
    with database.transaction() as conn:
        rows = conn.execute(
            "WITH due AS (SELECT id FROM documents WHERE id = ANY(%s) AND status = 'PENDING'"
            "  AND (next_attempt_at IS NULL OR next_attempt_at <= now())"
            "  ORDER BY id FOR UPDATE SKIP LOCKED)"
            " UPDATE documents d SET status = 'PROCESSING', lease_owner = %s,"
            "  lease_epoch = lease_epoch + 1, attempts = attempts + 1, next_attempt_at = NULL,"
            "  lease_expires_at = clock_timestamp() + make_interval(secs => %s),"
            "  updated_at = clock_timestamp()"
            " FROM due WHERE d.id = due.id"
            " RETURNING d.id, tenant_id, title, text, lease_epoch AS epoch, attempts, refusals",
            (list(document_ids), owner, lease_s),
        ).fetchall()
    return [Claimed(**row) for row in rows]


def renew(database: Database, held: Sequence[Claimed], lease_s: float) -> set[UUID]:
    """Extend these leases. Returns the ids of those still held."""
    with database.transaction() as conn:
        rows = conn.execute(
            "UPDATE documents d SET"
            " lease_expires_at = clock_timestamp() + make_interval(secs => %s)"
            " FROM unnest(%s::uuid[], %s::bigint[]) AS held(id, epoch)"
            " WHERE d.id = held.id AND d.lease_epoch = held.epoch AND d.status = 'PROCESSING'"
            " RETURNING d.id",
            (lease_s, [d.id for d in held], [d.epoch for d in held]),
        ).fetchall()
    return {row["id"] for row in rows}


def _fence(conn: Connection, document: Claimed) -> None:
    """Lock the document's row for this transaction, if the claim still holds.

    Raises:
        DocumentLeaseLost: it does not.
    """
    row = conn.execute(
        "SELECT 1 FROM documents WHERE id = %s AND lease_epoch = %s AND status = 'PROCESSING'"
        " FOR UPDATE",
        (document.id, document.epoch),
    ).fetchone()
    if row is None:
        raise DocumentLeaseLost(
            f"claim {document.epoch} on document {document.id} has ended; another worker or the"
            " sweeper has it now. Nothing that this one wrote will be seen."
        )


def write_chunks(
    database: Database,
    document: Claimed,
    chunks: Sequence[Chunk],
    vectors: Vectors,
    model: str,
    *,
    last: bool,
) -> None:
    """Write passages of the claim's version, hidden; with the last ones make it visible.

    Args:
        last: these complete the document: one transaction writes them, flips the document to
            READY and removes what earlier attempts left.

    Raises:
        DocumentLeaseLost: the claim has ended; nothing is written.
    """
    with database.transaction() as conn:
        _fence(conn, document)
        with conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO chunks"
                " (tenant_id, document_id, version, chunk_no, text, embedding, model)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (document.tenant_id, document.id, document.epoch, c.no, c.text, vector, model)
                    for c, vector in zip(chunks, vectors, strict=True)
                ],
            )
        if last:
            _flip(conn, document)


def _flip(conn: Connection, document: Claimed) -> None:
    conn.execute(
        "UPDATE documents SET status = 'READY', ready_version = lease_epoch, lease_owner = NULL,"
        " lease_expires_at = NULL, last_error = NULL, updated_at = clock_timestamp()"
        " WHERE id = %s",
        (document.id,),
    )
    conn.execute(
        "DELETE FROM chunks WHERE document_id = %s AND version <> %s",
        (document.id, document.epoch),
    )


def give_back(
    database: Database, document: Claimed, cause: Cause, error: str, policy: RetryPolicy
) -> bool:
    """End a claim that failed: PENDING with a pause, or FAILED with one dead letter.

    Returns:
        Whether the document was given up.

    Raises:
        DocumentLeaseLost: the claim has ended already.
    """
    with database.transaction() as conn:
        _fence(conn, document)
        return end_attempt(conn, document, cause, error, policy)


def end_attempt(
    conn: Connection, document: Claimed, cause: Cause, error: str, policy: RetryPolicy
) -> bool:
    """The writes of `give_back`, for a row that the transaction has locked already."""
    refusals = document.refusals + (cause is Cause.REFUSED)
    decision = decide(cause, document.attempts, refusals, policy)
    given_up = isinstance(decision, GiveUp)
    pause_s = None if isinstance(decision, GiveUp) else decision.delay_s
    error = error[:MAX_ERROR_CHARS]
    conn.execute(
        "UPDATE documents SET status = %s, refusals = %s, lease_owner = NULL,"
        " lease_expires_at = NULL, last_error = %s, updated_at = clock_timestamp(),"
        " next_attempt_at = clock_timestamp() + make_interval(secs => %s)"  # NULL stays NULL
        " WHERE id = %s",
        ("FAILED" if given_up else "PENDING", refusals, error, pause_s, document.id),
    )
    conn.execute("DELETE FROM chunks WHERE document_id = %s", (document.id,))
    if given_up:
        _bury(conn, document, error)
    return given_up


def _bury(conn: Connection, document: Claimed, error: str) -> None:
    row = conn.execute(
        "INSERT INTO dead_letters (tenant_id, document_id, lease_epoch, reason, attempts)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (document.tenant_id, document.id, document.epoch, error, document.attempts),
    ).fetchone()
    assert row is not None  # INSERT ... RETURNING without a conflict clause
    outbox.announce_dead_letter(
        conn,
        {
            "deadLetterId": str(row["id"]),
            "tenantId": document.tenant_id,
            "documentId": str(document.id),
            "attempts": document.attempts,
            "reason": error,
        },
    )
