"""The core: one event in, effects out.

    core = Raft(node_id, configuration, settings, restored)
    effects = core.step(event, now_s)

The rules are small methods of the classes that this one is made of, each with the section of the
paper or thesis that it comes from: `Election`, `Replication`, `Following`, `Reads`, `Membership`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft import events as ev
from veristack_lab.veristore.raft import messages as msg
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Effect, Reason, Role
from veristack_lab.veristore.raft.election import Election
from veristack_lab.veristore.raft.entries import Kind
from veristack_lab.veristore.raft.events import Event, Restored, Timer
from veristack_lab.veristore.raft.following import Following
from veristack_lab.veristore.raft.membership import Membership
from veristack_lab.veristore.raft.messages import Message
from veristack_lab.veristore.raft.progress import Mode
from veristack_lab.veristore.raft.settings import Settings


class Raft(Election, Membership, Following):
    """One node's part in the algorithm. Arguments and errors as `State`."""

    def __init__(
        self, node_id: int, configuration: Configuration, settings: Settings, restored: Restored
    ) -> None:
        super().__init__(node_id, configuration, settings, restored)
        self._votes = {}
        self.prepare_reads()
        self.restore_incoming(restored)
        self._table: dict[type, Callable[[Any], None]] = {
            ev.Started: self._on_started,
            ev.Received: self._on_received,
            ev.TimerFired: self._on_timer,
            ev.Persisted: self._on_persisted,
            ev.PersistFailed: self._on_persist_failed,
            ev.Proposed: self.on_proposed,
            ev.ReadAsked: self.on_read_asked,
            ev.TransferAsked: self.on_transfer_asked,
            ev.ChangeAsked: self.on_change_asked,
            ev.SnapshotTaken: self._on_snapshot_taken,
            ev.ChunkStored: self.on_chunk_stored,
            ev.SnapshotVerified: self.on_verified,
            ev.SnapshotRejected: self.on_rejected,
            ev.ChunkLost: self._on_chunk_lost,
        }
        self._messages: dict[type, Callable[[int, Any], None]] = {
            msg.PreVoteAsk: self.on_pre_vote_ask,
            msg.PreVoteReply: self.on_pre_vote_reply,
            msg.VoteAsk: self.on_vote_ask,
            msg.VoteReply: self.on_vote_reply,
            msg.Append: self.on_append,
            msg.SnapshotChunk: self.on_chunk,
            msg.TimeoutNow: lambda _, __: self.on_timeout_now(),
            msg.ReadAsk: self.on_read_ask,
            msg.ReadAnswer: lambda _, message: self.on_read_answer(message),
            msg.Repaired: lambda _, message: self.on_repaired(message),
        }
        self._answers: dict[type, Callable[[int, Any], None]] = {
            msg.AppendReply: self.on_append_reply,
            msg.AppendRefused: self.on_append_refused,
            msg.SnapshotReply: self.on_snapshot_reply,
        }

    def step(self, event: Event, now_s: float) -> list[Effect]:
        """What to do because of an event, in this order.

        Args:
            event: what happened.
            now_s: the node's monotonic clock. A lower reading than before counts as the earlier.

        Raises:
            InvalidInput: a proposal of a kind that only the core makes.
        """
        if self.halted:
            return self._refuse_all(event)
        self.now_s = max(self.now_s, now_s)
        self._effects = []
        self._table[type(event)](event)
        if not self.halted:
            self.flush()
        effects, self._effects = self._effects, []
        return effects

    def _refuse_all(self, event: Event) -> list[Effect]:
        if isinstance(event, ev.Proposed | ev.ChangeAsked):
            return [fx.Refused(event.request_id, Reason.HALTED, 0)]
        if isinstance(event, ev.ReadAsked):
            return [fx.ReadRefused(event.request_id, Reason.HALTED, 0)]
        if isinstance(event, ev.TransferAsked):
            return [fx.TransferEnded(event.to, False, Reason.HALTED)]
        return []

    # ------------------------------------------------------------------ events

    def _on_started(self, _: ev.Started) -> None:
        if self.settings.lease_reads:
            # A lease may rest on what this node heard before it was restarted.
            self.heard_s = self.now_s
        self.tell_role()
        self.set_election_timer()

    def on_proposed(self, event: ev.Proposed) -> None:
        if event.kind is not Kind.COMMAND:
            raise InvalidInput(
                f"clients propose commands; the core makes entries {event.kind.name}"
            )
        super().on_proposed(event)

    def _on_received(self, event: ev.Received) -> None:
        sender, message = event
        if message.term != self.term and not self._meet_term(sender, message):
            return
        on_message = self._messages.get(type(message))
        if on_message is not None:
            on_message(sender, message)
        elif self.role is Role.LEADER:
            self._answers[type(message)](sender, message)
            self._after_answer(sender)

    def _meet_term(self, sender: int, message: Message) -> bool:
        """Compare terms (paper 5.1). Whether the message is to be looked at."""
        if isinstance(message, msg.PreVoteAsk):
            return True
        if isinstance(message, msg.PreVoteReply) and message.granted:
            return True
        if message.term < self.term:
            self._answer_old_term(sender, message)
            return False
        if isinstance(message, msg.VoteAsk) and self.ignores_vote_ask(sender, message):
            return False
        is_leaders = isinstance(message, msg.Append | msg.SnapshotChunk | msg.TimeoutNow)
        self.become_follower(message.term, sender if is_leaders else 0)
        return True

    def _answer_old_term(self, sender: int, message: Message) -> None:
        if isinstance(message, msg.VoteAsk) and not self.is_removed(sender):
            self.reply(sender, msg.VoteReply(self.term, False))
        elif isinstance(message, msg.Append | msg.SnapshotChunk):
            self.refuse_old_term(sender, message)

    def _after_answer(self, sender: int) -> None:
        if self.role is Role.LEADER:
            self.confirm_reads()
            self.tell_repaired(sender)
            if self._transfer is not None and self._transfer[0] == sender:
                self.hand_over()

    def _on_timer(self, event: ev.TimerFired) -> None:
        if event.timer is Timer.ELECTION:
            self.end_asked_reads(Reason.TIMED_OUT, self.now_s - self.settings.election_low_s)
            self.end_late_transfer()
            self.on_election_timer()
        elif self.role is Role.LEADER:
            reason = self.reason_to_step_aside()
            if reason is not None:
                self.become_follower(self.term, 0, reason)
                return
            self.end_late_transfer()
            self.begin_round()
            self.confirm_reads()
            self.set_heartbeat_timer()

    def _on_persisted(self, event: ev.Persisted) -> None:
        self.confirm(event.token)
        self.count_own_vote()
        self.apply_committed()
        if self.role is Role.LEADER:
            self.advance_commit()
        self.serve_applied_reads()

    def _on_persist_failed(self, event: ev.PersistFailed) -> None:
        self.halt(f"a durable write failed: {event.why}")

    def _on_snapshot_taken(self, event: ev.SnapshotTaken) -> None:
        meta, log = event.meta, self.log
        if meta.index > self.applied or log.term_at(meta.index) != meta.term:
            return  # an installed one was newer
        self.snapshot = meta
        log.forget_configurations(meta.index)
        index = meta.index - self.settings.kept_entries
        if index > log.before_index:
            log.compact(index)
            self.emit(fx.Compact(index, log.before_term))

    def _on_chunk_lost(self, event: ev.ChunkLost) -> None:
        progress = self.progress.get(event.to)
        if progress is None or progress.mode is not Mode.SNAPSHOT:
            return
        if progress.sending == event.meta and self.snapshot != event.meta:
            self.begin_snapshot(event.to, progress)

    # ------------------------------------------------------------------- hooks

    def after_commit(self) -> None:
        self.reads_may_begin()
        self.serve_applied_reads()
        self.leave_if_removed()

    def apply_committed(self) -> None:
        super().apply_committed()
        self.serve_applied_reads()

    def leadership_ended(self, reason: Reason) -> None:
        self.end_leader_reads(reason)
        self._is_transferring = False

    def leader_known(self) -> None:
        self.end_asked_reads(Reason.LEADER_CHANGED)
        self.judge_transfer()
