"""What happens to a node: the input of `Raft.step(event, now_s)`.

`now_s` is the node's own monotonic clock in seconds. A reading lower than an earlier one counts as
the earlier one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from veristack_lab.veristore.raft.configuration import Change
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.messages import Message


class Timer(StrEnum):
    """The core's two timers."""

    ELECTION = "election"
    """Runs on every node that does not lead. Re-armed lazily: hearing from a leader does not set
    it again; when it fires too early, the core sets it for the rest."""
    HEARTBEAT = "heartbeat"
    """Runs on the leader. Quorum, hanging disk, transfer and reads are looked after at its pace."""


class Restored(NamedTuple):
    """What storage found; the input of `Raft(...)`. A node's first life has only a `life`."""

    life: int
    """A positive number that no earlier life of this node had: 63 random bits from the shell, or a
    durable count of starts. Messages that belong to one life carry it."""
    term: int = 0
    vote: int = 0
    """Whom this node voted for in `term`; 0: no vote."""
    snapshot: SnapshotMeta | None = None
    """The installed or taken snapshot, verified. The state machine already holds it."""
    entries: tuple[Entry, ...] = ()
    """The log after compaction, without gaps. Entries that the snapshot covers may be among them
    and are kept for slow followers; the last entry before them is then `before`."""
    before: tuple[int, int] = (0, 0)
    """Index and term of the entry before the first of `entries`. (0, 0): nothing was compacted, or
    `entries` begin right after the snapshot."""
    incoming: tuple[SnapshotMeta, int] | None = None
    """A snapshot whose transfer broke off, and how many of its bytes are held durably."""
    must_not_vote: bool = False
    """Storage found damage in what had been durable. The node neither votes, nor campaigns, nor
    counts for a quorum until its peers have repaired it. See `RepairDone`."""
    term_lost: bool = False
    """With `must_not_vote`: the record of term and vote itself is damaged. The node may have voted
    in a term that it no longer knows, so no repair gives it its vote back: it replicates like a
    learner until it is removed, and comes back under a new id."""


class Started(NamedTuple):
    """The node starts. The first event, exactly once."""


class Received(NamedTuple):
    """A message arrived."""

    sender: int
    message: Message


class TimerFired(NamedTuple):
    """A timer ran out. It runs again only when the core sets it again."""

    timer: Timer


class Persisted(NamedTuple):
    """Every `Persist` and `InstallSnapshot` with this token **or a lower one** is durable: written,
    synced, and found again after a power cut. Tokens may be confirmed several at a time."""

    token: int


class PersistFailed(NamedTuple):
    """A durable write failed. The node stops: what is on disk is unknown (see `Halt`)."""

    token: int
    why: str


class Proposed(NamedTuple):
    """A client wants `data` in the log. Answered by `Accepted` or `Refused`."""

    request_id: int
    """Chosen by the shell; the core only hands it back."""
    data: bytes
    kind: Kind = Kind.COMMAND
    """Only `COMMAND`: the core makes the other kinds itself."""


class ReadAsked(NamedTuple):
    """A client wants a linearizable read. Answered by `ReadReady` or `ReadRefused`.

    An answer may never come (a lost message to the leader is refused after an election timeout, and
    a read that waits for entries waits as long as they do): the shell gives its clients a timeout.
    """

    request_id: int
    """Unique within the node's life."""


class TransferAsked(NamedTuple):
    """Hand leadership to `to`, a voter. Answered by `TransferEnded`."""

    to: int


class ChangeAsked(NamedTuple):
    """Change the configuration by one step. Answered by `Accepted` or `Refused`."""

    request_id: int
    change: Change


class SnapshotTaken(NamedTuple):
    """The shell has a durable, verified snapshot of its own state machine. The core may compact.

    `meta.index` is an index that was applied, `meta.term` and `meta.configuration` are what
    `Raft.position(meta.index)` says.
    """

    meta: SnapshotMeta


class ChunkStored(NamedTuple):
    """A `StoreChunk` is durable: the first `stored_bytes` of the incoming file are held."""

    meta: SnapshotMeta
    stored_bytes: int


class SnapshotVerified(NamedTuple):
    """Answer to `VerifySnapshot`: the whole file is durable, and its checksum is right."""

    meta: SnapshotMeta


class SnapshotRejected(NamedTuple):
    """Answer to `VerifySnapshot`, or to `StoreChunk`: the file is wrong or cannot be held.

    The shell has discarded it. The transfer begins again from offset 0.
    """

    meta: SnapshotMeta
    why: str


class ChunkLost(NamedTuple):
    """Answer to `SendChunk`: the shell no longer has that snapshot. A transfer of the newest one
    begins instead."""

    to: int
    meta: SnapshotMeta


Event: TypeAlias = (
    Started
    | Received
    | TimerFired
    | Persisted
    | PersistFailed
    | Proposed
    | ReadAsked
    | TransferAsked
    | ChangeAsked
    | SnapshotTaken
    | ChunkStored
    | SnapshotVerified
    | SnapshotRejected
    | ChunkLost
)
