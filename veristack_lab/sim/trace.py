"""What happened in a run, as one hash: equal runs have equal hashes.

The hash covers every line in order. Only the last lines are kept, for messages; a caller who wants
all of them gives a `sink`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from hashlib import blake2b

from veristack_lab.errors import NotDeterministic

_LINES_AT_ONCE = 256
_ADDRESS = " at 0x"


class Trace:
    """A hash over lines of text.

    Args:
        kept: how many of the last lines can be read back.
        sink: is given every line as well.
    """

    def __init__(self, kept: int = 50, sink: Callable[[str], None] | None = None) -> None:
        self._hash = blake2b(digest_size=16)
        self._waiting: list[str] = []
        self._last: deque[str] = deque(maxlen=kept)
        self._sink = sink
        self.lines = 0
        """How many lines there were."""

    def add(self, line: str) -> None:
        """One more line.

        Raises:
            NotDeterministic: the line shows the address of an object.
        """
        if _ADDRESS in line:
            raise NotDeterministic(
                f"the trace would hold an address: {line!r}. Give the object a __repr__ that says "
                "the same in every run"
            )
        self.lines += 1
        self._waiting.append(line)
        if len(self._waiting) >= _LINES_AT_ONCE:
            self._flush()
        if self._sink is not None:
            self._sink(line)

    def hexdigest(self) -> str:
        """The hash of all lines so far, as 32 hexadecimal digits."""
        self._flush()
        return self._hash.hexdigest()

    def last(self) -> list[str]:
        """The last lines, oldest first."""
        self._flush()
        return list(self._last)

    def _flush(self) -> None:
        if self._waiting:
            self._hash.update(("\n".join(self._waiting) + "\n").encode())
            self._last.extend(self._waiting)
            self._waiting.clear()
