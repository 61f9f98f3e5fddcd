"""What a fork inherits and must not use: open stores, their locks and their handles.

A fork copies the memory of a process and one of its threads. In the copy the store's background
threads are missing, a lock may be held by a thread that does not exist, and the log's end is as it
was at that moment: a write through it would land on top of the owner's next one. So a store
belongs to the process that opened it. Python calls the hook below in the child right after the
fork, before any other code can run there: each store, lock and object store that registered
itself (`own`) gives its file descriptors back and refuses every further use with `StoreForked`.
`get` and `put` check nothing, so they stay as fast as before.

A handle or an object reader is too short-lived to be registered. It keeps the `generation` in
which it was made, and compares.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

from veristack_lab.errors import StoreForked


class Owned(Protocol):
    """Something that belongs to the process that made it."""

    def disown(self) -> None:
        """Runs in a fork of the owner: give back what was inherited, and refuse every use.

        Takes no lock, since a missing thread may hold it; a lock that is still needed
        is replaced by a new one.
        """


generation = 0
"""How many forks lie between this process and the one that loaded this module."""

_owned: WeakSet[Owned] = WeakSet()


def own(thing: Owned) -> None:
    """Have `thing.disown()` called in every fork of this process, as long as it lives."""
    _owned.add(thing)


def check_generation(made_in: int) -> None:
    """Refuse what was made before a fork.

    Raises:
        StoreForked: this process is a fork of the one that made it.
    """
    if made_in != generation:
        raise StoreForked


def _in_child() -> None:
    global generation
    generation += 1
    for thing in list(_owned):
        thing.disown()
    _owned.clear()


os.register_at_fork(after_in_child=_in_child)
