"""Cores with one rule removed each. A walk through a network of them must find a broken promise."""

from __future__ import annotations

from typing import Any

from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Reason


class SeesNoLogs(Raft):
    """Votes for a candidate whatever its log (5.4.1)."""

    def log_is_up_to_date(self, last_index: int, last_term: int) -> bool:
        return True


class VotesTwice(Raft):
    """Forgets within a term whom it voted for (5.2)."""

    def grant_vote(self, sender: int, message: Any) -> bool:
        self.vote = 0
        return super().grant_vote(sender, message)


class DoesNotWait(Raft):
    """Sends before what it depends on is durable (figure 2)."""

    def holds_back(self) -> int:
        return 0


class CountsItselfEarly(Raft):
    """The leader counts entries that its own disk does not hold (10.2.1)."""

    def own_progress_counts(self) -> int:
        return self.log.last_index


class CommitsOldTerms(Raft):
    """Commits entries of earlier terms by counting (5.4.2, figure 8)."""

    def may_commit(self, index: int) -> bool:
        return True


class BelievesTheLeadersCommit(Raft):
    """Commits what the leader committed, whatever this message proved (scylladb 9965)."""

    def commit_from_leader(self, leader_commit: int, matched: int) -> None:
        super().commit_from_leader(leader_commit, max(matched, self.log.last_index))


class TruncatesAlways(Raft):
    """Drops everything after the previous entry (PySyncObj)."""

    def first_conflict(self, entries: Any) -> int:
        if entries and entries[0].index <= self.log.last_index:
            self.truncate(max(entries[0].index, self.commit + 1))
        return super().first_conflict(entries)


class ChecksNoPrevious(Raft):
    """Appends without the consistency check (5.3)."""

    def previous_matches(self, previous: int, message: Any) -> bool:
        return previous <= self.log.last_index


class TrustsLateProofs(Raft):
    """A late confirmation of entries since overwritten counts (etcd-io/raft 8)."""

    def forget_late_proofs(self, last: int) -> None:
        return


class ReadsBeforeItsCommit(Raft):
    """A read index before the leader's own commit (etcd 7331)."""

    def read_may_be_served(self) -> bool:
        return True


class ReadsWithoutRound(Raft):
    """A read is served without a round begun after it (6.4)."""

    def round_for_read(self) -> int:
        return 0


class ChangesBeforeItsCommit(Raft):
    """A single-step change before the leader's own commit (Ongaro's report of 2015)."""

    def change_must_wait(self) -> Reason | None:
        reason = super().change_must_wait()
        return None if reason is Reason.NO_COMMIT_YET else reason


class ChangesSeveralAtOnce(Raft):
    """A second change while the first is not committed (4.1)."""

    def change_must_wait(self) -> Reason | None:
        reason = super().change_must_wait()
        return None if reason is Reason.CHANGE_UNDER_WAY else reason


class CampaignsWithoutPromotion(Raft):
    """Counts a majority of one vote less than one (5.2)."""

    def has_votes(self) -> bool:
        yes = [each for each in self.configuration.voters if self._votes.get(each)]
        return len(yes) >= self.configuration.quorum - 1


class CountsOwnVoteEarly(Raft):
    """Counts its own vote, and asks for others, before it is durable."""

    def holds_back(self) -> int:
        return 0 if self.role == "candidate" else super().holds_back()


BROKEN = (
    SeesNoLogs,
    VotesTwice,
    DoesNotWait,
    CountsItselfEarly,
    CommitsOldTerms,
    BelievesTheLeadersCommit,
    TruncatesAlways,
    ChecksNoPrevious,
    TrustsLateProofs,
    ReadsBeforeItsCommit,
    ReadsWithoutRound,
    ChangesBeforeItsCommit,
    ChangesSeveralAtOnce,
    CampaignsWithoutPromotion,
    CountsOwnVoteEarly,
)
