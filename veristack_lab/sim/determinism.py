"""Forbids what differs from run to run while a simulation runs.

    with sealed():
        world.run(until_s=20.0)

Inside, in this thread, these raise `NotDeterministic`: the clocks of `time`, sleeping, starting a
thread, the global functions of `random` and a `Random` without seed, `os.urandom` and with it
`uuid4` and `secrets`. `id()` and `hash()` raise for callers in the simulator and in Raft
(`WATCHED`), whose decisions they would change; a `__hash__` may call `hash`. What other threads do
is not touched.

Names that a module imported before (`from time import time`) are not seen here: a test reads the
source of the watched modules for those.
"""

from __future__ import annotations

import _thread
import builtins
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from veristack_lab.errors import NotDeterministic

WATCHED = ("veristack_lab.sim", "veristack_lab.veristore.raft")
"""Packages whose own calls of `id` and `hash` are forbidden."""

_CLOCKS = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
    "process_time", "process_time_ns", "thread_time", "thread_time_ns", "sleep", "localtime",
    "gmtime",
)  # fmt: skip
_DRAWS = (
    "random", "uniform", "triangular", "randint", "choice", "randrange", "sample", "shuffle",
    "choices", "normalvariate", "lognormvariate", "expovariate", "vonmisesvariate", "gammavariate",
    "gauss", "betavariate", "binomialvariate", "paretovariate", "weibullvariate", "getrandbits",
    "randbytes", "seed",
)  # fmt: skip


class _Source(NamedTuple):
    """Something that is forbidden, where it is, and what to use in its place."""

    owner: Any
    attribute: str
    shown: str
    instead: str


def _sources() -> list[_Source]:
    clock = "the world has the time: `world.now_s`, or the clock of a node"
    draw = "draw from a stream of the run's `Choices`"
    thread = "schedule an event of the world"
    sources = [_Source(time, name, f"time.{name}()", clock) for name in _CLOCKS]
    sources += [
        _Source(random, name, f"random.{name}()", draw) for name in _DRAWS if hasattr(random, name)
    ]
    sources += [
        _Source(os, "urandom", "os.urandom()", draw),
        _Source(random, "_urandom", "random.SystemRandom", draw),
        _Source(threading.Thread, "start", "threading.Thread.start()", thread),
        _Source(_thread, "start_new_thread", "_thread.start_new_thread()", thread),
    ]
    return sources


_lock = threading.Lock()
_sealed: dict[int, int] = {}
"""How often each thread is inside."""
_originals: list[tuple[Any, str, Any]] = []


@contextmanager
def sealed() -> Iterator[None]:
    """Forbid the sources of chance in this thread; may be nested.

    Raises:
        NotDeterministic: from inside, where one of them is used.
    """
    me = _thread.get_ident()
    with _lock:
        if not _sealed:
            _install()
        _sealed[me] = _sealed.get(me, 0) + 1
    try:
        yield
    finally:
        with _lock:
            _sealed[me] -= 1
            if not _sealed[me]:
                del _sealed[me]
            if not _sealed:
                _remove()


def _install() -> None:
    for owner, attribute, shown, instead in _sources():
        _replace(owner, attribute, _forbidden(getattr(owner, attribute), shown, instead))
    _replace(random.Random, "seed", _seeded(random.Random.seed))
    for name in ("id", "hash"):
        _replace(builtins, name, _watched(getattr(builtins, name), name))


def _replace(owner: Any, attribute: str, value: Any) -> None:
    _originals.append((owner, attribute, vars(owner)[attribute]))
    setattr(owner, attribute, value)


def _remove() -> None:
    while _originals:
        owner, attribute, original = _originals.pop()
        setattr(owner, attribute, original)


def _forbidden(original: Callable[..., Any], shown: str, instead: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        if _thread.get_ident() in _sealed:
            raise NotDeterministic(f"{shown} inside a simulated run: {instead}")
        return original(*args, **kwargs)

    return refuse


def _seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    def seed(self: random.Random, a: Any = None, *args: Any, **kwargs: Any) -> None:
        if a is None and _thread.get_ident() in _sealed:
            raise NotDeterministic("a Random without seed inside a simulated run: give it a seed")
        original(self, a, *args, **kwargs)

    return seed


def _watched(original: Callable[[Any], int], name: str) -> Callable[[Any], int]:
    def refuse(item: Any, /) -> int:
        if _thread.get_ident() in _sealed:
            caller = sys._getframe(1)
            module = caller.f_globals.get("__name__", "")
            if module.startswith(WATCHED) and caller.f_code.co_name != "__hash__":
                raise NotDeterministic(
                    f"{name}() in {module}, line {caller.f_lineno}, inside a simulated run: it "
                    "differs from run to run; use a number or name that the run itself gives"
                )
        return original(item)

    return refuse
