"""What the bytes of a log mean, field by field, without opening the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from veristack_lab.errors import NotAStore
from veristack_lab.kernels import records
from veristack_lab.veristore import log as wal
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.mutations import RecordType, decode
from veristack_lab.veristore.segment import GROUP_START, HEADER_BYTES, decode_header, read_records

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 4
_SHOWN_BYTES = 24


class Field(NamedTuple):
    """A run of bytes with one meaning."""

    offset: int
    size_bytes: int
    record: int
    """LSN of the record it belongs to; 0 for the segment header, -1 for a torn tail."""
    name: str
    meaning: str


_SEGMENT_FIELDS = (
    (8, "magic"),
    (2, "version"),
    (2, "header length"),
    (4, "epoch"),
    (8, "first LSN"),
    (4, "zero"),
    (4, "crc32c"),
)
_RECORD_FIELDS = ((4, "crc32c"), (4, "length"), (8, "LSN"), (4, "epoch"), (1, "type"), (3, "zero"))


def log_anatomy(store: Path) -> pd.DataFrame:
    """The newest segment of a store as one row a field. The store need not be closed.

    Returns:
        Columns `offset`, `size_bytes`, `record` (LSN; 0: segment header, -1: torn tail),
        `name`, `meaning`, `raw` (the bytes in hexadecimal).

    Raises:
        NotAStore: there is no segment in the folder.
    """
    import pandas as pd

    disk = RealDisk()
    epochs = wal.list_epochs(disk.listdir(store)) if disk.is_dir(store) else []
    if not epochs:
        raise NotAStore(f"there is no log in {store}")
    path = wal.path_of(store, epochs[-1])
    file = disk.open(path)
    try:
        data = file.read(0, file.size())
        header = decode_header(data[:HEADER_BYTES], path.name)
        fields = list(_split(0, 0, _SEGMENT_FIELDS, data))
        end = HEADER_BYTES
        for window in read_records(file, header.epoch, header.first_lsn):
            starts = (window.decoded.payload_offsets + window.start_offset).tolist()
            lengths = window.decoded.payload_lengths.tolist()
            for lsn, start in enumerate(starts, window.first_lsn):
                fields += _record(data, start, lengths[lsn - window.first_lsn], lsn)
            end = window.end_offset
    finally:
        file.close()
    if end < len(data):
        fields.append(Field(end, len(data) - end, -1, "torn tail", window.decoded.stop.name))
    frame = pd.DataFrame(fields)
    frame["raw"] = [data[field.offset : field.offset + field.size_bytes].hex() for field in fields]
    frame.attrs = {"segment": path.name, "size_bytes": len(data), "seed": None}
    return frame


def _split(
    offset: int, record: int, layout: tuple[tuple[int, str], ...], data: bytes
) -> Iterator[Field]:
    for size, name in layout:
        raw = data[offset : offset + size]
        if name == "magic":
            meaning = raw.decode(errors="replace")
        elif name == "crc32c":
            meaning = f"0x{int.from_bytes(raw, 'little'):08x}"
        elif name == "type":
            meaning = _type_name(raw[0])
        else:
            meaning = str(int.from_bytes(raw, "little"))
        yield Field(offset, size, record, name, meaning)
        offset += size


def _type_name(kind: int) -> str:
    name = RecordType(kind & ~GROUP_START).name
    return f"{name}, first of its group" if kind & GROUP_START else name


def _record(data: bytes, start: int, length: int, lsn: int) -> Iterator[Field]:
    yield from _split(start - records.HEADER_BYTES, lsn, _RECORD_FIELDS, data)
    if length:
        kind = data[start - 4] & ~GROUP_START
        yield Field(start, length, lsn, "payload", _story(kind, data[start : start + length]))


def _story(kind: int, payload: bytes) -> str:
    changes = [
        f"delete {key!r}" if value is None else f"put {key!r} = {_short(value)}"
        for key, value in decode(kind, payload)
    ]
    return "; ".join(changes[:_SHOWN]) + ("; ..." if len(changes) > _SHOWN else "")


def _short(value: bytes) -> str:
    return repr(value) if len(value) <= _SHOWN_BYTES else f"{value[:_SHOWN_BYTES]!r}..."
