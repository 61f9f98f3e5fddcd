"""A real Postgres: started, killed, started again with everything that was committed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from veristack_lab.backends import doctor
from veristack_lab.backends.postgres import PostgresFacts, postgres
from veristack_lab.backends.postgres_server import PostgresServer
from veristack_lab.errors import BackendError, FolderHeld
from veristack_lab.runtime.guardian import start_ticks
from veristack_lab.runtime.processes import temporary_folder

pytestmark = pytest.mark.backends


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresFacts]:
    """One of our own, because it is killed here."""
    with postgres() as facts:
        yield facts


def query(facts: PostgresFacts, sql: str) -> object:
    with psycopg.connect(facts.conninfo, autocommit=True) as connection:
        row = connection.execute(sql).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def test_it_is_what_it_says(server: PostgresFacts) -> None:
    assert server.origin == "here"
    assert server.version == query(server, "show server_version")
    assert server.version.startswith("18.")
    assert query(server, "show fsync") == "on"
    assert query(server, "show synchronous_commit") == "on"
    assert query(server, "show listen_addresses") == "127.0.0.1"
    assert query(server, "show unix_socket_directories") == ""


def test_a_password_is_asked_for_and_not_shown(server: PostgresFacts) -> None:
    password = psycopg.conninfo.conninfo_to_dict(server.conninfo)["password"]
    assert str(password) not in repr(server)
    wrong = psycopg.conninfo.make_conninfo(server.conninfo, password="wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_root_is_never_what_it_runs_as(server: PostgresFacts) -> None:
    owner = psutil.Process(server.pid).uids().effective
    assert owner == os.geteuid() if os.geteuid() != 0 else owner != 0


def test_vectors_are_compared(server: PostgresFacts) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("create extension if not exists vector")
        row = connection.execute("select '[1, 2]'::vector <-> '[4, 6]'").fetchone()
        installed = connection.execute(
            "select extversion from pg_extension where extname = 'vector'"
        ).fetchone()
    assert row == (5.0,)
    assert installed == (server.pgvector,)


@pytest.mark.crash
def test_what_was_committed_survives_a_kill(server: PostgresFacts, unique_name: str) -> None:
    with psycopg.connect(server.conninfo) as connection:
        connection.execute(f"create table {unique_name} (number int)")  # type: ignore[arg-type]
        connection.execute(f"insert into {unique_name} values (1)")  # type: ignore[arg-type]
        connection.commit()
        connection.execute(f"insert into {unique_name} values (2)")  # type: ignore[arg-type]
        below = psutil.Process(server.pid).children(recursive=True)
        server.kill()
        assert not server.alive
        assert all(start_ticks(process.pid) is None for process in below)
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
    address = server.conninfo
    server.restart()
    assert server.alive
    assert server.conninfo == address
    assert query(server, f"select array_agg(number) from {unique_name}") == [1]


@pytest.mark.crash
def test_a_folder_is_used_again_and_nothing_stays_elsewhere(folder: Path) -> None:
    place = folder / "pg"
    with postgres(place) as facts:
        with psycopg.connect(facts.conninfo, autocommit=True) as connection:
            connection.execute("create table kept as select 7 as x")
        facts.kill()
    assert not [line for line in segments() if line.split()[4] == str(facts.pid)]
    with postgres(place) as facts:
        assert query(facts, "select x from kept") == 7
    assert (place / "data" / "PG_VERSION").is_file()


def segments() -> list[str]:
    """System V shared-memory segments; the fifth column is the process that made one."""
    return Path("/proc/sysvipc/shm").read_text().splitlines()[1:]


def test_a_second_server_on_one_folder_is_told_who_holds_it() -> None:
    with (
        temporary_folder() as place,
        postgres(place / "pg") as first,
        pytest.raises(FolderHeld) as refused,
        postgres(place / "pg"),
    ):
        pytest.fail("two servers on one folder")
    told = str(refused.value)
    assert f"Postgres runs in {place / 'pg'} already: process {os.getpid()} (" in told
    assert "set DATABASE_URL to use the server that runs" in told
    assert len(told.splitlines()) == 1
    assert first.origin == "here"


def test_yours_is_used_and_never_killed(
    server: PostgresFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.conninfo)
    with postgres() as yours:
        assert (yours.origin, yours.version) == ("yours", server.version)
        assert query(yours, "select 1") == 1
        for hurt in (yours.kill, yours.restart):
            with pytest.raises(BackendError, match="unset DATABASE_URL"):
                hurt()
    assert server.alive
    report = doctor.examine_postgres()
    assert (report.in_use, report.usable, report.next_step) == ("yours", True, "")
    assert report.version == f"{server.version}, pgvector {server.pgvector}"


def test_libpqs_own_variables_are_enough(
    server: PostgresFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(server.conninfo)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for key in ("host", "port", "user", "password", "dbname"):
        variable = "PGDATABASE" if key == "dbname" else f"PG{key.upper()}"
        monkeypatch.setenv(variable, str(parts[key]))
    with postgres() as yours:
        assert yours.conninfo == ""
        assert yours.version == server.version


@pytest.mark.crash
def test_a_folder_whose_initdb_was_killed_is_used_again() -> None:
    """initdb writes its version file long before it is done."""
    with temporary_folder() as place:
        place.chmod(0o755)
        script = f"""
import pathlib
from veristack_lab.backends.postgres_server import PostgresServer
PostgresServer(pathlib.Path({str(place / "pg")!r}), password="first").start()
"""
        with subprocess.Popen([sys.executable, "-c", script]) as owner:
            while not list((place / "pg").glob("*/PG_VERSION")):
                assert owner.poll() is None
                time.sleep(0.002)
            owner.kill()
        server = PostgresServer(place / "pg", password="second")
        try:
            server.start()
            with psycopg.connect(server.conninfo) as conn:
                assert conn.execute("select 1").fetchone() == (1,)
        finally:
            server.stop()
        assert not list((place / "pg").glob("*.partial"))
