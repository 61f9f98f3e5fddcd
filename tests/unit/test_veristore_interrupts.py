"""Ctrl-C at any moment: nobody is left waiting, and the store goes on."""

from __future__ import annotations

import random
import signal
import threading

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder


def test_ctrl_c_at_any_moment_strands_nobody() -> None:
    """A timer presses it again and again while this thread and others write."""
    rng, writers, pressed = random.Random(7), 3, 0
    with quick_folder() as folder:
        store = veristore.open(folder / "s", segment_bytes=4000)
        stop = threading.Event()
        done: list[list[bytes]] = [[] for _ in range(writers)]

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

        threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
        for thread in threads:
            thread.start()
        mine: list[bytes] = []
        try:
            while pressed < 300:
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
                thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "a writer was left waiting"
        assert all(done)
        acknowledged = {key for keys in (*done, mine) for key in keys}
        assert acknowledged <= {key for key, _ in store.scan()}
        store.close()
        with veristore.open(folder / "s") as store:
            assert acknowledged <= {key for key, _ in store.scan()}


@pytest.fixture(autouse=True)
def alarm_is_ctrl_c() -> object:
    """The timer's signal does what Ctrl-C does."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGALRM, before)
