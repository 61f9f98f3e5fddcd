"""What the crash explorer says: operations, steps, images and findings in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veristack_lab.sim.disk.inode import SECTOR_BYTES
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.recording import Recording
from veristack_lab.sim.store.session import State
from veristack_lab.veristore.wal.anatomy import short
from veristack_lab.veristore.wal.segment import written_end

ITEMS_SHOWN = 40

_OPERATION_WORDS = {
    "create": "{name} is made, empty. Neither it nor its name is durable.",
    "pwrite": "{size:,} bytes are written to {name} at byte {offset:,}. They are in the cache.",
    "truncate": "{name} is cut to {size:,} bytes, in the cache.",
    "fdatasync": "{name} is synced: what it holds is durable from now on. Its name may not be.",
    "fdatasync-failed": "The sync of {name} fails. Its pages are marked clean anyway: no "
    "later sync will write them.",
    "rename": "{name} is renamed to {target}, in the cache: the folder is not synced yet.",
    "unlink": "The name {name} is removed, in the cache: the folder is not synced yet.",
    "fsync_dir": "The folder {name} is synced: every name in it is durable from now on.",
    "make_dir": "The folder {name} is made; its own name is not durable yet.",
}


def operation_words(disk: SimDisk) -> str:
    """What the last operation of a disk did."""
    if not disk.operations:
        return "The disk is empty."
    last = disk.operations[-1]
    # A file keeps the name in the log under which it was opened, though it was renamed since.
    names = {inode: Path(path).name for path, inode in disk.paths().items()}
    renamed = last.kind in ("pwrite", "fdatasync", "fdatasync-failed", "truncate")
    room_bytes = last.size_bytes - written_end(last.data) if last.kind == "pwrite" else 0
    words = _OPERATION_WORDS[last.kind]
    if room_bytes >= SECTOR_BYTES:
        words += f" The last {room_bytes:,} of them are zeros: room for the next writes."
    return words.format(
        name=names.get(last.inode, last.name) if renamed else last.name or "/",
        size=last.size_bytes,
        offset=last.offset,
        target=Path(last.target).name,
    )


def step_words(recording: Recording, position: int) -> str:
    """How far the workload has come at a moment."""
    done, total = recording.acknowledged(position), len(recording.steps)
    text = f"{done} of {total} steps are acknowledged"
    if done:
        text += f", the last is '{recording.steps[done - 1].label}'"
    if recording.has_begun(position):
        text += f"; '{recording.steps[done].label}' is under way"
    return f"{text}."


def items(recording: Recording, position: int, found: State) -> list[dict[str, Any]]:
    """What was found, item by item, compared with what was acknowledged.

    Returns:
        Rows with `name`, `value` and `fate`: kept (as acknowledged), extra (as the step under
        way makes it), missing or other (neither). What is wrong comes first.
    """
    legal = recording.legal(position)
    acknowledged = legal[0]
    rows = []
    for item in sorted(acknowledged.keys() | found.keys()):
        value = found.get(item)
        fate = _fate(value, acknowledged.get(item), [state.get(item) for state in legal])
        text = "absent" if value is None else short(value)
        rows.append({"name": _item_name(item), "value": text, "fate": fate})
    rows.sort(key=lambda row: row["fate"] in ("kept", "extra"))
    return rows[:ITEMS_SHOWN]


def _fate(value: bytes | None, wanted: bytes | None, legal: list[bytes | None]) -> str:
    if value == wanted:
        return "kept"
    if value in legal:
        return "extra"
    return "missing" if value is None else "other"


def _item_name(item: tuple[str, ...]) -> str:
    kind, *names = item
    return names[0] if kind == "key" else f"{kind} {'/'.join(names)}"
