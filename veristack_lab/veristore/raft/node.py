"""The shell around the core: it carries out effects, with a disk, a clock and peers from outside.

    node = Node(open_node(disk, folder, identity), Raft, outside)
    node.start()
    node.receive(cluster_id, sender, message)
    node.propose(1, commands.put(b"key", b"value").within(session, 1))

No thread and no asyncio: every method does its work and returns, in one thread at a time. The same
node runs in a simulator and in a process.

**When durable writes are synced.** Without `sync_later`, at the end of each call. With it, the
node calls `sync_later()` once when something waits for its disk, and the caller calls `flush()`
when the disk is ready: a slow disk, a hanging one that never comes back, or one sync for the
events of many calls. Nothing is answered or sent that depends on what is not synced.

**Bounds**: `MAX_WAITING` requests of clients; `disk_jobs.MAX_JOBS` durable writes; the core's own
(`settings`). A node whose durable write failed stops: it answers what waits with "unknown", and
only a new opening of its folder can go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from veristack_lab.errors import InvalidInput, StoreClosed, StoreError
from veristack_lab.veristore.failures import explain
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft import events as ev
from veristack_lab.veristore.raft.answers import Query
from veristack_lab.veristore.raft.cluster_time import ClusterTime
from veristack_lab.veristore.raft.commands import Command
from veristack_lab.veristore.raft.configuration import Change
from veristack_lab.veristore.raft.disk_jobs import DiskJobs, TakeSnapshot
from veristack_lab.veristore.raft.entries import SnapshotMeta
from veristack_lab.veristore.raft.machine import Machine
from veristack_lab.veristore.raft.messages import Message, SnapshotChunk
from veristack_lab.veristore.raft.opening import Opened
from veristack_lab.veristore.raft.protocols import MakeCore, Outside
from veristack_lab.veristore.raft.requests import Requests
from veristack_lab.veristore.raft.sessions import Limits
from veristack_lab.veristore.raft.settings import Settings
from veristack_lab.veristore.raft.snapshots import Snapshots
from veristack_lab.veristore.raft.status import NodeStatus


class NodeOptions(NamedTuple):
    """How a node runs."""

    settings: Settings = Settings()
    limits: Limits = Limits()
    """Of sessions: the same on every node of a cluster, for ever."""
    snapshot_entries: int = 10_000
    """Applied entries after which the next snapshot is taken; 0: none is ever."""


class Node:
    """One member of a cluster.

    Args:
        opened: its folder; the node closes it.
        make_core: what makes the core: `Raft`, or a class derived from it.
        outside: clock, timers, transport, randomness and clients.
        options: how it runs.
        sync_later: see the module; None: synced at the end of each call.

    Raises:
        SnapshotDamaged: the snapshot was made with other limits.
        InvalidInput: a setting or limit is out of bounds.
    """

    def __init__(
        self,
        opened: Opened,
        make_core: MakeCore,
        outside: Outside,
        options: NodeOptions | None = None,
        *,
        sync_later: Callable[[], None] | None = None,
    ) -> None:
        self.options = options or NodeOptions()
        self.recovered = opened.recovered
        """What opening the folder found."""
        self._lock, self._outside = opened.lock, outside
        limits = self.options.limits.checked()
        self.jobs = DiskJobs(opened.storage, opened.snapshots, limits)
        self.machine = self._restored_machine(limits)
        self._time = ClusterTime()
        self._requests = Requests(outside.clients)
        self._events: deque[ev.Event] = deque()
        self._sync_later, self._sync_asked = sync_later, False
        self._is_busy = self._taking = self._is_closed = False
        self._refused_messages, self._failure = 0, ""
        self._repairing = self.recovered.must_not_vote
        self.core = make_core(
            self.recovered.identity.node_id,
            self.recovered.identity.configuration,
            self.options.settings,
            self._restored(),
        )
        self._carry_out: dict[type, Callable[[Any], None]] = self._table()

    def __repr__(self) -> str:
        status = self.status()
        return f"<Node {status.node_id} {status.role} term={status.term} applied={status.applied}>"

    # --------------------------------------------------------------- driving

    def start(self) -> None:
        """Begin. Once, before anything else."""
        self.handle(ev.Started())

    def receive(self, cluster_id: int, sender: int, message: Message) -> None:
        """A message came. Those of other clusters are counted, and nothing else."""
        if cluster_id != self.recovered.identity.cluster_id:
            self._refused_messages += 1
            return
        self.handle(ev.Received(sender, message))

    def handle(self, event: ev.Event) -> None:
        """Let the core know of an event, and carry out what follows. A stopped node does
        nothing."""
        if self._failure:
            return
        self._events.append(event)
        if not self._is_busy:
            self._run()

    def flush(self) -> None:
        """The disk is ready: make durable what waits, and carry out what follows."""
        self._sync_asked = False
        if not self._failure:
            self._events.extend(self.jobs.flush())
            self._run()

    def close(self) -> None:
        """Stop, and close the folder. Requests that wait are answered "unknown". Safe to repeat."""
        if self._is_closed:
            return
        self._is_closed = True
        self._stop("the node was closed")
        self.jobs.storage.close()
        self.jobs.snapshots.close()
        self._lock.release()

    # --------------------------------------------------------------- clients

    def propose(self, request_id: int, command: Command) -> None:
        """Ask for a command to be executed by the cluster.

        Args:
            request_id: the answer carries it; unique within the node's life.
            command: one of `commands`, within a session if it may not happen twice.

        Raises:
            InvalidInput: the request id is in use.
            StoreClosed: the node has stopped.
        """
        self._check_running()
        if self._requests.admit(request_id):
            reached_ms = self.machine.sessions.time_ms
            time_ms = self._time.stamp(reached_ms, self._outside.clock.monotonic_s())
            self.handle(ev.Proposed(request_id, command._replace(time_ms=time_ms).encode()))

    def read(self, request_id: int, query: Query) -> None:
        """Ask for a linearizable read. Arguments and errors as `propose`."""
        self._check_running()
        if self._requests.admit(request_id, query):
            self.handle(ev.ReadAsked(request_id))

    def change(self, request_id: int, change: Change) -> None:
        """Ask for a change of the configuration. Arguments and errors as `propose`."""
        self._check_running()
        if self._requests.admit(request_id):
            self.handle(ev.ChangeAsked(request_id, change))

    def transfer(self, request_id: int, to: int) -> None:
        """Ask for leadership to be handed to a node. Arguments and errors as `propose`."""
        self._check_running()
        if self._requests.admit_transfer(request_id):
            self.handle(ev.TransferAsked(to))

    def status(self) -> NodeStatus:
        """How the node is now. Cheap; also after it stopped."""
        core, state = self.core, self.jobs.storage.state
        return NodeStatus(
            node_id=self.recovered.identity.node_id,
            role=core.role,
            term=core.term,
            vote=core.vote,
            leader=core.leader,
            configuration=core.configuration,
            first_index=state.first_index,
            last_index=state.last_index,
            durable_index=self.jobs.durable_index,
            commit=core.commit,
            applied=self.machine.applied,
            snapshot_index=state.snapshot.index if state.snapshot is not None else 0,
            waiting=len(self._requests),
            disk_jobs=len(self.jobs),
            refused_messages=self._refused_messages,
            must_not_vote=self._repairing,
            damages=tuple(state.damages),
            failure=self._failure,
        )

    def _check_running(self) -> None:
        if self._failure:
            raise StoreClosed(f"the node has stopped: {self._failure}; open its folder again")

    # -------------------------------------------------------------- carrying

    def _run(self) -> None:
        self._is_busy = True
        try:
            while self._events and not self._failure:
                event = self._events.popleft()
                for effect in self.core.step(event, self._outside.clock.monotonic_s()):
                    self._carry_out[type(effect)](effect)
                if not self._events and len(self.jobs) and self._sync_later is None:
                    self._events.extend(self.jobs.flush())
        finally:
            self._is_busy = False
        if len(self.jobs) and not self._sync_asked and self._sync_later is not None:
            self._sync_asked = True
            self._sync_later()

    def _table(self) -> dict[type, Callable[[Any], None]]:
        timers, transport, requests = self._outside.timers, self._outside.transport, self._requests
        return {
            fx.Persist: self._add_job,
            fx.InstallSnapshot: self._add_job,
            fx.StoreChunk: self._add_job,
            fx.VerifySnapshot: self._add_job,
            fx.Compact: self._add_job,
            fx.RepairDone: self._repair_done,
            fx.LoadSnapshot: self._load,
            fx.SendChunk: self._send_chunk,
            fx.Send: lambda send: transport.send(send.to, send.message),
            fx.SetTimer: self._set_timer,
            fx.StopTimer: lambda stop: timers.stop(stop.timer),
            fx.Apply: self._apply,
            fx.Accepted: requests.accepted,
            fx.Refused: requests.refused,
            fx.ReadReady: lambda ready: requests.read_ready(ready, self.machine),
            fx.ReadRefused: requests.refused,
            fx.TransferEnded: requests.transfer_ended,
            fx.RoleChanged: self._role_changed,
            fx.Halt: lambda halt: self._stop(halt.reason),
        }

    def _add_job(self, job: Any) -> None:
        failed = self.jobs.add(job)
        if failed is not None:
            self._events.append(failed)

    def _repair_done(self, done: fx.RepairDone) -> None:
        self._repairing = False
        self._add_job(done)

    def _set_timer(self, timer: fx.SetTimer) -> None:
        low_s, high_s = timer.low_s, timer.high_s
        after_s = low_s if low_s == high_s else self._outside.random.uniform(low_s, high_s)
        self._outside.timers.set(timer.timer, after_s)

    def _role_changed(self, changed: fx.RoleChanged) -> None:
        self._requests.leader = changed.leader
        if changed.role is fx.Role.LEADER:
            reached_ms = self.machine.sessions.time_ms
            self._time.begin(reached_ms, self._outside.clock.monotonic_s())
        else:
            self._time.end()

    def _apply(self, apply: fx.Apply) -> None:
        for entry in apply.entries:
            self._requests.applied(entry, self.machine.apply(entry))
        snapshot = self.jobs.storage.state.snapshot
        since = self.machine.applied - (snapshot.index if snapshot is not None else 0)
        if 0 < self.options.snapshot_entries <= since and not self._taking:
            self._taking = True
            self._add_job(TakeSnapshot(self._take_snapshot))

    def _take_snapshot(self, snapshots: Snapshots) -> SnapshotMeta | None:
        self._taking = False
        index = self.machine.applied
        try:
            term, configuration = self.core.position(index)
        except InvalidInput:
            return None  # a snapshot from the leader is about to take this state's place
        return snapshots.write(index, term, configuration, self.machine.pieces())

    def _load(self, load: fx.LoadSnapshot) -> None:
        machine = self.jobs.take_loaded(load.meta)
        try:
            self.machine = machine or self._machine_of(load.meta)
        except (StoreError, OSError) as error:
            self._events.append(ev.PersistFailed(0, f"an installed snapshot is gone: {error}"))
            return
        self._requests.passed_over(self.machine.applied)

    def _send_chunk(self, send: fx.SendChunk) -> None:
        try:
            data = self.jobs.snapshots.read(send.meta, send.offset, send.max_bytes)
        except OSError as cause:
            self._events.append(ev.PersistFailed(0, str(explain(cause))))
            return
        if data is None:
            self._events.append(ev.ChunkLost(send.to, send.meta))
            return
        chunk = SnapshotChunk(send.term, send.meta, send.offset, data)
        self._outside.transport.send(send.to, chunk)

    def _stop(self, reason: str) -> None:
        if self._failure:
            return
        self._failure = reason
        self._events.clear()
        self.jobs.forget()
        for timer in ev.Timer:
            self._outside.timers.stop(timer)
        self._requests.stopped(reason)

    # ------------------------------------------------------------- restoring

    def _restored_machine(self, limits: Limits) -> Machine:
        snapshot = self.recovered.snapshot
        return self._machine_of(snapshot, limits) if snapshot is not None else Machine(limits)

    def _machine_of(self, meta: SnapshotMeta, limits: Limits | None = None) -> Machine:
        pieces = self.jobs.snapshots.pieces(meta)
        return Machine.from_pieces(limits or self.machine.limits, meta.index, pieces)

    def _restored(self) -> ev.Restored:
        state, found = self.jobs.storage.state, self.recovered
        return ev.Restored(
            life=1 + self._outside.random.getrandbits(63) % ((1 << 63) - 1),
            term=state.term,
            vote=state.vote,
            snapshot=found.snapshot,
            entries=tuple(state.entries),
            before=state.before,
            incoming=found.incoming,
            must_not_vote=found.must_not_vote,
            term_lost=found.term_lost,
        )
