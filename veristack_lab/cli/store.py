"""`veristack store ...`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.cli import store_inspect, store_torture
from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    from veristack_lab.veristore import Store

app = typer.Typer(no_args_is_help=True, help="The key-value store: serve it, talk to it.")

Folder = Annotated[Path, typer.Argument(metavar="PATH", help="The store's folder.")]
ReadOnly = Annotated[
    bool,
    typer.Option(
        "--read-only",
        help="Read only: repair nothing, write nothing, take no lock, so that another "
        "process may have the store open.",
    ),
]
Key = Annotated[str, typer.Argument(help="The key, as text.")]


@app.callback()
def group() -> None:
    """The key-value store: serve it, talk to it."""


@app.command("serve")
def serve(
    path: Folder,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 picks a free one.")] = 9100,
    durability: Annotated[
        str,
        typer.Option(help="When OK is answered: commit, writes=N, ms=N or none."),
    ] = "commit",
) -> None:
    """Serve the line protocol (PUT, GET, DEL, SIZE, STATUS, PING, FLUSH, SNAP) over TCP.

    PUTL, GETL and DELL do the same for any bytes, by length. At `commit` an OK is durable;
    at the other levels a power cut may lose the writes after the last FLUSH.
    Makes the store if it does not exist. Ends on Ctrl-C or SIGTERM.
    """
    import veristack_lab.veristore as veristore
    from veristack_lab.runtime.listening import HOST, listen
    from veristack_lab.veristore.commit.durability import parse_durability
    from veristack_lab.veristore.line import server

    level = parse_durability(durability)
    with veristore.open(path, durability=level) as store, listen(port) as listener:
        server.serve(
            store,
            listener,
            lambda number: print(f"listening on tcp://{HOST}:{number}", flush=True),
        )


@app.command("shell")
def shell(path: Folder) -> None:
    """Type commands of the line protocol; EXIT or Ctrl-D ends. Also reads a pipe.

    Makes the store if it does not exist.
    """
    import veristack_lab.veristore as veristore
    from veristack_lab.veristore.line import shell as interactive

    with veristore.open(path) as store:
        interactive.run(store)


@app.command("put")
def put(path: Folder, key: Key, value: Annotated[str, typer.Argument(help="The value.")]) -> None:
    """Set a key; prints its LSN once it is durable. Makes the store if it does not exist."""
    import veristack_lab.veristore as veristore

    with veristore.open(path) as store:
        print(f"OK lsn={store.put(key.encode(), value.encode())}")


@app.command("get")
def get(path: Folder, key: Key, read_only: ReadOnly = False) -> None:
    """Print the value of a key, byte for byte. Exit code 1 if there is none."""
    with _existing(path, read_only=read_only) as store:
        value = store.get(key.encode())
    if value is None:
        print(f"there is no key {key!r} in {path}", file=sys.stderr)
        raise typer.Exit(1)
    sys.stdout.buffer.write(value)
    if sys.stdout.isatty():
        print()


@app.command("delete")
def delete(path: Folder, key: Key) -> None:
    """Remove a key; prints the LSN once it is durable."""
    with _existing(path) as store:
        print(f"OK lsn={store.delete(key.encode())}")


@app.command("scan")
def scan(
    path: Folder,
    prefix: Annotated[str, typer.Option(help="Only keys that begin with this.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of keys.")] = 100,
    read_only: ReadOnly = False,
) -> None:
    """List keys in byte order with the size of their values."""
    with _existing(path, read_only=read_only) as store:
        for key, value in store.scan(prefix.encode(), limit=limit):
            print(f"{len(value):>10,} bytes  {key.decode(errors='backslashreplace')!r}")


@app.command("stats")
def stats(path: Folder, read_only: ReadOnly = False) -> None:
    """Open the store, recovering it if necessary, and print its statistics."""
    with _existing(path, read_only=read_only) as store:
        found = store.stats()
    recovery = found.recovery
    rows = {
        "keys": f"{found.keys:,}",
        "data": f"{found.data_bytes:,} bytes",
        "last LSN": f"{found.last_lsn:,}",
        "log": f"{found.log_bytes:,} bytes, epoch {found.epoch}",
        "snapshot": f"LSN {found.snapshot_lsn:,}" if found.snapshot_lsn else "none",
        "closed cleanly": "no" if recovery.after_crash else "yes",
        "torn tail cut off": f"{recovery.torn_bytes:,} bytes",
        "recovered in": f"{recovery.recover_ms:.1f} ms, "
        f"{counted(recovery.records, 'record')} replayed",
    }
    for name, text in rows.items():
        print(f"{name:<22}{text}")


@app.command("checkpoint")
def checkpoint(path: Folder) -> None:
    """Write a snapshot and drop the log that it replaces."""
    with _existing(path) as store:
        print(f"OK snapshot up to lsn={store.checkpoint()}")


store_inspect.add_to(app)
app.command("torture")(store_torture.command)


def _existing(path: Path, *, read_only: bool = False) -> Store:
    """Open a store that exists; a command that only reads never makes one."""
    import veristack_lab.veristore as veristore
    from veristack_lab.veristore.disk import RealDisk
    from veristack_lab.veristore.folder import require_folder
    from veristack_lab.veristore.opening import folder_of

    require_folder(RealDisk(), folder_of(path))
    return veristore.open(path, read_only=read_only)
