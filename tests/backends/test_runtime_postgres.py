"""Databases as people have them: a pooler in front, a role with few rights, limits and outages."""

from __future__ import annotations

import os
import secrets
import select
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.backends.pgbouncer import transaction_pooler
from veristack_lab import veriflow
from veristack_lab.errors import (
    BackendError,
    BackendUnavailable,
    InvalidInput,
    PrivilegeMissing,
    VeriStackError,
)
from veristack_lab.runtime import postgres
from veristack_lab.runtime.postgres import Connection, Pool
from veristack_lab.smartsearch.database import Database, migrate
from veristack_lab.veriflow.migrations import migrate as migrate_jobs

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends


def administer(conninfo: str, *statements: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        for statement in statements:
            conn.execute(sql.SQL(statement))  # type: ignore[arg-type]


@contextmanager
def tenant(server: PostgresFacts, *settings: str) -> Iterator[tuple[str, str, str]]:
    """A role of its own with a database that belongs to another role.

    Yields the role's connection string, the administrator's to the same database, and the name.
    """
    name = f"r{secrets.token_hex(5)}"
    administer(
        server.conninfo,
        f"create role {name} login password 'pw'",
        f"create database {name}",
        *(f"alter role {name} {setting}" for setting in settings),
    )
    parts = urlsplit(server.conninfo)
    place = f"{parts.hostname}:{parts.port}/{name}"
    admin = server.conninfo.replace("/postgres", f"/{name}")
    try:
        yield f"postgresql://{name}:pw@{place}", admin, name
    finally:
        administer(server.conninfo, f"drop database {name} with (force)", f"drop role {name}")


@pytest.fixture
def pool(postgres_server: PostgresFacts, unique_name: str) -> Iterator[Pool]:
    administer(postgres_server.conninfo, f"create schema {unique_name}")
    with closing(Pool(postgres_server.conninfo, unique_name, what="the test database")) as made:
        with made.transaction() as conn:
            conn.execute("create table t (x int primary key)")
        yield made


def values(pool: Pool) -> list[int]:
    with pool.snapshot() as conn:
        return [row["x"] for row in conn.execute("select x from t order by x")]


def test_a_transaction_is_whole_or_not_there(pool: Pool) -> None:
    with pool.transaction() as conn:
        conn.execute("insert into t values (1)")

    def insert_and_fail() -> None:
        with pool.transaction() as conn:
            conn.execute("insert into t values (2)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        insert_and_fail()
    assert values(pool) == [1]


def test_a_failed_statement_that_the_body_passes_over_is_not_taken_for_a_commit(pool: Pool) -> None:
    def insert(conn: Connection) -> None:
        conn.execute("insert into t values (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute("insert into t values (1)")

    with pytest.raises(BackendError, match="keeps nothing of it"), pool.transaction() as conn:
        insert(conn)
    assert values(pool) == []


def test_a_snapshot_sees_one_moment_and_writes_nothing(pool: Pool) -> None:
    with pool.snapshot() as conn:
        assert conn.execute("select count(*) as n from t").fetchone() == {"n": 0}
        with pool.transaction() as other:
            other.execute("insert into t values (1)")
        assert conn.execute("select count(*) as n from t").fetchone() == {"n": 0}
    with pytest.raises(BackendUnavailable, match="takes no writes"), pool.snapshot() as conn:
        conn.execute("insert into t values (2)")


@pytest.mark.parametrize(
    ("statement", "kind", "words"),
    [
        ("select pg_terminate_backend(pg_backend_pid())", BackendUnavailable, "does not answer"),
        ("set local statement_timeout = 1; select pg_sleep(60)", BackendUnavailable, "time limit"),
        (
            "set local transaction_timeout = 1; select pg_sleep(60)",
            BackendUnavailable,
            "time limit",
        ),
        ("set transaction read only; insert into t values (1)", BackendUnavailable, "no writes"),
        ("insert into t values (9999999999)", InvalidInput, "cannot hold a value"),
        ("select * from nothing", BackendError, "lacks what this version needs"),
        ("insert into t values (null)", BackendError, "refuses"),
        ("selec", BackendError, "refuses"),
    ],
)
def test_every_error_is_one_of_ours(
    pool: Pool, statement: str, kind: type[VeriStackError], words: str
) -> None:
    with pytest.raises(VeriStackError, match=words) as caught, pool.transaction() as conn:
        conn.execute(sql.SQL(statement))  # type: ignore[arg-type]
    assert type(caught.value) is kind
    assert values(pool) == []  # and the pool goes on


def test_an_idle_transaction_that_the_server_ended(pool: Pool) -> None:
    def insert_late() -> None:
        with pool.transaction() as conn:
            conn.execute("set local idle_in_transaction_session_timeout = 1")
            select.select([conn.fileno()], [], [], 60)  # until the server says so
            conn.execute("insert into t values (1)")

    with pytest.raises(BackendUnavailable):
        insert_late()
    assert values(pool) == []


def test_a_connection_whose_server_process_is_stopped_is_replaced(
    pool: Pool, postgres_server: PostgresFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    if postgres_server.origin == "yours":
        pytest.skip("this Postgres is yours: its processes are not stopped")
    monkeypatch.setattr(postgres, "CHECK_TIMEOUT_S", 0.2)

    def server_process() -> int:
        with pool.transaction() as conn:
            row = conn.execute("select pg_backend_pid() as pid").fetchone()
            assert row is not None
            return int(row["pid"])

    stopped = server_process()
    os.kill(stopped, signal.SIGSTOP)
    try:
        assert server_process() != stopped
    finally:
        os.kill(stopped, signal.SIGCONT)


def test_a_role_that_may_not_connect_again_is_told(postgres_server: PostgresFacts) -> None:
    with tenant(postgres_server, "connection limit 0") as (url, _, _):
        with pytest.raises(BackendUnavailable, match="too many connections"):
            migrate_jobs(url, "veriflow")
        with (
            closing(Pool(url, "s", what="it", timeout_s=0.2)) as pool,
            pytest.raises(BackendUnavailable, match="it does not answer"),
            pool.transaction(),
        ):
            raise AssertionError("there is no connection")


def test_what_is_not_a_connection_string_is_said() -> None:
    with pytest.raises(InvalidInput, match="connection string"):
        migrate_jobs("this is not one", "veriflow")


def test_a_role_that_may_not_create_schemas(postgres_server: PostgresFacts) -> None:
    with tenant(postgres_server) as (url, admin, role):
        with pytest.raises(PrivilegeMissing, match="prepare the schema for this role"):
            veriflow.connect(url)
        administer(admin, f"create schema veriflow authorization {role}")
        with veriflow.connect(url) as flow:
            assert flow.submit({"name": "a", "workload": "primes"}).attempts == 0


def test_a_role_that_may_only_use_what_was_made(postgres_server: PostgresFacts) -> None:
    with tenant(postgres_server) as (url, admin, role):
        veriflow.connect(admin).close()
        administer(
            admin,
            f"grant usage on schema veriflow to {role}",
            f"grant select, insert, update, delete on all tables in schema veriflow to {role}",
            f"grant usage on all sequences in schema veriflow to {role}",
        )
        with veriflow.connect(url) as flow:
            flow.submit({"name": "a", "workload": "primes"})
            assert sum(flow.counts().values()) == 1


def test_documents_on_a_schema_that_was_prepared(postgres_server: PostgresFacts) -> None:
    with tenant(postgres_server) as (url, admin, role):
        administer(
            admin, "create extension vector", f"create schema smartsearch authorization {role}"
        )
        migrate(url, "smartsearch")
        with Database(url, "smartsearch") as database:
            database.require_space("m", 3)
            assert database.space() == ("m", 3)


def test_two_schemas_behind_a_transaction_pooler(
    postgres_server: PostgresFacts, unique_name: str
) -> None:
    schemas = [f"{unique_name}_{n}" for n in range(2)]
    with transaction_pooler(postgres_server.conninfo) as url:
        flows = [veriflow.connect(url, schema=schema) for schema in schemas]

        def work(number: int) -> None:
            for turn in range(8):
                which = (number + turn) % 2
                flows[which].submit({"name": schemas[which], "workload": "primes"})
                flows[which].list(limit=2)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(work, range(4)))
        with Database(url, schemas[0] + "_documents") as database:
            for _ in range(8):
                with database.transaction() as conn:
                    conn.execute("select '[1,2]'::vector as v")
        for flow, schema in zip(flows, schemas, strict=True):
            jobs = flow.list()
            assert len(jobs) == 16
            assert {job.spec.name for job in jobs} == {schema}
            flow.drop_schema()
