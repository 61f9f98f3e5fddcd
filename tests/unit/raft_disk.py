"""What the tests of a Raft node's disk share: a simulated folder, and a story that fills it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from veristack_lab.sim import SimDisk
from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.inode import FileState
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.opening import Opened, open_node
from veristack_lab.veristore.raft.records import Identity
from veristack_lab.veristore.raft.replay import LogState
from veristack_lab.veristore.wal.mutations import RecordType

FOLDER = Path("/node")
CLUSTER = 0xC1
THREE = Configuration((1, 2, 3))
ME = Identity(CLUSTER, 1, THREE)


def entry(index: int, term: int, data: bytes = b"data") -> Entry:
    return Entry(index, term, Kind.COMMAND, data)


def opened(disk: SimDisk, identity: Identity = ME, room_bytes: int = 0) -> Opened:
    return open_node(disk, FOLDER, identity, room_bytes=room_bytes)


def closed(parts: Opened) -> None:
    parts.storage.close()
    parts.snapshots.close()
    parts.lock.release()


class Facts(NamedTuple):
    """All that a node's disk says."""

    term: int
    vote: int
    before: tuple[int, int]
    entries: tuple[Entry, ...]
    snapshot: SnapshotMeta | None


def facts(state: LogState) -> Facts:
    return Facts(state.term, state.vote, state.before, tuple(state.entries), state.snapshot)


def found(disk: SimDisk, room_bytes: int = 0) -> tuple[Facts, Opened]:
    parts = opened(disk, room_bytes=room_bytes)
    return facts(parts.storage.state), parts


def overwritten(disk: SimDisk, name: str, offset: int, data: bytes) -> SimDisk:
    """The disk with bytes of a file rotten, durably."""
    copy = disk.after_kill()
    inode = copy.paths()[f"{FOLDER}/{name}"]
    content = bytes(copy.files[inode].cached)
    rotten = content[:offset] + data + content[offset + len(data) :]
    copy.files[inode] = FileState.at_rest(Content(rotten))
    return copy


class Step(NamedTuple):
    """One step of the story: what may be found if the power fails in it, and after it."""

    name: str
    legal: tuple[Facts, ...]
    """From what was there before the step to what it ends with."""


def grown(before: Facts, term: int, vote: int, drop_from: int, *entries: Entry) -> list[Facts]:
    """Every state on the way of one write."""
    states = [before, before._replace(term=term, vote=vote)]
    if drop_from:
        kept = tuple(each for each in before.entries if each.index < drop_from)
        states.append(states[-1]._replace(entries=kept))
    for each in entries:
        states.append(states[-1]._replace(entries=(*states[-1].entries, each)))
    return states


def story(disk: SimDisk, room_bytes: int = 0) -> Iterator[Step]:
    """Everything that storage does, one durable step at a time."""
    parts = opened(disk, room_bytes=room_bytes)
    storage, snapshots = parts.storage, parts.snapshots
    at = Facts(0, 0, (0, 0), (), None)
    yield Step("made", (at,))

    def written(term: int, vote: int, *entries: Entry, drop_from: int = 0) -> Step:
        nonlocal at
        states = grown(at, term, vote, drop_from, *entries)
        storage.write(term, vote, entries, drop_from)
        storage.sync()
        at = states[-1]
        return Step(f"term {term}", tuple(states))

    yield written(1, 1)
    yield written(1, 1, entry(1, 1, b""), entry(2, 1, b"a" * 300))
    yield written(2, 3, entry(3, 1), entry(4, 1))
    yield written(3, 0, entry(3, 3, b"instead"), drop_from=3)
    two = grown(at, 3, 0, 0, entry(4, 3))
    two += grown(two[-1], 3, 0, 0, entry(5, 3), entry(6, 3))[1:]
    storage.write(3, 0, [entry(4, 3)])
    storage.write(3, 0, [entry(5, 3), entry(6, 3)])
    storage.sync()
    at = two[-1]
    yield Step("two writes, one sync", tuple(two))

    meta = snapshots.write(4, 3, THREE, [(RecordType.RAFT_STATE, b"own")])
    storage.name_snapshot(meta)
    named = at._replace(snapshot=meta)
    yield Step("own snapshot", (at, named))
    unsynced = grown(named, 3, 0, 0, entry(7, 3))
    storage.write(3, 0, [entry(7, 3)])
    storage.compact(2)
    at = unsynced[-1]._replace(before=(2, 1), entries=unsynced[-1].entries[2:])
    yield Step("compacted, with a write that was not synced", (*unsynced, at))
    yield written(4, 2, entry(8, 4))

    theirs = made_elsewhere(9, 5)
    for offset in range(0, theirs[0].size_bytes, 100):
        chunk = theirs[1][offset : offset + 100]
        assert snapshots.store_chunk(theirs[0], offset, chunk) == offset + len(chunk)
    snapshots.verify(theirs[0])
    storage.install(5, 0, theirs[0], keep_log=False)
    snapshots.keep_only(storage.state.snapshots)
    installed = Facts(5, 0, (9, 5), (), theirs[0])
    yield Step("installed", (at, installed))
    at = installed
    yield written(5, 1, entry(10, 5), entry(11, 5))
    storage.close()
    yield Step("closed", (at,))


def made_elsewhere(index: int, term: int, data: bytes = b"theirs") -> tuple[SnapshotMeta, bytes]:
    """A snapshot of another node: what identifies it, and its bytes."""
    disk = SimDisk()
    parts = opened(disk, ME._replace(node_id=2))
    meta = parts.snapshots.write(index, term, THREE, [(RecordType.RAFT_STATE, data)] * 3)
    whole = parts.snapshots.read(meta, 0, meta.size_bytes)
    assert whole is not None
    return meta, whole
