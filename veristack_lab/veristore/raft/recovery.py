"""Reading a node's log back after a stop of any kind, before anything is changed.

**A torn tail** is the end of the last group, which no sync had covered: cut, and reported as `Cut`.
Nothing in it was ever answered `Persisted`.

**Damage** is everything else that cannot be read: whole groups follow it, so it had been durable,
and this node may have acknowledged it or voted by it. It is never cut silently. What stands before
it is kept, the newest term and vote are taken from the whole groups behind it, and the node starts
with `must_not_vote`, until its peers have repaired it. The file is put aside as evidence.

**What cannot be told apart**: damage is known as such by a whole group that follows it. So rot that
reaches from anywhere into the first record of the last group looks like a torn tail, and so does
rot within that group, here as in any log without a second copy. The node then forgets, from where
the rot begins, what it had acknowledged, a vote included. `Recovered.cut` says that something was
cut and how much; the loss is silent in that sense alone. Behind a clean close, and for what a
segment began with, a MARK follows as a group of its own: there it takes rot in that too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from veristack_lab.errors import NotAStore, StoreCorrupt
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.raft import records
from veristack_lab.veristore.raft.records import LogDamage
from veristack_lab.veristore.raft.replay import LogState
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import (
    LOG_MAGIC,
    RAFT_LOG_MAGIC,
    SNAPSHOT_MAGIC,
    SegmentHeader,
    Window,
    decode_header,
    refuse_newer,
)
from veristack_lab.veristore.wal.stretches import Condition, Stretch, stretches

FIRST_LSN = 1


class Cut(NamedTuple):
    """A torn tail: bytes at the end of the log that no sync is known to have covered."""

    segment: str
    offset: int
    size_bytes: int
    reason: str


class Found(NamedTuple):
    """What the newest segment held."""

    epoch: int
    state: LogState
    next_lsn: int
    end_offset: int
    """Where the last record that counts ends."""
    file_bytes: int
    damage: LogDamage | None
    """Damage that was found now; marks of earlier damage are in `state.damages`."""
    cut: Cut | None
    header_fault: str
    """What is wrong with the header, if the records behind it are all whole: nothing is lost, but
    another segment must take this one's place."""


def read_log(disk: Disk, folder: Path, epoch: int) -> Found:
    """Read one segment. Changes nothing.

    Raises:
        NotAStore: the file is of another kind, or of a newer format version; also if rot makes it
            look newer, because nothing is put aside that a newer lab may be able to read.
        StoreCorrupt: a record whose checksum is right says something impossible.
        OSError: the disk failed.
    """
    path = wal.path_of(folder, epoch)
    file = disk.open(path)
    try:
        data = file.read(0, file.size())
    finally:
        file.close()
    header, header_fault = _header(data, path.name, epoch)
    state = LogState()
    parts = list(stretches(data, header, is_newest=True))
    whole = next((part for part in parts if part.condition is Condition.WHOLE), None)
    if whole is not None and whole.window is not None:
        _replay(whole.window, state)
    end = whole.end if whole is not None else len(header.encode())
    faults = [part for part in parts if part.condition is Condition.DAMAGE]
    damage, cut = None, None
    if faults:
        damage = _take_damage(path.name, parts, faults, state)
    elif state.identity is None:
        if header_fault and not any(part.window is not None for part in parts):
            raise NotAStore(f"{path.name} was not written by a Raft node, or nothing of it is left")
        what = f"{path.name}: the records with which every segment begins cannot be read"
        damage = LogDamage(state.first_index, 0, True, what)
    torn = next((part for part in parts if part.condition is Condition.TORN_TAIL), None)
    if torn is not None:
        cut = Cut(path.name, torn.start, torn.end - torn.start, torn.reason)
    next_lsn = header.first_lsn + (whole.records if whole is not None else 0)
    return Found(epoch, state, next_lsn, end, len(data), damage, cut, header_fault)


def _header(data: bytes, name: str, epoch: int) -> tuple[SegmentHeader, str]:
    """The header, or the one that must have been there and what is wrong with it."""
    refuse_newer(data, name, RAFT_LOG_MAGIC)
    try:
        header = decode_header(data, name, RAFT_LOG_MAGIC)
    except (StoreCorrupt, NotAStore):
        if data[: len(LOG_MAGIC)] in (LOG_MAGIC, SNAPSHOT_MAGIC):
            raise
        return SegmentHeader(epoch, FIRST_LSN, RAFT_LOG_MAGIC), f"{name}: the header is damaged"
    if header.epoch != epoch or header.first_lsn != FIRST_LSN:
        raise StoreCorrupt(f"{name} holds the segment of epoch {header.epoch}; restore a copy")
    return header, ""


def _replay(window: Window, state: LogState) -> None:
    for kind, payload in window:
        state.apply(kind, payload)


def _take_damage(
    name: str, parts: Iterable[Stretch], faults: list[Stretch], state: LogState
) -> LogDamage:
    """Raise term and vote to what whole groups behind the damage say; describe it.

    A record behind damage is as true as one before it. Term and vote are taken from the newest,
    because they stand by themselves; entries are not, because some before them are missing.
    """
    first_index = state.last_index + 1
    last_index, term_follows = 0, False
    for part in parts:
        if part.condition is Condition.DAMAGE:
            term_follows = False
        elif part.condition is Condition.BEHIND_DAMAGE and part.window is not None:
            for kind, payload in part.window:
                if kind == RecordType.RAFT_TERM:
                    state.set_term(*records.decode_term(payload))
                    term_follows = True
                elif kind == RecordType.RAFT_ENTRY:
                    last_index = max(last_index, records.decode_entry(payload).index)
                elif kind == RecordType.RAFT_DROP:
                    first_index = min(first_index, records.decode_drop(payload))
    where = ", ".join(f"byte {part.start} ({part.reason})" for part in faults[:8])
    size_bytes = sum(part.end - part.start for part in faults)
    what = f"{name}: {size_bytes:,} bytes that were durable cannot be read, at {where}"
    return LogDamage(first_index, last_index, not term_follows, what)
