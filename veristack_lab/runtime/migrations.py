"""Numbered SQL files, applied once each inside one schema.

A folder holds `0001_name.sql`, `0002_name.sql`, ...; names in the files are unqualified, since
the search path is the schema, then `public` (where extensions live). The table
`schema_migrations` in the same schema records each file's name and SHA-256.

Commit point: one transaction holds everything, so after a crash either all pending files took
effect and are recorded, or none. One advisory lock for the whole database, held until that
commit, lets any number of processes call this at once.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from veristack_lab.errors import InvalidInput, MigrationConflict

ADVISORY_LOCK_KEY = 0x5645_5249_5354_4143  # "VERISTAC": one key for every schema of a database
_FILE_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Migration:
    """One SQL file."""

    name: str
    text: bytes

    @property
    def sha256(self) -> str:
        """The checksum that is recorded with the name."""
        return hashlib.sha256(self.text).hexdigest()


def apply(conn: psycopg.Connection[Any], schema: str, folder: Traversable | Path) -> list[str]:
    """Bring a schema up to date; make it if it does not exist. Safe to repeat and to call
    concurrently.

    Args:
        conn: a connection with no transaction open; it is left without one.
        schema: lower-case SQL identifier.
        folder: where the SQL files are, for example `importlib.resources.files(...) / "sql"`.

    Returns:
        The names of the files that were applied now, in order.

    Raises:
        InvalidInput: the schema's name cannot be used, or a file's name has no number.
        MigrationConflict: an applied file was changed, is gone, or a new one comes before it.
    """
    check_schema(schema)
    files = read_folder(folder)
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK_KEY,))
        _make_room(conn, schema)
        rows = conn.execute("SELECT name, sha256 FROM schema_migrations ORDER BY name").fetchall()
        new = pending(files, [(str(row[0]), str(row[1])) for row in rows])
        for file in new:
            conn.execute(file.text)
            conn.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)",
                (file.name, file.sha256),
            )
    return [file.name for file in new]


def _make_room(conn: psycopg.Connection[Any], schema: str) -> None:
    """Make the schema and its table of migrations, unless they exist.

    `IF NOT EXISTS` asks for the right to create even when there is nothing to create, and a
    prepared schema must work for a role without that right.
    """
    if _lacks(conn, "SELECT to_regnamespace(%s)", schema):
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    conn.execute(sql.SQL("SET LOCAL search_path TO {}, public").format(sql.Identifier(schema)))
    if _lacks(conn, "SELECT to_regclass(%s)", f"{schema}.schema_migrations"):
        conn.execute(
            "CREATE TABLE schema_migrations (name text PRIMARY KEY,"
            " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )


def _lacks(conn: psycopg.Connection[Any], query: LiteralString, name: str) -> bool:
    row = conn.execute(query, (name,)).fetchone()
    return row is None or row[0] is None


def check_schema(schema: str) -> str:
    """The name, if it is a valid schema name.

    Raises:
        InvalidInput: it cannot, or belongs to Postgres itself.
    """
    if not _SCHEMA_NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise InvalidInput(
            f"invalid schema name {schema!r}: use a-z, 0-9 and _, at most 63, not starting with pg_"
        )
    return schema


def read_folder(folder: Traversable | Path) -> list[Migration]:
    """The SQL files of a folder in the order of their numbers.

    Raises:
        InvalidInput: a `.sql` file is not named `0001_name.sql`, or two share a number.
    """
    files = [f for f in folder.iterdir() if f.name.endswith(".sql")]
    for file in files:
        if not _FILE_NAME.fullmatch(file.name):
            raise InvalidInput(f"migration {file.name!r} must be named like 0001_name.sql")
    if len({file.name[:4] for file in files}) < len(files):
        raise InvalidInput("two migrations have the same number; renumber the newer one")
    return [Migration(f.name, f.read_bytes()) for f in sorted(files, key=lambda f: f.name)]


def pending(files: list[Migration], applied: list[tuple[str, str]]) -> list[Migration]:
    """The files still to be applied, given the (name, sha256) pairs that already were.

    Raises:
        MigrationConflict: the applied ones are not the beginning of the files.
    """
    for position, (name, sha256) in enumerate(applied):
        file = files[position] if position < len(files) else None
        if file is None or file.name != name:
            raise MigrationConflict(
                f"the database has migration {name}, which this version lacks or numbers"
                " otherwise. Use the version of the lab that made it, or another schema."
            )
        if file.sha256 != sha256:
            raise MigrationConflict(
                f"migration {name} was changed after it had been applied. Undo the change and"
                " put it into a new file with the next number."
            )
    return files[len(applied) :]
