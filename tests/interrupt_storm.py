"""Ctrl-C at any moment while a store is written to: `python -m tests.interrupt_storm FOLDER`.

A process of its own, because what measures coverage takes a lock of its own in every thread, and
a key press in there would strand all of them.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from pathlib import Path

import veristack_lab.veristore as veristore

WRITERS, PRESSED = 3, 300


def storm(folder: Path) -> tuple[int, bool, bool]:
    """Acknowledged writes; whether all are there now, and after reopening."""
    rng, pressed = random.Random(7), 0
    store = veristore.open(folder / "s", segment_bytes=4000)
    stop = threading.Event()
    done: list[list[bytes]] = [[] for _ in range(WRITERS)]

    def write(writer: int) -> None:
        number = 0
        while not stop.is_set():
            key = b"%d/%d" % (writer, number)
            if number % 3:
                store.put(key, b"v")
            else:
                store.put_async(key, b"v").wait()
            done[writer].append(key)
            number += 1

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    mine: list[bytes] = []
    try:
        while pressed < PRESSED:
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.00001, 0.002))
                while True:
                    key = b"main/%d" % len(mine)
                    if len(mine) % 2:
                        store.put(key, b"v")
                    else:
                        store.put_async(key, b"v").wait()
                    mine.append(key)
            except KeyboardInterrupt:
                pressed += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        stop.set()
        for thread in threads:
            thread.join()
    assert all(done)
    acknowledged = {key for keys in (*done, mine) for key in keys}
    there = acknowledged <= {key for key, _ in store.scan()}
    store.close()
    with veristore.open(folder / "s") as store:
        stays = acknowledged <= {key for key, _ in store.scan()}
    return len(acknowledged), there, stays


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, signal.default_int_handler)  # what Ctrl-C does
    print(*storm(Path(sys.argv[1])))
