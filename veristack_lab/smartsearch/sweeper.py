"""The sweeper handles what no other part notices: dead workers, due retries, lost messages.

Any number of sweepers may run, in any process: each step locks the rows it changes and skips rows
that another sweeper holds. No leader has to be elected.
"""

from __future__ import annotations

from dataclasses import dataclass

from veristack_lab.smartsearch import outbox
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.leases import end_attempt
from veristack_lab.smartsearch.model import Claimed
from veristack_lab.smartsearch.retry import Cause
from veristack_lab.smartsearch.settings import Settings

BATCH = 200
KEEP_SENT_S = 24 * 3600.0
MAX_DOUBLINGS = 7


@dataclass(frozen=True)
class Swept:
    """How many documents one sweep touched."""

    expired: int
    announced: int


def sweep(database: Database, settings: Settings) -> Swept:
    """One round: end expired claims, announce what is due, forget old events."""
    expired = end_expired(database, settings)
    announced = announce_due(database) + announce_stale(database, settings.stale_after_s)
    with database.transaction() as conn:
        outbox.prune(conn, KEEP_SENT_S)
    return Swept(expired, announced)


def end_expired(database: Database, settings: Settings) -> int:
    """Take documents from workers that have been silent for longer than their lease.

    Commit point: one transaction a round. The claim's epoch stays the same, but the status is no
    longer PROCESSING, so a worker that wakes up again finds its claim ended.
    """
    with database.transaction() as conn:
        rows = conn.execute(
            "SELECT id, tenant_id, title, text, lease_epoch AS epoch, attempts, refusals,"
            " lease_owner FROM documents"
            " WHERE status = 'PROCESSING' AND lease_expires_at < now()"
            " ORDER BY lease_expires_at LIMIT %s FOR UPDATE SKIP LOCKED",
            (BATCH,),
        ).fetchall()
        for row in rows:
            owner = row.pop("lease_owner")
            reason = f"worker {owner} fell silent while it held the lease"
            end_attempt(conn, Claimed(**row), Cause.OUTAGE, reason, settings.retry)
    return len(rows)


def announce_due(database: Database) -> int:
    """Announce documents whose pause is over and which were not announced since."""
    with database.transaction() as conn:
        rows = conn.execute(
            "WITH due AS (SELECT id FROM documents WHERE status = 'PENDING'"
            "  AND next_attempt_at <= now() AND announced_at < next_attempt_at"
            "  ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE documents d SET announced_at = clock_timestamp(), announcements = 1"
            " FROM due WHERE d.id = due.id RETURNING d.tenant_id, d.id",
            (BATCH,),
        ).fetchall()
        outbox.announce_documents(conn, [(row["tenant_id"], row["id"]) for row in rows])
    return len(rows)


def announce_stale(database: Database, stale_after_s: float) -> int:
    """Announce documents again that still wait although the pipeline is quiet.

    Their message is lost: the broker forgot it, or it was read while the row was locked. The
    pause doubles, so a pipeline without workers is not flooded with duplicates.
    """
    with database.transaction() as conn:
        rows = conn.execute(
            "WITH stale AS (SELECT id FROM documents WHERE status = 'PENDING'"
            "  AND announced_at < now() - make_interval(secs =>"
            "    %s * 2 ^ least(announcements - 1, %s))"
            "  AND (next_attempt_at IS NULL OR next_attempt_at <= now())"
            "  AND NOT EXISTS (SELECT 1 FROM documents WHERE status = 'PROCESSING')"
            "  AND NOT EXISTS (SELECT 1 FROM outbox WHERE sent_at IS NULL)"
            "  ORDER BY announced_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE documents d SET announced_at = clock_timestamp(),"
            "  announcements = announcements + 1"
            " FROM stale WHERE d.id = stale.id RETURNING d.tenant_id, d.id",
            (stale_after_s, MAX_DOUBLINGS, BATCH),
        ).fetchall()
        outbox.announce_documents(conn, [(row["tenant_id"], row["id"]) for row in rows])
    return len(rows)
