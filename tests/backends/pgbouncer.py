"""A real PgBouncer in transaction mode, where the system has one (`apt-get install pgbouncer`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from veristack_lab.backends.ports import is_listening, start_on_free_ports
from veristack_lab.backends.postgres_server import _let_others_traverse, _unprivileged_account
from veristack_lab.runtime.processes import Child, spawn, temporary_folder, wait_until_ready

SETTINGS = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 2
"""


@contextmanager
def transaction_pooler(conninfo: str) -> Iterator[str]:
    """A pooler with two server connections in front of a server; yields its connection string."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("there is no pgbouncer here: `apt-get install pgbouncer` brings it")
    parts = urlsplit(conninfo)
    as_user = _unprivileged_account() if os.geteuid() == 0 else None
    with temporary_folder() as folder:
        _let_others_traverse(folder)
        users = folder / "users"
        users.write_text(f'"{parts.username}" "{parts.password}"\n')

        def start(ports: tuple[int, ...]) -> tuple[Child, int]:
            ini = folder / "pgbouncer.ini"
            ini.write_text(
                SETTINGS.format(
                    host=parts.hostname, port=parts.port, own_port=ports[0], folder=folder
                )
            )
            for path in (users, ini):
                path.chmod(0o644)
            child = spawn(
                [program, str(ini)],
                name="pgbouncer",
                log_path=folder / "log",
                user=None if as_user is None else as_user.pw_uid,
                group=None if as_user is None else as_user.pw_gid,
            )
            wait_until_ready(child, lambda: is_listening(ports[0]))
            return child, ports[0]

        child, port = start_on_free_ports(start)
        with child:
            address = f"{parts.username}:{parts.password}@127.0.0.1:{port}"
            yield f"{parts.scheme}://{address}{parts.path}"
