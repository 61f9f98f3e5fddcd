"""The tools with which a lab's checks.py is written.

A check is a function of the learner's module. It passes by returning; it fails at its first bad
event, which gives the input, the expected output and the actual one, the learner's line, and
perhaps a picture. `call` and `raising_is_bad` note what is being called, so that also an answer
that the check itself stumbles over, and a call without an end, are told with their input.
"""

from __future__ import annotations

import errno
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from veristack_lab.labs import telling
from veristack_lab.labs.pictures import Picture
from veristack_lab.labs.telling import EndOfProcess, describe, misfit, show, words_for

__all__ = ["Check", "EndOfProcess", "FirstBad", "call", "check", "describe", "expect", "show"]

Function = Callable[[ModuleType], None]
Errors = type[BaseException] | tuple[type[BaseException], ...]


@dataclass(frozen=True)
class Check:
    """One registered check."""

    task: str
    title: str
    function: Function


class FirstBad(Exception):
    """The first event that differs from the expected one."""

    def __init__(
        self,
        given: str,
        expected: str,
        got: str,
        *,
        where: str = "",
        picture: Picture | None = None,
    ) -> None:
        super().__init__(f"{given}: expected {expected}, got {got}")
        self.given, self.expected, self.got = given, expected, got
        self.where = where
        """The line of the learner's file, with its text; empty when no single line is at fault."""
        self.picture = picture


@dataclass
class Call:
    """The last call of the learner's code that a check has made."""

    given: str
    expected: str
    answers: tuple[object, ...] = ()
    """What it returned, if it did."""
    where: str = ""


_registered: list[Check] = []
_last: Call | None = None
_slate: Callable[[str], None] | None = None


def check(task: str, title: str) -> Callable[[Function], Function]:
    """Register a check of a task, titled with the law that it holds the work to."""

    def register(function: Function) -> Function:
        _registered.append(Check(task, title, function))
        return function

    return register


def registered() -> list[Check]:
    """The checks so far, in the order of the file."""
    return list(_registered)


def begin(slate: Callable[[str], None] | None = None) -> None:
    """A new check begins; `slate` is told of each call before it is made."""
    global _last, _slate
    _last, _slate = None, slate


def last_call() -> Call | None:
    """What the running check has called last."""
    return _last


def expect(work: ModuleType, name: str, *arguments: object, returns: object) -> None:
    """Call the learner's function and compare what it returns.

    Raises:
        FirstBad: it returned something else, raised, or does not exist.
    """
    got = call(work, name, *arguments, expected=show(returns))
    if type(got) is not type(returns) or got != returns:
        bad(show(returns), show(got))


def call(
    work: ModuleType,
    name: str,
    *arguments: object,
    given: str = "",
    expected: str = "",
    shape: object = None,
    but: Errors = (),
) -> Any:
    """Call the learner's function.

    Args:
        work: the learner's module.
        name: of the function in it.
        arguments: for the function.
        given: the call in words; by default its source text.
        expected: the answer in words.
        shape: what the answer must be made of: a type, `[type]` for a list of them, a tuple of
            shapes. None: anything.
        but: errors that the check handles, which are passed on.

    Raises:
        FirstBad: the function raised, does not exist, or its answer has another shape.
    """
    given = given or f"{name}({', '.join(map(show, arguments))})"
    expected = expected or (words_for(shape) if shape is not None else "an answer")
    function = getattr(work, name, None)
    if not callable(function):
        raise FirstBad(given, f"a function {name}", "the file has none of this name")
    with raising_is_bad(work, given, expected, but=but):
        found, line = _call_and_see_where(function, arguments)
    assert _last is not None
    _last.answers, _last.where = (found,), telling.where_in(work, line)
    if shape is not None and (wrong := misfit(found, shape)):
        bad(words_for(shape), wrong)
    return found


def bad(expected: str, got: str, *, given: str = "", picture: Picture | None = None) -> None:
    """The answer to the last call is the first bad event. Raises FirstBad, always."""
    assert _last is not None, "bad() is about the last call(), and there was none"
    raise FirstBad(given or _last.given, expected, got, where=_last.where, picture=picture)


@contextmanager
def raising_is_bad(
    work: ModuleType, given: str, expected: str, *, but: Errors = ()
) -> Iterator[None]:
    """An exception raised in here is the first bad event, with the learner's line that raised it.

    Errors of the classes `but` are passed on: the check handles them. So is whatever is no
    Exception, apart from an end of the process: checks stop the learner's code with such.
    """
    global _last
    _last = Call(given, expected)
    if _slate is not None:
        _slate(f"{given}\n{expected}")
    try:
        yield
    except FirstBad as bad_already:
        bad_already.where = bad_already.where or telling.where_of(bad_already, work)
        raise
    except but:
        raise
    except (Exception, SystemExit, EndOfProcess) as error:
        where = telling.where_of(error, work)
        raise FirstBad(given, expected, describe(error), where=where) from error


def event_of(error: BaseException, work: ModuleType) -> FirstBad | None:
    """What a check that ended with this error has found; None when the check itself is broken."""
    if isinstance(error, FirstBad):
        return error
    if isinstance(error, AttributeError) and error.obj is work:
        given = f"the file {Path(work.__file__ or '').name}"
        return FirstBad(given, f"the name {error.name} in it", "no such name")
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        given = _last.given if _last else "this check"
        return FirstBad(given, "every descriptor closed that is not returned", describe(error))
    if where := telling.where_of(error, work):
        given, expected = (_last.given, _last.expected) if _last else ("this check", "no error")
        return FirstBad(given, expected, describe(error), where=where)
    if _last is not None:
        # The check stumbled over what it was given.
        answer = show(_last.answers[0]) if _last.answers else "something"
        got = f"{answer}, which is not of that kind ({describe(error)})"
        return FirstBad(_last.given, _last.expected, got, where=_last.where)
    return None


def _call_and_see_where(
    function: Callable[..., object], arguments: tuple[object, ...]
) -> tuple[object, int]:
    """The answer, and the line from which the function returned; 0 if that cannot be seen."""
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or sys.getprofile() is not None:
        return function(*arguments), 0
    line = 0

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal line
        if event == "return" and frame.f_code is code:
            line = frame.f_lineno

    sys.setprofile(look)
    try:
        found = function(*arguments)
    finally:
        sys.setprofile(None)
    return found, line


def traceback_of(error: BaseException) -> str:
    """The whole traceback, for the author of a check that broke."""
    return "".join(traceback.format_exception(error))
