"""What clients asked and were told, in order: the material of the linearizability checker.

    history = History()
    handle = history.called("client 1", "x", Write(1), now_s=0.5)
    history.returned(handle, None, now_s=0.7)

An operation whose outcome its client never learned stays open to the end: it may take effect at any
time after its call, or never. One that was refused for certain never happened.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import Any, Final, NamedTuple

from veristack_lab.errors import InvalidInput


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""The result of an operation whose outcome its client never learned."""


class Operation(NamedTuple):
    """One operation of a client."""

    client: str
    key: Hashable
    action: Any
    """What was asked, as the model knows it."""
    result: Any
    """What the client was told, or `UNKNOWN`."""
    call: float
    """When it was called, as a place in the order of the history or in seconds."""
    returned: float
    """When the client was told; infinite if it never was."""
    call_s: float = 0.0
    """In seconds, for the story only."""
    return_s: float = 0.0
    """In seconds, for the story only."""


class History:
    """Records operations in the order in which calls and returns happen.

    Args:
        most: how many operations it takes.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._order = 0
        self._operations: dict[int, Operation] = {}
        self._calls = 0

    def __len__(self) -> int:
        return len(self._operations)

    def called(self, client: str, key: Hashable, action: Any, now_s: float) -> int:
        """A client asks.

        Returns:
            A handle of the operation, for `returned`, `unknown` and `refused`.

        Raises:
            InvalidInput: the history is full.
        """
        if len(self._operations) >= self._most:
            raise InvalidInput(f"the history holds {self._most:,} operations, which is its limit")
        self._calls += 1
        self._operations[self._calls] = Operation(
            client, key, action, UNKNOWN, self._next(), inf, now_s, inf
        )
        return self._calls

    def returned(self, handle: int, result: Any, now_s: float) -> None:
        """The client is told the result.

        Raises:
            InvalidInput: the operation is not open.
        """
        operation = self._open(handle)
        self._operations[handle] = operation._replace(
            result=result, returned=self._next(), return_s=now_s
        )

    def unknown(self, handle: int) -> None:
        """The client gives up; the operation may still take effect, at any time.

        Raises:
            InvalidInput: the operation is not open.
        """
        self._open(handle)

    def refused(self, handle: int) -> None:
        """The client is told that the operation has no effect and never will.

        Raises:
            InvalidInput: the operation is not open.
        """
        self._open(handle)
        del self._operations[handle]

    def operations(self) -> list[Operation]:
        """All that were called and not refused, in the order of their calls."""
        return list(self._operations.values())

    def _open(self, handle: int) -> Operation:
        operation = self._operations.get(handle)
        if operation is None or operation.result is not UNKNOWN:
            raise InvalidInput(f"operation {handle} is not open; each is answered once")
        return operation

    def _next(self) -> int:
        self._order += 1
        return self._order
