"""The S3 face of the object store: boto3 drives it unchanged.

`serve` runs it until a signal comes, `serve_in_thread` beside this thread. `routes` lists the
operations, and each operation has a module. Names are loaded when first used: a client that needs
only the XML does not import a web server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.veristore.s3.app import S3App
    from veristack_lab.veristore.s3.serving import credentials_from, serve, serve_in_thread
    from veristack_lab.veristore.s3.sigv4 import Credentials

__all__ = ["Credentials", "S3App", "credentials_from", "serve", "serve_in_thread"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Credentials": "sigv4",
        "S3App": "app",
        "credentials_from": "serving",
        "serve": "serving",
        "serve_in_thread": "serving",
    },
)
