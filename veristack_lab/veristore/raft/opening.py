"""Opening the folder of a Raft node: whose it is, what it holds, and how it is made fit for
writing.

In order: the folder's lock; the newest segment is read; the snapshot that it names is verified;
only then is anything changed. Names and content that the last owner left are synced first, so that
nothing is restored which a power cut could still take. Every step may be interrupted: opening
again gives the same.

    found                                 becomes
    no log, no trace of one               a new node: the first segment is made
    a segment, whole                      is appended to
    a torn tail                           is cut (`Recovered.cut`)
    damage, or a snapshot that is gone    a new segment holds what is left, and a mark of the damage
    a log that is gone                    is refused: the node may have voted
    another node's, another cluster's     is refused
    a newer format                        is refused

A disk that was replaced by an empty one looks like that of a new node, and an older copy of a disk
like the disk itself: both have lost a vote, and nothing here can tell. A node whose disk was
replaced or set back has to join under a new id.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from veristack_lab.errors import InvalidInput, StoreCorrupt
from veristack_lab.veristore.disk import Disk, Lock
from veristack_lab.veristore.folder import lock_folder
from veristack_lab.veristore.opening import explain_opening
from veristack_lab.veristore.raft.entries import SnapshotMeta
from veristack_lab.veristore.raft.errors import WrongNode
from veristack_lab.veristore.raft.records import MAX_CLUSTER_ID, MAX_NODE_ID, Identity, LogDamage
from veristack_lab.veristore.raft.recovery import Cut, Found, read_log
from veristack_lab.veristore.raft.replay import MAX_DAMAGES, LogState
from veristack_lab.veristore.raft.snapshot_file import list_names
from veristack_lab.veristore.raft.snapshots import Snapshots
from veristack_lab.veristore.raft.storage import ROOM_BYTES, Storage, write_segment
from veristack_lab.veristore.recovery.damage import evidence_epochs, evidence_name
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.segment import TEMPORARY

FIRST_EPOCH = 1
MAX_EVIDENCE = 4
"""Damaged segments that are kept, the newest ones."""


class Recovered(NamedTuple):
    """What opening a folder found, and did about it."""

    identity: Identity
    snapshot: SnapshotMeta | None
    """The snapshot that counts, verified."""
    incoming: tuple[SnapshotMeta, int] | None
    """A snapshot whose transfer broke off, and how many of its bytes are held."""
    damages: tuple[LogDamage, ...]
    """Not repaired yet, found now or earlier. Any makes the node one that must not vote."""
    cut: Cut | None
    """The torn tail that was cut now."""
    remarks: tuple[str, ...] = ()
    """What was found and mended without loss."""

    @property
    def must_not_vote(self) -> bool:
        """Whether something durable may be lost that peers have not repaired yet."""
        return bool(self.damages)

    @property
    def term_lost(self) -> bool:
        """Whether the record of term and vote may be among it."""
        return any(damage.term_lost for damage in self.damages)


class Opened(NamedTuple):
    """The parts of an opened folder. Close `storage`, then release `lock`."""

    storage: Storage
    snapshots: Snapshots
    lock: Lock
    recovered: Recovered


def open_node(
    disk: Disk, folder: Path, identity: Identity, *, room_bytes: int = ROOM_BYTES
) -> Opened:
    """Open or make the folder of a node.

    Args:
        disk, folder: where it lies.
        identity: whose it must be. Its configuration counts for a new node only.
        room_bytes: see `storage.ROOM_BYTES`.

    Raises:
        InvalidInput: an id is out of bounds.
        WrongNode: it is the folder of another node, or of another cluster.
        NotAStore: it holds something else, or a newer format.
        StoreLocked: a node has it open.
        StoreCorrupt: its log is missing, or was written wrong.
        StoreNotOpened, StoreFailed, DiskFull: the system refuses, or the disk failed.
    """
    if not 0 <= identity.cluster_id <= MAX_CLUSTER_ID or not 0 < identity.node_id <= MAX_NODE_ID:
        raise InvalidInput("a cluster id has 64 bits and is not negative; node ids begin at 1")
    lock: Lock | None = None
    try:
        lock = lock_folder(disk, folder)
        storage, snapshots, recovered = _Opening(disk, folder, identity, room_bytes).opened()
        return Opened(storage, snapshots, lock, recovered)
    except BaseException as cause:
        if lock is not None:
            with suppress(OSError):
                lock.release()
        if isinstance(cause, OSError):
            raise explain_opening(cause, folder) from cause
        raise


class _Opening:
    """One opening of a folder, each step a method."""

    def __init__(self, disk: Disk, folder: Path, identity: Identity, room_bytes: int) -> None:
        self._disk, self._folder, self._wanted = disk, folder, identity
        self._room_bytes = room_bytes
        self._snapshots = Snapshots(disk, folder)
        self._remarks: list[str] = []

    def opened(self) -> tuple[Storage, Snapshots, Recovered]:
        names = self._disk.listdir(self._folder)
        epochs = wal.list_epochs(names)
        if not epochs:
            return self._new_node(names)
        found = read_log(self._disk, self._folder, epochs[-1])
        self._check_identity(found.state)
        snapshot, lost = self._verified_snapshot(found.state)
        log = self._settle(found, lost)
        self._clean(log.epoch, found.state)
        recovered = Recovered(
            found.state.identity or self._wanted,
            snapshot,
            self._snapshots.find_incoming(),
            tuple(found.state.damages),
            found.cut,
            tuple(self._remarks),
        )
        storage = Storage(self._disk, self._folder, found.state, log, self._room_bytes)
        return storage, self._snapshots, recovered

    def _new_node(self, names: Sequence[str]) -> tuple[Storage, Snapshots, Recovered]:
        if evidence_epochs(names) or list_names(names):
            raise StoreCorrupt(
                f"{self._folder} has no log, but other files of a Raft node: its log was removed, "
                "and with it its vote. Remove the node from its cluster, and let a new one join "
                "under a new id in an empty folder"
            )
        self._remove_temporary(names)
        self._disk.fsync_dir(self._folder)
        state = LogState()
        state.identity = self._wanted
        file, next_lsn = write_segment(self._disk, self._folder, FIRST_EPOCH, state)
        log = wal.Log(self._disk, self._folder, FIRST_EPOCH, next_lsn, file)
        storage = Storage(self._disk, self._folder, state, log, self._room_bytes)
        return storage, self._snapshots, Recovered(self._wanted, None, None, (), None)

    def _check_identity(self, state: LogState) -> None:
        found, wanted = state.identity, self._wanted
        if found is None:
            state.identity = wanted  # unreadable: the damage is reported, and the caller believed
        elif found[:2] != wanted[:2]:
            raise WrongNode(
                f"{self._folder} belongs to node {found.node_id} of cluster "
                f"{found.cluster_id:#x}, not to node {wanted.node_id} of cluster "
                f"{wanted.cluster_id:#x}; give each node its own folder"
            )

    def _verified_snapshot(self, state: LogState) -> tuple[SnapshotMeta | None, LogDamage | None]:
        """The newest snapshot that verifies and meets the log; damage if there is none."""
        named, before = list(state.snapshots), state.before[0]
        for meta in reversed(named):
            fault = self._snapshots.fault_of(meta)
            if not fault and meta.index >= before:
                state.snapshots = [meta]
                if meta.index > state.last_index:  # damage took the entries in between
                    state.restart_at(meta, keep_log=False)
                return meta, None
            if fault:
                self._remarks.append(fault)
        state.snapshots = []
        if not before:
            return None, None  # the log has everything since the beginning
        what = "; ".join(self._remarks) or "the log begins behind a snapshot that it does not name"
        state.entries, state.before = [], (0, 0)
        return None, LogDamage(1, before, False, what)

    def _settle(self, found: Found, lost: LogDamage | None) -> wal.Log:
        """Make the log fit for appending."""
        path = wal.path_of(self._folder, found.epoch)
        self._disk.fsync_dir(self._folder)
        damages = [each for each in (found.damage, lost) if each is not None]
        if found.header_fault:
            self._remarks.append(f"{found.header_fault}; every record was whole")
        if damages or found.header_fault:
            found.state.damages = [*found.state.damages, *damages][-MAX_DAMAGES:]
            file, next_lsn = write_segment(self._disk, self._folder, found.epoch + 1, found.state)
            return wal.Log(self._disk, self._folder, found.epoch + 1, next_lsn, file)
        file = self._disk.open(path)
        try:
            if found.cut is not None:
                file.truncate(found.end_offset)
            # Everything the last owner wrote, synced or not, is durable from here on.
            file.fdatasync()
        except BaseException:
            file.close()
            raise
        return wal.Log(
            self._disk, self._folder, found.epoch, found.next_lsn, file, found.end_offset
        )

    def _clean(self, epoch: int, state: LogState) -> None:
        """Remove what no longer counts; put damaged segments aside.

        A segment that is older than one with marks of damage is the damaged one: its renaming was
        interrupted.
        """
        names = self._disk.listdir(self._folder)
        self._remove_temporary(names)
        is_damaged = bool(state.damages)
        for old in wal.list_epochs(names):
            path = wal.path_of(self._folder, old)
            if old < epoch and is_damaged:
                self._disk.rename(path, path.with_name(evidence_name(path.name)))
            elif old < epoch:
                self._disk.unlink(path)
        for old in evidence_epochs(self._disk.listdir(self._folder))[:-MAX_EVIDENCE]:
            path = wal.path_of(self._folder, old)
            self._disk.unlink(path.with_name(evidence_name(path.name)))
        self._snapshots.keep_only(state.snapshots)
        self._disk.fsync_dir(self._folder)

    def _remove_temporary(self, names: Sequence[str]) -> None:
        for name in names:
            if name.endswith(TEMPORARY):
                self._disk.unlink(self._folder / name)
