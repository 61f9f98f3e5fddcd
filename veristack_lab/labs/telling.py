"""Values, errors and lines of a learner's file in words."""

from __future__ import annotations

import linecache
import traceback
from pathlib import Path
from types import ModuleType

SHOWN_BYTES = 48
SHOWN_CHARACTERS = 400
SHOWN_ITEMS = 32
SHOWN_OF_A_LINE = 80


class EndOfProcess(BaseException):
    """The learner's code has called os._exit, which nothing could catch."""


def show(value: object) -> str:
    """A value as a learner wants to read it: numbers also in hex, long bytes shortened."""
    if isinstance(value, bytes | bytearray) and len(value) > SHOWN_BYTES:
        return f"{bytes(value[:SHOWN_BYTES])!r}... ({len(value):,} bytes)"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 9:
        if value.bit_length() > 4 * SHOWN_BYTES:
            return f"a number of {value.bit_length():,} bits"
        return f"{value} (0x{value:08x})" if value > 0 else str(value)
    if isinstance(value, list | tuple) and len(value) > SHOWN_ITEMS:
        return f"{show(value[:SHOWN_ITEMS])}... ({len(value):,} items)"
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 -- it is the learner's __repr__
        return f"a {type(value).__name__} whose repr raises {describe(error)}"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def describe(error: BaseException) -> str:
    """The error's last line, its class and message, in words where Python has none."""
    if isinstance(error, MemoryError) and not error.args:
        return "MemoryError: more memory than a lab may use"
    if isinstance(error, SystemExit):
        return f"an end of the program: sys.exit({'' if error.code is None else repr(error.code)})"
    if isinstance(error, EndOfProcess):
        return f"an end of the process: {error}"
    return traceback.format_exception_only(error)[-1].strip()[: 2 * SHOWN_CHARACTERS]


def where_of(error: BaseException, work: ModuleType) -> str:
    """The innermost line in the learner's folder that was running; empty if there was none."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return where(Path(error.filename), error.lineno)
    if not work.__file__:
        return ""
    folder = Path(work.__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if folder in Path(frame.filename).parents]
    return where(Path(own[-1].filename), own[-1].lineno or 0) if own else ""


def where_in(work: ModuleType, line: int) -> str:
    """A line of the learner's file; empty for line 0."""
    return where(Path(work.__file__), line) if line and work.__file__ else ""


def where(path: Path, line: int) -> str:
    """A line in words, with its text."""
    text = linecache.getline(str(path), line).strip()
    text = text if len(text) <= SHOWN_OF_A_LINE else f"{text[:SHOWN_OF_A_LINE]}..."
    return f"line {line} of {path.name}" + (f": `{text}`" if text else "")


def misfit(value: object, shape: object) -> str:
    """What does not fit about a value, in words; empty if it has the shape.

    Args:
        value: an answer.
        shape: a type, `[type]` for a list of them, or a tuple of shapes.
    """
    if isinstance(shape, tuple):
        if type(value) is not tuple or len(value) != len(shape):
            return _kind_and_value(value)
        wrong = [number for number in range(len(shape)) if misfit(value[number], shape[number])]
        if not wrong:
            return ""
        return f"{show(value)}, where number {wrong[0] + 1} is {_kind(value[wrong[0]])}"
    if isinstance(shape, list):
        if type(value) is not list:
            return _kind_and_value(value)
        odd = next((n for n, item in enumerate(value) if misfit(item, shape[0])), None)
        return "" if odd is None else f"a list whose item {odd} is {show(value[odd])}"
    assert isinstance(shape, type)
    fits = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return "" if fits else _kind_and_value(value)


def words_for(shape: object) -> str:
    """A shape in words."""
    if isinstance(shape, tuple):
        return f"a tuple of {' and '.join(words_for(part) for part in shape)}"
    if isinstance(shape, list):
        return f"a list of {words_for(shape[0])}"
    assert isinstance(shape, type)
    return {"int": "int", "bytes": "bytes"}.get(shape.__name__, f"a {shape.__name__}")


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _kind_and_value(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}: {show(value)}"
