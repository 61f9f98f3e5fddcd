"""Reading a store back without changing it, while another process may be writing to it.

**What is seen** is a prefix of the writes, whole write by whole write: all that were
acknowledged when the look began, perhaps some that were under way, and nothing of a torn tail.
After the reading, the newest segment and the folder are synced: so all that is seen is durable
when the look ends, and no power cut takes back what was shown.

**Beside a writer** a look may meet a file that a checkpoint has just removed, a listing that
holds neither the old files nor the new ones, or a record that is half written with whole ones
behind it by the time they are looked at. None of these is there at the next look. So what seems
damaged counts only if two looks in a row find the very same; otherwise the look is repeated, at
most `ATTEMPTS` times.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from veristack_lab.errors import NotAStore, StoreCorrupt, StoreDamaged, StoreFailed
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.read_only import UnopenedFile
from veristack_lab.veristore.recovery.findings import FIRST_EPOCH, Findings
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.recovery.settling import Recovered
from veristack_lab.veristore.wal import log as wal

ATTEMPTS = 20

Seen = TypeVar("Seen")


def look(folder: Path, once: Callable[[], Seen], faults_of: Callable[[Seen], object]) -> Seen:
    """Look until nothing seems wrong, or two looks in a row find the same faults.

    Args:
        folder: named in the error.
        once: one look.
        faults_of: what a look found wrong, comparable; empty if it found nothing.

    Raises:
        StoreCorrupt, NotAStore, OSError: what `once` raises.
        StoreFailed: no two looks agreed; the store is in use and changes too fast.
    """
    before: object = None
    for _ in range(ATTEMPTS):
        try:
            seen = once()
        except FileNotFoundError:  # a checkpoint of the store in use removed it meanwhile
            before = None
            continue
        except (StoreCorrupt, NotAStore) as error:
            faults: object = (type(error), str(error))
            if faults == before:
                raise
        else:
            faults = faults_of(seen)
            if not faults or faults == before:
                return seen
        before = faults
    raise StoreFailed(
        f"{folder} is in use, and its files change too fast to be looked at; try again"
    )


def read_back(
    recoverer: Recoverer, disk: Disk, folder: Path, log_type: type[wal.Log] = wal.Log
) -> Recovered:
    """What opening would find, with a log that takes no records.

    Damage that the mode tolerates is reported by a `StoreDamaged` warning, and not repaired.

    Raises:
        StoreCorrupt: the mode refuses what was found.
        NotAStore: there is no store, or one of a newer version.
        StoreFailed: the store is in use and changes too fast.
        OSError: the disk failed.
    """

    def once() -> Recovered:
        with recoverer.examine() as found:
            if found.is_new:
                raise NotAStore(f"there is no store in {folder}")
            if found.used:
                found.used[-1].file.fdatasync()
            disk.fsync_dir(folder)
            return _as_recovered(found, disk, folder, log_type)

    recovered = look(folder, once, lambda seen: seen.damage)
    if recovered.damage:
        warnings.warn(
            f"{folder} is damaged, and nothing was repaired, since it is only read: "
            + "; ".join(map(str, recovered.damage)),
            StoreDamaged,
            stacklevel=5,
        )
    return recovered


def _as_recovered(found: Findings, disk: Disk, folder: Path, log_type: type[wal.Log]) -> Recovered:
    epoch = found.snapshot.epoch if found.snapshot else FIRST_EPOCH
    if found.used:
        epoch = found.used[-1].epoch
    end = found.end_offset
    file = UnopenedFile(wal.path_of(folder, epoch), end)
    return Recovered(
        log_type(disk, folder, epoch, found.next_lsn, file, end),
        found.contents(),
        found.snapshot_lsn,
        found.records,
        found.torn_bytes,
        found.log_bytes,
        found.is_clean,
        tuple(found.damage),
    )
