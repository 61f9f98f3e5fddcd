"""The runner of numbered SQL files, on a real Postgres."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from veristack_lab.errors import InvalidInput, MigrationConflict
from veristack_lab.runtime import migrations

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)


def apply(server: PostgresFacts, schema: str, folder: Path) -> list[str]:
    with psycopg.connect(server.conninfo, autocommit=True) as conn:
        return migrations.apply(conn, schema, folder)


def count(server: PostgresFacts, query: str) -> int:
    with psycopg.connect(server.conninfo) as conn:
        row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_new_files_are_applied_once_and_in_order(postgres_server, unique_name, folder):
    write(folder, **{"0001_a": "CREATE TABLE t (x int); INSERT INTO t VALUES (1)"})
    assert apply(postgres_server, unique_name, folder) == ["0001_a.sql"]
    assert apply(postgres_server, unique_name, folder) == []
    write(folder, **{"0002_b": "INSERT INTO t VALUES (2)"})
    assert apply(postgres_server, unique_name, folder) == ["0002_b.sql"]
    assert count(postgres_server, f"SELECT sum(x) FROM {unique_name}.t") == 3


def test_eight_at_once_apply_each_file_once(postgres_server, unique_name, folder):
    write(folder, **{"0001_a": "CREATE TABLE t (x int); INSERT INTO t VALUES (1)"})
    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(lambda _: apply(postgres_server, unique_name, folder), range(8)))
    assert sorted(applied) == [[]] * 7 + [["0001_a.sql"]]
    assert count(postgres_server, f"SELECT count(*) FROM {unique_name}.t") == 1


def test_a_file_that_fails_leaves_nothing_behind(postgres_server, unique_name, folder):
    write(folder, **{"0001_a": "CREATE TABLE t (x int)", "0002_b": "SELECT 1/0"})
    with pytest.raises(psycopg.errors.DivisionByZero):
        apply(postgres_server, unique_name, folder)
    query = f"SELECT count(*) FROM pg_namespace WHERE nspname = '{unique_name}'"
    assert count(postgres_server, query) == 0


def test_a_changed_old_file_is_refused(postgres_server, unique_name, folder):
    write(folder, **{"0001_a": "CREATE TABLE t (x int)"})
    apply(postgres_server, unique_name, folder)
    write(folder, **{"0001_a": "CREATE TABLE t (x bigint)"})
    with pytest.raises(MigrationConflict, match="changed after it had been applied"):
        apply(postgres_server, unique_name, folder)


def test_a_file_that_is_gone_or_comes_late_is_refused(postgres_server, unique_name, folder):
    write(folder, **{"0002_b": "CREATE TABLE t (x int)"})
    apply(postgres_server, unique_name, folder)
    write(folder, **{"0001_a": "SELECT 1"})
    with pytest.raises(MigrationConflict, match="lacks or numbers otherwise"):
        apply(postgres_server, unique_name, folder)


def test_names_that_cannot_be_used_are_refused(postgres_server, unique_name, folder):
    with pytest.raises(InvalidInput, match="schema name"):
        apply(postgres_server, "No; Good", folder)
    write(folder, first="SELECT 1")
    with pytest.raises(InvalidInput, match="0001_name"):
        apply(postgres_server, unique_name, folder)
