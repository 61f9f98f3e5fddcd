"""Opening a store: its folder is locked and read back.

After opening, the map in memory holds what the log and the newest snapshot say. After `close`, and
in a fork of the process that opened the store, calls raise why the store cannot be used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from veristack_lab.errors import StoreClosed, StoreError, StoreForked
from veristack_lab.runtime.clock import Clock
from veristack_lab.veristore.disk import Disk, Lock
from veristack_lab.veristore.folder import lock_folder, require_folder
from veristack_lab.veristore.memtable import snapshot
from veristack_lab.veristore.memtable.sorted_map import SortedMap
from veristack_lab.veristore.memtable.views import Views
from veristack_lab.veristore.options import StoreOptions
from veristack_lab.veristore.read_only import ReadOnlyDisk
from veristack_lab.veristore.recovery.damage import recovery_mode
from veristack_lab.veristore.recovery.looking import read_back
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.status import Recovery
from veristack_lab.veristore.wal import log as wal


class OpenedStore:
    """The part of `Store` that opens a folder and knows whether it is still open."""

    log_type: type[wal.Log] = wal.Log
    """What writes the log."""
    recoverer_type: type[Recoverer] = Recoverer
    """What reads the folder back at open."""
    snapshot_type: type[snapshot.SnapshotWriter] = snapshot.SnapshotWriter
    """What writes snapshots and removes the files that they replace."""

    def __init__(
        self, disk: Disk, clock: Clock, folder: Path, options: StoreOptions | None = None
    ) -> None:
        self.path = folder
        self.clock = clock
        self.options = options or StoreOptions()
        self.disk: Disk = ReadOnlyDisk(disk) if self.options.read_only else disk
        self._map = SortedMap()
        self._map_lock = threading.Lock()
        self._views = Views(self._map, self._map_lock)
        self._close_lock = threading.Lock()
        self._closed = False
        self._why_closed: type[StoreError] = StoreClosed
        self._lock: Lock = self._take_lock()
        try:
            self._log, self._recovery = self._recover()
        except BaseException:
            self._lock.release()
            raise
        self._look_up: Callable[[bytes], bytes | None] = self._map.get

    def _take_lock(self) -> Lock:
        if self.options.read_only:
            require_folder(self.disk, self.path)
            return self.disk.lock(self.path)  # takes no lock: see `ReadOnlyDisk`
        return lock_folder(self.disk, self.path)

    def _recover(self) -> tuple[wal.Log, Recovery]:
        """Read the folder back with `recoverer_type` and fill the map."""
        started_s = self.clock.monotonic_s()
        mode = recovery_mode(self.options.recovery)
        recoverer = self.recoverer_type(
            self.disk, self.path, mode, self.log_type, self.snapshot_type
        )
        if self.options.read_only:
            found = read_back(recoverer, self.disk, self.path, self.log_type)
        else:
            found = recoverer.recover()
        self._map.fill(found.values, found.log.next_lsn - 1)
        found.log.segment_bytes = self.options.segment_bytes
        elapsed_ms = (self.clock.monotonic_s() - started_s) * 1000
        return found.log, Recovery(
            snapshot_lsn=found.snapshot_lsn,
            records=found.records,
            torn_bytes=found.torn_bytes,
            log_bytes=found.log_bytes,
            after_crash=not found.is_clean,
            recover_ms=elapsed_ms,
            damage=found.damage,
        )

    def check_open(self) -> None:
        """Raises `StoreClosed` if the store was closed, `StoreForked` in a fork of its process."""
        if self._closed:
            raise self._why_closed

    @property
    def is_read_only(self) -> bool:
        """Whether the store was opened with `read_only`."""
        return self.options.read_only

    @property
    def is_inherited(self) -> bool:
        """Whether this process is a fork of the one that opened the store."""
        return self._why_closed is StoreForked

    def _check_owner(self) -> None:
        if self._why_closed is StoreForked:
            raise StoreForked

    def _look_up_closed(self, _key: bytes) -> None:
        """Replaces the map's look-up after `close`, so that `get` itself need not check."""
        raise self._why_closed
