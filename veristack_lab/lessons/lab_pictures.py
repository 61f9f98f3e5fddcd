"""The picture of a first bad event, as lines of marked text for a panel to draw. Pure.

A check may hand over a picture as plain data, of one of six kinds: `bytes` of a file or record,
`events` in their order, `bits` of numbers, `blocks` of memory, `spans` of time and `partitions`
of a log. Each becomes lines of pieces; a piece that matters is marked and has words that say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veristack_lab.labs import pictures

Piece = dict[str, Any]
"""`text`, `mark` (whether it matters) and `words` (why; may be empty)."""

BYTES_A_LINE = 16
MAX_LINES = 60


def lines_of(picture: Mapping[str, Any] | None) -> list[list[Piece]]:
    """The lines to draw; none for no picture, or for one of a kind that is not known here."""
    if picture is None:
        return []
    kinds = {
        "bytes": _bytes_lines,
        "events": _events_lines,
        "bits": _bits_lines,
        "blocks": _blocks_lines,
        "spans": _spans_lines,
        "partitions": _partitions_lines,
    }
    draw = kinds.get(str(picture.get("kind")))
    return draw(picture)[:MAX_LINES] if draw else []


def _piece(text: str, words: str = "", *, mark: bool = False) -> Piece:
    return {"text": text, "mark": mark, "words": words}


def _bytes_lines(picture: Mapping[str, Any]) -> list[list[Piece]]:
    data, first = bytes.fromhex(picture["hex"]), int(picture["first"])
    lines = []
    for start in range(0, max(len(data), 1), BYTES_A_LINE):
        row = data[start : start + BYTES_A_LINE]
        is_last = start + BYTES_A_LINE >= len(data)
        line = [_piece(f"{first + start:8d}  ")]
        for number, byte in enumerate(row):
            line += _cuts(picture, first + start + number)
            line.append(_byte(picture, first + start + number, byte))
        if is_last:
            line += _cuts(picture, first + len(data))
        lines.append(line)
    return lines


def _cuts(picture: Mapping[str, Any], offset: int) -> list[Piece]:
    """Places between two bytes that are marked, just before this offset."""
    cuts = [mark for mark in picture["marks"] if mark["from"] == mark["to"] == offset]
    return [_piece("| ", mark["words"], mark=True) for mark in cuts]


def _byte(picture: Mapping[str, Any], offset: int, byte: int) -> Piece:
    for mark in picture["marks"]:
        if mark["from"] <= offset < mark["to"]:
            words = mark["words"] if mark["from"] == offset else ""
            return _piece(f"{byte:02x} ", words, mark=True)
    return _piece(f"{byte:02x} ")


def _events_lines(picture: Mapping[str, Any]) -> list[list[Piece]]:
    rows = picture["rows"]
    width = max((len(who) for who, _ in rows), default=0)
    lines = []
    for number, (who, what) in enumerate(rows):
        is_bad = number == picture["bad"]
        sign = "→ " if is_bad else "  "
        words = "this must not happen" if is_bad else ""
        lines.append([_piece(f"{sign}{who:{width}s}  {what}", words, mark=is_bad)])
    return lines


def _bits_lines(picture: Mapping[str, Any]) -> list[list[Piece]]:
    rows, width = picture["rows"], int(picture["width"])
    names = max(len(name) for name, _ in rows)
    wanted = f"{rows[0][1]:0{width}b}"
    lines = []
    for name, value in rows:
        line = [_piece(f"{name:{names}s}  ")]
        for place, (bit, right) in enumerate(zip(f"{value:0{width}b}", wanted, strict=False)):
            gap = " " if place and (width - place) % 8 == 0 else ""
            line.append(_piece(f"{gap}{bit}", mark=bit != right))
        lines.append(line)
    return lines


def _blocks_lines(picture: Mapping[str, Any]) -> list[list[Piece]]:
    story, rows = picture["story"], picture["rows"]
    lines = _events_lines({"rows": story, "bad": None})
    number, holds = (max((len(row[at]) for row in rows), default=0) for at in (0, 1))
    for index, row in enumerate(rows):
        is_bad = index in picture["bad"]
        sign, words = ("→ ", "this block") if is_bad else ("  ", "")
        text = f"{sign}block {row[0]:>{number}s}  {row[1]:{holds}s}  {row[2]}"
        lines.append([_piece(text, words, mark=is_bad)])
    return lines


def _spans_lines(picture: Mapping[str, Any]) -> list[list[Piece]]:
    bad = None if picture["bad"] is None else len(picture["rows"]) + picture["bad"]
    lines = []
    for number, text in enumerate(pictures.span_lines(dict(picture))):
        is_bad = number == bad
        words = "this must not happen" if is_bad else ""
        lines.append([_piece(text.replace("->", "→ ", 1) if is_bad else text, words, mark=is_bad)])
    return lines


def _partitions_lines(picture: Mapping[str, Any]) -> list[list[Piece]]:
    lines = []
    for number, row in enumerate(picture["rows"]):
        line = [_piece(f"{row['name']}  ")]
        for text, is_bad in pictures.cells_of(dict(picture), number):
            words = "the offset that it is about" if is_bad else ""
            line.append(_piece(f"{text} ", words, mark=is_bad))
        lines.append(line)
    return [*lines, [_piece(pictures.LEGEND)]]
