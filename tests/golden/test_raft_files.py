"""The files of a Raft node, against bytes that were written when their format was released.

If one of these fails, the format has changed: give it a new version, keep these files, and add new
ones. `python -m tests.golden.test_raft_files FOLDER` writes today's bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from veristack_lab.runtime.paths import data_file
from veristack_lab.veristore import Batch
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.raft import commands
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import Entry, Kind
from veristack_lab.veristore.raft.machine import Machine
from veristack_lab.veristore.raft.opening import Opened, open_node
from veristack_lab.veristore.raft.records import Identity, LogDamage
from veristack_lab.veristore.raft.sessions import Limits
from veristack_lab.veristore.raft.snapshot_file import name_of

IDENTITY = Identity(0x1122334455667788, 2, Configuration((1, 2, 3), (4,), (9,)))
LIMITS = Limits(8, 4, 5000)
FIRST, SECOND = "log-0000000001", "log-0000000002"


def the_log() -> list[Entry]:
    """A little of everything that an entry can hold."""
    data = [
        commands.OPEN_SESSION._replace(time_ms=1000),
        commands.put(b"key", b"value").within(2, 1)._replace(time_ms=1200),
        commands.batch(Batch().put(b"\x00\xff", bytes(range(256))).delete(b"key")).within(2, 2),
        commands.swap(b"swapped", None, b"1").within(2, 3, 2)._replace(time_ms=1300),
        commands.swap(b"swapped", b"no", None).within(2, 4, 2),
        commands.delete(b"absent"),
    ]
    log = [Entry(1, 1, Kind.NOOP)]
    log += [Entry(index, 2, Kind.COMMAND, each.encode()) for index, each in enumerate(data, 2)]
    return [*log, Entry(8, 3, Kind.CONFIGURATION, Configuration((1, 2)).encode())]


def write_story(folder: Path) -> dict[str, bytes]:
    """The files that are kept, by their names in `data/golden`."""
    parts = open_node(RealDisk(), folder, IDENTITY, room_bytes=0)
    storage, machine, log = parts.storage, Machine(LIMITS), the_log()
    storage.write(1, 2, [log[0], Entry(2, 1, Kind.COMMAND, b"dropped")])
    storage.write(3, 0, log[1:], drop_from=2)
    storage.sync()
    for entry in log:
        machine.apply(entry)
    meta = parts.snapshots.write(7, 2, IDENTITY.configuration, machine.pieces())
    storage.name_snapshot(meta)
    first = (folder / FIRST).read_bytes()
    storage.state.damages = [LogDamage(9, 12, True, "log-0000000001: rot at byte 77")]
    storage.compact(6)
    storage.write(4, 1, [Entry(9, 4, Kind.COMMAND, b"\xffno command")])
    storage.repaired()
    storage.close()
    parts.lock.release()
    return {
        "raft-v1-log.bin": first,
        "raft-v1-snapshot.bin": (folder / name_of(meta)).read_bytes(),
        "raft-v1-log-compacted.bin": (folder / SECOND).read_bytes(),
    }


def golden(name: str) -> bytes:
    return data_file(f"golden/{name}").read_bytes()


def opened(folder: Path, name: str, log: str) -> Opened:
    snapshot = json.loads(golden("raft-v1.json"))["snapshot_file"]
    (folder / log).write_bytes(golden(name))
    (folder / snapshot).write_bytes(golden("raft-v1-snapshot.bin"))
    return open_node(RealDisk(), folder, IDENTITY)


def facts(parts: Opened) -> dict[str, object]:
    """What the golden files say, as JSON has it."""
    state, snapshot = parts.storage.state, parts.recovered.snapshot
    assert snapshot is not None
    pieces = parts.snapshots.pieces(snapshot)
    machine = Machine.from_pieces(LIMITS, snapshot.index, pieces)
    return {
        "term": state.term,
        "vote": state.vote,
        "before": list(state.before),
        "entries": [[*each[:3], each.data.hex()] for each in state.entries],
        "snapshot": [*snapshot[:2], [list(ids) for ids in snapshot.configuration], *snapshot[3:]],
        "pairs": [[key.hex(), value.hex()] for key, value in machine.scan()],
        "sessions": [piece.hex() for piece in machine.sessions.encode()],
        "state_hash": machine.state_hash(),
        "damages": len(parts.recovered.damages),
    }


def expected(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(golden("raft-v1.json"))[name]
    return found


def test_the_same_bytes_are_written_as_ever(folder: Path) -> None:
    for name, data in write_story(folder / "node").items():
        assert data == golden(name), name


def test_the_golden_log_is_read(folder: Path) -> None:
    parts = opened(folder, "raft-v1-log.bin", FIRST)
    assert facts(parts) == expected("log")
    assert [tuple(each) for each in parts.storage.state.entries] == [tuple(e) for e in the_log()]
    assert parts.recovered.identity == IDENTITY


def test_the_golden_log_after_its_compaction_is_read(folder: Path) -> None:
    parts = opened(folder, "raft-v1-log-compacted.bin", SECOND)
    assert facts(parts) == expected("compacted")
    assert not parts.recovered.must_not_vote, "its mark of damage was taken back"


def main(folder: Path) -> None:
    """Write golden files of today's format into a new folder."""
    folder.mkdir()
    written = write_story(folder / "node")
    for name, data in written.items():
        (folder / name).write_bytes(data)
    snapshot = next(path.name for path in (folder / "node").iterdir() if "snapshot" in path.name)
    said: dict[str, object] = {"snapshot_file": snapshot}
    for kind, name, log in (
        ("log", "raft-v1-log.bin", FIRST),
        ("compacted", "raft-v1-log-compacted.bin", SECOND),
    ):
        again = folder / kind
        again.mkdir()
        (again / log).write_bytes(written[name])
        (again / snapshot).write_bytes(written["raft-v1-snapshot.bin"])
        said[kind] = facts(open_node(RealDisk(), again, IDENTITY))
    (folder / "raft-v1.json").write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
