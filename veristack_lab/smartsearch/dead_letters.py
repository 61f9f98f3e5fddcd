"""Documents that were given up: list them, and send them through the pipeline again.

The table is the truth, with one record for each time a document was given up. The copies on
the dead-letter topic are sent by the relay, at least once.
"""

from __future__ import annotations

import builtins
from uuid import UUID

from veristack_lab.errors import DocumentNotFound, InvalidInput
from veristack_lab.smartsearch import outbox
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.model import DeadLetter


def list(  # noqa: A001  (read as dead_letters.list)
    database: Database, tenant_id: str | None = None, limit: int = 100
) -> builtins.list[DeadLetter]:
    """The newest dead letters, of one tenant or of all.

    Raises:
        InvalidInput: the limit is not between 1 and 1000.
    """
    if not 1 <= limit <= 1000:
        raise InvalidInput(f"limit must be 1 to 1000, not {limit}")
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT l.id, l.tenant_id, l.document_id, d.title, l.reason, l.attempts,"
            " l.created_at, l.replayed_at FROM dead_letters l JOIN documents d"
            " ON d.id = l.document_id WHERE %s::text IS NULL OR l.tenant_id = %s"
            " ORDER BY l.created_at DESC, l.id LIMIT %s",
            (tenant_id, tenant_id, limit),
        ).fetchall()
    return [DeadLetter(**row) for row in rows]


def replay(database: Database, dead_letter_id: UUID) -> UUID:
    """Give a failed document a fresh budget of attempts. Returns its id.

    Commit point: one transaction marks the letter, makes the document PENDING and announces
    it. A second call for the same letter changes nothing more.

    Raises:
        DocumentNotFound: there is no such dead letter.
    """
    with database.transaction() as conn:
        row = conn.execute(
            "SELECT document_id, tenant_id, replayed_at FROM dead_letters WHERE id = %s FOR UPDATE",
            (dead_letter_id,),
        ).fetchone()
        if row is None:
            raise DocumentNotFound(f"there is no dead letter {dead_letter_id}")
        if row["replayed_at"] is None:
            conn.execute(
                "UPDATE dead_letters SET replayed_at = clock_timestamp() WHERE id = %s",
                (dead_letter_id,),
            )
            conn.execute(
                "UPDATE documents SET status = 'PENDING', attempts = 0, refusals = 0,"
                " next_attempt_at = NULL, announced_at = clock_timestamp(), announcements = 1,"
                " updated_at = clock_timestamp() WHERE id = %s AND status = 'FAILED'",
                (row["document_id"],),
            )
            outbox.announce_documents(conn, [(row["tenant_id"], row["document_id"])])
    document_id: UUID = row["document_id"]
    return document_id
