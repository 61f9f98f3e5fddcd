"""`veristack s3 ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The object store behind S3's paths.")


@app.callback()
def group() -> None:
    """The object store behind S3's paths."""


@app.command("serve")
def serve(
    path: Annotated[Path, typer.Argument(help="The store's folder; made if it is not there.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 picks a free one.")] = 9000,
) -> None:
    """Serve the objects in a store over HTTP until Ctrl-C or SIGTERM.

    Try: curl -X PUT http://127.0.0.1:9000/bucket
    """
    import veristack_lab.veristore as veristore

    with veristore.open(path) as store:
        objects = veristore.ObjectStore(store)
        veristore.s3.serve(objects, port, lambda url: print(f"listening on {url}", flush=True))
