"""The durable side of a node: one queue of jobs for its disk, done in order.

A `Persist` is written as soon as it comes, so that one sync serves all that wait; everything else
in the queue is done at the next `flush`. After a failure nothing is done any more: the caller
hears of it once, as `PersistFailed`, and the node stops.

**Bound**: `MAX_JOBS` wait at most. A disk that hangs longer than that counts as failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from veristack_lab.errors import DiskFull, StoreError, StoreFailed
from veristack_lab.veristore.failures import explain
from veristack_lab.veristore.raft.effects import (
    Compact,
    InstallSnapshot,
    Persist,
    RepairDone,
    StoreChunk,
    VerifySnapshot,
)
from veristack_lab.veristore.raft.entries import SnapshotMeta
from veristack_lab.veristore.raft.errors import SnapshotDamaged
from veristack_lab.veristore.raft.events import (
    ChunkStored,
    Event,
    Persisted,
    PersistFailed,
    SnapshotRejected,
    SnapshotTaken,
    SnapshotVerified,
)
from veristack_lab.veristore.raft.machine import Machine
from veristack_lab.veristore.raft.sessions import Limits
from veristack_lab.veristore.raft.snapshots import Snapshots
from veristack_lab.veristore.raft.storage import Storage

MAX_JOBS = 4096


class TakeSnapshot(NamedTuple):
    """Write a snapshot of the state machine as it is when the job is done."""

    write: Callable[[Snapshots], SnapshotMeta | None]
    """None: there is none to be taken any more."""


Job: TypeAlias = (
    Persist | InstallSnapshot | StoreChunk | VerifySnapshot | Compact | RepairDone | TakeSnapshot
)


class DiskJobs:
    """The queue.

    Args:
        storage, snapshots: the open folder.
        limits: of the sessions; an incoming snapshot must have the same.
    """

    def __init__(self, storage: Storage, snapshots: Snapshots, limits: Limits) -> None:
        self.storage, self.snapshots = storage, snapshots
        self._limits = limits
        self._jobs: deque[Job] = deque()
        self._unwritten = 0
        """How many jobs at the end of the queue have not been written: none is a `Persist`, or
        they wait behind one that is none."""
        self._token = 0
        """The newest token that was made durable, or is with the next sync."""
        self._failed = False
        self.durable_index = storage.state.last_index
        """The last index of the log that a power cut cannot take."""
        self.loaded: tuple[SnapshotMeta, Machine] | None = None
        """The state in the incoming snapshot that was verified last."""

    def __repr__(self) -> str:
        return f"<DiskJobs {len(self._jobs)} waiting>"

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> Event | None:
        """Take a job. `PersistFailed` if that fails already."""
        if self._failed:
            return None
        if len(self._jobs) >= MAX_JOBS:
            hanging = StoreFailed(f"the disk has not answered while {MAX_JOBS:,} writes came")
            return self._fail(job, hanging)
        if type(job) is Persist and not self._unwritten:
            try:
                self._write(job)
            except StoreError as error:
                return self._fail(job, error)
        else:
            self._unwritten += 1
        self._jobs.append(job)
        return None

    def flush(self) -> list[Event]:
        """Do everything that waits, with as few syncs as possible; what the core hears of it."""
        events: list[Event] = []
        while self._jobs and not self._failed:
            job = self._jobs.popleft()
            try:
                if type(job) is Persist:
                    if len(self._jobs) < self._unwritten:
                        self._unwritten -= 1
                        self._write(job)
                    self._token = job.token
                    if not self._jobs or type(self._jobs[0]) is not Persist:
                        events.append(self._sync())
                else:
                    self._unwritten -= 1
                    self._do(job, events)
            except StoreError as error:
                events.append(self._fail(job, error))
            except OSError as cause:
                events.append(self._fail(job, explain(cause)))
        return events

    def forget(self) -> None:
        """The node stops: nothing that waits is done."""
        self._jobs.clear()
        self._failed = True

    def _write(self, job: Job) -> None:
        assert type(job) is Persist
        self.storage.write(job.term, job.vote, job.entries, job.drop_from)
        if job.drop_from:
            self.durable_index = min(self.durable_index, job.drop_from - 1)

    def _sync(self) -> Event:
        self.storage.sync()
        self.durable_index = self.storage.state.last_index
        return Persisted(self._token)

    def _do(self, job: Job, events: list[Event]) -> None:
        if type(job) is StoreChunk:
            events.append(self._store_chunk(job))
        elif type(job) is VerifySnapshot:
            events.append(self._verify(job.meta))
        elif type(job) is InstallSnapshot:
            if self.snapshots.read(job.meta, 0, 0) is None:
                raise StoreFailed(f"the snapshot up to index {job.meta.index} is not here")
            self.storage.install(job.term, job.vote, job.meta, keep_log=job.keep_log)
            self._keep_snapshots()
            self._token = job.token
            events.append(self._sync())
        elif type(job) is Compact:
            self.storage.compact(job.index)
        elif type(job) is RepairDone:
            self.storage.repaired()
            self.storage.sync()
        elif type(job) is TakeSnapshot:
            meta = job.write(self.snapshots)
            if meta is not None:
                self.storage.name_snapshot(meta)
                self._keep_snapshots()
                events.append(SnapshotTaken(meta))

    def _keep_snapshots(self) -> None:
        """Remove every snapshot but those that are named, and one that may be installed next."""
        verified = [self.loaded[0]] if self.loaded is not None else []
        self.snapshots.keep_only([*self.storage.state.snapshots, *verified])

    def take_loaded(self, meta: SnapshotMeta) -> Machine | None:
        """The state of an installed snapshot, if it was verified in this life."""
        loaded, self.loaded = self.loaded, None
        return loaded[1] if loaded is not None and loaded[0] == meta else None

    def _store_chunk(self, job: StoreChunk) -> Event:
        try:
            held = self.snapshots.store_chunk(job.meta, job.offset, job.data)
        except SnapshotDamaged as error:
            return SnapshotRejected(job.meta, str(error))
        return ChunkStored(job.meta, held)

    def _verify(self, meta: SnapshotMeta) -> Event:
        """Accept an incoming snapshot only if the state machine can take its state from it."""
        try:
            self.snapshots.verify(meta)
            pieces = self.snapshots.pieces(meta)
            self.loaded = meta, Machine.from_pieces(self._limits, meta.index, pieces)
        except SnapshotDamaged as error:
            self._keep_snapshots()
            return SnapshotRejected(meta, str(error))
        return SnapshotVerified(meta)

    def _fail(self, job: Job, error: StoreError) -> Event:
        self.forget()
        token = job.token if isinstance(job, Persist | InstallSnapshot) else 0
        kind = "the disk is full" if isinstance(error, DiskFull) else "a durable write failed"
        return PersistFailed(token, f"{kind}: {error}")
