"""A small network of Raft cores for tests: disks that may be late or lose, links that may do worse.

One action at a time, chosen by the caller. After every action the promises of the paper's figure 3
are checked, and that what is committed lies durably on a quorum: on the disks of the network, not
in what the cores say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft import events as ev
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Role
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.events import Event, Restored, Timer
from veristack_lab.veristore.raft.messages import Message, SnapshotChunk
from veristack_lab.veristore.raft.settings import Settings

SETTINGS = Settings(kept_entries=2, max_inflight=4, chunk_bytes=16, max_append_entries=3)
MAX_FLIGHT = 400


class Broken(AssertionError):
    """A promise does not hold."""


class Disk:
    """What one node has written, and what of it is durable."""

    def __init__(self) -> None:
        self.term = self.vote = 0
        self.snapshot: SnapshotMeta | None = None
        self.before = (0, 0)
        self.entries: list[Entry] = []
        self.waiting: list[fx.Persist | fx.InstallSnapshot] = []

    @property
    def last_index(self) -> int:
        return self.before[0] + len(self.entries)

    def write(self, effect: fx.Persist | fx.InstallSnapshot) -> None:
        self.term, self.vote = effect.term, effect.vote
        if isinstance(effect, fx.InstallSnapshot):
            self.snapshot, self.entries = effect.meta, []
            self.before = (effect.meta.index, effect.meta.term)
            return
        if effect.drop_from:
            del self.entries[effect.drop_from - self.before[0] - 1 :]
        if effect.entries and effect.entries[0].index != self.last_index + 1:
            raise Broken(f"a write at {effect.entries[0].index} after {self.last_index}")
        self.entries.extend(effect.entries)

    def holds(self, entry: Entry) -> bool:
        if entry.index <= (self.snapshot.index if self.snapshot else 0):
            return True
        at = entry.index - self.before[0] - 1
        return 0 <= at < len(self.entries) and self.entries[at][:2] == entry[:2]


class Member:
    """One node of the network: its core of this life, its disk, and its state machine."""

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.core: Any = None
        self.disk = Disk()
        self.applied: list[Entry] = []
        self.timers: dict[Timer, float] = {}
        self.clock_s = 0.0
        self.files: dict[SnapshotMeta, bytes] = {}
        self.incoming = b""
        self.receiving: SnapshotMeta | None = None
        self.lives = 0
        self.ready: dict[int, int] = {}
        self.refused: list[Any] = []
        self.accepted: dict[int, tuple[int, int]] = {}


class Network:
    """Cores, links and disks. Every node's clock is its own."""

    def __init__(
        self,
        voters: tuple[int, ...] = (1, 2, 3),
        make: Callable[..., Raft] = Raft,
        settings: Settings = SETTINGS,
        others: tuple[int, ...] = (),
    ) -> None:
        self.configuration = Configuration(voters)
        self.settings, self._make = settings, make
        self.flight: list[tuple[int, int, Message]] = []
        self.members = {each: Member(each) for each in (*voters, *others)}
        self.leaders: dict[int, int] = {}
        self.committed: dict[int, Entry] = {}
        self.request = 0
        self.reads: dict[int, tuple[int, int]] = {}
        """Of each read: the node, and the highest committed index when it was asked."""
        self.cut: tuple[int, ...] = ()
        """Nodes whose messages are lost, both ways."""
        for each in self.members:
            self.restart(each)

    # ----------------------------------------------------------------- actions

    def restart(self, node: int, **damage: bool) -> None:
        """Lose everything that is not durable, and start anew from the disk."""
        member, disk = self.members[node], self.members[node].disk
        member.lives += 1
        disk.waiting.clear()
        member.timers.clear()
        member.ready.clear()
        keep = disk.snapshot.index if disk.snapshot else 0
        member.applied = member.applied[:keep]
        restored = Restored(
            member.lives * 100 + node,
            disk.term,
            disk.vote,
            disk.snapshot,
            tuple(disk.entries),
            disk.before,
            (member.receiving, len(member.incoming)) if member.receiving else None,
            **damage,  # type: ignore[arg-type]
        )
        member.core = self._make(node, self.configuration, self.settings, restored)
        self.step(node, ev.Started())

    def step(self, node: int, event: Event) -> None:
        """Give a node an event and carry out what follows."""
        member = self.members[node]
        for effect in member.core.step(event, member.clock_s):
            self._carry_out(member, effect)
        self.check(member)

    def pass_time(self, node: int, seconds: float) -> None:
        self.members[node].clock_s += seconds

    def fire(self, node: int, timer: Timer | None = None) -> None:
        """Let a node's next timer run out: its clock moves there."""
        member = self.members[node]
        if not member.timers:
            return
        timer = timer or min(member.timers, key=lambda each: (member.timers[each], each))
        if timer in member.timers:
            member.clock_s = max(member.clock_s, member.timers.pop(timer))
            self.step(node, ev.TimerFired(timer))

    def deliver(self, at: int, *, keep: bool = False) -> None:
        """Let one message arrive; `keep` leaves a duplicate on its way."""
        if self.flight:
            at %= len(self.flight)
            sender, to, message = self.flight[at] if keep else self.flight.pop(at)
            if sender not in self.cut and to not in self.cut:
                self.step(to, ev.Received(sender, message))

    def drop(self, at: int) -> None:
        if self.flight:
            self.flight.pop(at % len(self.flight))

    def sync(self, node: int, count: int = 1 << 30) -> None:
        """Make the oldest writes of a node durable, and confirm the last of them."""
        disk = self.members[node].disk
        done, disk.waiting = disk.waiting[:count], disk.waiting[count:]
        for effect in done:
            disk.write(effect)
        if done:
            self.step(node, ev.Persisted(done[-1].token))

    def half_crash(self, node: int, count: int) -> None:
        """The oldest writes reach the disk, nothing is confirmed, and the node starts anew."""
        disk = self.members[node].disk
        for effect in disk.waiting[:count]:
            disk.write(effect)
        self.restart(node)

    def propose(self, node: int, data: bytes = b"") -> int:
        self.request += 1
        self.step(node, ev.Proposed(self.request, data or b"%d" % self.request))
        return self.request

    def read(self, node: int) -> int:
        self.request += 1
        self.reads[self.request] = node, max(self.committed, default=0)
        self.step(node, ev.ReadAsked(self.request))
        return self.request

    def take_snapshot(self, node: int) -> None:
        member = self.members[node]
        index = member.core.applied
        if index <= (member.disk.snapshot.index if member.disk.snapshot else 0):
            return
        term, configuration = member.core.position(index)
        data = b"".join(b"%d:%d;" % entry[:2] for entry in member.applied)
        meta = SnapshotMeta(index, term, configuration, len(data), crc32c(data))
        member.files[meta] = data
        member.disk.snapshot = meta
        self.step(node, ev.SnapshotTaken(meta))

    def settle(self, rounds: int = 60, without: tuple[int, ...] = ()) -> None:
        """Everything works: sync, deliver in order, let timers run in the order of time."""
        for _ in range(rounds):
            for _ in range(200):
                for node in self.members:
                    if node not in without:
                        self.sync(node)
                if not self.flight:
                    break
                sender, to, message = self.flight.pop(0)
                if sender not in without and to not in without:
                    self.step(to, ev.Received(sender, message))
            due = [
                (at - member.clock_s, node, timer)
                for node, member in self.members.items()
                for timer, at in member.timers.items()
                if node not in without
            ]
            wait_s, node, timer = min(due)
            for member in self.members.values():
                member.clock_s += max(0.0, wait_s)
            self.fire(node, timer)

    # ------------------------------------------------------------------ effects

    def _carry_out(self, member: Member, effect: fx.Effect) -> None:
        node = member.node_id
        if isinstance(effect, fx.Persist | fx.InstallSnapshot):
            if isinstance(effect, fx.InstallSnapshot):
                member.files[effect.meta] = member.incoming
                member.receiving = None
            member.disk.waiting.append(effect)
        elif isinstance(effect, fx.Send):
            if effect.to in self.members and len(self.flight) < MAX_FLIGHT:
                self.flight.append((node, effect.to, effect.message))
        elif isinstance(effect, fx.SetTimer):
            share = (node * 7 + member.lives * 3 + member.core.term * 5) % 11 / 11
            after = effect.low_s + (effect.high_s - effect.low_s) * share
            member.timers[effect.timer] = member.clock_s + after
        elif isinstance(effect, fx.StopTimer):
            member.timers.pop(effect.timer, None)
        elif isinstance(effect, fx.Apply):
            self._apply(member, effect)
        elif isinstance(effect, fx.Halt):
            raise Broken(f"node {node} halts: {effect.reason}")
        else:
            self._carry_out_rare(member, effect)

    def _carry_out_rare(self, member: Member, effect: fx.Effect) -> None:
        node = member.node_id
        if isinstance(effect, fx.LoadSnapshot):
            pairs = [each.split(b":") for each in member.files[effect.meta].split(b";")[:-1]]
            member.applied = [Entry(int(index), int(term)) for index, term in pairs]
        elif isinstance(effect, fx.SendChunk):
            data = member.files[effect.meta][effect.offset : effect.offset + effect.max_bytes]
            chunk = SnapshotChunk(effect.term, effect.meta, effect.offset, data)
            self.flight.append((node, effect.to, chunk))
        elif isinstance(effect, fx.StoreChunk):
            member.incoming = member.incoming[: effect.offset] + effect.data
            member.receiving = effect.meta
            self.step(node, ev.ChunkStored(effect.meta, len(member.incoming)))
        elif isinstance(effect, fx.VerifySnapshot):
            if crc32c(member.incoming) == effect.meta.checksum:
                self.step(node, ev.SnapshotVerified(effect.meta))
            else:
                member.incoming = b""
                self.step(node, ev.SnapshotRejected(effect.meta, "checksum"))
        elif isinstance(effect, fx.Compact):
            disk = member.disk
            del disk.entries[: effect.index - disk.before[0]]
            disk.before = (effect.index, effect.term)
        elif isinstance(effect, fx.Accepted):
            member.accepted[effect.request_id] = effect.index, effect.term
        elif isinstance(effect, fx.ReadReady):
            self._serve(member, effect)
        elif isinstance(effect, fx.Refused | fx.ReadRefused | fx.TransferEnded):
            member.refused.append(effect)

    def _serve(self, member: Member, effect: fx.ReadReady) -> None:
        member.ready[effect.request_id] = effect.index
        _, known = self.reads[effect.request_id]
        if member.core.applied < known:
            raise Broken(f"node {member.node_id} serves a stale read: {effect}, {known} was known")

    def _apply(self, member: Member, effect: fx.Apply) -> None:
        for entry in effect.entries:
            if entry.index != len(member.applied) + 1:
                raise Broken(f"node {member.node_id} applies {entry} after {len(member.applied)}")
            if not member.disk.holds(entry):
                raise Broken(f"node {member.node_id} applies what is not durable: {entry}")
            member.applied.append(entry)
            known = self.committed.get(entry.index)
            if known is not None and known[:2] != entry[:2]:
                raise Broken(f"state-machine safety: {known} and {entry}")

    # ----------------------------------------------------------------- promises

    def check(self, member: Member) -> None:
        """After every event of a node: what may have become wrong by it."""
        core = member.core
        if core.role is Role.LEADER:
            other = self.leaders.setdefault(core.term, member.node_id)
            if other != member.node_id:
                raise Broken(f"election safety: {other} and {member.node_id} lead {core.term}")
            self._check_new_commits(member)
            for index, entry in self.committed.items():
                if entry.term < core.term and core.log.term_at(index) not in (None, entry.term):
                    raise Broken(f"leader completeness: {member.node_id} lacks {entry}")
            top = max(self.committed, default=0)
            if top and self.committed[top].term < core.term and core.log.last_index < top:
                raise Broken(f"leader completeness: {member.node_id} ends before {top}")
        self._check_log_matching(member)

    def _check_new_commits(self, member: Member) -> None:
        core = member.core
        for index in range(max(self.committed, default=0) + 1, core.commit + 1):
            entry = core.log.between(index, index)[0]
            self.committed[index] = entry
            configuration = core.configuration
            holders = [n for n in configuration.voters if self.members[n].disk.holds(entry)]
            if len(holders) < configuration.quorum:
                raise Broken(f"durable quorum: {entry} lies only on {holders}")

    def _check_log_matching(self, member: Member) -> None:
        mine = member.core.log
        for other in self.members.values():
            theirs = other.core.log if other.core is not None else mine
            last = min(mine.last_index, theirs.last_index)
            first = max(mine.before_index, theirs.before_index) + 1
            met = False
            for index in range(last, first - 1, -1):
                equal = mine.term_at(index) == theirs.term_at(index)
                if met and not equal:
                    raise Broken(f"log matching: {member.node_id}, {other.node_id} at {index}")
                met = met or equal


def committed_data(network: Network) -> list[bytes]:
    """The commands that were committed, in order."""
    entries = [network.committed[index] for index in sorted(network.committed)]
    return [entry.data for entry in entries if entry.kind is Kind.COMMAND]
