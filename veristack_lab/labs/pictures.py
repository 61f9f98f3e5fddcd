"""Pictures of a first bad event, as plain data: a terminal prints them, a notebook may draw them.

A picture is a dictionary that JSON can carry, of one of six kinds. All have a `title`.

    {"kind": "bytes", "title": ..., "first": 128, "hex": "00ff...",
     "marks": [{"from": 130, "to": 134, "words": "the checksum"}]}
        Bytes of a file or record, from the offset `first` on, at most 256 of them. A mark is a
        range of offsets [from, to); where `from` equals `to`, it is a place between two bytes: a
        cut.

    {"kind": "events", "title": ..., "rows": [["writer a", "joins"], ["disk", "sync"]], "bad": 1}
        What happened, in order: who did what. `bad` is the index of the row that must not be as it
        is, or null. An interleaving of threads has the names of the threads as `who`.

    {"kind": "bits", "title": ..., "width": 32, "rows": [["expected", 7], ["got", 5]]}
        Unsigned numbers, bit under bit. The bits that differ from the first row are marked.

    {"kind": "blocks", "title": ..., "story": [["r1", "allocate AB"]], "bad": [1],
     "rows": [["0", "A", "in use: r1"], ["1", "AB", "in use: r1"]]}
        Blocks of memory: the number, what it holds, and who uses it. `bad` are the indexes of the
        rows that it is about. `story` is what happened before, in order; its last row is the event.
    {"kind": "spans", "title": ..., "rows": [["worker a, epoch 1", 0.0, 10.0]],
     "marks": [[12.0, "worker a completes"]], "bad": 0}
        What held from when to when, such as leases, one under the other, and moments below them.
        `bad` is the index of the moment that must not be as it is, or null.

    {"kind": "partitions", "title": ..., "bad": [0, 7],
     "rows": [{"name": "partition 0", "committed": 6, "cells": [[5, "done"], [7, "work"]]}]}
        Records of the partitions of a log by their offsets, in a state of STATES; in each row the
        offset committed. `bad` is the row and offset that the event is about, or null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Picture = dict[str, Any]
Mark = tuple[int, int, str]

MAX_BYTES = 256
MAX_ROWS = 40
MAX_STORY = 16
_ROW = 16
MAX_SPANS = 12
MAX_CELLS = 16
STATES = {"done": "+", "work": "~", "unread": "."}
"""A record is done with, in work, or not read; and the sign of that in a picture."""
LEGEND = "+ done; ~ in work; . not read; | committed: reading begins here"
_SPAN_COLUMNS = 48


def of_bytes(title: str, data: bytes, marks: Iterable[Mark] = ()) -> Picture:
    """Bytes around the marks: (from, to, words), offsets into `data`.

    Data longer than the limit is shown from the row before the first mark on.
    """
    marks = sorted(marks)
    first = 0
    if len(data) > MAX_BYTES and marks:
        first = max(0, min(marks[0][0], len(data)) // _ROW * _ROW - _ROW)
    shown = bytes(data[first : first + MAX_BYTES])
    rows = [{"from": start, "to": end, "words": words} for start, end, words in marks]
    return {"kind": "bytes", "title": title, "first": first, "hex": shown.hex(), "marks": rows}


def of_events(title: str, rows: Sequence[tuple[str, str]], bad: int | None = None) -> Picture:
    """What happened, in order, as (who, what); of a long story the end."""
    left_out = max(0, len(rows) - MAX_ROWS)
    kept = [list(row) for row in rows[left_out:]]
    if bad is not None:
        bad = bad - left_out if bad >= left_out else None
    return {"kind": "events", "title": title, "rows": kept, "bad": bad}


def of_bits(title: str, *rows: tuple[str, int], width: int = 32) -> Picture:
    """Unsigned numbers, bit under bit; the first row is the expected one."""
    return {"kind": "bits", "title": title, "width": width, "rows": [list(row) for row in rows]}


def of_blocks(
    title: str,
    rows: Sequence[tuple[str, str, str]],
    bad: Sequence[int] = (),
    story: Sequence[tuple[str, str]] = (),
) -> Picture:
    """Blocks of memory as (number, what it holds, who uses it), and the end of what happened."""
    told = [list(row) for row in story[-MAX_STORY:]]
    # The blocks that it is about are kept, and those before them as far as there is room.
    kept = sorted([*bad, *(n for n in range(len(rows)) if n not in bad)][:MAX_ROWS])
    marked = [place for place, number in enumerate(kept) if number in bad]
    shown = [list(rows[number]) for number in kept]
    return {"kind": "blocks", "title": title, "story": told, "rows": shown, "bad": marked}


def of_spans(
    title: str,
    rows: Sequence[tuple[str, float, float]],
    marks: Sequence[tuple[float, str]] = (),
    bad: int | None = None,
) -> Picture:
    """What held from when to when, as (name, from, to), and moments; of many spans the last."""
    kept = [list(row) for row in rows[-MAX_SPANS:]]
    moments = [list(mark) for mark in marks]
    return {"kind": "spans", "title": title, "rows": kept, "marks": moments, "bad": bad}


def of_partitions(
    title: str,
    rows: Sequence[tuple[str, int, Sequence[tuple[int, str]]]],
    bad: tuple[int, int] | None = None,
) -> Picture:
    """Partitions as (name, committed offset, (offset, state) of each record), around `bad`."""
    shown = []
    for number, (name, committed, cells) in enumerate(rows):
        at = bad[1] if bad is not None and bad[0] == number else committed
        before = sum(offset < at for offset, _ in cells)
        first = max(0, min(before - MAX_CELLS // 2, len(cells) - MAX_CELLS))
        kept = [list(cell) for cell in cells[first : first + MAX_CELLS]]
        shown.append({"name": name, "committed": committed, "cells": kept})
    place = list(bad) if bad is not None else None
    return {"kind": "partitions", "title": title, "rows": shown, "bad": place}


def as_text(picture: Picture) -> str:
    """The picture for a terminal: a few lines of plain text."""
    kinds = {
        "bytes": _bytes_text,
        "events": _events_text,
        "bits": _bits_text,
        "blocks": _blocks_text,
        "spans": span_lines,
        "partitions": _partitions_text,
    }
    draw = kinds[picture["kind"]]
    return "\n".join([f"{picture['title']}:", *draw(picture)])


def _bytes_text(picture: Picture) -> list[str]:
    data, first = bytes.fromhex(picture["hex"]), picture["first"]
    lines = []
    for start in range(0, max(len(data), 1), _ROW):
        row, offset = data[start : start + _ROW], first + start
        readable = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:8d}  {row.hex(' '):47s}  {readable}".rstrip())
        last_row = start + _ROW >= len(data)
        below = [_mark_text(mark, offset, len(row), last_row) for mark in picture["marks"]]
        lines += filter(None, below)
    return lines


def _mark_text(mark: dict[str, Any], offset: int, size: int, last_row: bool) -> str:
    """The line below a row of bytes that shows where a mark is, if it is in this row."""
    start, end = max(mark["from"], offset), min(mark["to"], offset + size)
    is_cut = mark["from"] == mark["to"]
    if is_cut and not (offset <= mark["from"] < offset + size + last_row):
        return ""
    if not is_cut and start >= end:
        return ""
    sign = "|" if is_cut else "^" * (3 * (end - start) - 1)
    before = " " * (10 + 3 * (start - offset) - is_cut)
    # The words stand in the row where the mark begins.
    words = f" {mark['words']}" if is_cut or start == mark["from"] else ""
    return f"{before}{sign}{words}"


def _events_text(picture: Picture) -> list[str]:
    width = max((len(who) for who, _ in picture["rows"]), default=0)
    signs = ["->" if index == picture["bad"] else "  " for index in range(len(picture["rows"]))]
    rows = zip(signs, picture["rows"], strict=True)
    return [f"{sign} {who:{width}s}  {what}".rstrip() for sign, (who, what) in rows]


def _bits_text(picture: Picture) -> list[str]:
    rows, width = picture["rows"], picture["width"]
    names = max(len(name) for name, _ in rows)
    lines = [f"{name:{names}s}  {_grouped(f'{value:0{width}b}')}" for name, value in rows]
    for _, value in rows[1:]:
        signs = "".join("^" if bit == "1" else " " for bit in f"{value ^ rows[0][1]:0{width}b}")
        lines.append(f"{'':{names}s}  {_grouped(signs)}".rstrip())
    return lines


def _grouped(bits: str) -> str:
    """Eight by eight from the right."""
    first = len(bits) % 8
    groups = [bits[:first]] if first else []
    return " ".join(groups + [bits[at : at + 8] for at in range(first, len(bits), 8)])


def _blocks_text(picture: Picture) -> list[str]:
    story, rows, bad = picture["story"], picture["rows"], picture["bad"]
    lines = _events_text({"rows": story, "bad": len(story) - 1})
    number, holds = (max((len(row[at]) for row in rows), default=0) for at in (0, 1))
    for index, row in enumerate(rows):
        sign = "->" if index in bad else "  "
        lines.append(f"{sign} block {row[0]:>{number}s}  {row[1]:{holds}s}  {row[2]}".rstrip())
    return lines


def span_lines(picture: Picture) -> list[str]:
    """The lines of a picture of spans: each span as a bar, then each moment as an arrow."""
    rows, marks = picture["rows"], picture["marks"]
    times = [time for _, *both in rows for time in both] + [at for at, _ in marks]
    first, last = min(times, default=0.0), max(times, default=0.0)
    names = max((len(name) for name, _, _ in rows), default=0)

    def column(time: float) -> int:
        return round((time - first) / (last - first or 1.0) * _SPAN_COLUMNS)

    lines = []
    for name, start, end in rows:
        bar = "[" + "=" * max(0, column(end) - column(start) - 1) + ")"
        lines.append(f"   {name:{names}s}  {' ' * column(start)}{bar} {start:g} to {end:g}")
    for index, (at, words) in enumerate(marks):
        sign = "->" if index == picture["bad"] else "  "
        lines.append(f"{sign} {'':{names}s}  {' ' * column(at)}^ {at:g}: {words}")
    return lines


def cells_of(picture: Picture, number: int) -> list[tuple[str, bool]]:
    """A row of a picture of partitions as pieces of text, and whether each is the bad place."""
    row, bad = picture["rows"][number], picture["bad"]
    at = bad[1] if bad is not None and bad[0] == number else None
    pieces = [(f"{offset}{STATES[state]}", offset == at) for offset, state in row["cells"]]
    before = sum(offset < row["committed"] for offset, _ in row["cells"])
    pieces.insert(before, ("|", False))
    if at is not None and not any(is_bad for _, is_bad in pieces):
        pieces.append((str(at), True))  # an offset at which there is no record
    return pieces


def _partitions_text(picture: Picture) -> list[str]:
    lines = []
    for number, row in enumerate(picture["rows"]):
        pieces = cells_of(picture, number)
        lines.append(f"{row['name']}  " + " ".join(text for text, _ in pieces))
        marks = " ".join(("^" if bad else " ") * len(text) for text, bad in pieces)
        lines += [f"{'':{len(row['name'])}s}  {marks.rstrip()}"] if "^" in marks else []
    return [*lines, LEGEND]
