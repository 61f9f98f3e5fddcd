"""The format on disk, version 2, against bytes that were written when it was released.

If one of these fails, the format has changed: give it a new version, keep these files, and
add new ones. `python -m tests.golden.test_veristore_log_v2 FOLDER` writes today's bytes.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import StoreDamaged
from veristack_lab.runtime.paths import data_file
from veristack_lab.veristore import Batch
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter
from veristack_lab.veristore.recovery.damage import RecoveryMode
from veristack_lab.veristore.wal.anatomy import log_anatomy
from veristack_lab.veristore.wal.columns import Columns
from veristack_lab.veristore.wal.log import create_segment
from veristack_lab.veristore.wal.segment import VERSION

SEGMENTS = {"log-v2-1.bin": "log-0000000001", "log-v2-2.bin": "log-0000000002"}
SNAPSHOT = {"log-v2-snapshot.bin": "snapshot-00000000000000000009"}
REPAIRED = {
    "log-v2-repaired.bin": "log-0000000003",
    "log-v2-repaired-snapshot.bin": "snapshot-00000000000000000009",
}
KILLED = {"log-v2-killed.bin": "log-0000000001"}
SNAPSHOT_LSN, DAMAGED_BYTE = 9, 40


def write_story(path: Path) -> None:
    """Every record type, columns of equal and of different lengths, and two segments."""
    with veristore.open(path, segment_bytes=400) as store:
        tell_story(store)


def tell_story(store: veristore.Store) -> None:
    store.put(b"key", b"value")
    store.put(b"\x00\xff\n\t ", bytes(range(256)))
    store.put_many([(b"k%d" % n, b"value %d" % n) for n in range(4)])
    store.put(b"second", b"segment")
    store.put_many([(b"a", b""), (b"bb", b"1"), (b"ccc", b"22")])
    store.write(Batch().put(b"x", b"1").delete(b"key").put(b"empty", b""))
    store.delete(b"k0")
    store.put(b"last", b"one")


def write_killed(path: Path) -> None:
    """The story in one segment, as it lies there while the store is open: no MARK, and room."""
    name = KILLED["log-v2-killed.bin"]
    with veristore.open(path / "open", segment_bytes=4096) as store:
        tell_story(store)
        (path / name).write_bytes((path / "open" / name).read_bytes())


def write_snapshot(path: Path) -> None:
    """What a checkpoint behind the story writes: a snapshot and an empty segment."""
    columns = [
        Columns([b"k1", b"k2"], [b"value 1", b"value 2"]),
        Columns([b"\x00", b"long"], [b"", b"l" * 40]),
    ]
    writer = SnapshotWriter(RealDisk(), path)
    writer.publish(writer.write(SNAPSHOT_LSN, 3, columns), SNAPSHOT_LSN)
    create_segment(RealDisk(), path, 3, SNAPSHOT_LSN + 1).close()


def write_repaired(path: Path) -> None:
    """What point-in-time makes of the story with a damaged second segment, before any write."""
    write_story(path)
    damaged = path / SEGMENTS["log-v2-2.bin"]
    data = bytearray(damaged.read_bytes())
    data[DAMAGED_BYTE] ^= 1
    damaged.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreDamaged)
        veristore.open(path).close()


def write_all(folder: Path) -> dict[str, bytes]:
    """The bytes of every golden file, as they are written now."""
    story, snapshot, repaired = folder / "story", folder / "snapshot", folder / "repaired"
    killed = folder / "killed"
    write_story(story)
    snapshot.mkdir()
    write_snapshot(snapshot)
    write_repaired(repaired)
    killed.mkdir()
    write_killed(killed)
    homes = [(story, SEGMENTS), (snapshot, SNAPSHOT), (repaired, REPAIRED), (killed, KILLED)]
    return {name: (home / at).read_bytes() for home, files in homes for name, at in files.items()}


def contents(path: Path, mode: str = RecoveryMode.ABSOLUTE_CONSISTENCY) -> dict[str, str]:
    with veristore.open(path, recovery=mode) as store:
        return {key.hex(): value.hex() for key, value in store.scan()}


def golden(name: str) -> bytes:
    return data_file(f"golden/{name}").read_bytes()


def expected(what: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(golden("log-v2.json"))[what]
    return found


def lay_out(files: dict[str, str], folder: Path) -> Path:
    for name, at in files.items():
        (folder / at).write_bytes(golden(name))
    return folder


def test_the_version_written_is_the_one_of_these_files() -> None:
    assert VERSION == 2, "a new version needs golden files of its own, and these stay"


def test_the_same_history_gives_the_same_bytes(folder: Path) -> None:
    for name, data in write_all(folder).items():
        assert data == golden(name), f"{name} differs: the format has changed"


def test_the_golden_segments_are_read(folder: Path) -> None:
    assert contents(lay_out(SEGMENTS, folder)) == expected("story")


def test_the_golden_segment_of_a_killed_store_is_read_and_its_room_is_no_tail(folder: Path) -> None:
    assert contents(lay_out(KILLED, folder)) == expected("story")
    data = golden("log-v2-killed.bin")
    assert (len(data), data[-2048:]) == (4096, bytes(2048))


def test_the_golden_snapshot_is_read(folder: Path) -> None:
    create_segment(RealDisk(), folder, 3, SNAPSHOT_LSN + 1).close()
    assert contents(lay_out(SNAPSHOT, folder)) == expected("snapshot")


def test_the_golden_repair_is_read_and_finished(folder: Path) -> None:
    """The header says what was put aside: an old segment that still stands there is evidence."""
    lay_out(REPAIRED, folder)
    leftover = folder / SEGMENTS["log-v2-2.bin"]
    leftover.write_bytes(golden("log-v2-2.bin"))
    assert contents(folder) == expected("repaired")
    assert not leftover.exists()
    assert (folder / f"damaged-{leftover.name}").read_bytes() == golden("log-v2-2.bin")


def test_the_golden_bytes_hold_what_version_2_added(folder: Path) -> None:
    """So that the files above really pin it down."""
    lay_out(SEGMENTS, folder)
    frames = [log_anatomy(folder, epoch=epoch, parts=True) for epoch in (1, 2)]
    types = {name for frame in frames for name in frame[frame["name"] == "type"]["meaning"]}
    assert {name.split(",")[0] for name in types} == {"PUT", "PUT_MANY", "BATCH", "DELETE", "MARK"}
    names = {name for frame in frames for name in frame["name"]}
    assert {"count", "key lengths", "value lengths"} <= names


@pytest.mark.parametrize("name", [*SEGMENTS, "log-v1.bin"])
def test_records_of_an_older_file_are_refused_in_a_newer_one(folder: Path, name: str) -> None:
    """The epoch in each record: a re-used block with old bytes cannot pass for new log."""
    file = create_segment(RealDisk(), folder, 7, 1)
    file.append(golden(name)[32:])
    file.close()
    for mode in RecoveryMode:
        if mode is not RecoveryMode.ABSOLUTE_CONSISTENCY:
            place = folder / mode
            place.mkdir()
            (place / "log-0000000007").write_bytes((folder / "log-0000000007").read_bytes())
            assert contents(place, mode) == {}


def main() -> None:
    target = Path(sys.argv[1])
    for name, data in write_all(target).items():
        (target / name).write_bytes(data)
    found = {what: contents(target / what) for what in ("story", "snapshot", "repaired")}
    (target / "log-v2.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
