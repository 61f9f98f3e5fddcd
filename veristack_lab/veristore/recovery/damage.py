"""What recovery may find wrong, what it may do about it, and what it keeps as evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from veristack_lab.errors import InvalidInput

_SNAPSHOT = "snapshot-"
_LOG = "log-"
_DAMAGED = "damaged-"


class RecoveryMode(StrEnum):
    """What to do about a log that is not whole; names and meanings are RocksDB's.

    A torn tail is what a power cut leaves of writes that were never acknowledged. Damage is
    everything else: a record that had been durable is unreadable, a file is missing.
    """

    TOLERATE_CORRUPTED_TAIL = "tolerate-corrupted-tail"
    """Cut a torn tail off. Refuse damage, and change nothing then."""
    ABSOLUTE_CONSISTENCY = "absolute-consistency"
    """Refuse damage and a torn tail too, and change nothing then."""
    POINT_IN_TIME = "point-in-time"
    """Cut a torn tail off. At damage stop: open with everything before it."""
    SKIP_ANY_CORRUPTED = "skip-any-corrupted"
    """Cut a torn tail off. Pass damage over: open with every record that is still whole."""

    @property
    def refuses_damage(self) -> bool:
        """Whether damage is an error rather than repaired."""
        return self in (RecoveryMode.TOLERATE_CORRUPTED_TAIL, RecoveryMode.ABSOLUTE_CONSISTENCY)


def recovery_mode(name: str) -> RecoveryMode:
    """The mode of a name.

    Raises:
        InvalidInput: there is no such mode.
    """
    try:
        return RecoveryMode(name)
    except ValueError:
        raise InvalidInput(
            f"recovery={name!r} is not a mode; the modes are "
            + ", ".join(repr(mode.value) for mode in RecoveryMode)
        ) from None


@dataclass(frozen=True)
class Damage:
    """One place where something durable cannot be read any more."""

    segment: str
    """Name of the file, as it was called when it was found."""
    offset: int
    """Byte at which the damage begins; 0 for a whole file."""
    first_lost_lsn: int
    last_lost_lsn: int
    """Newest LSN known to be lost; below `first_lost_lsn` when none is known to be."""
    reason: str

    @property
    def lost_records(self) -> int:
        """How many records are known to be lost here."""
        return max(0, self.last_lost_lsn - self.first_lost_lsn + 1)

    def __str__(self) -> str:
        lost = (
            f"LSN {self.first_lost_lsn} to {self.last_lost_lsn} lost"
            if self.lost_records
            else "no record known to be lost"
        )
        return f"{self.segment} at byte {self.offset}: {self.reason}; {lost}"


def evidence_name(name: str) -> str:
    """What a damaged file is called from then on: never read by recovery, never removed."""
    return _DAMAGED + name


def list_evidence(names: Iterable[str]) -> list[str]:
    """Damaged files that were put aside, among the names of a folder."""
    return sorted(
        name
        for name in names
        if name.startswith((_DAMAGED + _LOG, _DAMAGED + _SNAPSHOT))
        and name.rpartition("-")[2].isdecimal()
    )


def evidence_epochs(names: Iterable[str]) -> list[int]:
    """Epochs of the segments that were put aside."""
    return [
        int(name.rpartition("-")[2])
        for name in list_evidence(names)
        if name.startswith(_DAMAGED + _LOG)
    ]
