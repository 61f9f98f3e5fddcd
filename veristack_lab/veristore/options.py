"""The options of a store."""

from __future__ import annotations

from dataclasses import dataclass

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.commit.durability import Durability, check_durability
from veristack_lab.veristore.commit.pending import MAX_PENDING, check_max_pending
from veristack_lab.veristore.recovery.damage import recovery_mode

SEGMENT_BYTES = 64 * 1024 * 1024
CHECKPOINT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class StoreOptions:
    """How a store writes, recovers and checkpoints; see `open_store`.

    Raises:
        InvalidInput: an unknown level or mode, or a size below 1.
    """

    durability: Durability = "commit"
    recovery: str = "point-in-time"
    segment_bytes: int = SEGMENT_BYTES
    checkpoint_bytes: int | None = CHECKPOINT_BYTES
    read_only: bool = False
    max_pending: int = MAX_PENDING

    def __post_init__(self) -> None:
        check_durability(self.durability)
        recovery_mode(self.recovery)
        check_max_pending(self.max_pending)
        if self.segment_bytes < 1:
            raise InvalidInput(f"segment_bytes={self.segment_bytes}: give 1 or more")
        if self.checkpoint_bytes is not None and self.checkpoint_bytes < 1:
            raise InvalidInput(
                f"checkpoint_bytes={self.checkpoint_bytes}: give 1 or more, or None for never"
            )
