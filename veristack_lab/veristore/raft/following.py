"""The follower's side of the log: appends, snapshots, and the end of a repair."""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft.effects import Role
from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta
from veristack_lab.veristore.raft.events import (
    ChunkStored,
    Restored,
    SnapshotRejected,
    SnapshotVerified,
)
from veristack_lab.veristore.raft.messages import (
    Append,
    AppendRefused,
    AppendReply,
    Repaired,
    SnapshotChunk,
    SnapshotReply,
)
from veristack_lab.veristore.raft.state import State


class Incoming:
    """A snapshot that is being received. One chunk is written at a time."""

    __slots__ = ("is_busy", "meta", "stored")

    def __init__(self, meta: SnapshotMeta, stored: int) -> None:
        self.meta, self.stored = meta, stored
        self.is_busy = False
        """A chunk is being written, or the file is being verified."""


class Following(State):
    """What a follower does with a leader's messages."""

    _incoming: Incoming | None = None

    def restore_incoming(self, restored: Restored) -> None:
        """Go on with a transfer that broke off in an earlier life."""
        if restored.incoming is not None:
            self._incoming = Incoming(*restored.incoming)

    @property
    def repairing(self) -> int:
        """The life number while this node must not vote; else 0."""
        return self.life if self.must_not_vote else 0

    def follow(self, sender: int) -> None:
        """The sender leads the present term, and was heard now."""
        self.become_follower(self.term, sender)
        self.heard_s = self.quiet_since_s = self.now_s

    # ------------------------------------------------------------------ append

    def on_append(self, sender: int, message: Append) -> None:
        """AppendEntries (paper, figure 2)."""
        self.follow(sender)
        previous, entries = message.previous_index, message.entries
        matched = previous + len(entries)
        if previous < self.commit:  # committed: what precedes is known to match
            entries = entries[self.commit - previous :]
            previous = self.commit
        if not self.previous_matches(previous, message):
            self._refuse(sender, message)
            return
        at = self.first_conflict(entries)
        if at < len(entries):
            if entries[at].index <= self.log.last_index:
                self.truncate(entries[at].index)
                if self.halted:
                    return
            self.append(entries[at:])
        self.commit_from_leader(message.commit, matched)
        last = self.log.last_index
        self.reply(sender, AppendReply(self.term, matched, last, message.round, self.repairing))

    def previous_matches(self, previous: int, message: Append) -> bool:
        """The consistency check (paper 5.3). A committed previous entry matches by itself."""
        if previous == self.commit and previous > message.previous_index:
            return True
        return self.log.term_at(previous) == message.previous_term

    def first_conflict(self, entries: Sequence[Entry]) -> int:
        """The position of the first entry that this log lacks or holds otherwise. What follows it
        is dropped, and nothing else: an old or repeated append removes nothing (paper 5.3)."""
        for at, entry in enumerate(entries):
            if self.log.term_at(entry.index) != entry.term:
                return at
        return len(entries)

    def commit_from_leader(self, leader_commit: int, matched: int) -> None:
        """The leader's commit index counts as far as this message proved the logs to match (paper,
        figure 2: "index of last new entry"; scylladb 9965)."""
        commit = min(leader_commit, matched)
        if commit > self.commit:
            self.commit = commit
            self.apply_committed()

    def _refuse(self, sender: int, message: Append) -> None:
        previous = message.previous_index
        term = self.log.term_at(previous)
        if previous <= self.commit:
            self.halt(f"the leader of term {self.term} contradicts the committed entry {previous}")
            return
        if previous > self.log.last_index or term is None:
            term, first = 0, self.log.last_index + 1
        else:
            first = max(self.log.first_of_term(previous), self.commit + 1)
        self.reply(
            sender,
            AppendRefused(self.term, previous, term, first, message.round, self.repairing),
        )

    def refuse_old_term(self, sender: int, message: Append | SnapshotChunk) -> None:
        """The sender's term is over; the answer's term says so (paper 5.1)."""
        number = message.round if isinstance(message, Append) else 0
        self.reply(sender, AppendRefused(self.term, 0, 0, 0, number, self.repairing))

    # --------------------------------------------------------------- snapshots

    def on_chunk(self, sender: int, message: SnapshotChunk) -> None:
        """A piece of a snapshot (paper, figure 13): the next one, a repeated or a stale one."""
        self.follow(sender)
        meta = message.meta
        if self._is_known(meta):
            self._acknowledge(sender, meta)
            return
        incoming = self._incoming
        if incoming is None or incoming.meta != meta:
            incoming = self._incoming = Incoming(meta, 0)
        if incoming.is_busy:
            return
        if incoming.stored == meta.size_bytes and (meta.size_bytes or message.offset == 0):
            self._verify(incoming)
        elif message.offset == incoming.stored and message.data:
            incoming.is_busy = True
            self.emit(fx.StoreChunk(meta, message.offset, message.data))
        else:
            self._ask_on(incoming)

    def _is_known(self, meta: SnapshotMeta) -> bool:
        """The log holds all that the snapshot covers: nothing is installed, and nothing lost."""
        return meta.index <= self.commit or self.log.term_at(meta.index) == meta.term

    def _acknowledge(self, sender: int, meta: SnapshotMeta) -> None:
        self._incoming = None
        if meta.index > self.commit:
            self.commit = meta.index
            self.apply_committed()
        last = self.log.last_index
        self.reply(sender, AppendReply(self.term, self.commit, last, 0, self.repairing))

    def _verify(self, incoming: Incoming) -> None:
        incoming.is_busy = True
        self.emit(fx.VerifySnapshot(incoming.meta))

    def _ask_on(self, incoming: Incoming) -> None:
        if self.leader and self.role is Role.FOLLOWER:
            self.reply(
                self.leader,
                SnapshotReply(self.term, incoming.meta, incoming.stored, self.repairing),
            )

    def _awaited(self, meta: SnapshotMeta) -> Incoming | None:
        incoming = self._incoming
        return incoming if incoming is not None and incoming.meta == meta else None

    def on_chunk_stored(self, event: ChunkStored) -> None:
        """A piece is durable: ask for the next, or verify the file."""
        incoming = self._awaited(event.meta)
        if incoming is None:
            return
        incoming.stored, incoming.is_busy = event.stored_bytes, False
        if incoming.stored >= event.meta.size_bytes:
            self._verify(incoming)
        else:
            self._ask_on(incoming)

    def on_verified(self, event: SnapshotVerified) -> None:
        """The file is whole: install it, unless the log has caught up meanwhile."""
        if self._awaited(event.meta) is None:
            return
        self._incoming = None
        if not self._is_known(event.meta):
            self.install(event.meta)
        if self.leader and self.role is Role.FOLLOWER:
            self._acknowledge(self.leader, event.meta)

    def on_rejected(self, event: SnapshotRejected) -> None:
        """The file is wrong: begin again at its beginning."""
        incoming = self._awaited(event.meta)
        if incoming is not None:
            incoming.stored, incoming.is_busy = 0, False
            self._ask_on(incoming)

    # ------------------------------------------------------------------ repair

    def on_repaired(self, message: Repaired) -> None:
        """This life's damage is repaired. A lost term stays lost: see `Restored.term_lost`."""
        if self.must_not_vote and not self.term_lost and message.life == self.life:
            self.must_not_vote = False
            self.emit(fx.RepairDone())
