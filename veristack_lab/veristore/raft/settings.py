"""The numbers that a core runs by, and their bounds."""

from __future__ import annotations

from typing import NamedTuple

from veristack_lab.errors import InvalidInput


class Settings(NamedTuple):
    """Times are seconds of the node's own monotonic clock. All nodes of a cluster share them."""

    election_low_s: float = 0.15
    """The shortest election timeout. Also how long a follower that heard from a leader refuses
    votes (stickiness), how long a leader without a quorum stays, how long its disk may hang, and
    how long a transfer may take."""
    election_high_s: float = 0.30
    heartbeat_s: float = 0.05
    max_append_bytes: int = 256 * 1024
    """Of the entries of one `Append`; one entry always goes."""
    max_append_entries: int = 1024
    max_inflight: int = 64
    """Appends that one follower has not answered yet. Beyond, replication to it waits."""
    max_entry_bytes: int = 8 * 1024 * 1024
    """Of the data of one proposal. Beyond: `Reason.TOO_LARGE`."""
    max_uncommitted_bytes: int = 16 * 1024 * 1024
    """Of a leader's entries that are not committed. Beyond: `Reason.TOO_MUCH_UNCOMMITTED`."""
    max_reads: int = 1024
    """Reads that wait on one node. Beyond: `Reason.TOO_MANY_READS`."""
    chunk_bytes: int = 256 * 1024
    """Of one piece of a snapshot."""
    kept_entries: int = 1024
    """Entries before a snapshot that stay in the log for followers that are a little behind."""
    promotion_gap: int = 16
    """A learner has caught up when at most this many entries of the leader's log are missing."""
    lease_reads: bool = False
    """Serve reads from the leader's lease, without a round (thesis 6.4.1). Correct only if no clock
    drifts by more than `drift_bound`. Off in a term once a transfer has begun."""
    drift_bound: float = 0.05
    """By how much the rates of two clocks may differ: 0.05 is 5 %. A lease is shorter by this."""

    def checked(self) -> Settings:
        """These settings, if they are valid.

        Raises:
            InvalidInput: a bound is below its smallest value, or the timeouts do not fit.
        """
        if not 0 < self.heartbeat_s < self.election_low_s <= self.election_high_s:
            raise InvalidInput(
                "choose 0 < heartbeat_s < election_low_s <= election_high_s, not "
                f"{self.heartbeat_s}, {self.election_low_s}, {self.election_high_s}"
            )
        if not 0 <= self.drift_bound < 1:
            raise InvalidInput(f"drift_bound is 0 to below 1, not {self.drift_bound}")
        for name in BOUNDS:
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is at least 1, not {getattr(self, name)}")
        if self.kept_entries < 0 or self.promotion_gap < 0:
            raise InvalidInput("kept_entries and promotion_gap are at least 0")
        return self


BOUNDS = (
    "max_append_bytes",
    "max_append_entries",
    "max_inflight",
    "max_entry_bytes",
    "max_uncommitted_bytes",
    "max_reads",
    "chunk_bytes",
)
