"""What nodes say to each other.

Every message carries the term of its sender. **Persist** in a docstring below says which durable
write the message waits for. The core holds such a message back by itself: the `Send` effect comes
out of `step` only once the write was confirmed, so a shell sends whatever it is told to send, at
once.

The network may lose, delay, repeat and reorder messages; no message here relies on anything
better. The shell refuses messages of another cluster before the core sees them.

"Waits for the last Persist" means: for the highest token that the core had issued when it made the
message. If none is outstanding, the message leaves at once.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta


class PreVoteAsk(NamedTuple):
    """Asks: would you vote for me in this term? Changes nothing at either end (thesis 9.6).

    Persist: waits for none.
    """

    term: int
    """The term that the sender would campaign for: one more than its own."""
    last_index: int
    last_term: int


class PreVoteReply(NamedTuple):
    """Answer to `PreVoteAsk`. A yes binds to nothing.

    Persist: waits for none.
    """

    term: int
    """If granted, the term asked for; else the term of the node that refuses."""
    granted: bool


class VoteAsk(NamedTuple):
    """RequestVote (paper, figure 2).

    Persist: waits for the write that holds the candidate's new term and its vote for itself. A
    candidate that asked first and lost its term in a crash could lead the same term twice.
    """

    term: int
    last_index: int
    last_term: int
    by_transfer: bool = False
    """The leader told the sender to campaign (`TimeoutNow`), so stickiness does not apply."""


class VoteReply(NamedTuple):
    """Answer to `VoteAsk`.

    Persist: waits for the last Persist; a yes therefore for the write that holds the vote.
    """

    term: int
    granted: bool


class Append(NamedTuple):
    """AppendEntries (paper, figure 2); without entries, a heartbeat.

    Persist: waits for none. The leader sends before its own sync (thesis 10.2.1) and counts
    itself only after. Its term is durable, because `VoteAsk` waited for it.
    """

    term: int
    previous_index: int
    previous_term: int
    entries: tuple[Entry, ...]
    commit: int
    """The leader's commit index. The receiver takes at most the last index that this message
    proves to match: `previous_index + len(entries)`."""
    round: int
    """The last round of heartbeats that the leader had begun in this term. Reads count answers to
    rounds begun after they were asked."""


class AppendReply(NamedTuple):
    """Says: my log equals yours up to `matched`, durably. Also the answer to an installed snapshot.

    Persist: waits for the last Persist, also if the `Append` was empty or repeated.
    """

    term: int
    matched: int
    """The last index that the answered message proved to match."""
    last_index: int
    """The last index of the sender's log. A leader sees from it that appends were lost."""
    round: int
    """Repeated from the `Append`."""
    repairing: int = 0
    """The sender's life number (see `Restored.life`) while it must not vote; else 0. The leader
    replicates to such a node and does not count it for any quorum."""


class AppendRefused(NamedTuple):
    """The previous entry of an `Append` does not match, or its sender's term is over.

    Persist: waits for the last Persist.
    """

    term: int
    previous_index: int
    """Repeated from the `Append`: an answer to an older one is told by it."""
    conflict_term: int
    """The term of the receiver's entry at `previous_index`; 0 if its log is too short."""
    conflict_index: int
    """The first index of `conflict_term` in the receiver's log; if the log is too short, the
    index after its end. The leader goes on there (paper, end of section 5.3)."""
    round: int
    repairing: int = 0


class SnapshotChunk(NamedTuple):
    """InstallSnapshot (paper, figure 13), a piece of the file.

    The shell makes this message from a `SendChunk` effect. Persist: waits for none; a snapshot that
    is sent has been durable since `SnapshotTaken`.
    """

    term: int
    meta: SnapshotMeta
    offset: int
    """Where in the file `data` begins, in bytes."""
    data: bytes


class SnapshotReply(NamedTuple):
    """Says: send on from `offset`. Also where a transfer that broke off goes on.

    Persist: waits for the last Persist, and for `ChunkStored` of the chunk that it answers. An
    installed snapshot is answered by `AppendReply` instead.
    """

    term: int
    meta: SnapshotMeta
    offset: int
    """How many bytes of the file the sender holds. 0 after a file that did not verify."""
    repairing: int = 0


class TimeoutNow(NamedTuple):
    """Says: campaign at once. It is the end of a leadership transfer (thesis 3.10).

    Persist: waits for none.
    """

    term: int


class ReadAsk(NamedTuple):
    """A follower asks the leader for a read index (thesis 6.4).

    Persist: waits for none.
    """

    term: int
    life: int
    """The sender's life number: an answer from before a restart serves no read after it."""
    request_id: int


class ReadAnswer(NamedTuple):
    """The read index for a `ReadAsk`, given once the leader's round was confirmed.

    Persist: waits for none.
    """

    term: int
    life: int
    request_id: int
    index: int  # type: ignore[assignment] # not tuple.index
    """0: the leader refuses; the read may be tried again."""


class Repaired(NamedTuple):
    """Says: you hold all that you may ever have acknowledged. It ends `must_not_vote`.

    The leader says so to a node that reported `repairing`, once (a) a round begun after that
    report was confirmed by a quorum without that node, and (b) the node holds, durably, the
    leader's log up to the last index that the log had at the report. Persist: waits for none.
    """

    term: int
    life: int
    """Repeated from `repairing`: an older life's message ends no later repair."""


Message: TypeAlias = (
    PreVoteAsk
    | PreVoteReply
    | VoteAsk
    | VoteReply
    | Append
    | AppendReply
    | AppendRefused
    | SnapshotChunk
    | SnapshotReply
    | TimeoutNow
    | ReadAsk
    | ReadAnswer
    | Repaired
)
