"""The job database's schema, as the numbered SQL files of this folder (see `migrations`)."""

from __future__ import annotations

from importlib import resources

import psycopg
from psycopg import sql

from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime import migrations

CONNECT_TIMEOUT_S = 10


def migrate(conninfo: str, schema: str) -> list[str]:
    """Bring the schema up to date; safe to run again, and by many processes at once.

    Returns:
        The names of the files that were applied now, possibly none.

    Raises:
        InvalidInput: the schema's name cannot be used.
        MigrationConflict: the schema was made by other files than these.
        BackendUnavailable: the database does not answer.
    """
    try:
        with psycopg.connect(
            conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
        ) as connection:
            return migrations.apply(connection, schema, resources.files(__name__))
    except psycopg.OperationalError as error:
        raise BackendUnavailable(
            f"the job database does not answer: {error}; check DATABASE_URL"
        ) from error


def drop(conninfo: str, schema: str) -> None:
    """Remove the schema and everything in it. Commit point: the COMMIT of the drop."""
    name = sql.Identifier(migrations.check_schema(schema))
    with psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        connection.execute("set local client_min_messages to warning")
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(name))
