"""`veristack store verify`, `dump` and `repair`: what is in a store, and what can be saved."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.errors import InvalidInput, NotAStore
from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    from veristack_lab.veristore.recovery.report import FileReport, ModeReport, RecoverReport
    from veristack_lab.veristore.wal.segment import SegmentHeader
    from veristack_lab.veristore.wal.stretches import Entry

Folder = Annotated[Path, typer.Argument(metavar="PATH", help="The store's folder.")]

_COLOURS = {
    "magic": "cyan",
    "version": "yellow",
    "header length": "green",
    "first LSN": "blue",
    "damaged from": "red",
    "crc32c": "magenta",
    "length": "green",
    "LSN": "blue",
    "epoch": "cyan",
    "type": "yellow",
    "zero": "bright_black",
}
_PREVIEW = 100
Piece = tuple[str, str]
"""Text and the colour it has on a terminal."""


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("verify")(verify)
    app.command("dump")(dump)
    app.command("repair")(repair)


def verify(
    path: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every byte of a store, and say what each recovery mode would return.

    Changes nothing and takes no lock. Exit code 0: sound, a torn tail included, which a power
    cut explains. Exit code 1: something durable is damaged.
    """
    import veristack_lab.veristore as veristore

    report = veristore.recover_report(path)
    if as_json:
        print(json.dumps(_as_dict(report), indent=2))
    else:
        print("\n".join(_lines(report)))
    if not report.is_sound:
        raise typer.Exit(1)


def _as_dict(report: RecoverReport) -> dict[str, object]:
    return {
        "path": str(report.path),
        "sound": report.is_sound,
        "records": report.records,
        "torn_bytes": report.torn_bytes,
        "segments": [asdict(file) for file in report.segments],
        "snapshots": [asdict(file) for file in report.snapshots],
        "evidence": list(report.evidence),
        "modes": [asdict(mode) for mode in report.modes],
    }


def _lines(report: RecoverReport) -> Iterator[str]:
    yield f"{report.path}: {'sound' if report.is_sound else 'DAMAGED'}"
    if report.torn_bytes:
        yield f"a torn tail of {report.torn_bytes:,} bytes, never acknowledged; opening cuts it off"
    for name in report.evidence:
        yield f"put aside by an earlier repair: {name}"
    yield ""
    yield f"{'file':<30}{'LSNs':<18}{'holds':<18}{'bytes':>14}  remarks"
    for file in report.snapshots:
        yield _file_line(file, f"up to {file.last_lsn:,}", counted(file.records, "key"))
    for file in report.segments:
        lsns = f"{file.first_lsn:,}-{file.last_lsn:,}" if file.records else "none"
        yield _file_line(file, lsns, counted(file.records, "record"))
    yield ""
    yield f"{'recovery mode':<26}{'keys':>12}{'last LSN':>12}  lost"
    for mode in report.modes:
        yield _mode_line(mode)


def _file_line(file: FileReport, lsns: str, holds: str) -> str:
    room = f"reserved, {file.reserved_bytes:,} bytes of zeros" if file.reserved_bytes else ""
    notes = "; ".join(filter(None, [file.problem, room]))
    line = f"{file.name:<30}{lsns:<18}{holds:<18}{file.size_bytes:>14,}  {notes}"
    return line.rstrip()


def _mode_line(mode: ModeReport) -> str:
    if mode.refusal:
        return f"{mode.mode.value:<26}refuses: {mode.refusal.partition('. ')[0]}"
    lost = f"LSN {mode.lost_lsns}" if mode.lost_lsns else "nothing"
    return f"{mode.mode.value:<26}{mode.keys:>12,}{mode.last_lsn:>12,}  {lost}"


def repair(
    path: Folder,
    recovery: Annotated[
        str, typer.Option(help="The recovery mode; `verify` shows what each would recover.")
    ] = "point-in-time",
) -> None:
    """Open a store in a recovery mode, say what was lost, and close it.

    Damaged files are kept beside the repaired ones. Any other command repairs a damaged store
    too, in the mode point-in-time.
    """
    import veristack_lab.veristore as veristore
    from veristack_lab.veristore.disk import RealDisk
    from veristack_lab.veristore.folder import require_folder
    from veristack_lab.veristore.opening import folder_of
    from veristack_lab.veristore.recovery.damage import list_evidence, recovery_mode

    recovery_mode(recovery)
    require_folder(RealDisk(), folder_of(path))
    with veristore.open(path, recovery=recovery) as store:
        stats = store.stats()
        kept = list_evidence(store.disk.listdir(store.path))
    for damage in stats.recovery.damage:
        print(damage)
    print(f"OK {stats.keys:,} keys, last lsn={stats.last_lsn}, torn={stats.recovery.torn_bytes}")
    for name in kept:
        print(f"kept as evidence: {name}")


def dump(
    path: Folder,
    segment: Annotated[
        int | None, typer.Option(help="Epoch of one segment, as in its name; default all.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of records; 0 = all.")] = 50,
    lsn: Annotated[
        str, typer.Option(metavar="A:B", help="Only LSNs from A to B; either may be left out.")
    ] = "",
) -> None:
    """Show a store's log as it is on the disk, one line a record.

    Changes nothing and takes no lock: it works on a read-only file system and on a store in use.

    Offset, LSN, type (* begins a commit group), payload length, checksum, the bytes of the
    record's header field by field, and the beginning of what it does.
    """
    from veristack_lab.veristore.opening import folder_of
    from veristack_lab.veristore.wal.log import list_epochs, path_of

    first, last = _lsn_range(lsn)
    folder = folder_of(path)
    epochs = list_epochs(_names_in(folder))
    chosen = epochs if segment is None else [one for one in epochs if one == segment]
    if not chosen:
        raise NotAStore(f"there is no such segment in {path}; there are {epochs or 'none'}")
    left = limit or sys.maxsize
    for epoch in chosen:
        name, data = path_of(path, epoch).name, _bytes_of(path_of(folder, epoch))
        if data is None:
            continue
        _show(_header_pieces(data, name))
        for entry in _entries(data, name, epoch, is_newest=epoch == epochs[-1]):
            if entry.lsn >= 0 and not first <= entry.lsn <= last:
                continue
            if left <= 0:
                print("... more: raise --limit, or choose with --segment and --lsn")
                return
            _show(_entry_pieces(data, entry))
            left -= entry.lsn >= 0


def _names_in(folder: Path) -> Sequence[str]:
    from veristack_lab.veristore.disk import RealDisk
    from veristack_lab.veristore.folder import require_folder
    from veristack_lab.veristore.opening import explain_opening

    require_folder(RealDisk(), folder)
    try:
        return RealDisk().listdir(folder)
    except OSError as cause:
        raise explain_opening(cause, folder) from cause


def _bytes_of(path: Path) -> bytes | None:
    """What a segment holds; None if a checkpoint of the store in use has just removed it."""
    from veristack_lab.veristore.opening import explain_opening

    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise explain_opening(cause, path) from cause


def _lsn_range(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    if any(part and not part.isdecimal() for part in (first, last)):
        raise InvalidInput(f"--lsn {text}: give two numbers as A:B, or one")
    low = int(first or 0)
    return low, int(last) if last else (sys.maxsize if colon or not first else low)


def _entries(data: bytes, name: str, epoch: int, *, is_newest: bool) -> Iterator[Entry]:
    from veristack_lab.veristore.wal.stretches import entries, stretches

    header = _believed_header(data, name, epoch)
    for stretch in stretches(data, header, is_newest=is_newest):
        yield from entries(stretch)


def _believed_header(data: bytes, name: str, epoch: int) -> SegmentHeader:
    from veristack_lab.errors import StoreCorrupt
    from veristack_lab.veristore.wal.segment import HEADER_BYTES, SegmentHeader, decode_header

    try:
        return decode_header(data[:HEADER_BYTES], name)
    except (StoreCorrupt, NotAStore):
        return SegmentHeader(epoch, 0)


def _header_pieces(data: bytes, name: str) -> Iterator[Piece]:
    from veristack_lab.errors import StoreCorrupt
    from veristack_lab.veristore.wal.anatomy import HEADER_LAYOUT, split
    from veristack_lab.veristore.wal.segment import HEADER_BYTES, decode_header

    yield f"{name}, {len(data):,} bytes\n", "bold"
    yield f"{0:08x}  header ", ""
    for field in split(data, 0, 0, HEADER_LAYOUT):
        raw = data[field.offset : field.offset + field.size_bytes]
        yield f" {raw.hex()}", _COLOURS[field.name]
    try:
        header = decode_header(data[:HEADER_BYTES], name)
    except (StoreCorrupt, NotAStore) as error:
        yield f"  {error}", "bold red"
    else:
        yield f"  version {header.version}, epoch {header.epoch}, first LSN {header.first_lsn}", ""


def _entry_pieces(data: bytes, entry: Entry) -> Iterator[Piece]:
    from veristack_lab.kernels.records import HEADER_BYTES
    from veristack_lab.veristore.wal.anatomy import RECORD_LAYOUT, split, story, type_name
    from veristack_lab.veristore.wal.segment import GROUP_START
    from veristack_lab.veristore.wal.stretches import Condition

    yield f"{entry.offset:08x}  ", ""
    if entry.condition is Condition.RESERVED:
        yield f"{entry.condition}, {entry.reason}", "bright_black"
        return
    if entry.lsn < 0:
        raw = data[entry.offset : entry.offset + HEADER_BYTES]
        text = f"{entry.condition} of {entry.size_bytes:,} bytes ({entry.reason})  {raw.hex()}..."
        yield text, "bold red"
        return
    kind = entry.kind & ~GROUP_START
    group = "*" if entry.is_group_start else " "
    length = entry.size_bytes - HEADER_BYTES
    yield f"LSN {entry.lsn:<10} {type_name(kind):>8}{group} {length:>9,} bytes  crc ok ", ""
    for field in split(data, entry.offset, entry.lsn, RECORD_LAYOUT):
        raw = data[field.offset : field.offset + field.size_bytes]
        yield f" {raw.hex()}", _COLOURS[field.name]
    payload = data[entry.offset + HEADER_BYTES : entry.offset + entry.size_bytes]
    text = story(kind, payload) if length else ""
    yield f"  {text[:_PREVIEW]}{'...' if len(text) > _PREVIEW else ''}", ""


def _show(pieces: Iterator[Piece]) -> None:
    """Print one line, in colours on a terminal."""
    found = list(pieces)
    if not sys.stdout.isatty():
        print("".join(text for text, _ in found).rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    Console().print(Text.assemble(*found), soft_wrap=True, highlight=False)
