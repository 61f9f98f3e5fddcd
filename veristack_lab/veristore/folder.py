"""The folder of a store: what may be opened as one, and by which process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from veristack_lab.errors import NotAStore
from veristack_lab.veristore.disk import Disk, Lock
from veristack_lab.veristore.memtable import snapshot
from veristack_lab.veristore.opening import explain_opening
from veristack_lab.veristore.recovery.damage import list_evidence
from veristack_lab.veristore.wal import log as wal

LOCK_NAME = "LOCK"
HISTORY_NAME = "shell-history"


def lock_folder(disk: Disk, folder: Path) -> Lock:
    """Make the folder if necessary, and take its lock; leave other files untouched.

    Raises:
        NotAStore: the path is a file, or a folder that holds something else.
        StoreLocked: another process (or this one) has it.
    """
    if disk.exists(folder):
        if not disk.is_dir(folder):
            raise NotAStore(f"{folder} is a file; a store is a folder. Give an empty or absent one")
        names = disk.listdir(folder)
        # A power cut at the first opening may leave the temporary segment without LOCK: names
        # reach the disk in any order.
        final = [name.removesuffix(snapshot.TEMPORARY) for name in names]
        ours = wal.list_epochs(final) or snapshot.list_lsns(final) or list_evidence(names)
        if names and not ours and LOCK_NAME not in names:
            raise NotAStore(
                f"{folder} holds {len(names)} other files, {names[0]!r} among them; give an "
                "empty or absent folder"
            )
    _make_durably(disk, folder)
    return disk.lock(folder / LOCK_NAME)


def require_folder(disk: Disk, folder: Path) -> None:
    """Return if the folder exists; never make one.

    Raises:
        NotAStore: there is none, or it is a file.
        StoreNotOpened, StoreFailed: the system does not let us look.
    """
    try:
        if disk.is_dir(folder):
            return
        is_there = disk.exists(folder)
    except OSError as cause:
        raise explain_opening(cause, folder) from cause
    if is_there:
        raise NotAStore(f"{folder} is a file; a store is a folder")
    raise NotAStore(f"there is no store at {folder}; `veristack store put` makes one")


def _make_durably(disk: Disk, folder: Path) -> None:
    """Make the folder, or make sure that its name is durable.

    The process that made it, or a folder above it, may have died before the name was synced; the
    page cache shows it anyway. Everything above the innermost existing folder was synced.
    """
    there = next(each for each in (folder, *folder.parents) if disk.exists(each))
    disk.make_dir(folder)
    # A user that may not read here cannot have made a folder here: nothing to sync.
    with suppress(PermissionError):
        disk.fsync_dir(there.parent)
