"""Making a damaged store whole again, without throwing evidence away.

What was read becomes a snapshot up to the highest LSN that was seen anywhere, followed by a
new segment; so no LSN is given twice, whatever was lost. Then the segments from the first
damaged one on are renamed `damaged-log-EPOCH`: kept for manual inspection, and never read by
recovery again.

Steps, each of them safe to be cut and done again:

1. the new segment, whose header says `damaged_from`. While there is no snapshot with its
   epoch it does not count (`is_leftover`): what is read is what was read before.
2. the snapshot, also with `damaged_from`. **Commit point**: the sync of the folder after its
   rename. Before it a reader meets the damage again; after it, a sound store.
3. the damaged files get their new names. If that is cut, the next reader sees by the
   snapshot's `damaged_from` which older segments are evidence, and goes on.
4. the files that the snapshot replaces are removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.memtable import snapshot
from veristack_lab.veristore.recovery.damage import evidence_epochs, evidence_name
from veristack_lab.veristore.recovery.findings import Findings, Segment
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.columns import Columns
from veristack_lab.veristore.wal.segment import HEADER_BYTES

_PIECE_BYTES = 1024 * 1024


def is_leftover(segment: Segment, found: Findings) -> bool:
    """Whether the newest segment was made by a repair that was interrupted before its snapshot."""
    header = segment.header
    if header is None or not header.damaged_from or segment.file.size() > HEADER_BYTES:
        return False
    counts = found.snapshot is not None and found.snapshot.epoch == segment.epoch
    may_count = header.first_lsn - 1 in found.bad_snapshots
    return not counts and not may_count


def publish(
    disk: Disk, folder: Path, found: Findings, snapshot_type: type[snapshot.SnapshotWriter]
) -> tuple[File, int]:
    """The new segment and the snapshot before it. Returns the segment and its epoch.

    Raises:
        OSError: the disk failed. The store is as damaged as before, or repaired.
    """
    epoch = _next_epoch(found)
    damaged_from = min([epoch, *_evidence(found)])
    file = wal.create_segment(disk, folder, epoch, found.next_lsn, damaged_from)
    try:
        writer = snapshot_type(disk, folder)
        pieces = _pieces(found.contents())
        path = writer.write(found.last_lsn, epoch, pieces, damaged_from)
        writer.publish(path, found.last_lsn)
    except BaseException:
        file.close()
        raise
    return file, epoch


def _next_epoch(found: Findings) -> int:
    """One above every epoch that was ever used here."""
    seen = [*found.files.epochs, *evidence_epochs(found.files.evidence)]
    if found.leftover:
        seen.remove(found.leftover.epoch)
    seen += [segment.header.epoch for segment in found.used if segment.header]
    if found.snapshot:
        seen.append(found.snapshot.epoch)
    return max(seen, default=0) + 1


def _evidence(found: Findings) -> list[int]:
    if found.first_damaged is None:
        return []
    return [one.epoch for one in found.used if one.epoch >= found.first_damaged]


def names_of_evidence(found: Findings) -> dict[str, str]:
    """What is damaged, by its name, and the name that it gets."""
    epochs = [*found.put_aside, *_evidence(found)]
    names = [wal.path_of(Path(), epoch).name for epoch in epochs]
    names += [snapshot.path_of(Path(), lsn).name for lsn in found.bad_snapshots]
    return {name: evidence_name(name) for name in names}


def useless(folder: Path, found: Findings) -> Iterator[Path]:
    """Files whose contents the newest snapshot has."""
    is_repaired = found.first_damaged is not None
    aside = _evidence(found)
    epochs = list(found.stale)
    if is_repaired:
        epochs += [one.epoch for one in found.used if one.epoch not in aside]
    yield from (wal.path_of(folder, epoch) for epoch in epochs)
    kept = found.last_lsn if is_repaired else found.snapshot_lsn
    for lsn in found.files.snapshots:
        if lsn < kept and lsn not in found.bad_snapshots:
            yield snapshot.path_of(folder, lsn)


def _pieces(values: dict[bytes, bytes]) -> Iterator[Columns]:
    keys: list[bytes] = []
    size = 0
    for key in sorted(values):
        keys.append(key)
        size += len(key) + len(values[key])
        if size >= _PIECE_BYTES:
            yield Columns(keys, [values[one] for one in keys])
            keys, size = [], 0
    if keys:
        yield Columns(keys, [values[one] for one in keys])
