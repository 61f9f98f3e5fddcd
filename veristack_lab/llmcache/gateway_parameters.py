"""What the gateway takes from a request beside its body, held to limits."""

from __future__ import annotations

import math

from starlette.requests import Request

from veristack_lab.llmcache.ollama_api import ApiError

MAX_SESSION_ID = 256
MAX_DIGITS = 18


def shortened(vector: list[float], dimensions: int) -> list[float]:
    """The first components, normalised to length one."""
    if dimensions < 1:
        raise ApiError(400, f"dimensions must be positive, not {dimensions}")
    head = vector[:dimensions]
    length = math.sqrt(math.fsum(x * x for x in head)) or 1.0
    return [x / length for x in head]


def session_id(request: Request) -> str | None:
    """The session that a request names, if any. Raises: ApiError if it is too long."""
    given = request.headers.get("x-session-id")
    if given is not None and len(given) > MAX_SESSION_ID:
        raise ApiError(400, f"X-Session-Id is longer than {MAX_SESSION_ID} characters")
    return given or None


def whole_number(request: Request, name: str, default: int | None) -> int | None:
    """A parameter of the query. Raises: ApiError if it is not a whole number."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not given.isdecimal() or len(given) > MAX_DIGITS:
        raise ApiError(400, f"{name} must be a whole number, not {given[:MAX_DIGITS]!r}")
    return int(given)
