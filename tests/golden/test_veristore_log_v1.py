"""The format on disk, version 1, against bytes that were written when it was released.

Version 2 is written now; these files stay readable for good.
"""

from __future__ import annotations

import json
from pathlib import Path

import veristack_lab.veristore as veristore
from veristack_lab.runtime.paths import data_file
from veristack_lab.veristore import Batch
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.wal.log import create_segment
from veristack_lab.veristore.wal.segment import HEADER_BYTES, OLDEST_VERSION, VERSION

LOG, SNAPSHOT = "log-0000000001", "snapshot-00000000000000000006"
FILES = {"log-v1.bin": LOG, "log-v1-snapshot.bin": SNAPSHOT}


def write_story(path: Path) -> dict[str, bytes]:
    """A little of everything. Returns the bytes of the log and of the snapshot."""
    with veristore.open(path) as store:
        store.put(b"key", b"value")
        store.put(b"\x00\xff\n\t ", bytes(range(256)))
        store.put(b"empty", b"")
        store.write(Batch().put(b"a", b"1").delete(b"key").put(b"b", b"2" * 100))
        store.delete(b"a")
    log = (path / LOG).read_bytes()
    with veristore.open(path) as store:
        store.checkpoint()
    return {"log-v1.bin": log, "log-v1-snapshot.bin": (path / SNAPSHOT).read_bytes()}


def contents(path: Path) -> dict[str, str]:
    with veristore.open(path) as store:
        return {key.hex(): value.hex() for key, value in store.scan()}


def golden(name: str) -> bytes:
    return data_file(f"golden/{name}").read_bytes()


def expected() -> dict[str, str]:
    found: dict[str, str] = json.loads(golden("log-v1.json"))
    return found


def test_the_version_has_gone_on_and_still_reads_these_files() -> None:
    assert OLDEST_VERSION == 1 < VERSION


def test_the_records_of_version_1_are_written_as_ever(folder: Path) -> None:
    """Version 2 added a record type; the header's version and checksum are all that differs."""
    data = write_story(folder / "store")["log-v1.bin"]
    assert data[HEADER_BYTES:] == golden("log-v1.bin")[HEADER_BYTES:]


def test_the_golden_log_is_read(folder: Path) -> None:
    (folder / LOG).write_bytes(golden("log-v1.bin"))
    assert contents(folder) == expected()


def test_the_golden_snapshot_is_read(folder: Path) -> None:
    (folder / SNAPSHOT).write_bytes(golden("log-v1-snapshot.bin"))
    create_segment(RealDisk(), folder, 2, 7).close()
    assert contents(folder) == expected()
