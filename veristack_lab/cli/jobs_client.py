"""HTTP calls to the job API, with its problems turned back into the lab's own errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx

from veristack_lab import errors

TIMEOUT_S = 30.0


def call(url: str, method: str, path: str, **request: Any) -> Any:
    """One call; the decoded answer.

    Raises:
        VeriStackError: of the class the server names, with its explanation.
        BackendUnavailable: nothing usable answers at the address.
    """
    try:
        answer = httpx.request(method, url.rstrip("/") + path, timeout=TIMEOUT_S, **request)
        body = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError) as error:
        raise errors.BackendUnavailable(
            f"no job API answers at {url} ({error}); start one with `veristack jobs serve`, "
            "or give --url"
        ) from error
    if answer.is_success:
        return body
    kind = getattr(errors, str(body.get("title")), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.VeriStackError)):
        kind = errors.FlowError
    raise kind(str(body.get("detail")))


def path(job_id: str, *rest: str) -> str:
    """The path of a job, or of something of it.

    Raises:
        InvalidInput: that is not a job's id.
    """
    try:
        return "/".join(("/v1/jobs", str(UUID(job_id)), *rest))
    except ValueError as error:
        raise errors.InvalidInput(
            f"{job_id!r} is not a job id; `veristack jobs list` shows them"
        ) from error


def parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """`NAME=JSON` pairs as a document; what is not JSON is taken as text.

    Raises:
        InvalidInput: a pair has no `=`.
    """
    document = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise errors.InvalidInput(f"{pair!r} is not NAME=JSON; for example steps=500")
        try:
            document[name] = json.loads(text)
        except json.JSONDecodeError:
            document[name] = text
    return document
