"""What the shell shall do: the output of `Raft.step`, in order.

The shell carries effects out in the order of the list, and lists in the order of the steps. Durable
writes (`Persist`, `InstallSnapshot`) go through one queue in order of their tokens; the shell need
not wait for them before it carries out what follows, because the core holds back what depends on
them. Several of them may become one write and one sync.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta
from veristack_lab.veristore.raft.events import Timer
from veristack_lab.veristore.raft.messages import Message


class Role(StrEnum):
    """What a node is at the moment."""

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Reason(StrEnum):
    """Why a request is refused."""

    NOT_LEADER = "not the leader"
    NO_LEADER = "no leader is known"
    LEADER_CHANGED = "the leader changed before the answer"
    TRANSFERRING = "leadership is being handed over"
    TOO_LARGE = "the data is larger than one entry may be"
    TOO_MUCH_UNCOMMITTED = "too many bytes wait to be committed"
    TOO_MANY_READS = "too many reads wait"
    TIMED_OUT = "no answer within an election timeout"
    NO_COMMIT_YET = "the leader has not committed an entry of its term yet"
    CHANGE_UNDER_WAY = "another change of the configuration is not committed yet"
    CHANGE_INVALID = "the change does not fit the configuration"
    NOT_CAUGHT_UP = "the learner has not caught up"
    NOT_A_VOTER = "the node is no voter"
    QUORUM_LOST = "the leader no longer hears from a quorum"
    DISK_HANGS = "the leader's disk has not answered for an election timeout"
    HALTED = "the node has stopped"


class Persist(NamedTuple):
    """Make this durable, then answer `Persisted(token)` or `PersistFailed(token, why)`.

    First drop the entries at `drop_from` and after, then append `entries`; term and vote are
    written with them. **Commit point**: the sync of this write. Before it, a node that starts again
    may find the old state or the new one, whole or up to one of the entries, but never the entries
    without the term.
    """

    token: int
    """Grows by one with each `Persist` and `InstallSnapshot`, beginning at 1 in each life."""
    term: int
    vote: int
    """0: no vote in this term."""
    entries: tuple[Entry, ...]
    """The first index is the end of the log plus one, after the drop."""
    drop_from: int
    """0: nothing is dropped."""


class InstallSnapshot(NamedTuple):
    """Make the verified incoming snapshot the node's own, then answer `Persisted(token)`.

    **Commit point**: one atomic step makes the snapshot current and drops the log up to
    `meta.index`; without `keep_log`, all of the log. Before it the old snapshot and log are found.
    `term` and `vote` are the node's at this moment.
    """

    token: int
    term: int
    vote: int
    meta: SnapshotMeta
    keep_log: bool
    """The log holds the snapshot's last entry; what follows that entry stays."""


class LoadSnapshot(NamedTuple):
    """The state machine takes its state from the installed snapshot. `Apply` goes on after it.

    Comes after the `Persisted` of its `InstallSnapshot`.
    """

    meta: SnapshotMeta


class StoreChunk(NamedTuple):
    """Write a piece of an incoming snapshot to its file. Offset 0 begins a new file.

    Answer `ChunkStored` once it is durable. A failed write is `PersistFailed`, with token 0.
    """

    meta: SnapshotMeta
    offset: int
    data: bytes


class VerifySnapshot(NamedTuple):
    """All bytes have come. Answer `SnapshotVerified` or `SnapshotRejected`.

    The log stays as it is until the core answers with `InstallSnapshot`.
    """

    meta: SnapshotMeta


class SendChunk(NamedTuple):
    """Send `to` a `SnapshotChunk(term, meta, offset, data)` with up to `max_bytes` of the file.

    `meta` is a snapshot that the shell reported by `SnapshotTaken`, installed, or restored. If the
    shell no longer has it: `ChunkLost`. Keeping the newest two avoids that. For a file of 0 bytes,
    or at its end, the chunk is empty.
    """

    to: int
    term: int
    meta: SnapshotMeta
    offset: int
    max_bytes: int


class Compact(NamedTuple):
    """Entries up to `index` are no longer needed; a snapshot covers them. Not urgent.

    The term of entry `index` must stay known: it is `Restored.before` of the next life.
    """

    index: int  # type: ignore[assignment] # not tuple.index
    term: int


class Send(NamedTuple):
    """Send a message now. It may be lost."""

    to: int
    message: Message


class SetTimer(NamedTuple):
    """Set a timer to a duration drawn evenly from `low_s` to `high_s`; replaces the earlier one.

    If both are equal, there is nothing to draw.
    """

    timer: Timer
    low_s: float
    high_s: float


class StopTimer(NamedTuple):
    """The timer shall not fire any more."""

    timer: Timer


class Apply(NamedTuple):
    """Apply these entries to the state machine: committed, durable here, in order, each once.

    All kinds come, so that the applied index has no gaps. A client's entry is committed when an
    entry with the index **and term** of its `Accepted` comes here. If another term comes at that
    index, the client's entry is lost for good.
    """

    entries: tuple[Entry, ...]


class Accepted(NamedTuple):
    """The leader has appended a proposal or change. It is not committed yet (see `Apply`)."""

    request_id: int
    index: int  # type: ignore[assignment] # not tuple.index
    term: int


class Refused(NamedTuple):
    """A proposal or change was not appended, and never will be."""

    request_id: int
    reason: Reason
    leader: int
    """The leader as this node knows it; 0: not known."""
    detail: str = ""
    """What does not fit, for `CHANGE_INVALID`."""


class ReadReady(NamedTuple):
    """The state machine may be read now: everything up to `index` was in an earlier `Apply`."""

    request_id: int
    index: int  # type: ignore[assignment] # not tuple.index


class ReadRefused(NamedTuple):
    """A read cannot be served here and now; it may be tried again."""

    request_id: int
    reason: Reason
    leader: int


class TransferEnded(NamedTuple):
    """A transfer has ended. `done`: this node saw that `to` leads a later term."""

    to: int
    done: bool
    reason: Reason | None


class RoleChanged(NamedTuple):
    """Role, term or known leader changed. For clients that wait, and for health."""

    role: Role
    term: int
    leader: int
    """0: not known."""
    reason: Reason | None = None
    """Why a leader stepped aside in its own term: `QUORUM_LOST` or `DISK_HANGS`."""


class RepairDone(NamedTuple):
    """The peers have repaired what was damaged: remove the mark behind `must_not_vote`, durably.

    The node has its vote back from now on; nothing waits for the removal. After a crash before it
    the node is merely repaired once more.
    """


class Halt(NamedTuple):
    """The node must stop: carry out nothing more for it. Later events only give refusals.

    Comes after a failed durable write. What is on disk is unknown, so only a restart, which reads
    it again, can go on.
    """

    reason: str


Effect: TypeAlias = (
    Persist
    | InstallSnapshot
    | LoadSnapshot
    | StoreChunk
    | VerifySnapshot
    | SendChunk
    | Compact
    | Send
    | SetTimer
    | StopTimer
    | Apply
    | Accepted
    | Refused
    | ReadReady
    | ReadRefused
    | TransferEnded
    | RoleChanged
    | RepairDone
    | Halt
)
