"""The tools with which a lab's checks.py is written.

A check is a function of the learner's module. It passes by returning; it fails at its first
bad event, which gives the input, the expected output and the actual one.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

SHOWN_BYTES = 48

Function = Callable[[ModuleType], None]


@dataclass(frozen=True)
class Check:
    """One registered check."""

    task: str
    title: str
    function: Function


class FirstBad(Exception):
    """The first event that differs from the expected one."""

    def __init__(self, given: str, expected: str, got: str) -> None:
        super().__init__(f"{given}: expected {expected}, got {got}")
        self.given, self.expected, self.got = given, expected, got


_registered: list[Check] = []


def check(task: str, title: str) -> Callable[[Function], Function]:
    """Register a check of a task, titled with the law that it holds the work to."""

    def register(function: Function) -> Function:
        _registered.append(Check(task, title, function))
        return function

    return register


def registered() -> list[Check]:
    """The checks so far, in the order of the file."""
    return list(_registered)


def expect(work: ModuleType, name: str, *arguments: object, returns: object) -> None:
    """Call the learner's function and compare what it returns.

    Raises:
        FirstBad: it returned something else, raised, or does not exist.
    """
    given = f"{name}({', '.join(map(show, arguments))})"
    got = call(work, name, *arguments, given=given, expected=show(returns))
    if got != returns or type(got) is not type(returns):
        raise FirstBad(given, show(returns), show(got))


def call(
    work: ModuleType, name: str, *arguments: object, given: str = "", expected: str = "an answer"
) -> object:
    """Call the learner's function. Raises FirstBad when it raises, or does not exist."""
    given = given or f"{name}({', '.join(map(show, arguments))})"
    function = getattr(work, name, None)
    if not callable(function):
        raise FirstBad(given, f"a function {name}", "the file has none of this name")
    with raising_is_bad(work, given, expected):
        return function(*arguments)


def show(value: object) -> str:
    """A value as a learner wants to read it: numbers also in hex, long bytes shortened."""
    if isinstance(value, bytes | bytearray) and len(value) > SHOWN_BYTES:
        return f"{bytes(value[:SHOWN_BYTES])!r}... ({len(value):,} bytes)"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 9:
        return f"{value} (0x{value:08x})" if value > 0 else str(value)
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]}..."


@contextmanager
def raising_is_bad(
    work: ModuleType,
    given: str,
    expected: str,
    *,
    but: type[Exception] | tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """An exception raised in here is the first bad event, with the learner's line that raised it.

    Errors of the classes `but` are passed on: the check handles them.
    """
    try:
        yield
    except FirstBad:
        raise
    except but:
        raise
    except Exception as error:
        raise FirstBad(given, expected, f"{describe(error)}{_where(error, work)}") from error


def describe(error: BaseException) -> str:
    """The error's last line: its class and message."""
    return traceback.format_exception_only(error)[-1].strip()


def _where(error: BaseException, work: ModuleType) -> str:
    """The innermost line of the learner's file that was running."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if work.__file__ and frame.filename == work.__file__]
    return f" (line {own[-1].lineno} of {Path(own[-1].filename).name})" if own else ""
