"""How an HTTP face refuses: one refusal, in the shape that the face's clients read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PROBLEM_TYPE = "application/problem+json"
JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Refusal:
    """What is refused, and why."""

    status: int
    kind: str
    """A one-word code, for programs."""
    message: str
    """A sentence that says what to do, for people."""
    request_id: str | None = None
    """Set if the log holds more about it."""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Shape = Callable[[Refusal], tuple[str, bytes]]
"""Content type and body of a refusal."""


def problem_shape(refusal: Refusal) -> tuple[str, bytes]:
    """A problem object (RFC 9457)."""
    members = {
        "type": "about:blank",
        "title": refusal.kind,
        "status": refusal.status,
        "detail": refusal.message,
    }
    return PROBLEM_TYPE, _json(members, refusal)


def plain_shape(refusal: Refusal) -> tuple[str, bytes]:
    """`{"error": kind, "message": message}`."""
    return JSON_TYPE, _json({"error": refusal.kind, "message": refusal.message}, refusal)


def ollama_shape(refusal: Refusal) -> tuple[str, bytes]:
    """`{"error": message}`, as Ollama answers."""
    return f"{JSON_TYPE}; charset=utf-8", _json({"error": refusal.message}, refusal)


def _json(members: Mapping[str, object], refusal: Refusal) -> bytes:
    if refusal.request_id is not None:
        members = {**members, "request_id": refusal.request_id}
    return json.dumps(members).encode()
