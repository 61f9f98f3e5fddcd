"""`EngineFacts` from JSON that a person wrote: every field is checked, the wrong one is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.facts import EngineFacts

EXAMPLE = (
    '{"node_id":"text-0","kind":"llama.cpp","url":"http://127.0.0.1:8080",'
    '"model":"smollm2:135m","capability":"text","context_tokens":2048,"slots":1,'
    '"kv_bytes_per_token":23040,"size_bytes":0}'
)
MAX_NUMBER = 1 << 53
_CHOICES = {
    name: get_args(hint)
    for name, hint in get_type_hints(EngineFacts).items()
    if name in ("kind", "capability")
}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(lowest: int) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        return type(value) is int and lowest <= value <= MAX_NUMBER

    return check


def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


_RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "node_id": (_is_text, "a name, as text"),
    "url": (_is_url, "an address such as http://127.0.0.1:8080"),
    "model": (_is_text, "a name, as text"),
    "context_tokens": (_is_number(1), "a whole number from 1"),
    "slots": (_is_number(1), "a whole number from 1"),
    "kv_bytes_per_token": (_is_number(0), "a whole number from 0"),
    "size_bytes": (_is_number(0), "a whole number from 0"),
    "random_weights": (lambda value: isinstance(value, bool), "true or false"),
    "pid": (lambda value: value is None or _is_number(1)(value), "a whole number, or null"),
    **{
        name: (choices.__contains__, " or ".join(map(repr, choices)))
        for name, choices in _CHOICES.items()
    },
}


def parse(text: str) -> EngineFacts:
    """The facts that a JSON object tells.

    Raises:
        InvalidInput: it is not JSON or not an object, or a field is missing, unknown or wrong.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(f"it is not JSON ({error})") from error
    if not isinstance(told, dict):
        raise _refused("it is not a JSON object")
    return EngineFacts(**_checked(told))


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    known = {field.name: field.default is MISSING for field in fields(EngineFacts)}
    if unknown := sorted(set(told) - set(known)):
        raise _refused(f"{unknown[0]!r} is not one of its fields, which are {', '.join(known)}")
    if missing := [name for name, is_needed in known.items() if is_needed and name not in told]:
        raise _refused(f"it lacks {', '.join(missing)}")
    for name, value in told.items():
        is_right, wanted = _RULES[name]
        try:
            right = is_right(value)
        except TypeError:  # a list is compared with texts
            right = False
        if not right:
            raise _refused(f"{name} is {wanted}, not {json.dumps(value)}")
    return told


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"the facts of an engine cannot be used: {reason}. Example: '{EXAMPLE}'")
