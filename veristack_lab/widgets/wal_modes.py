"""What opening a store would return, mode by mode, in words."""

from __future__ import annotations

from pathlib import Path

from veristack_lab.errors import StoreError
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.recovery.damage import RecoveryMode
from veristack_lab.veristore.recovery.report import ModeReport, recover_report
from veristack_lab.widgets.loop import View


def mode_rows(disk: Disk, folder: Path) -> list[View]:
    """One row a recovery mode, from a look that changes nothing.

    Returns:
        Rows with `mode`, `opens`, `keys`, `last_lsn`, `lost` (ranges of LSNs), `words`.
    """
    try:
        reports = recover_report(folder, disk=disk).modes
    except StoreError as error:
        return [_row(ModeReport(mode, str(error), 0, 0, 0, 0, ())) for mode in RecoveryMode]
    return [_row(report) for report in reports]


def _row(report: ModeReport) -> View:
    return {
        "mode": report.mode.value,
        "opens": not report.refusal,
        "keys": report.keys,
        "last_lsn": report.last_lsn,
        "lost": report.lost_lsns,
        "words": report.refusal or _words(report),
    }


def _words(report: ModeReport) -> str:
    parts = []
    if report.damage:
        lost = f"LSN {report.lost_lsns}" if report.lost_lsns else "no record known"
        parts.append(f"{lost} lost; the damaged files are put aside as evidence")
    if report.torn_bytes:
        parts.append(f"{report.torn_bytes:,} bytes of a torn tail cut off, never acknowledged")
    return "; ".join(parts) or "everything is there"
