"""A process that begins remembers nothing: globals of the learner's file are as after import."""

from __future__ import annotations

import copy
import types
from collections import deque

_PLAIN = (int, float, str, bytes, tuple, frozenset, type(None))
_FULL = (dict, list, set, bytearray, deque)
_plans = {}


def forget(work):
    """Put back what the file, its classes and the defaults of its functions held at first."""
    if work.__name__ not in _plans:
        _plans[work.__name__] = set(vars(work)), _plan(work)
    names, plan = _plans[work.__name__]
    for name in set(vars(work)) - names:
        delattr(work, name)
    for holder, name, first in plan:
        setattr(holder, name, copy.deepcopy(first))


def _plan(work):
    """(holder, name, value) of all that a process could remember something in."""
    own = [v for v in vars(work).values() if getattr(v, "__module__", "") == work.__name__]
    classes = [value for value in own if isinstance(value, type)]
    functions = [value for value in own if isinstance(value, types.FunctionType)]
    for holder in classes:
        functions += [v for v in vars(holder).values() if isinstance(v, types.FunctionType)]
    found = []
    for holder in [work, *classes]:
        for name, value in vars(holder).items():
            if not name.startswith("__") and isinstance(value, (*_PLAIN, *_FULL)):
                found.append((holder, name, copy.deepcopy(value)))
    for function in functions:
        if any(isinstance(value, _FULL) for value in function.__defaults__ or ()):
            found.append((function, "__defaults__", copy.deepcopy(function.__defaults__)))
        if function.__dict__:
            found.append((function, "__dict__", dict(function.__dict__)))
    return found
