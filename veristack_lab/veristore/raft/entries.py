"""What the replicated log is made of: entries, and what is known of a snapshot.

Indexes begin at 1. Index 0 and term 0 stand for "before the first entry".
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from veristack_lab.veristore.raft.configuration import Configuration

ENTRY_OVERHEAD_BYTES = 32
"""What an entry costs beside its data, wherever the core counts bytes."""


class Kind(IntEnum):
    """What an entry's data means."""

    NOOP = 0
    """Empty. A new leader appends one, so that an entry of its own term can be committed."""
    COMMAND = 1
    """For the state machine. The core does not look at the bytes."""
    CONFIGURATION = 2
    """An encoded `Configuration`, in force from the moment when it is in the log."""


class Entry(NamedTuple):
    """One entry of the log. Index and term together name it: no two entries share both."""

    index: int  # type: ignore[assignment] # not tuple.index
    term: int
    kind: Kind = Kind.COMMAND
    data: bytes = b""

    @property
    def size_bytes(self) -> int:
        """What the entry counts for in every bound of bytes."""
        return ENTRY_OVERHEAD_BYTES + len(self.data)


class SnapshotMeta(NamedTuple):
    """What identifies a snapshot, and what the core must know of it.

    Two snapshots are the same only if all fields are equal. A transfer that broke off goes on
    only with the same snapshot.
    """

    index: int  # type: ignore[assignment] # not tuple.index
    """The last log index that the snapshot covers: its applied index."""
    term: int
    """The term of that entry."""
    configuration: Configuration
    """The configuration in force at `index`."""
    size_bytes: int
    """Length of the whole file."""
    checksum: int
    """CRC32C of the whole file."""
