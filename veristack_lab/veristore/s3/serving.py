"""Running the S3 face: until a signal comes, or in a thread of this process.

The face (`S3App`) speaks S3's REST interface as its clients do, boto3 unchanged: see `routes` for
the operations. It listens on loopback only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from starlette.types import Scope

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import serving
from veristack_lab.runtime.faces import Guard, Policy
from veristack_lab.runtime.replies import Refusal
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.s3.app import S3App
from veristack_lab.veristore.s3.sigv4 import Credentials
from veristack_lab.veristore.s3.xml import document

__all__ = ["Credentials", "S3App", "credentials_from", "serve", "serve_in_thread"]

ACCESS_KEY_VARIABLE = "AWS_ACCESS_KEY_ID"
SECRET_KEY_VARIABLE = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 the name of a variable
GRACE_S = 5.0
"""How long requests in progress may go on when the server is stopped."""
_CODES = {
    "OriginRefused": "AccessDenied",
    "InternalError": "InternalError",
    "RequestTimeout": "RequestTimeout",
    "TooManyConnections": "SlowDown",
    "RequestHeaderFieldsTooLarge": "RequestHeaderSectionTooLarge",
}


def credentials_from(environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """The credentials in the environment, or None.

    Raises:
        InvalidInput: only one of the two variables is set.
    """
    access, secret = (
        environment.get(name, "") for name in (ACCESS_KEY_VARIABLE, SECRET_KEY_VARIABLE)
    )
    if bool(access) != bool(secret):
        raise InvalidInput(
            f"set both {ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE}, or neither for a server "
            "that takes unsigned requests"
        )
    return Credentials(access, secret) if access else None


def _shape(refusal: Refusal) -> tuple[str, bytes]:
    """A refusal of the outer checks, in S3's words."""
    children = [
        ("Code", _CODES.get(refusal.kind, "InvalidRequest")),
        ("Message", refusal.message),
        ("Resource", refusal.path),
        ("RequestId", refusal.request_id or ""),
    ]
    return "application/xml", document("Error", children, is_namespaced=False)


def _allow(scope: Scope) -> str:
    """The methods of the service itself, and of buckets and objects."""
    is_service = scope["path"].strip("/") == ""
    return "GET" if is_service else "DELETE, GET, HEAD, POST, PUT"


_POLICY = Policy(
    _shape,
    max_body_bytes=None,  # objects are large, and `S3App` never holds one as a whole
    plain_json=False,
    hosts=None,  # `S3App` checks it, and says what a bucket in the host should be instead
    id_header="x-amz-request-id",
    allow=_allow,
)


def _guarded(objects: ObjectStore, credentials: Credentials | None) -> Guard:
    return Guard(S3App(objects, credentials), _POLICY)


def serve(
    objects: ObjectStore,
    port: int,
    on_ready: Callable[[str], None],
    *,
    credentials: Credentials | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then return; `on_ready` is called with the URL. For a main
    thread.

    Requests in progress may go on for `GRACE_S`; then their connections are cut.

    Args:
        objects: what is served.
        port: on 127.0.0.1; 0 picks a free one.
        on_ready: called once the server answers.
        credentials: requests must be signed with them; None takes all requests.

    Raises:
        PortUnavailable: the port cannot be used.
    """
    serving.run(
        _guarded(objects, credentials),
        port,
        on_ready,
        shape=_shape,
        grace_s=GRACE_S,
        date_header=False,  # uvicorn's may be a second old, before the last change
    )


@contextmanager
def serve_in_thread(
    objects: ObjectStore, port: int = 0, *, credentials: Credentials | None = None
) -> Iterator[str]:
    """Serve from a thread of this process while the body runs; yields the URL.

    Args:
        objects, port, credentials: see `serve`.

    Raises:
        PortUnavailable: the port cannot be used.
        BackendStartFailed: the server did not come up.
    """
    with serving.in_thread(
        _guarded(objects, credentials),
        port,
        name="veristore-s3",
        shape=_shape,
        grace_s=GRACE_S,
        date_header=False,
    ) as url:
        yield url
