"""What a leader knows of one other member."""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from veristack_lab.veristore.raft.entries import SnapshotMeta


class Mode(StrEnum):
    """How the leader replicates to a member."""

    PROBE = "probe"
    """Where the logs part is not known: one append at a time."""
    REPLICATE = "replicate"
    """Appends are sent ahead, up to the window."""
    SNAPSHOT = "snapshot"
    """What the member needs was compacted away: chunks of a snapshot, one at a time."""


class Progress:
    """One member, as the leader of one term sees it."""

    __slots__ = (
        "acked_round",
        "asked",
        "counts",
        "heard_s",
        "inflight",
        "marked_last",
        "marked_round",
        "match",
        "mode",
        "moved",
        "next",
        "offset",
        "repair_life",
        "repair_round",
        "repair_target",
        "sending",
    )

    def __init__(self, next_index: int, now_s: float) -> None:
        self.mode = Mode.PROBE
        self.match = 0
        """The last index known to equal the leader's, durably."""
        self.next = next_index
        """The first index to send next."""
        self.asked = False
        """While probing: an append is on its way."""
        self.inflight: deque[int] = deque()
        """The last index of each append that was not answered."""
        self.heard_s = now_s
        self.acked_round = 0
        self.marked_round = 0
        """A round of heartbeats, and the last index that had been sent before it."""
        self.marked_last = 0
        self.sending: SnapshotMeta | None = None
        self.offset = 0
        self.moved = False
        """Whether the transfer went on since the last heartbeat."""
        self.counts = True
        """False: the member must not vote, so no quorum counts it."""
        self.repair_life = self.repair_target = self.repair_round = 0

    def probe(self, next_index: int) -> None:
        """Find out by single appends, from `next_index` back."""
        self.mode, self.next, self.asked = Mode.PROBE, next_index, False
        self.inflight.clear()
        self.sending = None

    def advance(self, matched: int) -> bool:
        """The member holds the leader's log up to `matched`. Whether that is news."""
        while self.inflight and self.inflight[0] <= matched:
            self.inflight.popleft()
        is_news = matched > self.match
        if is_news:
            self.match = matched
        if self.mode is Mode.PROBE:
            self.mode, self.asked = Mode.REPLICATE, False
            self.next = self.match + 1
        self.next = max(self.next, self.match + 1)
        return is_news

    def send_again(self) -> None:
        """Appends were lost: go on after what is known to match."""
        self.next = self.match + 1
        self.inflight.clear()
