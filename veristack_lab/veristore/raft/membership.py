"""Leadership that is handed over, and configurations that change by one node (thesis 3.10, 4)."""

from __future__ import annotations

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft.configuration import Change, ChangeKind
from veristack_lab.veristore.raft.effects import Reason, Role
from veristack_lab.veristore.raft.entries import Kind
from veristack_lab.veristore.raft.events import ChangeAsked, TransferAsked
from veristack_lab.veristore.raft.messages import TimeoutNow
from veristack_lab.veristore.raft.reads import Reads


class Membership(Reads):
    """Who leads next, and who belongs to the cluster."""

    _transfer: tuple[int, float] | None = None
    """To whom leadership is being handed, and since when."""

    # ---------------------------------------------------------------- transfer

    def on_transfer_asked(self, event: TransferAsked) -> None:
        """Stop proposals, let the target catch up, and tell it to campaign (thesis 3.10)."""
        reason = self._no_transfer(event.to)
        if reason is not None:
            self.emit(fx.TransferEnded(event.to, False, reason))
        elif event.to == self.node_id:
            self.emit(fx.TransferEnded(event.to, True, None))
        else:
            self._transfer = event.to, self.now_s
            self._is_transferring = self._no_lease = True
            self.hand_over()

    def _no_transfer(self, to: int) -> Reason | None:
        if self.role is not Role.LEADER:
            return Reason.NOT_LEADER
        if self._transfer is not None:
            return Reason.TRANSFERRING
        return None if to in self.configuration.voters else Reason.NOT_A_VOTER

    def hand_over(self) -> None:
        """Tell the target to campaign, once its log is as long as the leader's."""
        if self._transfer is None:
            return
        progress = self.progress.get(self._transfer[0])
        if progress is not None and progress.match == self.log.last_index:
            self.send(self._transfer[0], TimeoutNow(self.term))

    def end_late_transfer(self) -> None:
        """A transfer that has not succeeded within an election timeout ends; the leader goes on."""
        if self._transfer is not None:
            if self.now_s - self._transfer[1] >= self.settings.election_low_s:
                self._end_transfer(False, Reason.TIMED_OUT)
            elif self.role is Role.LEADER:
                self.hand_over()

    def judge_transfer(self) -> None:
        """Another node leads: the target, or not."""
        if self._transfer is not None and self.leader:
            done = self.leader == self._transfer[0]
            self._end_transfer(done, None if done else Reason.LEADER_CHANGED)

    def _end_transfer(self, done: bool, reason: Reason | None) -> None:
        if self._transfer is not None:
            self.emit(fx.TransferEnded(self._transfer[0], done, reason))
        self._transfer, self._is_transferring = None, False

    # ------------------------------------------------------------------ change

    def on_change_asked(self, event: ChangeAsked) -> None:
        """Append the next configuration; it is in force at once (thesis 4.1)."""
        reason, detail = self.change_refusal(event.change)
        if reason is not None:
            self.emit(fx.Refused(event.request_id, reason, self.leader, detail))
            return
        changed = self.configuration.changed(event.change)
        entry = self.append_own(Kind.CONFIGURATION, changed.encode())
        self.meet_members()
        self.emit(fx.Accepted(event.request_id, entry.index, entry.term))
        self.replicate_all()

    def change_refusal(self, change: Change) -> tuple[Reason | None, str]:
        """Why a change cannot be made now."""
        reason = self.refusal_of(0)
        if reason is None:
            reason = self.change_must_wait()
        if reason is not None:
            return reason, ""
        try:
            self.configuration.changed(change)
        except InvalidInput as error:
            return Reason.CHANGE_INVALID, str(error)
        if change.kind is ChangeKind.PROMOTE and not self.has_caught_up(change.node_id):
            return Reason.NOT_CAUGHT_UP, ""
        return None, ""

    def change_must_wait(self) -> Reason | None:
        """One change at a time, and none before a commit of the own term: else the majorities of
        two leaders' configurations need not overlap (Ongaro's bug report of 2015)."""
        if not self.has_own_commit():
            return Reason.NO_COMMIT_YET
        if self.log.configuration_index > self.commit:
            return Reason.CHANGE_UNDER_WAY
        return None

    def has_caught_up(self, node: int) -> bool:
        """Whether a learner would not hold up commits as a voter (thesis 4.2.1)."""
        progress = self.progress[node]
        missing = self.log.last_index - progress.match
        return progress.counts and progress.match > 0 and missing <= self.settings.promotion_gap

    def leave_if_removed(self) -> None:
        """A leader that removed itself steps down once that is committed (thesis 4.2.2)."""
        if not self.is_voter and self.log.configuration_index <= self.commit:
            self.begin_round()  # the others learn of the commit
            self.become_follower(self.term, 0)
