"""Events that are written together with the rows they concern, and sent afterwards.

A row and its event commit together, so neither exists without the other: that is what a
database followed by a broker cannot promise. (The pattern is Richardson's "transactional
outbox", Microservices Patterns, 2018, chapter 3.) Sending is at least once; the receiver reads from
the database what is really to be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from veristack_lab.smartsearch.database import Connection

Kind = Literal["document", "dead_letter"]


@dataclass(frozen=True)
class Event:
    """One event that was not acknowledged by the broker yet."""

    id: int
    event_id: UUID
    kind: Kind
    key: str
    payload: Mapping[str, Any]


def announce_documents(conn: Connection, documents: Iterable[tuple[str, UUID]]) -> None:
    """Announce that documents (tenant, id) need work. Call it in the transaction that causes it."""
    _write(
        conn,
        [
            ("document", str(document_id), {"tenantId": tenant_id, "documentId": str(document_id)})
            for tenant_id, document_id in documents
        ],
    )


def announce_dead_letter(conn: Connection, payload: Mapping[str, Any]) -> None:
    """Announce that a document was given up, in the same transaction."""
    _write(conn, [("dead_letter", str(payload["documentId"]), payload)])


def _write(conn: Connection, events: Sequence[tuple[Kind, str, Mapping[str, Any]]]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO outbox (kind, key, payload) VALUES (%s, %s, %s)",
            [(kind, key, Jsonb(payload)) for kind, key, payload in events],
        )


def take_unsent(conn: Connection, limit: int) -> list[Event]:
    """Lock the oldest unsent events that no other relay holds, until the transaction ends."""
    rows = conn.execute(
        "SELECT id, event_id, kind, key, payload FROM outbox WHERE sent_at IS NULL"
        " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
        (limit,),
    ).fetchall()
    return [Event(**row) for row in rows]


def mark_sent(conn: Connection, ids: Sequence[int]) -> None:
    """Record that the broker acknowledged these events."""
    conn.execute("UPDATE outbox SET sent_at = clock_timestamp() WHERE id = ANY(%s)", (list(ids),))


def prune(conn: Connection, keep_s: float) -> int:
    """Delete events acknowledged longer ago than this. Returns how many there were."""
    return conn.execute(
        "DELETE FROM outbox WHERE sent_at < now() - make_interval(secs => %s)", (keep_s,)
    ).rowcount
