"""`veristack s3 ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The object store behind S3's interface.")


@app.callback()
def group() -> None:
    """The object store behind S3's interface."""


@app.command("serve")
def serve(
    path: Annotated[Path, typer.Argument(help="The store's folder; created if missing.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 picks a free one.")] = 9000,
) -> None:
    """Serve the objects in a store to boto3 and other S3 clients, until Ctrl-C or SIGTERM.

    With AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, every request must be
    signed with them (Signature Version 4). Without them, every request is accepted. Secrets are not
    given on the command line, where other users could read them.

    Try: curl -X PUT http://127.0.0.1:9000/bucket
    """
    import veristack_lab.veristore as veristore
    from veristack_lab import kernels

    kernels.load()  # a server runs long enough to make compiling worthwhile
    s3 = veristore.s3
    credentials = s3.credentials_from()
    if credentials is None:
        terms = "open: requests need no signature; any client that reaches the port has full access"
    else:
        terms = f"signed: requests need the signature of access key {credentials.access_key}"

    with veristore.open(path) as store:
        objects = veristore.ObjectStore(store)
        s3.serve(
            objects,
            port,
            lambda url: print(f"listening on {url} ({terms})", flush=True),
            credentials=credentials,
        )
