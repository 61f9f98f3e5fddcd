"""What a store must do, one operation at a time: the models of the linearizability checker.

The state of a key is a hashable value; each key has its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from veristack_lab.sim.history import UNKNOWN, Operation


class Read(NamedTuple):
    """Asks for the value; the result is the value, or None if there is none."""


class Write(NamedTuple):
    """Sets the value; the result is None."""

    value: Hashable


class Delete(NamedTuple):
    """Removes the value; the result is None."""


class CompareAndSet(NamedTuple):
    """Sets the value if it is as expected; the result is whether it was."""

    expected: Hashable
    value: Hashable


class Once(NamedTuple):
    """An action under a session: executed once, however often it is sent."""

    session: int
    sequence: int
    action: Any


STALE: Final = "stale"
"""The result of an action of a session whose later action was executed already."""


class Model(Protocol):
    """A sequential specification of one key."""

    @property
    def initial(self) -> Hashable:
        """The state before any operation."""

    def apply(self, state: Any, action: Any) -> tuple[Any, Hashable]:
        """The result of an action in a state, and the state after it."""

    def may_matter(self, action: Any, told: Sequence[Operation]) -> bool:
        """Whether an action of unknown outcome could change a result that clients were told.

        Args:
            action: of the operation whose outcome is unknown.
            told: the operations of the key with known results.
        """

    def results(self, action: Any, operations: Sequence[Operation]) -> list[Any]:
        """Results that the action could have had, for the story; none if that says nothing."""


class KeyValue:
    """A value under each key, or None: `Read`, `Write`, `Delete` and `CompareAndSet`.

    With `Read` and `Write` alone it is a register.
    """

    initial: Hashable = None

    def apply(self, state: Any, action: Any) -> tuple[Any, Hashable]:
        kind = type(action)
        if kind is Read:
            return state, state
        if kind is Write:
            return None, action.value
        if kind is CompareAndSet:
            return (True, action.value) if state == action.expected else (False, state)
        return None, None

    def may_matter(self, action: Any, told: Sequence[Operation]) -> bool:
        """A value that no client saw and that made no comparison fail cannot be told from none."""
        if type(action) is Read:
            return False
        value = None if type(action) is Delete else action.value
        for operation in told:
            if type(operation.action) is Read and operation.result == value:
                return True
            if type(operation.action) is CompareAndSet and (
                operation.result is False or operation.action.expected == value
            ):
                return True
        return False

    def results(self, action: Any, operations: Sequence[Operation]) -> list[Any]:
        if type(action) is not Read:
            return []
        written = [each.action.value for each in operations if hasattr(each.action, "value")]
        return list(dict.fromkeys([None, *written]))


class Sessions:
    """Another model whose actions come in `Once`: a repeated one is answered, not executed.

    Each sending of an action is an operation of its own. Sequence numbers of a session grow.
    """

    def __init__(self, model: Model | None = None) -> None:
        self._model = model or KeyValue()
        self.initial: Hashable = (self._model.initial, ())

    def apply(self, state: Any, action: Any) -> tuple[Any, Hashable]:
        inner, sessions = state
        if type(action) is not Once:
            result, inner = self._model.apply(inner, action)
            return result, (inner, sessions)
        for session, sequence, result in sessions:
            if session == action.session and sequence >= action.sequence:
                return (result if sequence == action.sequence else STALE), state
        result, inner = self._model.apply(inner, action.action)
        others = [entry for entry in sessions if entry[0] != action.session]
        entry = (action.session, action.sequence, result)
        return result, (inner, tuple(sorted([*others, entry], key=lambda each: each[0])))

    def may_matter(self, action: Any, told: Sequence[Operation]) -> bool:
        if type(action) is Once and any(type(each.action) is Once for each in told):
            return True
        unwrapped = [each._replace(action=bare(each.action)) for each in told]
        return self._model.may_matter(bare(action), unwrapped)

    def results(self, action: Any, operations: Sequence[Operation]) -> list[Any]:
        unwrapped = [each._replace(action=bare(each.action)) for each in operations]
        return self._model.results(bare(action), unwrapped)


def bare(action: Any) -> Any:
    """An action without its session."""
    return action.action if type(action) is Once else action


def in_words(operation: Operation) -> str:
    """What an operation was, as a clause: "client 1 read 'x' and was told 2"."""
    action, key, times = bare(operation.action), operation.key, ""
    if type(operation.action) is Once:
        times = f", number {operation.action.sequence} of session {operation.action.session},"
    if type(action) is Read:
        told = "nothing" if operation.result is UNKNOWN else repr(operation.result)
        return f"{operation.client} read {key!r}{times} and was told {told}"
    if type(action) is Write:
        done = f"wrote {action.value!r} to {key!r}{times}"
    elif type(action) is Delete:
        done = f"deleted {key!r}{times}"
    elif type(action) is CompareAndSet:
        done = f"compared {key!r} with {action.expected!r} to set {action.value!r}{times}"
        if operation.result is not UNKNOWN:
            done += f" and was told {operation.result}"
    else:
        done = f"asked {action!r} of {key!r}{times} and was told {operation.result!r}"
    outcome = " with unknown outcome" if operation.result is UNKNOWN else ""
    return f"{operation.client} {done}{outcome}"
