"""Linearizable reads: the read index, on the leader and on others (thesis 6.4)."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft.effects import Reason, Role
from veristack_lab.veristore.raft.events import ReadAsked
from veristack_lab.veristore.raft.messages import ReadAnswer, ReadAsk
from veristack_lab.veristore.raft.replication import Replication


class Read(NamedTuple):
    """A read that the leader serves, for itself or for another node."""

    node: int
    life: int
    request_id: int
    index: int = 0  # type: ignore[assignment] # not tuple.index
    """The commit index when it was asked; everything acknowledged before is up to here."""
    round: int = 0
    """The round whose confirmation proves that this node still led when it was asked."""


class Reads(Replication):
    """Reads that wait: for an own-term commit, for a round, for entries to be applied."""

    def prepare_reads(self) -> None:
        """No read waits."""
        self._unready: deque[Read] = deque()
        self._unconfirmed: deque[Read] = deque()
        self._asked: dict[int, float] = {}
        """On a follower: reads that the leader was asked for, and when."""
        self._unapplied: list[tuple[int, int]] = []
        self._round_times: deque[tuple[int, float]] = deque()
        self._no_lease = False

    @property
    def waiting_reads(self) -> int:
        """How many wait, in any way."""
        lists = (self._unready, self._unconfirmed, self._asked, self._unapplied)
        return sum(len(each) for each in lists)

    # ---------------------------------------------------------------- asking

    def on_read_asked(self, event: ReadAsked) -> None:
        """A client of this node asks."""
        request_id = event.request_id
        if self.waiting_reads >= self.settings.max_reads:
            self._refuse_read(request_id, Reason.TOO_MANY_READS)
        elif self.role is Role.LEADER:
            self._serve(Read(self.node_id, self.life, request_id))
        elif self.leader:
            self._asked[request_id] = self.now_s
            self.send(self.leader, ReadAsk(self.term, self.life, request_id))
        else:
            self._refuse_read(request_id, Reason.NO_LEADER)

    def on_read_ask(self, sender: int, message: ReadAsk) -> None:
        """Another node asks the leader."""
        if self.role is not Role.LEADER or self.waiting_reads >= self.settings.max_reads:
            self.send(sender, ReadAnswer(self.term, message.life, message.request_id, 0))
        else:
            self._serve(Read(sender, message.life, message.request_id))

    def on_read_answer(self, message: ReadAnswer) -> None:
        """The leader's answer to this life's request."""
        if message.life != self.life or message.request_id not in self._asked:
            return
        del self._asked[message.request_id]
        if message.index:
            self._unapplied.append((message.index, message.request_id))
            self.serve_applied_reads()
        else:
            self._refuse_read(message.request_id, Reason.LEADER_CHANGED)

    def _refuse_read(self, request_id: int, reason: Reason) -> None:
        self.emit(fx.ReadRefused(request_id, reason, self.leader))

    # --------------------------------------------------------------- confirming

    def read_may_be_served(self) -> bool:
        """Only after a commit of the own term is the commit index up to date (thesis 6.4, etcd
        7331)."""
        return self.has_own_commit()

    def round_for_read(self) -> int:
        """A round that begins after the request proves that no later leader had committed (thesis
        6.4). If one is under way, the read waits for the next."""
        if self.quorum_of(self.round, "acked_round") >= self.round:
            self.begin_round()
            return self.round
        return self.round + 1

    def _serve(self, read: Read) -> None:
        if not self.read_may_be_served():
            self._unready.append(read)
        elif self.lease_holds():
            self._confirmed(read._replace(index=self.commit))
        else:
            read = read._replace(index=self.commit, round=self.round_for_read())
            self._unconfirmed.append(read)
            self.confirm_reads()

    def begin_round(self) -> None:
        super().begin_round()
        if self.settings.lease_reads:
            self._round_times.append((self.round, self.now_s))

    def confirm_reads(self) -> None:
        """Answer the reads whose round a quorum has answered; begin the next round for others."""
        confirmed = self.quorum_of(self.round, "acked_round")
        while self._unconfirmed and self._unconfirmed[0].round <= confirmed:
            self._confirmed(self._unconfirmed.popleft())
        if self._unconfirmed and confirmed >= self.round:
            self.begin_round()

    def reads_may_begin(self) -> None:
        """An entry of the own term is committed: serve what waited for it."""
        if self._unready and self.read_may_be_served():
            waiting, self._unready = self._unready, deque()
            for read in waiting:
                self._serve(read)

    def _confirmed(self, read: Read) -> None:
        if read.node == self.node_id:
            self._unapplied.append((read.index, read.request_id))
            self.serve_applied_reads()
        else:
            answer = ReadAnswer(self.term, read.life, read.request_id, read.index)
            self.send(read.node, answer)

    def serve_applied_reads(self) -> None:
        """Serve the reads whose entries have been applied here."""
        if not self._unapplied:
            return
        waiting = []
        for index, request_id in self._unapplied:
            if index <= self.applied:
                self.emit(fx.ReadReady(request_id, index))
            else:
                waiting.append((index, request_id))
        self._unapplied = waiting

    # ------------------------------------------------------------------- lease

    def lease_holds(self) -> bool:
        """Whether a quorum answered a round so lately that none of it votes (thesis 6.4.1).

        A follower refuses votes for `election_low_s` of its clock after it heard the round, so the
        lease counts from the sending of the round, and is shorter by the drift bound. A transfer
        goes around stickiness: no lease for the rest of such a term (openraft 1747).
        """
        settings = self.settings
        if not settings.lease_reads or self._no_lease:
            return False
        confirmed = self.quorum_of(self.round, "acked_round")
        times = self._round_times
        while len(times) > 1 and times[1][0] <= confirmed:
            times.popleft()
        if not times or times[0][0] > confirmed:
            return False
        lease_s = settings.election_low_s * (1 - settings.drift_bound)
        return self.now_s < times[0][1] + lease_s

    # -------------------------------------------------------------------- ends

    def end_leader_reads(self, reason: Reason) -> None:
        """This node no longer leads: its reads are refused, those of others answered so."""
        for read in (*self._unready, *self._unconfirmed):
            if read.node == self.node_id:
                self._refuse_read(read.request_id, reason)
            else:
                self.send(read.node, ReadAnswer(self.term, read.life, read.request_id, 0))
        self._unready.clear()
        self._unconfirmed.clear()
        self._round_times.clear()
        self._no_lease = False

    def end_asked_reads(self, reason: Reason, asked_before_s: float | None = None) -> None:
        """Refuse reads that the leader was asked for, all or those asked long ago."""
        for request_id, asked_s in list(self._asked.items()):
            if asked_before_s is None or asked_s <= asked_before_s:
                del self._asked[request_id]
                self._refuse_read(request_id, reason)
