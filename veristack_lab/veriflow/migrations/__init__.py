"""The job database's schema, as the numbered SQL files of this folder (see `migrations`)."""

from __future__ import annotations

from importlib import resources

from psycopg import sql

from veristack_lab.runtime import migrations, postgres
from veristack_lab.veriflow.database import WHAT


def migrate(conninfo: str, schema: str) -> list[str]:
    """Bring the schema up to date; safe to run again, and by many processes at once.

    Returns:
        The names of the files that were applied now, possibly none.

    Raises:
        InvalidInput: the schema's name cannot be used.
        MigrationConflict: the schema was made by other files than these.
        PrivilegeMissing: something must be made that the role may not make.
        BackendUnavailable: the database does not answer.
    """
    return postgres.migrate(conninfo, schema, resources.files(__name__), WHAT)


def drop(conninfo: str, schema: str) -> None:
    """Remove the schema and everything in it. Commit point: the COMMIT of the drop."""
    name = sql.Identifier(migrations.check_schema(schema))
    with postgres.session(conninfo, WHAT) as connection, connection.transaction():
        connection.execute("set local client_min_messages to warning")
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(name))
