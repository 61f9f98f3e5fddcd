"""JSON that every layer behind an HTTP face can hold: a pure judgement of a body.

Python's parser takes more than JSON and Postgres can: NaN and infinities, halves of surrogate
pairs, NUL in strings, integers of any size, any depth. Such a body is refused on arrival, with a
reason, instead of failing in the first component that cannot hold it.
"""

from __future__ import annotations

import json
import math

MAX_DEPTH = 64
MAX_INTEGER_DIGITS = 300
_TOO_DEEP = f"the body is nested more than {MAX_DEPTH} deep"


class NotPlain(ValueError):
    """What is wrong with the body, as the end of the sentence 'the body ...'."""


def reason_against(body: bytes) -> str | None:
    """Why the body is not plain JSON; None if it is, or is not JSON at all.

    What is not JSON at all is left to the application, which says where the mistake is.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_int=_integer)
    except NotPlain as reason:
        return f"the body {reason}"
    except RecursionError:
        return _TOO_DEEP
    except ValueError:
        return None
    return _against_value(value)


def _refuse_constant(name: str) -> float:
    raise NotPlain(f"holds {name}, which is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise NotPlain(f"holds an integer of more than {MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _against_value(value: object) -> str | None:
    """Why some part of a parsed value cannot be stored."""
    left = [(value, 0)]
    while left:
        item, depth = left.pop()
        if isinstance(item, dict | list) and depth == MAX_DEPTH:
            return _TOO_DEEP
        if isinstance(item, dict):
            left += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            left += [(part, depth + 1) for part in item]
        elif isinstance(item, float) and math.isinf(item):
            return "the body holds a number that is too large"
        elif isinstance(item, str) and (why := _against_text(item)):
            return why
    return None


def _against_text(text: str) -> str | None:
    if "\0" in text:
        return "the body holds the character U+0000: leave it out"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "the body holds a string with half a surrogate pair, which is not Unicode text"
    return None
