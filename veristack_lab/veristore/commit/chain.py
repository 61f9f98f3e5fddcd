"""Waking the writers of a group in a chain: the leader wakes one, and each wakes the next.

If the leader woke all at once, all would compete for the interpreter's lock, and each would sleep
and wake twice. The last writer of the chain hands on the lead. By then the others have queued
their next records, so the next group is whole and no leader has to wait for a time limit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise

from veristack_lab.veristore.commit.handles import Waiter


def wake_in_chain(
    sleepers: Sequence[Waiter], mutex: threading.Lock, hand_over: Callable[[], object]
) -> None:
    """Wake the writers of a group one by one. May be done twice.

    Args:
        sleepers: the writers whose threads sleep.
        mutex: the committer's; a writer walks away only under it.
        hand_over: hands on the lead; the last writer of the chain calls it, or this function if
            there is no chain.
    """
    main_thread = threading.main_thread().ident
    with mutex:
        chain: list[Waiter] = []
        for waiter in sleepers:
            if waiter.thread == main_thread:
                waiter.wake()  # Ctrl-C may interrupt this thread, so no other one depends on it
            elif not waiter.is_gone:
                chain.append(waiter)
        for waiter, follower in pairwise(chain):
            waiter.wake_next = follower.wake
        if chain:
            chain[-1].wake_next = hand_over
    if chain:
        chain[0].wake()
    else:
        hand_over()
