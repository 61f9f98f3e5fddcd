"""What is in a store's folder, and what opening it in each recovery mode would give.

Nothing is changed, no lock is taken and no right to write is needed: so a store on a read-only
file system may be looked at, and one in use too. What its writers are just appending then looks
like a torn tail, never like damage (see `looking`). The room that they have reserved is
reported as such (`FileReport.reserved_bytes`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from veristack_lab.errors import NotAStore, StoreCorrupt
from veristack_lab.veristore.disk import Disk, RealDisk
from veristack_lab.veristore.folder import require_folder
from veristack_lab.veristore.memtable import snapshot
from veristack_lab.veristore.opening import explain_opening, folder_of
from veristack_lab.veristore.read_only import ReadOnlyDisk
from veristack_lab.veristore.recovery.damage import Damage, RecoveryMode, list_evidence
from veristack_lab.veristore.recovery.looking import look
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.recovery.snapshot_reader import load
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.segment import HEADER_BYTES, SegmentHeader, decode_header
from veristack_lab.veristore.wal.stretches import Condition, Stretch, stretches

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FileReport:
    """One segment or snapshot."""

    name: str
    size_bytes: int
    version: int
    """Version of its format; 0 if the header cannot be trusted."""
    epoch: int
    first_lsn: int
    """LSN of its first record; for a snapshot, the LSN up to which it holds everything."""
    last_lsn: int
    """LSN of its last whole record; `first_lsn - 1` if it has none."""
    records: int
    """Number of whole records, also after damage; for a snapshot, of keys."""
    reserved_bytes: int
    """Zeros at its end: room for records to come, which closing the store gives back."""
    problem: str
    """Empty for a sound file."""


@dataclass(frozen=True)
class ModeReport:
    """What opening in one mode would give."""

    mode: RecoveryMode
    refusal: str
    """Why it would not open; empty if it would."""
    keys: int
    last_lsn: int
    """LSN that the opened store would report: no higher one was ever used."""
    lost_records: int
    """Records known to be lost."""
    torn_bytes: int
    """Bytes of a torn tail, never acknowledged, that would be cut off."""
    damage: tuple[Damage, ...]
    """What would be repaired; the damaged files are kept as evidence."""

    @property
    def lost_lsns(self) -> str:
        """The LSNs that are known to be lost, as ranges: "7, 9-12"."""
        return ", ".join(
            str(one.first_lost_lsn)
            if one.lost_records == 1
            else f"{one.first_lost_lsn}-{one.last_lost_lsn}"
            for one in self.damage
            if one.lost_records
        )


@dataclass(frozen=True, repr=False)
class RecoverReport:
    """What `recover_report` found."""

    path: Path
    segments: tuple[FileReport, ...]
    snapshots: tuple[FileReport, ...]
    evidence: tuple[str, ...]
    """Files that earlier repairs put aside."""
    modes: tuple[ModeReport, ...]

    def __repr__(self) -> str:
        state = "sound" if self.is_sound else "damaged"
        return (
            f"<RecoverReport {self.path.name!r} {state}, {len(self.segments)} segments, "
            f"{len(self.snapshots)} snapshots, {self.records:,} records>"
        )

    def __getitem__(self, mode: str) -> ModeReport:
        """The report of one mode, by its name."""
        return next(report for report in self.modes if report.mode == mode)

    @property
    def records(self) -> int:
        """Whole records in all segments."""
        return sum(segment.records for segment in self.segments)

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What is damaged, as the default mode would report it."""
        return self[RecoveryMode.POINT_IN_TIME].damage

    @property
    def torn_bytes(self) -> int:
        """Bytes of a torn tail; a power cut explains it, so it is not damage."""
        return self[RecoveryMode.POINT_IN_TIME].torn_bytes

    @property
    def is_sound(self) -> bool:
        """Whether nothing durable is unreadable."""
        report = self[RecoveryMode.TOLERATE_CORRUPTED_TAIL]
        return not report.refusal

    def to_frame(self) -> pd.DataFrame:
        """One row a mode: `mode`, `opens`, `keys`, `last_lsn`, `lost_records`, `lost_lsns`,
        `torn_bytes`, `damage` (number of places), `refusal`. `.attrs` holds the path."""
        import pandas as pd

        rows = [
            {
                "mode": report.mode.value,
                "opens": not report.refusal,
                "keys": report.keys,
                "last_lsn": report.last_lsn,
                "lost_records": report.lost_records,
                "lost_lsns": report.lost_lsns,
                "torn_bytes": report.torn_bytes,
                "damage": len(report.damage),
                "refusal": report.refusal,
            }
            for report in self.modes
        ]
        frame = pd.DataFrame(rows)
        frame.attrs = {"path": str(self.path), "seed": None}
        return frame

    def files_to_frame(self) -> pd.DataFrame:
        """One row a file, snapshots first; the columns are the fields of `FileReport`."""
        import pandas as pd

        frame = pd.DataFrame([asdict(file) for file in (*self.snapshots, *self.segments)])
        frame.attrs = {"path": str(self.path), "seed": None}
        return frame


def recover_report(path: str | Path, *, disk: Disk | None = None) -> RecoverReport:
    """Look at a store without opening it: what is there, and what each mode would return.

    Raises:
        NotAStore: there is no store, or one of a newer version.
        StoreNotOpened: the system refuses: no permission, a name too long, too many open files.
        StoreFailed: the disk failed, or the store is in use and changed too fast.
        InvalidInput: the path cannot be one.
    """
    device, folder = ReadOnlyDisk(disk or RealDisk()), folder_of(path)
    require_folder(device, folder)
    try:
        return look(folder, lambda: _look(device, folder), _faults_of)
    except OSError as cause:
        raise explain_opening(cause, folder) from cause


def _faults_of(report: RecoverReport) -> object:
    return "" if report.is_sound else report.modes


def _look(disk: Disk, folder: Path) -> RecoverReport:
    names = disk.listdir(folder)
    epochs, lsns = wal.list_epochs(names), snapshot.list_lsns(names)
    if not epochs and not lsns:
        raise NotAStore(f"there is no store in {folder}")
    modes = _report_modes(disk, folder)
    return RecoverReport(
        folder,
        tuple(_report_segment(disk, folder, epoch, epoch == epochs[-1]) for epoch in epochs),
        tuple(_report_snapshot(disk, folder, lsn) for lsn in lsns),
        tuple(list_evidence(names)),
        modes,
    )


def _report_modes(disk: Disk, folder: Path) -> tuple[ModeReport, ...]:
    strictest = _report_mode(disk, folder, RecoveryMode.ABSOLUTE_CONSISTENCY)
    if not strictest.refusal:  # nothing torn, nothing damaged: the modes have nothing to decide
        fields = {name: getattr(strictest, name) for name in strictest.__dataclass_fields__}
        return tuple(ModeReport(**{**fields, "mode": mode}) for mode in RecoveryMode)
    return tuple(_report_mode(disk, folder, mode) for mode in RecoveryMode)


def _report_mode(disk: Disk, folder: Path, mode: RecoveryMode) -> ModeReport:
    try:
        with Recoverer(disk, folder, mode).examine() as found:
            return ModeReport(
                mode,
                "",
                len(found.contents()),
                found.last_lsn,
                sum(damage.lost_records for damage in found.damage),
                found.torn_bytes,
                tuple(found.damage),
            )
    except StoreCorrupt as error:
        return ModeReport(mode, str(error), 0, 0, 0, 0, ())


def _report_segment(disk: Disk, folder: Path, epoch: int, is_newest: bool) -> FileReport:
    path = wal.path_of(folder, epoch)
    file = disk.open(path)
    try:
        data = file.read(0, file.size())
    finally:
        file.close()
    try:
        header, problem = decode_header(data[:HEADER_BYTES], path.name), ""
    except (NotAStore, StoreCorrupt) as error:
        header, problem = SegmentHeader(epoch, 0, version=0), str(error)
    if not problem and header.epoch != epoch:
        problem = f"it is misplaced: its header says epoch {header.epoch}"
    found = list(stretches(data, header, is_newest=is_newest))
    windows = [stretch.window for stretch in found if stretch.window]
    return FileReport(
        path.name,
        len(data),
        header.version,
        header.epoch,
        header.first_lsn,
        windows[-1].next_lsn - 1 if windows else header.first_lsn - 1,
        sum(stretch.records for stretch in found),
        sum(one.end - one.start for one in found if one.condition is Condition.RESERVED),
        "; ".join(filter(None, [problem, *map(_problem, found)])),
    )


def _problem(stretch: Stretch) -> str:
    if stretch.condition in (Condition.WHOLE, Condition.BEHIND_DAMAGE, Condition.RESERVED):
        return ""
    size = stretch.end - stretch.start
    return f"{stretch.condition} of {size:,} bytes at byte {stretch.start} ({stretch.reason})"


def _report_snapshot(disk: Disk, folder: Path, lsn: int) -> FileReport:
    name = snapshot.path_of(folder, lsn).name
    file = disk.open(snapshot.path_of(folder, lsn))
    try:
        size = file.size()
    finally:
        file.close()
    try:
        loaded = load(disk, folder, lsn)
    except StoreCorrupt as error:
        return FileReport(name, size, 0, 0, lsn, lsn, 0, 0, str(error))
    header, keys = loaded.header, len(loaded.values)
    return FileReport(name, size, header.version, header.epoch, lsn, lsn, keys, 0, "")
