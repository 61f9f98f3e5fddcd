"""Whether another `veristack jobs serve` works on the same schema already.

Two of them would share the names of their schedulers, and each keeps checkpoints in an object store
of its own: a run that the other takes over would find none. Schedulers write every few seconds that
they are alive. Names that do so while this module looks belong to a living rival; names that stop
belong to one that was killed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from veristack_lab.errors import SchemaHeld
from veristack_lab.veriflow.database import Database, Row
from veristack_lab.veriflow.flow import SCHEDULER_SILENT_AFTER_S

LOOK_S = 0.2


def require_alone(
    database: Database,
    scheduler_ids: Sequence[str],
    stop: threading.Event,
    silent_after_s: float = SCHEDULER_SILENT_AFTER_S,
) -> None:
    """Return once no scheduler of these names lives; at once if none was seen lately.

    Args:
        database: with the schema to look at.
        scheduler_ids: the names that the caller is about to use.
        stop: ends the looking.
        silent_after_s: how long a killed scheduler's last sign of life is watched.

    Raises:
        SchemaHeld: a scheduler of one of these names gives signs of life.
        BackendUnavailable: the database does not answer.
    """
    deadline_s = time.monotonic() + silent_after_s
    first = _seen(database, scheduler_ids, silent_after_s)
    while first and time.monotonic() < deadline_s and not stop.wait(LOOK_S):
        now = _seen(database, scheduler_ids, silent_after_s)
        alive = [row for name, row in now.items() if row["seen_at"] != _at(first.get(name))]
        if alive:
            raise SchemaHeld(_words(database, alive))
        first = now


def _at(row: Row | None) -> object:
    return row["seen_at"] if row else None


def _seen(database: Database, names: Sequence[str], silent_after_s: float) -> dict[str, Row]:
    """Schedulers of these names with a sign of life in the last seconds, by the database's clock.

    A sign from the future, after the clock was set back, is not taken for one.
    """
    with database.transaction() as cursor:
        rows = cursor.execute(
            "select scheduler_id, started_at, seen_at from schedulers"
            " where scheduler_id = any(%s) and seen_at <= clock_timestamp()"
            " and seen_at > clock_timestamp() - %s * interval '1 second' order by scheduler_id",
            [list(names), silent_after_s],
        ).fetchall()
    return {row["scheduler_id"]: row for row in rows}


def _words(database: Database, alive: Sequence[Row]) -> str:
    names = ", ".join(row["scheduler_id"] for row in alive)
    since = min(row["started_at"] for row in alive).strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    return (
        f"another `veristack jobs serve` works on schema {database.schema!r} of this Postgres: its"
        f" schedulers ({names}) run since {since}. Use that one, stop it, or give another --schema"
    )
