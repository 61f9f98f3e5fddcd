"""The format on disk, version 1, against bytes that were written when it was released.

If one of these fails, the format has changed: give it a new version, keep these files, and
add new ones. `python -m tests.golden.test_veristore_log_v1 FOLDER` writes today's bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import veristack_lab.veristore as veristore
from veristack_lab.paths import data_file
from veristack_lab.veristore import Batch
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.log import create_segment
from veristack_lab.veristore.segment import VERSION

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


def test_the_version_is_the_one_of_these_files() -> None:
    assert VERSION == 1


def test_the_same_writes_give_the_same_bytes(folder: Path) -> None:
    for name, data in write_story(folder / "store").items():
        assert data == golden(name), f"{name} differs"


def test_the_golden_log_is_read(folder: Path) -> None:
    (folder / LOG).write_bytes(golden("log-v1.bin"))
    assert contents(folder) == expected()


def test_the_golden_snapshot_is_read(folder: Path) -> None:
    (folder / SNAPSHOT).write_bytes(golden("log-v1-snapshot.bin"))
    create_segment(RealDisk(), folder, 2, 7).close()
    assert contents(folder) == expected()


def main() -> None:
    target = Path(sys.argv[1])
    for name, data in write_story(target / "story").items():
        (target / name).write_bytes(data)
    (target / "log-v1.json").write_text(json.dumps(contents(target / "story"), indent=2) + "\n")


if __name__ == "__main__":
    main()
