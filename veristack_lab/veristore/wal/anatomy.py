"""What the bytes of a log mean, field by field, without opening the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from veristack_lab.errors import NotAStore
from veristack_lab.kernels import records
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.columns import Columns
from veristack_lab.veristore.wal.mutations import RecordType, decode
from veristack_lab.veristore.wal.segment import GROUP_START, HEADER_BYTES, decode_header
from veristack_lab.veristore.wal.stretches import Condition, Entry, entries, stretches

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 4
_SHOWN_BYTES = 24
_TABLE_FOLLOWS = 0xFFFFFFFF


class Field(NamedTuple):
    """A run of bytes with one meaning."""

    offset: int
    size_bytes: int
    record: int
    """LSN of the record it belongs to; 0 for the segment header, -1 where no record is."""
    name: str
    meaning: str


Layout = tuple[tuple[int, str], ...]
"""Size in bytes and name of each field, in their order."""

HEADER_LAYOUT: Layout = (
    (8, "magic"),
    (2, "version"),
    (2, "header length"),
    (4, "epoch"),
    (8, "first LSN"),
    (4, "damaged from"),
    (4, "crc32c"),
)
RECORD_LAYOUT: Layout = (
    (4, "crc32c"),
    (4, "length"),
    (8, "LSN"),
    (4, "epoch"),
    (1, "type"),
    (3, "zero"),
)
_CHANGE_LAYOUT: Layout = ((1, "operation"), (4, "key length"), (4, "value length"))
_COLUMNS_LAYOUT: Layout = ((4, "count"), (4, "key length"), (4, "value length"))


def log_anatomy(store: Path, *, epoch: int | None = None, parts: bool = False) -> pd.DataFrame:
    """A segment of a store as one row a field. The store need not be closed.

    Args:
        store: the folder.
        epoch: the segment's epoch; None for the newest.
        parts: a payload as its own fields (lengths, keys, values) rather than as one.

    Returns:
        Columns `offset`, `size_bytes`, `record` (LSN; 0: segment header, -1: no record), `name`
        ("damage", "torn tail" and "reserved" where no record is), `meaning`, `raw` (hexadecimal;
        empty for "reserved", which is zeros throughout).

    Raises:
        NotAStore: there is no such segment in the folder.
        StoreCorrupt: the segment's header is damaged.
    """
    import pandas as pd

    disk = RealDisk()
    epochs = wal.list_epochs(disk.listdir(store)) if disk.is_dir(store) else []
    if not epochs or epoch not in (None, *epochs):
        raise NotAStore(f"there is no log{f' of epoch {epoch}' if epochs else ''} in {store}")
    chosen = epochs[-1] if epoch is None else epoch
    path = wal.path_of(store, chosen)
    file = disk.open(path)
    try:
        data = file.read(0, file.size())
    finally:
        file.close()
    fields = list(dissect(data, path.name, is_newest=chosen == epochs[-1], parts=parts))
    frame = pd.DataFrame(fields)
    frame["raw"] = [_raw(data, field) for field in fields]
    frame.attrs = {"segment": path.name, "size_bytes": len(data), "seed": None}
    return frame


def _raw(data: bytes, field: Field) -> str:
    if field.name == Condition.RESERVED:
        return ""
    return data[field.offset : field.offset + field.size_bytes].hex()


def dissect(data: bytes, name: str, *, is_newest: bool, parts: bool) -> Iterator[Field]:
    """Every byte of a segment, as fields.

    Raises:
        NotAStore, StoreCorrupt: the header cannot be trusted.
    """
    header = decode_header(data[:HEADER_BYTES], name)
    yield from split(data, 0, 0, HEADER_LAYOUT)
    for stretch in stretches(data, header, is_newest=is_newest):
        for entry in entries(stretch):
            if entry.lsn < 0:
                yield Field(entry.offset, entry.size_bytes, -1, entry.condition, entry.reason)
            else:
                yield from record_fields(data, entry, parts=parts)


def record_fields(data: bytes, entry: Entry, *, parts: bool) -> Iterator[Field]:
    """The fields of one record; with `parts` those of its payload too."""
    yield from split(data, entry.offset, entry.lsn, RECORD_LAYOUT)
    start, end = entry.offset + records.HEADER_BYTES, entry.offset + entry.size_bytes
    kind = entry.kind & ~GROUP_START
    if start == end:
        return
    if parts:
        yield from payload_fields(data, start, end, entry.lsn, kind)
    else:
        yield Field(start, end - start, entry.lsn, "payload", story(kind, data[start:end]))


def split(data: bytes, offset: int, record: int, layout: Layout) -> Iterator[Field]:
    """Fields of fixed size, one behind the other."""
    for size, name in layout:
        yield Field(offset, size, record, name, _meaning(name, data[offset : offset + size]))
        offset += size


def _meaning(name: str, raw: bytes) -> str:
    if name == "magic":
        return raw.decode(errors="replace")
    if name == "crc32c":
        return f"0x{int.from_bytes(raw, 'little'):08x}"
    if name in ("type", "operation"):
        return type_name(raw[0])
    return str(int.from_bytes(raw, "little"))


def type_name(kind: int) -> str:
    """A type byte in words."""
    known = {int(one): one.name for one in RecordType}
    name = known.get(kind & ~GROUP_START, f"type {kind & ~GROUP_START}")
    return f"{name}, first of its group" if kind & GROUP_START else name


def payload_fields(data: bytes, start: int, end: int, lsn: int, kind: int) -> Iterator[Field]:
    """The fields of a payload whose checksum was found right."""
    if kind == RecordType.PUT:
        yield from _key_and_value(data, start, end, lsn)
    elif kind == RecordType.DELETE:
        yield Field(start, end - start, lsn, "key", short(data[start:end]))
    elif kind == RecordType.BATCH:
        yield from _changes(data, start, end, lsn)
    elif kind == RecordType.PUT_MANY:
        yield from _columns(data, start, end, lsn)
    else:
        yield Field(start, end - start, lsn, "payload", short(data[start:end]))


def _key_and_value(data: bytes, start: int, end: int, lsn: int) -> Iterator[Field]:
    yield from split(data, start, lsn, ((4, "key length"),))
    key_end = start + 4 + int.from_bytes(data[start : start + 4], "little")
    yield Field(start + 4, key_end - start - 4, lsn, "key", short(data[start + 4 : key_end]))
    if end > key_end:
        yield Field(key_end, end - key_end, lsn, "value", short(data[key_end:end]))


def _changes(data: bytes, start: int, end: int, lsn: int) -> Iterator[Field]:
    for key, value in decode(RecordType.BATCH, data[start:end]):
        yield from split(data, start, lsn, _CHANGE_LAYOUT)
        start += sum(size for size, _ in _CHANGE_LAYOUT)
        for name, part in (("key", key), ("value", value or b"")):
            if part:
                yield Field(start, len(part), lsn, name, short(part))
            start += len(part)


def _columns(data: bytes, start: int, end: int, lsn: int) -> Iterator[Field]:
    head = list(split(data, start, lsn, _COLUMNS_LAYOUT))
    yield from head
    start += sum(size for size, _ in _COLUMNS_LAYOUT)
    count, *lengths = (int(field.meaning) for field in head)
    for length, name in zip(lengths, ("key lengths", "value lengths"), strict=True):
        if length == _TABLE_FOLLOWS:
            yield Field(start, 4 * count, lsn, name, f"a table of {count:,} lengths")
            start += 4 * count
    columns = decode(RecordType.PUT_MANY, data[head[0].offset : end])
    if isinstance(columns, Columns):
        for name, column in (("key", columns.keys), ("value", columns.values)):
            for part in column:
                if part:
                    yield Field(start, len(part), lsn, name, short(part))
                start += len(part)


def story(kind: int, payload: bytes) -> str:
    """What a payload does, in a line: at most four of its changes."""
    changes: list[str] = []
    for key, value in decode(kind, payload):
        if len(changes) == _SHOWN:
            return "; ".join(changes) + "; ..."
        done = f"delete {short(key)}" if value is None else f"put {short(key)} = {short(value)}"
        changes.append(done)
    return "; ".join(changes)


def short(data: bytes) -> str:
    """Bytes as Python writes them; if long, only the first."""
    return repr(data) if len(data) <= _SHOWN_BYTES else f"{data[:_SHOWN_BYTES]!r}..."
