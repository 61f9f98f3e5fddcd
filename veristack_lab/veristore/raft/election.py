"""Elections: PreVote, votes, stickiness, and the leader that loses its quorum or its disk."""

from __future__ import annotations

from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft.effects import Reason, Role
from veristack_lab.veristore.raft.events import Timer
from veristack_lab.veristore.raft.messages import (
    PreVoteAsk,
    PreVoteReply,
    VoteAsk,
    VoteReply,
)
from veristack_lab.veristore.raft.replication import Replication

_SHORTEST_S = 1e-6
"""A shorter rest of a timeout is none: added to a clock it may round to nothing, and the timer
would run out for ever at one instant."""


class Election(Replication):
    """How a leader comes to be, and when it steps aside."""

    _votes: dict[int, bool]
    _vote_token = 0

    # ---------------------------------------------------------------- asking

    def on_election_timer(self) -> None:
        """The timeout ran out, or only seems to: a leader that was heard sets it back lazily."""
        if self.role is Role.LEADER:
            return
        settings = self.settings
        elapsed = self.now_s - self.quiet_since_s
        low, high = settings.election_low_s - elapsed, settings.election_high_s - elapsed
        if low > _SHORTEST_S:
            self.emit(fx.SetTimer(Timer.ELECTION, low, high))
            return
        self.set_election_timer()
        if self.may_campaign():
            self.ask_for_pre_votes()
        elif self.leader or self.role is not Role.FOLLOWER:
            self.become_follower(self.term, 0)

    def may_campaign(self) -> bool:
        """Only a voter that is whole and whose disk answers. The log alone decides who votes."""
        return self.is_voter and not self.must_not_vote and not self.disk_hangs

    def ask_for_pre_votes(self) -> None:
        """Ask before the term grows, so that a node without a majority disturbs none (thesis
        9.6)."""
        self.role, self.leader = Role.PRE_CANDIDATE, 0
        self.tell_role()
        self.leader_known()
        self._votes = {self.node_id: True}
        if self.has_votes():
            self.campaign()
            return
        ask = PreVoteAsk(self.term + 1, self.log.last_index, self.log.last_term)
        for voter in self.configuration.voters:
            if voter != self.node_id:
                self.send(voter, ask)

    def campaign(self, *, by_transfer: bool = False) -> None:
        """Ask for votes in a new term (paper 5.2). Asking waits for the own vote on disk."""
        self.set_term(self.term + 1, self.node_id)
        self.role, self.leader, self.heard_s = Role.CANDIDATE, 0, None
        self.tell_role()
        self.leader_known()
        self.set_election_timer()
        self._votes = {}
        self._vote_token = self._token + 1
        ask = VoteAsk(self.term, self.log.last_index, self.log.last_term, by_transfer)
        for voter in self.configuration.voters:
            if voter != self.node_id:
                self.reply(voter, ask)

    def count_own_vote(self) -> None:
        """A candidate's own vote counts once it is durable (etcd 14370 for the lone node)."""
        if self.role is Role.CANDIDATE and self._persisted >= self._vote_token:
            self._votes[self.node_id] = True
            if self.has_votes():
                self.start_leading()

    def has_votes(self) -> bool:
        """Whether a majority of the voters said yes (paper 5.2)."""
        configuration = self.configuration
        yes = [voter for voter in configuration.voters if self._votes.get(voter)]
        return len(yes) >= configuration.quorum

    # -------------------------------------------------------------- answering

    def log_is_up_to_date(self, last_index: int, last_term: int) -> bool:
        """Whether a candidate's log is at least as up to date as this one (paper 5.4.1)."""
        return (last_term, last_index) >= (self.log.last_term, self.log.last_index)

    def is_sticky(self) -> bool:
        """Whether a leader was heard so lately that votes are refused (thesis 4.2.3)."""
        if self.role is Role.LEADER:
            return True
        heard = self.heard_s
        return heard is not None and self.now_s - heard < self.settings.election_low_s

    def is_removed(self, node: int) -> bool:
        """Whether a node was removed: its campaigns are not answered (thesis 4.2.3)."""
        return node in self.configuration.removed

    def on_pre_vote_ask(self, sender: int, message: PreVoteAsk) -> None:
        """Would this node vote for the sender? Nothing changes by the answer."""
        if self.is_removed(sender):
            return
        granted = (
            message.term > self.term
            and not self.must_not_vote
            and not self.is_sticky()
            and self.log_is_up_to_date(message.last_index, message.last_term)
        )
        term = message.term if granted else self.term
        self.send(sender, PreVoteReply(term, granted))

    def on_pre_vote_reply(self, sender: int, message: PreVoteReply) -> None:
        """Enough of them, and the term may grow."""
        if self.role is not Role.PRE_CANDIDATE:
            return
        if message.granted and message.term == self.term + 1:
            self._votes[sender] = True
            if self.has_votes():
                self.campaign()

    def ignores_vote_ask(self, sender: int, message: VoteAsk) -> bool:
        """Not even the term of such a request counts (thesis 4.2.3)."""
        return self.is_removed(sender) or (self.is_sticky() and not message.by_transfer)

    def grant_vote(self, sender: int, message: VoteAsk) -> bool:
        """One vote a term, for a log that is up to date, by a node that is whole (paper 5.2)."""
        return (
            not self.must_not_vote
            and self.leader == 0
            and self.vote in (0, sender)
            and self.log_is_up_to_date(message.last_index, message.last_term)
        )

    def on_vote_ask(self, sender: int, message: VoteAsk) -> None:
        """RequestVote in the present term."""
        if self.is_removed(sender):
            return
        granted = self.grant_vote(sender, message)
        if granted:
            if self.vote != sender:
                self.set_term(self.term, sender)
            self.quiet_since_s = self.now_s
        self.reply(sender, VoteReply(self.term, granted))

    def on_vote_reply(self, sender: int, message: VoteReply) -> None:
        """A vote of the present term."""
        if self.role is Role.CANDIDATE and message.granted:
            self._votes[sender] = True
            if self.has_votes():
                self.start_leading()

    def on_timeout_now(self) -> None:
        """The leader hands over: campaign at once, without PreVote (thesis 3.10)."""
        if self.role is Role.FOLLOWER and self.may_campaign():
            self.campaign(by_transfer=True)

    # -------------------------------------------------------------- stepping aside

    def reason_to_step_aside(self) -> Reason | None:
        """CheckQuorum (thesis 6.2), and a disk that hangs while heartbeats would go on
        (hashicorp/raft 503)."""
        if self.disk_hangs:
            return Reason.DISK_HANGS
        low_s, now_s = self.settings.election_low_s, self.now_s
        heard = 0
        for voter in self.configuration.voters:
            if voter == self.node_id:
                heard += 1
            else:
                progress = self.progress[voter]
                heard += progress.counts and now_s - progress.heard_s <= low_s
        return Reason.QUORUM_LOST if heard < self.configuration.quorum else None
