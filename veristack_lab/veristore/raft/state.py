"""The state that all parts of the core share, and how they speak to the shell.

**Durability.** All changes of one step to term, vote and log leave as one `Persist` at its end. A
message that waits for it is held back with the token of that Persist (`reply`). `durable` is the
last index of the present log that is known to be on disk. Truncation lowers it, and lowers what
each outstanding Persist will prove: so a late `Persisted` for entries since overwritten does not
count.
"""

from __future__ import annotations

from collections import deque

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Effect, Reason, Role
from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta
from veristack_lab.veristore.raft.events import Restored, Timer
from veristack_lab.veristore.raft.log import Log
from veristack_lab.veristore.raft.messages import Message
from veristack_lab.veristore.raft.progress import Progress
from veristack_lab.veristore.raft.settings import Settings


class State:
    """What a node knows.

    Args:
        node_id: this node.
        configuration: in force while neither log nor snapshot holds one.
        settings: of all nodes of the cluster.
        restored: what storage found.

    Raises:
        InvalidInput: an id, the configuration or a setting is out of bounds.
        StoreCorrupt: the log holds a configuration that cannot be read.
    """

    def __init__(
        self, node_id: int, configuration: Configuration, settings: Settings, restored: Restored
    ) -> None:
        if node_id < 1 or restored.life < 1:
            raise InvalidInput("node ids and life numbers are positive ints")
        self.node_id, self.settings = node_id, settings.checked()
        self.life = restored.life
        self.log = Log(restored, configuration.checked())
        self.snapshot = restored.snapshot
        self.term, self.vote = restored.term, restored.vote
        self.role, self.leader = Role.FOLLOWER, 0
        self.commit = self.applied = restored.snapshot.index if restored.snapshot else 0
        self.durable = self.log.last_index
        self.must_not_vote, self.term_lost = restored.must_not_vote, restored.term_lost
        self.progress: dict[int, Progress] = {}
        """Of the other members, in ascending order; empty unless this node leads."""
        self.halted = False
        self.now_s = 0.0
        self.heard_s: float | None = None
        """When a leader of the present term was heard last."""
        self.quiet_since_s = 0.0
        """What the election timeout counts from."""
        self._effects: list[Effect] = []
        self._token = self._persisted = 0
        self._dirty = False
        self._dirty_from = self._drop_from = 0
        self._pending: deque[tuple[int, float]] = deque()
        """Tokens that are not confirmed, and since when."""
        self._proves: dict[int, int] = {}
        """Which last index the confirmation of a token will prove durable."""
        self._held: deque[tuple[int, int, Message]] = deque()
        self._installing: tuple[int, SnapshotMeta] | None = None

    # ---------------------------------------------------------------- queries

    @property
    def configuration(self) -> Configuration:
        """The configuration in force."""
        return self.log.configuration

    @property
    def is_voter(self) -> bool:
        """Whether this node has a vote in the configuration in force."""
        return self.node_id in self.log.configuration.voters

    def position(self, index: int) -> tuple[int, Configuration]:
        """Term and configuration at an index that was applied and is still held.

        Raises:
            InvalidInput: it is not held.
        """
        term = self.log.term_at(index)
        if term is None or index > self.applied:
            raise InvalidInput(f"index {index} was not applied, or is compacted away")
        return term, self.log.configuration_at(index)

    def has_own_commit(self) -> bool:
        """Whether an entry of the present term is committed."""
        return self.log.term_at(self.commit) == self.term

    @property
    def disk_hangs(self) -> bool:
        """Whether a durable write has not been answered for an election timeout."""
        waiting = self._pending
        return bool(waiting) and self.now_s - waiting[0][1] >= self.settings.election_low_s

    # --------------------------------------------------------------- speaking

    def emit(self, effect: Effect) -> None:
        """Let an effect leave with this step."""
        self._effects.append(effect)

    def send(self, to: int, message: Message) -> None:
        """A message that waits for no Persist."""
        self._effects.append(fx.Send(to, message))

    def reply(self, to: int, message: Message) -> None:
        """A message that waits for the last Persist, the one of this step included."""
        token = self.holds_back()
        if token <= self._persisted:
            self.send(to, message)
        else:
            self._held.append((token, to, message))

    def holds_back(self) -> int:
        """Which token a message waits for that depends on durable state (paper 5.1, figure 2:
        "updated on stable storage before responding to RPCs"). A lower one breaks that."""
        return self._token + self._dirty

    def set_election_timer(self) -> None:
        """Begin an election timeout."""
        self.quiet_since_s = self.now_s
        settings = self.settings
        self.emit(fx.SetTimer(Timer.ELECTION, settings.election_low_s, settings.election_high_s))

    def set_heartbeat_timer(self) -> None:
        """Begin the pause between two heartbeats."""
        self.emit(
            fx.SetTimer(Timer.HEARTBEAT, self.settings.heartbeat_s, self.settings.heartbeat_s)
        )

    def tell_role(self, reason: Reason | None = None) -> None:
        """Report role, term and leader."""
        self.emit(fx.RoleChanged(self.role, self.term, self.leader, reason))

    def halt(self, reason: str) -> None:
        """Stop for good."""
        if not self.halted:
            self.halted = True
            self.emit(fx.Halt(reason))

    # ---------------------------------------------------------------- durable

    def set_term(self, term: int, vote: int) -> None:
        """Change term and vote; the step's Persist carries both (paper, figure 2)."""
        self.term, self.vote = term, vote
        self._dirty = True

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Put entries after the last one."""
        if not self._dirty_from or self.log.last_index < self._dirty_from:
            self._dirty_from = self.log.last_index + 1
        self._dirty = True
        self.log.append(entries)

    def truncate(self, first: int) -> None:
        """Drop entry `first` and all after it."""
        if first <= self.commit:
            self.halt(f"told to drop entry {first}, but entries up to {self.commit} are committed")
            return
        self.log.truncate(first)
        self._dirty = True
        self._drop_from = min(self._drop_from or first, first)
        self._dirty_from = min(self._dirty_from or first, first)
        self.forget_late_proofs(first - 1)

    def forget_late_proofs(self, last: int) -> None:
        """Outstanding writes prove nothing about entries that were dropped (etcd-io/raft 8)."""
        self.durable = min(self.durable, last)
        for token, proved in self._proves.items():
            if proved > last:
                self._proves[token] = last

    def install(self, meta: SnapshotMeta) -> None:
        """Let a verified snapshot stand for the log, durably."""
        self.flush()
        self.forget_late_proofs(0)
        self.log.restart_at(meta)
        self.snapshot = meta
        self.commit = meta.index
        token = self._next_token()
        self._proves[token] = meta.index
        self._installing = token, meta
        self.emit(fx.InstallSnapshot(token, self.term, self.vote, meta, False))

    def flush(self) -> None:
        """Let what changed leave as one Persist."""
        if not self._dirty:
            return
        log, first, drop = self.log, self._dirty_from, self._drop_from
        entries = log.between(first, log.last_index) if first else ()
        token = self._next_token()
        self._proves[token] = log.last_index
        self.emit(fx.Persist(token, self.term, self.vote, entries, drop))
        self._dirty, self._dirty_from, self._drop_from = False, 0, 0

    def _next_token(self) -> int:
        self._token += 1
        self._pending.append((self._token, self.now_s))
        return self._token

    def confirm(self, token: int) -> None:
        """Everything up to `token` is durable: release what waited for it."""
        self._persisted = max(self._persisted, token)
        while self._pending and self._pending[0][0] <= token:
            done, _ = self._pending.popleft()
            self.durable = max(self.durable, self._proves.pop(done))
        if self._installing is not None and self._installing[0] <= token:
            meta = self._installing[1]
            self._installing = None
            if meta.index > self.applied:
                self.applied = meta.index
                self.emit(fx.LoadSnapshot(meta))
        while self._held and self._held[0][0] <= token:
            _, to, message = self._held.popleft()
            if message.term >= self.term:  # what an earlier term promised helps no one
                self.send(to, message)

    def apply_committed(self) -> None:
        """Hand on entries that are committed and durable here (paper 5.3)."""
        last = min(self.commit, self.durable)
        if last > self.applied and self._installing is None:
            entries = self.log.between(self.applied + 1, last)
            self.applied = last
            self.emit(fx.Apply(entries))

    # ------------------------------------------------------------------ hooks

    def leadership_ended(self, reason: Reason) -> None:
        """This node led until now. Each part ends what it had begun as leader."""

    def leader_known(self) -> None:
        """Another node, or none, is known to lead from now on, or the term has grown."""

    def become_follower(self, term: int, leader: int, reason: Reason | None = None) -> None:
        """Follow `leader`; 0: none is known (paper 5.1). A higher term forgets the vote."""
        if (term, leader, Role.FOLLOWER) == (self.term, self.leader, self.role):
            return
        led = self.role is Role.LEADER
        if term > self.term:
            self.set_term(term, 0)
            self.heard_s = None if not leader else self.now_s
        self.role, self.leader = Role.FOLLOWER, leader
        if led:
            self.progress = {}
            self.emit(fx.StopTimer(Timer.HEARTBEAT))
            self.leadership_ended(reason or Reason.LEADER_CHANGED)
            self.set_election_timer()
        self.tell_role(reason)
        self.leader_known()
