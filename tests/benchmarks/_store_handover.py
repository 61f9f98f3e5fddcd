"""What it costs to wake each of many threads once: no store with a writer a thread can do less.

Threads stand in a ring; each, when woken, wakes the next one and goes back to sleep. There is
no disk, no record and no store. A durable put has to do this too, unless its thread leads: it
sleeps until its record is durable, and then the leader must wake it.
"""

from __future__ import annotations

import threading
from itertools import pairwise

from veristack_lab.veristore.experiments.threads import run_threads

ROUNDS = 30


def handovers_per_s(threads: int) -> float:
    """How many threads a second are woken, one by the other."""
    turns = [threading.Lock() for _ in range(threads)]
    for turn in turns[1:]:
        turn.acquire()
    ring = list(pairwise([*turns, turns[0]]))

    def work(thread: int) -> None:
        mine, following = ring[thread]
        for _ in range(ROUNDS):
            mine.acquire()
            following.release()

    return threads * ROUNDS / run_threads(work, threads)
