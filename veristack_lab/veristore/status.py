"""What a store says about itself: how it was recovered, and how it is now."""

from __future__ import annotations

from dataclasses import dataclass

from veristack_lab.veristore.recovery.damage import Damage


@dataclass(frozen=True)
class Recovery:
    """What opening the store found and did."""

    snapshot_lsn: int
    """LSN of the snapshot that was loaded; 0 when there was none."""
    records: int
    """Log records replayed after it."""
    torn_bytes: int
    """Bytes of a torn tail that were cut off. None of them was ever acknowledged as durable."""
    log_bytes: int
    """Length of all segments in use."""
    after_crash: bool
    """Whether the store had not been closed cleanly."""
    recover_ms: float
    damage: tuple[Damage, ...] = ()
    """What could not be read. The store was repaired without it; the damaged files are kept."""


@dataclass(frozen=True)
class StoreStats:
    """The store at one moment."""

    keys: int
    data_bytes: int
    """Keys and values in memory, superseded ones not counted."""
    last_lsn: int
    """LSN of the newest acknowledged record; 0 in a new store."""
    durable_lsn: int
    """LSN up to which a power cut can take nothing; `last_lsn` unless durability is lowered."""
    log_bytes: int
    """Length of the newest segment."""
    log_bytes_since_snapshot: int
    """What recovery would have to replay: the length of all segments in use."""
    epoch: int
    snapshot_lsn: int
    records: int
    """Records written since the store was opened."""
    groups: int
    """Commit groups, one write to the log each, since the store was opened."""
    syncs: int
    """Syncs of the log since the store was opened, beginnings of segments not counted."""
    checkpoints: int
    """Snapshots written since the store was opened."""
    checkpoint_failure: str
    """Why the last checkpoint in the background failed; empty when it did not."""
    open_views: int
    superseded: int
    """Values kept in memory only because open views still need them."""
    recovery: Recovery

    @property
    def records_per_sync(self) -> float:
        """Mean number of records made durable at once; 0 before the first."""
        return self.records / self.syncs if self.syncs else 0.0
