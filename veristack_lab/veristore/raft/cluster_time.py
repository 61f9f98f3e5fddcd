"""The cluster's time, which leaders stamp on commands, so that sessions can expire by the log.

Clocks of different machines say nothing to each other, so no wall clock is asked. A leader goes on
from the time that the log had reached when it began to lead, by its own monotonic clock. While no
leader is at work, the time stands still: an outage expires no session (compare LogCabin's cluster
clock). Jumps of a wall clock have no effect at all; drift of a leader's clock makes sessions live
that much longer or shorter.
"""

from __future__ import annotations


class ClusterTime:
    """The stamps of one node."""

    def __init__(self) -> None:
        self._base_ms = 0
        self._since_s: float | None = None

    def begin(self, reached_ms: int, now_s: float) -> None:
        """The node leads from now on; the log has reached this time."""
        self._base_ms, self._since_s = reached_ms, now_s

    def end(self) -> None:
        """The node no longer leads."""
        self._since_s = None

    def stamp(self, reached_ms: int, now_s: float) -> int:
        """The time for a command, in ms; never before what the log has reached.

        Args:
            reached_ms: the time of the state machine.
            now_s: the node's monotonic clock.
        """
        if self._since_s is None:
            return reached_ms
        passed_ms = int(max(0.0, now_s - self._since_s) * 1000)
        return max(reached_ms, self._base_ms + passed_ms)
