"""Stores with a known history, written record by record, for tests that damage them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter
from veristack_lab.veristore.wal.columns import Columns, encode_columns
from veristack_lab.veristore.wal.log import Log, create_segment, path_of
from veristack_lab.veristore.wal.mutations import Change, RecordType, encode_batch, encode_put

State = dict[bytes, bytes]


@dataclass
class History:
    """What was written where, and the state after each record."""

    folder: Path
    log: Log
    states: list[State] = field(default_factory=lambda: [{}])
    """`states[lsn]` is the map once the record of that LSN is applied."""
    written: dict[bytes, set[bytes]] = field(default_factory=dict)
    """Every value that a key ever had."""
    last_group: tuple[str, int] = ("", 0)
    """Segment and offset of the newest commit group: what lies before it, its own start proves."""

    @property
    def segments(self) -> list[Path]:
        return sorted(self.folder.glob("log-*"))

    def group(self, *records: Sequence[Change]) -> None:
        """One commit group; each record a list of changes."""
        kinds, payloads = [], []
        for changes in records:
            state = dict(self.states[-1])
            for key, value in changes:
                if value is None:
                    state.pop(key, None)
                else:
                    state[key] = value
                    self.written.setdefault(key, set()).add(value)
            self.states.append(state)
            kind, payload = encode(changes)
            kinds.append(kind)
            payloads.append(payload)
        self._append(kinds, payloads)

    def _append(self, kinds: list[int], payloads: list[bytes]) -> None:
        self.last_group = (path_of(self.folder, self.log.epoch).name, self.log.end_offset)
        self.log.append_group(kinds, payloads)

    def mark(self) -> None:
        """What `close` adds."""
        self.states.append(self.states[-1])
        self._append([RecordType.MARK], [b""])

    def checkpoint(self) -> int:
        """A snapshot; removes what it replaces."""
        epoch, lsn = self.log.rotate(), len(self.states) - 1
        keys = sorted(self.states[-1])
        writer = SnapshotWriter(RealDisk(), self.folder)
        pieces = [Columns(keys, [self.states[-1][key] for key in keys])] if keys else []
        writer.publish(writer.write(lsn, epoch, pieces), lsn)
        writer.remove_older(lsn, epoch)
        return lsn


def encode(changes: Sequence[Change]) -> tuple[int, bytes]:
    """The shortest record type for these changes."""
    if len(changes) == 1:
        key, value = changes[0]
        return (
            (RecordType.DELETE, key) if value is None else (RecordType.PUT, encode_put(key, value))
        )
    if len({key for key, _ in changes}) == len(changes) and all(v is not None for _, v in changes):
        keys, values = [key for key, _ in changes], [value or b"" for _, value in changes]
        lengths = [*map(len, keys)], [*map(len, values)]
        return RecordType.PUT_MANY, encode_columns(Columns(keys, values), *lengths)
    return RecordType.BATCH, encode_batch(changes)


def begin(folder: Path) -> History:
    """An empty store, open for writing."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = RealDisk()
    file = create_segment(disk, folder, 1, 1)
    return History(folder, Log(disk, folder, 1, 1, file))


def random_history(folder: Path, rng: random.Random, *, segments: int = 3) -> History:
    """Groups of all record types over several segments, sometimes with a snapshot before them."""
    history = begin(folder)
    for number in range(segments):
        for _ in range(rng.randint(1, 5)):
            history.group(*(_random_changes(rng) for _ in range(rng.randint(1, 4))))
        if number == 0 and rng.random() < 0.4:
            history.checkpoint()
        elif number < segments - 1:
            history.log.rotate()
    if rng.random() < 0.3:
        history.mark()
    history.log.close()
    return history


def _random_changes(rng: random.Random) -> list[Change]:
    count = rng.choice((1, 1, 1, 2, 5))
    changes: list[Change] = []
    for _ in range(count):
        key = b"k%d" % rng.randint(0, 9)
        value = None if rng.random() < 0.25 else rng.randbytes(rng.randint(0, 40))
        changes.append((key, value))
    return changes
