"""The state of a view as plain HTML: for pages on which nothing runs.

A stored notebook and an exported page have no kernel and no script. What a view showed last stands
there as tables and text, without styles, which GitHub would take away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from veristack_lab.widgets.loop import View

ROW_BYTES = 16
LOG_LINES = 30
LIVE = "This view is alive in a running notebook."
CLOSED = "This is what the view showed last. It is alive in a running notebook."


def page(view: View, parts: Iterable[str]) -> str:
    """The parts of a view under its name, and a line that says that this is not a live view."""
    name = f"<b>{escape(str(view['name']))}</b>"
    end = f"<i>{CLOSED if view['closed'] else LIVE}</i>"
    return "\n".join(("<div>", name, *parts, end, "</div>"))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of texts."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = [
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    ]
    return "\n".join((f"<table><tr>{top}</tr>", *lines, "</table>"))


def kill_switch(view: View) -> list[str]:
    """Processes and the log, from a snapshot of a `KillSwitch`."""
    rows = [
        (
            target["name"],
            target["state"],
            target["deaths"],
            "" if target["served"] is None else target["served"],
            "" if target["failed"] is None else target["failed"],
        )
        for target in view["targets"]
    ]
    said = "\n".join(escape(line["text"]) for line in view["log"][-LOG_LINES:])
    return [
        table(("process", "state", "deaths", "served", "failed"), rows),
        f"<pre>{said}</pre>",
    ]


def microscope(view: View) -> list[str]:
    """Bytes, records and what each mode would return, from a snapshot of a `WalMicroscope`."""
    segment, shown = view["segment"], view["page"]
    data = bytes.fromhex(shown["hex"])
    dump = "\n".join(
        f"{shown['start'] + place:08x}  {data[place : place + ROW_BYTES].hex(' '):<47}  "
        + escape(_printable(data[place : place + ROW_BYTES]))
        for place in range(0, len(data), ROW_BYTES)
    )
    records = [
        (row["lsn"], row["type"], row["status"], row["story"]) for row in view["records"]["rows"]
    ]
    modes = [
        (mode["mode"], mode["keys"] if mode["opens"] else "refuses", mode["words"])
        for mode in view["modes"]
    ]
    return [
        f"<p>{escape(segment['name'])}: {segment['size_bytes']:,} bytes, page "
        f"{shown['number'] + 1} of {shown['count']}</p>",
        f"<pre>{dump}</pre>",
        table(("LSN", "type", "status", "what it does"), records),
        table(("mode", "keys", "what opening would return"), modes),
    ]


def crash_explorer(view: View) -> list[str]:
    """The moment, the files and the promises, from a snapshot of a `CrashExplorer`."""
    files = [
        (
            file["name"],
            "absent" if file["size"] is None else f"{file['size']:,}",
            file["name_words"],
        )
        for file in view["files"]
    ]
    promises = [
        (
            {True: "kept", False: "BROKEN", None: "not asked yet"}[promise["kept"]],
            promise["words"],
            promise["broken"],
        )
        for promise in view["promises"]
    ]
    return [
        f"<p>{escape(view['workload'])}, {view['position']} of {view['last']} operations. "
        f"{escape(view['operation'])} {escape(view['found'])}</p>",
        table(("file", "bytes", "its name"), files),
        table(("", "promise", "what broke it"), promises),
        table(("key", "value", "found"), _items(view)),
    ]


def _items(view: View) -> list[tuple[str, str, str]]:
    return [(item["name"], item["value"], item["fate"]) for item in view["items"]]


def _size(size_bytes: int | None) -> str:
    return "absent" if size_bytes is None else f"{size_bytes:,}"


def _printable(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data)
