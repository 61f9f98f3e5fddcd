"""What reading a log back costs and saves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from veristack_lab.kernels import warm
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.mutations import RecordType, encode_put
from veristack_lab.veristore.wal.segment import HEADER_BYTES


def truncation_sweep(
    path: Path, *, records_written: int = 6, on_progress: OnProgress | None = None
) -> pd.DataFrame:
    """Cut a log at every byte and open what is left: a power cut at every possible moment.

    Args:
        path: a folder to work in.
        records_written: how many records the log has before its last one, a MARK.
        on_progress: called after each cut.

    Returns:
        One row a cut: `cut` (bytes left), `keys` (found after opening), `torn_bytes` (cut off
        by recovery), `is_prefix` (whether exactly the first writes are there),
        `accepts_writes` (whether a write after it survives another opening).
    """
    tick, rows = on_progress or silent, []
    source = path / "whole"
    with open_store(source) as store:
        for number in range(records_written):
            store.put(b"key-%d" % number, b"v" * (10 + 7 * number))
        wanted = list(store.scan())
    name = wal.path_of(source, 1).name
    data = (source / name).read_bytes()
    for cut in range(HEADER_BYTES, len(data) + 1):
        folder = path / f"cut-{cut}"
        folder.mkdir()
        (folder / name).write_bytes(data[:cut])
        with open_store(folder) as store:
            found, torn = list(store.scan()), store.stats().recovery.torn_bytes
            store.put(b"later", b"")
        with open_store(folder) as store:
            accepts = list(store.scan()) == [*found, (b"later", b"")]
        rows.append((cut, len(found), torn, found == wanted[: len(found)], accepts))
        tick(cut - HEADER_BYTES + 1, len(data) + 1 - HEADER_BYTES)
    columns = ["cut", "keys", "torn_bytes", "is_prefix", "accepts_writes"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"records": records_written, "size_bytes": len(data), "seed": None}
    return frame


def recovery_sweep(
    path: Path,
    *,
    sizes: Sequence[int] = (100, 1_000, 10_000, 50_000),
    value_bytes: int = 100,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """How long opening takes, against the number of records in the log.

    Half of the records overwrite a key of the other half, so a snapshot holds half as much as the
    log.

    Returns:
        One row a size: `records`, `log_bytes`, `recover_ms` (from the log), `snapshot_ms`
        (from the snapshot, after a checkpoint).
    """
    warm()
    tick, rows = on_progress or silent, []
    for done, size in enumerate(sizes, 1):
        folder = path / f"store-{size}"
        log_bytes = _write_log(folder, size, value_bytes)
        with open_store(folder) as store:
            recover_ms = store.stats().recovery.recover_ms
            store.checkpoint()
        with open_store(folder) as store:
            snapshot_ms = store.stats().recovery.recover_ms
        rows.append((size, log_bytes, recover_ms, snapshot_ms))
        tick(done, len(sizes))
    frame = pd.DataFrame(rows, columns=["records", "log_bytes", "recover_ms", "snapshot_ms"])
    frame.attrs = {"value_bytes": value_bytes, "seed": None}
    return frame


def _write_log(folder: Path, count: int, value_bytes: int, group: int = 1000) -> int:
    """A store whose log holds this many records, written in large groups. Returns its length."""
    open_store(folder).close()
    log = Recoverer(RealDisk(), folder).recover().log
    payloads = [encode_put(b"%016d" % (n // 2), bytes(value_bytes)) for n in range(count)]
    for first in range(0, count, group):
        part = payloads[first : first + group]
        log.append_group([RecordType.PUT] * len(part), part)
    log.close()
    return log.end_offset
