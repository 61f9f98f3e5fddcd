"""The leader's side of the log: appends, heartbeats, commitment, snapshots to those far behind."""

from __future__ import annotations

from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft.effects import Reason, Role
from veristack_lab.veristore.raft.entries import ENTRY_OVERHEAD_BYTES, Entry, Kind
from veristack_lab.veristore.raft.events import Proposed, Timer
from veristack_lab.veristore.raft.messages import (
    Append,
    AppendRefused,
    AppendReply,
    Repaired,
    SnapshotReply,
)
from veristack_lab.veristore.raft.progress import Mode, Progress
from veristack_lab.veristore.raft.state import State


class Replication(State):
    """What only a leader does with its log."""

    round = 0
    """The last round of heartbeats that was begun in this term."""
    uncommitted_bytes = 0
    led_since_s = 0.0
    _is_transferring = False

    # ---------------------------------------------------------------- leading

    def start_leading(self) -> None:
        """Won the election: append an empty entry of the own term and tell all (thesis 6.4)."""
        self.role, self.leader = Role.LEADER, self.node_id
        self.round = self.uncommitted_bytes = 0
        self.led_since_s = self.now_s
        self.progress = {}
        self.meet_members()
        for entry in self.log.between(self.commit + 1, self.log.last_index):
            self.uncommitted_bytes += entry.size_bytes
        self.emit(fx.StopTimer(Timer.ELECTION))
        self.tell_role()
        self.leader_known()
        self.append_own(self.opening_entry(), b"")
        self.begin_round()
        self.set_heartbeat_timer()

    def opening_entry(self) -> Kind:
        """What a new leader appends first (thesis 6.4)."""
        return Kind.NOOP

    def meet_members(self) -> None:
        """Keep progress of exactly the other members of the configuration in force."""
        known = self.progress
        others = sorted(each for each in self.configuration.members if each != self.node_id)
        first = self.log.last_index + 1
        self.progress = {each: known.get(each) or Progress(first, self.now_s) for each in others}

    def append_own(self, kind: Kind, data: bytes) -> Entry:
        """Append an entry of the own term, send it, and only then sync it (thesis 10.2.1)."""
        entry = Entry(self.log.last_index + 1, self.term, kind, data)
        self.append((entry,))
        self.uncommitted_bytes += entry.size_bytes
        return entry

    def on_proposed(self, event: Proposed) -> None:
        """A client's data goes into the log, or is refused."""
        reason = self.refusal_of(len(event.data))
        if reason is not None:
            self.emit(fx.Refused(event.request_id, reason, self.leader))
            return
        entry = self.append_own(event.kind, event.data)
        self.emit(fx.Accepted(event.request_id, entry.index, entry.term))
        self.replicate_all()

    def refusal_of(self, size_bytes: int) -> Reason | None:
        """Why no data of this size can be appended now."""
        if self.role is not Role.LEADER:
            return Reason.NOT_LEADER if self.leader else Reason.NO_LEADER
        if self._is_transferring:
            return Reason.TRANSFERRING
        if size_bytes > self.settings.max_entry_bytes:
            return Reason.TOO_LARGE
        uncommitted = self.uncommitted_bytes + ENTRY_OVERHEAD_BYTES + size_bytes
        if uncommitted > self.settings.max_uncommitted_bytes:
            return Reason.TOO_MUCH_UNCOMMITTED
        return None

    # ---------------------------------------------------------------- sending

    def replicate_all(self) -> None:
        """Send every member what it lacks, as far as its window allows."""
        for to, progress in self.progress.items():
            self.replicate(to, progress)

    def replicate(self, to: int, progress: Progress) -> None:
        """Send appends while the window has room (bounded: `max_inflight`)."""
        last, settings = self.log.last_index, self.settings
        while progress.mode is not Mode.SNAPSHOT:
            if self.log.term_at(progress.next - 1) is None:
                self.begin_snapshot(to, progress)
                return
            if progress.mode is Mode.PROBE:
                if not progress.asked:
                    progress.asked = True
                    self._send_append(to, progress.next - 1, 1)
                return
            if progress.next > last or len(progress.inflight) >= settings.max_inflight:
                return
            sent = self._send_append(to, progress.next - 1, settings.max_append_entries)
            progress.next += sent
            progress.inflight.append(progress.next - 1)

    def _send_append(self, to: int, previous: int, max_entries: int) -> int:
        entries: tuple[Entry, ...] = ()
        if max_entries:
            entries = self.log.batch(previous + 1, max_entries, self.settings.max_append_bytes)
        term = self.log.term_at(previous)
        if term is None:  # compacted away: a heartbeat can still prove the empty prefix
            previous = term = 0
        message = Append(self.term, previous, term, entries, self.commit, self.round)
        self.send(to, message)
        return len(entries)

    def begin_round(self) -> None:
        """A heartbeat to every member. It carries the commit index and proves `match`."""
        self.round += 1
        for to, progress in self.progress.items():
            progress.marked_round, progress.marked_last = self.round, progress.next - 1
            if progress.mode is Mode.PROBE:
                progress.asked = False
                self.replicate(to, progress)
            else:
                self._send_append(to, progress.match, 0)
            if progress.mode is Mode.SNAPSHOT:
                if not progress.moved:
                    self._send_chunk(to, progress)
                progress.moved = False

    # ----------------------------------------------------------------- answers

    def heard(self, sender: int, repairing: int) -> Progress | None:
        """A member answered in this term; None: the sender is none."""
        progress = self.progress.get(sender)
        if progress is None:
            return None
        progress.heard_s = self.now_s
        progress.counts = not repairing
        if repairing and progress.repair_life != repairing:
            # It may have lost what it acknowledged: know nothing of it, and fix what it must hold.
            progress.match = progress.acked_round = 0
            progress.repair_target, progress.repair_round = self.log.last_index, self.round + 1
            progress.probe(progress.next)
        progress.repair_life = repairing
        return progress

    def on_append_reply(self, sender: int, message: AppendReply) -> None:
        """A member holds more of the log, or has only been heard."""
        progress = self.heard(sender, message.repairing)
        if progress is None:
            return
        progress.acked_round = max(progress.acked_round, message.round)
        matched = min(message.matched, self.log.last_index)
        is_old = matched <= progress.match
        if progress.mode is Mode.SNAPSHOT and not self._leaves_snapshot(sender, progress, matched):
            return
        if is_old and progress.mode is Mode.PROBE and matched < progress.next - 1:
            return  # it answers no probe: an old append, or a heartbeat that proved nothing
        is_news = progress.advance(matched)
        if message.round >= progress.marked_round > 0:
            if message.last_index < progress.marked_last and progress.inflight:
                progress.send_again()
            progress.marked_round = 0
        if is_news:
            self.advance_commit()
        if self.role is Role.LEADER:
            self.replicate(sender, progress)

    def _leaves_snapshot(self, to: int, progress: Progress, matched: int) -> bool:
        """Whether the log can go on where the snapshot ended."""
        assert progress.sending is not None
        match = max(matched, progress.match)
        if self.log.term_at(match) is not None:
            progress.probe(match + 1)
            return True
        if match >= progress.sending.index:  # compacted meanwhile: the next snapshot
            progress.match = match
            self.begin_snapshot(to, progress)
        return False

    def on_append_refused(self, sender: int, message: AppendRefused) -> None:
        """The logs part before `previous_index`: go back a term, not an entry (paper 5.3)."""
        progress = self.heard(sender, message.repairing)
        if progress is None:
            return
        progress.acked_round = max(progress.acked_round, message.round)
        previous = message.previous_index
        is_probe = progress.mode is Mode.PROBE
        if previous <= progress.match or (is_probe and previous != progress.next - 1):
            return
        if progress.mode is not Mode.SNAPSHOT:
            back = self.next_after_conflict(message)
            progress.probe(max(progress.match + 1, min(back, previous)))
            self.replicate(sender, progress)

    def next_after_conflict(self, message: AppendRefused) -> int:
        """Where to go on after a refusal: behind the own last entry of the conflicting term, else
        at the first index of that term (paper, end of 5.3)."""
        if message.conflict_term:
            mine = self.log.last_of_term(message.conflict_term, message.previous_index)
            if mine:
                return mine + 1
        return max(message.conflict_index, 1)

    # --------------------------------------------------------------- committing

    def own_progress_counts(self) -> int:
        """Up to which index the leader counts itself: what is on its own disk (thesis 10.2.1)."""
        return self.durable

    def quorum_of(self, own: int, of: str) -> int:
        """The highest value that a quorum of voters has reached; `own` is this node's."""
        configuration, values = self.configuration, []
        for voter in configuration.voters:
            if voter == self.node_id:
                values.append(own)
            else:
                progress = self.progress[voter]
                values.append(getattr(progress, of) if progress.counts else 0)
        values.sort(reverse=True)
        return values[configuration.quorum - 1]

    def may_commit(self, index: int) -> bool:
        """Only entries of the own term are committed by counting (paper 5.4.2, figure 8)."""
        return self.log.term_at(index) == self.term

    def advance_commit(self) -> None:
        """Commit what a quorum holds durably."""
        index = self.quorum_of(self.own_progress_counts(), "match")
        if index > self.commit and self.may_commit(index):
            for entry in self.log.between(self.commit + 1, index):
                self.uncommitted_bytes -= entry.size_bytes
            self.commit = index
            self.apply_committed()
            self.after_commit()

    def after_commit(self) -> None:
        """The leader's commit index has grown."""

    # ---------------------------------------------------------------- snapshots

    def begin_snapshot(self, to: int, progress: Progress) -> None:
        """What the member needs was compacted away: send the newest snapshot (paper, section 7)."""
        assert self.snapshot is not None, "compacted without a snapshot"
        progress.mode, progress.sending, progress.offset = Mode.SNAPSHOT, self.snapshot, 0
        progress.inflight.clear()
        self._send_chunk(to, progress)

    def _send_chunk(self, to: int, progress: Progress) -> None:
        assert progress.sending is not None
        progress.moved = True
        chunk = self.settings.chunk_bytes
        self.emit(fx.SendChunk(to, self.term, progress.sending, progress.offset, chunk))

    def on_snapshot_reply(self, sender: int, message: SnapshotReply) -> None:
        """The member holds the file up to an offset: go on there, also after a break."""
        progress = self.heard(sender, message.repairing)
        if progress is None or progress.mode is not Mode.SNAPSHOT:
            if progress is not None:
                self.replicate(sender, progress)
            return
        is_ours = message.meta == progress.sending and message.offset <= message.meta.size_bytes
        if is_ours and message.offset != progress.offset:
            progress.offset = message.offset
            self._send_chunk(sender, progress)

    # ------------------------------------------------------------------ repair

    def tell_repaired(self, sender: int) -> None:
        """End the repair of a member; see `Repaired` for the two conditions."""
        progress = self.progress.get(sender)
        if progress is None or not progress.repair_life:
            return
        confirmed = self.quorum_of(self.round, "acked_round") >= progress.repair_round
        if confirmed and progress.match >= progress.repair_target:
            self.send(sender, Repaired(self.term, progress.repair_life))
