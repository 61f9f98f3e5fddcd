"""Fill a store with records and wait to be killed: `_store_fill.py ENGINE FOLDER COUNT READY`."""

from __future__ import annotations

import signal
import sys
from functools import partial
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


LOG_BYTES = 1 << 30
"""Of rocksdict's write buffer, where all records are to be in its log."""


def fill_rocksdict(folder: Path, count: int, buffer_bytes: int = LOG_BYTES) -> object:
    """One write for each pair; the write-ahead log is written, and flushed at the end."""
    options = rocksdict.Options(raw_mode=True)
    if buffer_bytes:
        options.set_write_buffer_size(buffer_bytes)
    table = rocksdict.Rdict(str(folder), options)
    value = bytes(VALUE_BYTES)
    for number in range(count):
        table[b"%016d" % number] = value
    table.flush_wal(sync=True)
    return table


if __name__ == "__main__":
    engine, place, wanted, ready = sys.argv[1:]
    fill = {
        "veristore": fill_ours,
        "rocksdict": fill_rocksdict,
        "rocksdict-64MiB": partial(fill_rocksdict, buffer_bytes=0),
    }[engine]
    held = fill(Path(place), int(wanted))
    Path(ready).touch()
    signal.pause()
