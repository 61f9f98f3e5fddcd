"""What the microscope shows: a page of a segment, its fields, its records, and its flips.

What is shown has a constant size, however large the segment is. The layout of the fields is that of
the file as it was read; whether a record lives is judged with the flips.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from veristack_lab.errors import InvalidInput, NotAStore
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.wal.anatomy import Field, type_name
from veristack_lab.veristore.wal.segment import GROUP_START
from veristack_lab.widgets.dissection import (
    fields_between,
    index_segment,
    record_story,
)
from veristack_lab.widgets.field_words import STATUS_WORDS, words_for
from veristack_lab.widgets.flipped_disk import FlippedDisk, HeldFile
from veristack_lab.widgets.loop import Model, View
from veristack_lab.widgets.wal_modes import mode_rows
from veristack_lab.widgets.wal_source import SEGMENT_NAME, Source, opened, segment_names

PAGE_BYTES = 512
RECORDS_SHOWN = 40
MAX_FLIPS = 32
SEGMENTS_SHOWN = 24
_NUMBERED = ("page", "goto", "record")
_PLAIN = ("restore", "reload")
_STORY_LENGTH = 120


class WalModel(Model):
    """The model of one microscope; see `loop.Model`."""

    def __init__(self, source: Source) -> None:
        self._disk, self._folder = source.disk, source.folder
        self._page = 0
        self._selected: int | None = None
        self._flips: dict[int, int] = {}
        self._name, self._digest = "", b""
        self._read(source.segment)
        self._draw()

    # ------------------------------------------------------------------ commands

    def check(self, op: str, argument: object) -> None:
        """See `loop.Model`. Raises `InvalidInput`."""
        if op in _NUMBERED:
            if type(argument) is not int or argument < 0:
                raise InvalidInput(f"{op} takes a number from 0 on, not {argument!r}")
        elif op == "flip":
            _parse_flip(argument)
        elif op == "segment":
            if not (isinstance(argument, str) and SEGMENT_NAME.match(argument)):
                raise InvalidInput(f"segment takes the name of a segment, not {argument!r}")
        elif op not in _PLAIN:
            known = ", ".join((*_NUMBERED, "flip", "segment", *_PLAIN))
            raise InvalidInput(f"there is no command {op!r}; there are {known}")

    def obey(self, op: str, argument: Any) -> bool:
        """See `loop.Model`. Raises `InvalidInput` for what this segment does not have.

        The segment is read once for each command, and all that is shown comes from these bytes.
        Between two commands its writer may go on, or its folder be removed: what is shown stays.
        """
        if op == "segment":
            if argument not in segment_names(self._disk, self._folder):
                raise InvalidInput(f"there is no {argument} in {self._folder}")
            self._flips.clear()
            self._page, self._selected = 0, None
        self._read(argument if op == "segment" else self._name)
        match op:
            case "page":
                self._page = argument
            case "goto":
                self._goto(argument)
            case "record":
                self._select(argument)
            case "flip":
                self._flip(*_parse_flip(argument))
            case "restore":
                self._flips.clear()
                self._judge()
        self._page = min(self._page, max(self._shown_bytes - 1, 0) // PAGE_BYTES)
        self._draw()
        return False

    def _read(self, name: str) -> None:
        """Read a segment, and find its records anew if it is not what was read before."""
        with opened(self._disk, self._folder / name) as file:
            data = file.read(0, file.size())
        digest = hashlib.blake2b(data).digest()
        self._data = data
        if (name, digest) == (self._name, self._digest):
            return
        is_newest = segment_names(self._disk, self._folder)[-1] == name
        layout = index_segment(HeldFile(name, data), name, is_newest=is_newest)
        if isinstance(layout.header_error, NotAStore):
            raise layout.header_error
        self._layout, self._is_newest = layout, is_newest
        self._name, self._digest = name, digest
        self._judge()

    def _judge(self) -> None:
        """Index the flipped copy, which shows which records are still whole."""
        if not self._flips:
            self._seen = self._layout
        else:
            with opened(self._look(), self._folder / self._name) as file:
                self._seen = index_segment(file, self._name, is_newest=self._is_newest)
        self._modes = mode_rows(self._look(), self._folder)

    def _look(self) -> FlippedDisk:
        return FlippedDisk(self._disk, self._folder / self._name, self._flips, self._data)

    def _goto(self, offset: int) -> None:
        if offset >= self._shown_bytes:
            raise InvalidInput(f"byte {offset} is past the end, {self._shown_bytes:,}")
        self._page = offset // PAGE_BYTES

    def _select(self, lsn: int) -> None:
        number = int(np.searchsorted(self._layout.lsns, lsn))
        if number == len(self._layout) or self._layout.lsns[number] != lsn:
            raise InvalidInput(f"there is no whole record with LSN {lsn} in {self._name}")
        self._selected = lsn
        self._page = int(self._layout.starts[number]) // PAGE_BYTES

    def _flip(self, offset: int, bit: int) -> None:
        if offset >= self._shown_bytes:
            raise InvalidInput(f"byte {offset} is past the end, {self._shown_bytes:,}")
        flips = dict(self._flips)
        mask = flips.pop(offset, 0) ^ (1 << bit)
        if mask:
            flips[offset] = mask
        if len(flips) > MAX_FLIPS:
            raise InvalidInput(f"{MAX_FLIPS} bytes are flipped already; restore some first")
        self._flips = flips
        self._page = offset // PAGE_BYTES
        self._judge()

    @property
    def _shown_bytes(self) -> int:
        """Up to the end of the page in which reserved room begins: the rest is zeros."""
        pages = self._layout.used_bytes // PAGE_BYTES + 1
        return min(self._layout.size_bytes, pages * PAGE_BYTES)

    # ------------------------------------------------------------------ the view

    def view(self) -> View:
        """See `loop.Model`; it reads nothing.

        Keys: `segment`, `segments`, `page`, `fields` (each `offset`, `size`, `lsn`, `field`,
        `value`), `legend` (words by field), `records`, `selected`, `flips`, `modes`
        (see `wal_modes.mode_rows`).
        """
        return self._shown

    def _draw(self) -> None:
        """Work out what to show, from the bytes that were read, and forget them."""
        start = self._page * PAGE_BYTES
        with opened(self._look(), self._folder / self._name) as seen:
            data = seen.read(start, PAGE_BYTES)
        file = HeldFile(self._name, self._data)
        found = fields_between(file, self._layout, start, start + len(data))
        records = self._records(file, start, start + len(data))
        flips = [self._flip_row(file, offset) for offset in sorted(self._flips)]
        names = [_field_name(field) for field in found]
        self._shown = {
            "segment": self._segment(),
            "segments": segment_names(self._disk, self._folder)[-SEGMENTS_SHOWN:],
            "page": {
                "number": self._page,
                "count": -(-self._shown_bytes // PAGE_BYTES),
                "start": start,
                "hex": data.hex(),
            },
            "fields": [
                {
                    "offset": field.offset,
                    "size": field.size_bytes,
                    "lsn": field.record,
                    "field": name,
                    "value": field.meaning,
                }
                for field, name in zip(found, names, strict=True)
            ],
            "legend": {name: words_for(name) for name in sorted(set(names))},
            "records": records,
            "selected": self._selected,
            "modes": self._modes,
            "flips": flips,
        }
        self._data = b""

    def _segment(self) -> View:
        return {
            "name": self._name,
            "size_bytes": self._layout.size_bytes,
            "shown_bytes": self._shown_bytes,
            "reserved_bytes": self._layout.reserved_bytes,
            "epoch": self._layout.epoch,
            "records": len(self._layout),
            "header_error": str(self._seen.header_error or ""),
            "gaps": [
                {
                    "start": gap.start,
                    "end": gap.end,
                    "reason": gap.reason,
                    "condition": gap.condition.value,
                }
                for gap in self._seen.gaps[:MAX_FLIPS]
            ],
        }

    def _records(self, file: File, start: int, end: int) -> View:
        """The records of the page and, where there is room, those around it."""
        first = int(np.searchsorted(self._layout.ends, start, side="right"))
        last = int(np.searchsorted(self._layout.starts, end, side="left"))
        spare = max(0, RECORDS_SHOWN - (last - first))
        first = max(0, first - spare // 2)
        last = min(len(self._layout), max(last, first + RECORDS_SHOWN))
        rows = [self._record(file, number) for number in range(first, last)]
        return {"total": len(self._layout), "first": first, "rows": rows}

    def _record(self, file: File, number: int) -> View:
        index = self._layout
        start, end = int(index.starts[number]), int(index.ends[number])
        kind = int(index.types[number])
        status = self._status(number)
        return {
            "lsn": int(index.lsns[number]),
            "offset": start,
            "size": end - start,
            "type": type_name(kind & ~GROUP_START),
            "group_start": bool(kind & GROUP_START),
            "story": _shortened(record_story(file, index, number)),
            "status": status,
            "words": STATUS_WORDS[status],
        }

    def _status(self, number: int) -> str:
        start, end = int(self._layout.starts[number]), int(self._layout.ends[number])
        seen = int(np.searchsorted(self._seen.starts, start))
        if seen < len(self._seen) and self._seen.starts[seen] == start:
            return "behind" if self._seen.behind[seen] else "whole"
        if any(start <= offset < end for offset in self._flips):
            return "dead"
        return "behind" if self._seen.header_error else "cut"

    def _flip_row(self, file: File, offset: int) -> View:
        mask = self._flips[offset]
        was = file.read(offset, 1)[0]
        touched = fields_between(file, self._layout, offset, offset + 1)
        return {
            "offset": offset,
            "was": was,
            "now": was ^ mask,
            "lsn": touched[0].record if touched else -1,
            "field": _field_name(touched[0]) if touched else "",
        }


def _parse_flip(argument: object) -> tuple[int, int]:
    """Offset and bit of a flip. Raises `InvalidInput`."""
    match argument:
        case int(offset):
            bit = 0
        case [int(offset), int(bit)]:
            pass
        case _:
            offset, bit = -1, 0
    if isinstance(offset, bool) or offset < 0 or not 0 <= bit < 8:
        raise InvalidInput(f"flip takes an offset, or [offset, bit 0 to 7], not {argument!r}")
    return offset, bit


def _field_name(field: Field) -> str:
    is_header_crc = field.name == "crc32c" and field.record == 0
    return "header crc32c" if is_header_crc else str(field.name)


def _shortened(text: str) -> str:
    return text if len(text) <= _STORY_LENGTH else f"{text[:_STORY_LENGTH]}…"
