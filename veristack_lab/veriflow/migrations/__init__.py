"""The database schema as numbered SQL files, applied in order, each once.

Commit point: the COMMIT of the one transaction that applies all missing files. Before it,
nothing of them is there; after it, all of it is, each file recorded with its SHA-256.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

import psycopg
from psycopg import sql

from veristack_lab.errors import BackendUnavailable, InvalidInput

FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Migration:
    """One SQL file."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Checksum of the file's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load() -> list[Migration]:
    """The files of this version, in order. Their numbers have no gaps."""
    found = []
    for entry in resources.files(__name__).iterdir():
        match = FILE_NAME.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match[1]), entry.name, entry.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def checked_schema(schema: str) -> str:
    """The name, if it can be a schema of ours.

    Raises:
        InvalidInput: it cannot, or belongs to Postgres itself.
    """
    if not SCHEMA_NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise InvalidInput(
            f"{schema!r} cannot be a schema name; use lower-case letters, digits and underscores"
        )
    return schema


def migrate(
    conninfo: str, schema: str, migrations: list[Migration] | None = None
) -> list[Migration]:
    """Bring the schema up to date; safe to run again, and by many processes at once.

    An advisory lock named after the schema lets one process work and the others wait, who then
    find nothing left to do.

    Args:
        migrations: instead of the files of this version; for tests of the mechanism.

    Returns:
        What was applied now, possibly nothing.

    Raises:
        InvalidInput: a file that was applied before has since been changed, or the database
            is from a newer version.
        BackendUnavailable: the database does not answer.
    """
    checked_schema(schema)
    wanted = load() if migrations is None else migrations
    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection:
            return _migrate(connection, schema, wanted)
    except psycopg.OperationalError as error:
        raise BackendUnavailable(
            f"the job database does not answer: {error}; check DATABASE_URL"
        ) from error


def _migrate(
    connection: psycopg.Connection, schema: str, wanted: list[Migration]
) -> list[Migration]:
    key = f"veriflow migrations of {schema}"
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    name = sql.Identifier(schema)
    connection.execute(sql.SQL("create schema if not exists {}").format(name))
    connection.execute(sql.SQL("set local search_path to {}").format(name))
    connection.execute(
        "create table if not exists migrations (number integer primary key, name text not null,"
        " sha256 text not null, applied_at timestamptz not null)"
    )
    rows = connection.execute("select number, sha256 from migrations").fetchall()
    applied: dict[int, str] = dict(rows)
    _refuse_surprises(applied, wanted, schema)
    missing = [migration for migration in wanted if migration.number not in applied]
    for migration in missing:
        connection.execute(migration.text.encode())
        connection.execute(
            "insert into migrations values (%s, %s, %s, clock_timestamp())",
            [migration.number, migration.name, migration.sha256],
        )
    return missing


def _refuse_surprises(applied: dict[int, str], wanted: list[Migration], schema: str) -> None:
    known = {migration.number: migration for migration in wanted}
    for number, sha256 in sorted(applied.items()):
        if number not in known:
            raise InvalidInput(
                f"schema {schema!r} has migration {number}, which this version does not know; "
                "upgrade the lab, or use another schema"
            )
        if known[number].sha256 != sha256:
            raise InvalidInput(
                f"{known[number].name} was changed after it had been applied to schema "
                f"{schema!r}; restore the file and put the change into a new one"
            )


def drop(conninfo: str, schema: str) -> None:
    """Remove the schema and everything in it. Commit point: the COMMIT of the drop."""
    name = sql.Identifier(checked_schema(schema))
    with psycopg.connect(conninfo, connect_timeout=10) as connection:
        connection.execute("set local client_min_messages to warning")
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(name))
