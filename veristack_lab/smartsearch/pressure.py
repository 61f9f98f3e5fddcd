"""How much work is waiting in each part, read from the database and the broker, never from
counters.

A worker's own counters die with it, and an average age hides the one document that is stuck:
so the ages here are those of the oldest.
"""

from __future__ import annotations

from veristack_lab.smartsearch import broker
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.model import Pressure
from veristack_lab.smartsearch.settings import Settings

_QUERY = """
SELECT count(*) FILTER (WHERE status = 'PENDING') AS pending,
       count(*) FILTER (WHERE status = 'PROCESSING') AS processing,
       count(*) FILTER (WHERE status = 'FAILED') AS failed,
       count(*) FILTER (WHERE status = 'READY') AS ready,
       count(*) FILTER (WHERE status = 'PENDING' AND next_attempt_at > now()) AS waiting_for_retry,
       extract(epoch FROM now() - min(created_at) FILTER (WHERE status = 'PENDING'))::float8
           AS oldest_pending_s,
       extract(epoch FROM now() - min(updated_at) FILTER (WHERE status = 'PROCESSING'))::float8
           AS oldest_processing_s,
       (SELECT count(*) FROM outbox WHERE sent_at IS NULL) AS outbox_unsent,
       (SELECT extract(epoch FROM now() - min(created_at))::float8 FROM outbox
         WHERE sent_at IS NULL) AS outbox_oldest_s,
       (SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL
         AND (%(tenant)s::text IS NULL OR tenant_id = %(tenant)s)) AS dead_letters_open
FROM documents WHERE %(tenant)s::text IS NULL OR tenant_id = %(tenant)s
"""
_AGES = ("oldest_pending_s", "oldest_processing_s", "outbox_oldest_s")


def pressure(database: Database, settings: Settings, tenant_id: str | None = None) -> Pressure:
    """The state of the pipeline; documents and dead letters of one tenant, or of all.

    Outbox and consumer lag are always those of all tenants, which share them.
    """
    with database.transaction() as conn:
        row = conn.execute(_QUERY, {"tenant": tenant_id}).fetchone()
    assert row is not None  # an aggregate always gives one row
    for age in _AGES:  # a clock that was set back makes none negative
        row[age] = None if row[age] is None else max(0.0, row[age])
    return Pressure(**row, consumer_lag=broker.lag(settings))
