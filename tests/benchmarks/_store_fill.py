"""Fill a store with records and wait to be killed: `_store_fill.py ENGINE FOLDER COUNT READY`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import rocksdict

import veristack_lab.veristore as veristore

KEY_BYTES, VALUE_BYTES = 16, 84
WINDOW = 5000
"""Writes that are on their way at the same time."""


def fill_ours(folder: Path, count: int) -> object:
    """One record of the log for each pair."""
    store = veristore.open(folder, durability="none", checkpoint_bytes=None)
    value = bytes(VALUE_BYTES)
    handles = []
    for number in range(count):
        handles.append(store.put_async(b"%016d" % number, value))
        if len(handles) == WINDOW:
            for handle in handles:
                handle.wait()
            handles.clear()
    for handle in handles:
        handle.wait()
    store.sync()
    return store


def fill_rocksdict(folder: Path, count: int) -> object:
    """One write for each pair; the write-ahead log is written, and flushed at the end."""
    table = rocksdict.Rdict(str(folder), rocksdict.Options(raw_mode=True))
    value = bytes(VALUE_BYTES)
    for number in range(count):
        table[b"%016d" % number] = value
    table.flush_wal(sync=True)
    return table


if __name__ == "__main__":
    engine, place, wanted, ready = sys.argv[1:]
    fill = {"veristore": fill_ours, "rocksdict": fill_rocksdict}[engine]
    held = fill(Path(place), int(wanted))
    Path(ready).touch()
    signal.pause()
