"""The shell around the core: every effect is carried out, and nothing is answered too early."""

from __future__ import annotations

import pytest

from tests.unit.raft_cores import Bench
from tests.unit.raft_disk import CLUSTER, THREE, entry, made_elsewhere
from veristack_lab.errors import InvalidInput, StoreClosed
from veristack_lab.sim import SimDisk
from veristack_lab.sim.disk.inode import FileState
from veristack_lab.veristore.raft import commands
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft import events as ev
from veristack_lab.veristore.raft import requests as waiting_requests
from veristack_lab.veristore.raft.answers import Outcome, Query
from veristack_lab.veristore.raft.commands import Command, Reply, Status
from veristack_lab.veristore.raft.configuration import Change, ChangeKind
from veristack_lab.veristore.raft.disk_jobs import MAX_JOBS
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.machine import Machine
from veristack_lab.veristore.raft.messages import SnapshotChunk, TimeoutNow
from veristack_lab.veristore.raft.node import NodeOptions
from veristack_lab.veristore.raft.sessions import Limits


def persist(token: int, *entries: Entry, term: int = 1, drop_from: int = 0) -> fx.Persist:
    return fx.Persist(token, term, 0, entries, drop_from)


def put(index: int, key: bytes, value: bytes, term: int = 1) -> Entry:
    return Entry(index, term, Kind.COMMAND, commands.put(key, value).encode())


def stepped(bench: Bench, *effects: fx.Effect) -> None:
    """Let the core give these effects out."""
    bench.core.on(ev.TimerFired, *effects)
    bench.node.handle(ev.TimerFired(ev.Timer.HEARTBEAT))


def applied(bench: Bench, *entries: Entry, token: int = 1) -> None:
    """Let entries be written, synced and applied."""
    stepped(bench, persist(token, *entries))
    stepped(bench, fx.Apply(entries))


# -------------------------------------------------------------------------------- durable writes


def test_a_node_begins_with_what_its_disk_says() -> None:
    bench = Bench()
    stepped(bench, persist(1, entry(1, 1), entry(2, 1), term=3))
    again = bench.after_cut()
    restored = again.core.restored
    assert (restored.term, restored.vote, restored.before) == (3, 0, (0, 0))
    assert [each.index for each in restored.entries] == [1, 2]
    assert restored.snapshot is None
    assert not restored.must_not_vote
    assert 0 < restored.life < 1 << 63
    again.node.start()
    assert again.core.events == [ev.Started()]


def test_messages_of_a_step_leave_before_its_sync_and_persisted_comes_after() -> None:
    bench = Bench()
    begun = bench.disk.done
    stepped(bench, persist(1, entry(1, 1)), fx.Send(2, TimeoutNow(1)))
    assert bench.sent == [(2, TimeoutNow(1))]
    assert bench.done_when_sent == [begun + 1]
    kinds = [each.kind for each in bench.disk.operations[begun:]]
    assert kinds == ["pwrite", "fdatasync"]
    assert bench.core.seen(ev.Persisted) == [ev.Persisted(1)]


def test_a_disk_that_is_ready_later_is_synced_once_for_all_that_waits() -> None:
    asked: list[int] = []
    bench = Bench(sync_later=lambda: asked.append(1))
    stepped(bench, persist(1, entry(1, 1)))
    stepped(bench, persist(2, entry(2, 1)), persist(3, entry(3, 1)))
    assert (asked, bench.core.seen(ev.Persisted)) == ([1], [])
    assert bench.node.status().durable_index == 0
    assert bench.node.status().last_index == 3
    assert bench.after_cut().core.restored.entries == (), "not synced, and not answered"
    before = bench.disk.done
    bench.node.flush()
    assert bench.disk.done == before + 1
    assert bench.core.seen(ev.Persisted) == [ev.Persisted(3)]
    assert bench.node.status().durable_index == 3
    assert len(bench.after_cut().core.restored.entries) == 3
    stepped(bench, persist(4))
    assert asked == [1, 1]


def test_a_write_that_replaces_entries_makes_the_log_less_durable_until_its_sync() -> None:
    bench = Bench(sync_later=lambda: None)
    stepped(bench, persist(1, entry(1, 1), entry(2, 1), entry(3, 1)))
    bench.node.flush()
    stepped(bench, persist(2, entry(2, 2), entry(3, 2), entry(4, 2), term=2, drop_from=2))
    assert bench.node.status().durable_index == 1
    bench.node.flush()
    assert bench.node.status().durable_index == 4


def test_jobs_are_done_in_order_whatever_waits_before_them() -> None:
    asked: list[int] = []
    meta, data = made_elsewhere(9, 5)
    bench = Bench(sync_later=lambda: asked.append(1), options=NodeOptions())
    stepped(
        bench,
        persist(1, entry(1, 1)),
        fx.StoreChunk(meta, 0, data),
        persist(2, entry(2, 1)),
    )
    bench.core.on(ev.ChunkStored, fx.Compact(1, 1))
    bench.node.flush()
    assert [type(each).__name__ for each in bench.core.events[1:]] == [
        "Persisted",
        "ChunkStored",
        "Persisted",
    ]
    assert asked == [1, 1], "the compaction waits for the next time"
    assert bench.node.status().disk_jobs == 1
    bench.node.flush()
    assert bench.node.status().first_index == 2


@pytest.mark.parametrize("kind", ["sync-error", "no-space"])
def test_a_failed_write_stops_the_node_and_is_not_tried_again(kind: str) -> None:
    bench = Bench()
    bench.node.propose(1, commands.put(b"k", b"v"))
    bench.disk.fail(kind, path="log-*", times=None)  # type: ignore[arg-type]
    bench.core.on(ev.PersistFailed, fx.Halt("its disk failed"), fx.Send(2, TimeoutNow(1)))
    bench.timers[ev.Timer.ELECTION] = 1.0
    stepped(bench, persist(1, entry(1, 1)), persist(2, entry(2, 1)))
    (failed,) = bench.core.seen(ev.PersistFailed)
    assert isinstance(failed, ev.PersistFailed)
    assert ("full" in failed.why) == (kind == "no-space")
    assert bench.node.status().failure == "its disk failed"
    assert "has stopped" in bench.node.status().health
    assert bench.answers[1].outcome is Outcome.UNKNOWN
    assert bench.timers == {}
    done, events = bench.disk.done, len(bench.core.events)
    bench.node.handle(ev.TimerFired(ev.Timer.ELECTION))
    bench.node.flush()
    with pytest.raises(StoreClosed, match="open its folder again"):
        bench.node.propose(2, commands.put(b"k", b"v"))
    bench.node.close()
    assert (bench.disk.done, len(bench.core.events)) == (done, events)
    assert bench.after_cut().core.restored.entries == ()


def test_a_disk_that_hangs_for_too_long_counts_as_failed() -> None:
    bench = Bench(SimDisk(history=False), sync_later=lambda: None)
    for token in range(1, MAX_JOBS + 1):
        assert bench.node.jobs.add(persist(token)) is None
    stepped(bench, persist(MAX_JOBS + 1))
    (failed,) = bench.core.seen(ev.PersistFailed)
    assert isinstance(failed, ev.PersistFailed)
    assert failed.token == MAX_JOBS + 1
    assert "has not answered" in failed.why


def test_the_mark_of_damage_goes_when_the_peers_have_repaired_it() -> None:
    bench = Bench()
    stepped(bench, persist(1, entry(1, 1)), persist(2, entry(2, 1)))
    stepped(bench, persist(3, entry(3, 1)))
    disk = bench.disk.after_kill()
    inode = next(i for path, i in disk.paths().items() if "log-" in path)
    content = disk.files[inode].cached
    at = bytes(content).index(entry(1, 1).data)
    disk.files[inode] = FileState.at_rest(content.written(at, b"\xff"))
    again = Bench(disk)
    assert again.core.restored.must_not_vote
    assert "does not vote until its peers have repaired it" in again.node.status().health
    stepped(again, fx.RepairDone())
    assert not again.node.status().must_not_vote
    assert not again.after_cut().core.restored.must_not_vote


# --------------------------------------------------------------------------------------- clients


def test_a_proposal_is_answered_when_its_own_entry_is_applied() -> None:
    bench = Bench()
    for request in (1, 2, 3):
        bench.core.on(ev.Proposed, fx.Accepted(request, request, 1))
        bench.node.propose(request, commands.put(b"k", b"%d" % request))
    assert (bench.answers, bench.node.status().waiting) == ({}, 3)
    stepped(bench, fx.Apply((put(1, b"k", b"1"), put(2, b"k", b"other", term=2))))
    assert bench.answers[1].reply == Reply(Status.DONE, 1)
    assert bench.answers[1].outcome is Outcome.DONE
    assert bench.answers[2].outcome is Outcome.LOST
    assert 3 not in bench.answers
    bench.core.on(ev.Proposed, fx.Refused(4, fx.Reason.NOT_LEADER, 2))
    bench.node.propose(4, commands.put(b"k", b"4"))
    assert (bench.answers[4].outcome, bench.answers[4].leader) == (Outcome.REFUSED, 2)
    assert bench.answers[4].reason == "not the leader"
    bench.node.close()
    assert bench.answers[3].outcome is Outcome.UNKNOWN


def test_an_entry_that_was_replaced_under_the_same_index_is_unknown_to_its_client() -> None:
    bench = Bench()
    bench.core.on(ev.Proposed, fx.Accepted(1, 5, 1))
    bench.node.propose(1, commands.put(b"k", b"1"))
    bench.core.on(ev.Proposed, fx.Accepted(2, 5, 3))
    bench.node.propose(2, commands.put(b"k", b"2"))
    assert bench.answers[1].outcome is Outcome.UNKNOWN
    assert 2 not in bench.answers


def test_a_read_sees_what_was_applied_when_it_is_ready() -> None:
    bench = Bench()
    applied(bench, put(1, b"a", b"1"), put(2, b"ab", b"2"), put(3, b"b", b"3"))
    bench.node.read(1, Query(b"a"))
    bench.node.read(2, Query(prefix=b"a"))
    bench.node.read(3, Query(b"none"))
    stepped(bench, fx.ReadReady(1, 3), fx.ReadReady(2, 3), fx.ReadReady(9, 3))
    stepped(bench, fx.ReadRefused(3, fx.Reason.QUORUM_LOST, 0))
    assert bench.answers[1].value == b"1"
    assert bench.answers[2].pairs == ((b"a", b"1"), (b"ab", b"2"))
    assert bench.answers[3].outcome is Outcome.REFUSED
    assert set(bench.answers) == {1, 2, 3}


def test_changes_and_transfers_are_requests_too() -> None:
    bench = Bench()
    change = Change(ChangeKind.ADD_LEARNER, 4)
    bench.core.on(ev.ChangeAsked, fx.Accepted(1, 1, 1))
    bench.node.change(1, change)
    bench.core.on(ev.ChangeAsked, fx.Refused(2, fx.Reason.CHANGE_INVALID, 1, "no member"))
    bench.node.change(2, change)
    bench.node.transfer(3, 2)
    bench.node.transfer(4, 3)
    stepped(bench, fx.Apply((Entry(1, 1, Kind.CONFIGURATION, THREE.encode()),)))
    assert bench.answers[1].outcome is Outcome.DONE
    assert bench.answers[2].reason == "the change does not fit the configuration: no member"
    assert bench.answers[4].outcome is Outcome.REFUSED
    stepped(bench, fx.TransferEnded(2, True, None), fx.TransferEnded(2, True, None))
    assert bench.answers[3].outcome is Outcome.DONE


def test_requests_have_a_bound_and_ids_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr(waiting_requests, "MAX_WAITING", 3)
    for request in (1, 2):
        bench.node.read(request, Query(b"k"))
    bench.node.propose(3, commands.put(b"k", b"v"))
    for again in (1, 3):
        with pytest.raises(InvalidInput, match="still waits"):
            bench.node.read(again, Query(b"k"))
    bench.node.read(4, Query(b"k"))
    assert bench.answers[4].reason == "3 requests wait already"
    assert len(bench.core.seen(ev.ReadAsked)) == 2


def test_a_leader_stamps_commands_with_the_time_of_the_cluster() -> None:
    bench = Bench()
    stamped = commands.put(b"k", b"v")._replace(time_ms=5000)
    applied(bench, Entry(1, 1, Kind.COMMAND, stamped.encode()))
    bench.clock.advance(77)
    stepped(bench, fx.RoleChanged(fx.Role.LEADER, 2, 1))
    bench.clock.advance(1.5)
    bench.node.propose(1, commands.put(b"k", b"w")._replace(time_ms=1 << 60))
    stepped(bench, fx.RoleChanged(fx.Role.FOLLOWER, 3, 2))
    bench.clock.advance(1)
    bench.node.propose(2, commands.put(b"k", b"w"))
    times = [
        Command.decode(event.data).time_ms
        for event in bench.core.seen(ev.Proposed)
        if isinstance(event, ev.Proposed)
    ]
    assert times == [6500, 5000]


# ------------------------------------------------------------------------------------- snapshots


def test_a_snapshot_is_taken_after_enough_entries_and_a_restart_begins_with_it() -> None:
    bench = Bench(options=NodeOptions(snapshot_entries=3))
    applied(bench, put(1, b"a", b"1"), put(2, b"b", b"2"))
    assert bench.core.seen(ev.SnapshotTaken) == []
    bench.core.on(ev.SnapshotTaken, fx.Compact(2, 1))
    applied(bench, put(3, b"a", b"3"), token=2)
    (taken,) = bench.core.seen(ev.SnapshotTaken)
    assert isinstance(taken, ev.SnapshotTaken)
    assert taken.meta[:3] == (3, 1, THREE)
    assert bench.node.status().snapshot_index == 3
    again = bench.after_cut()
    assert again.core.restored.snapshot == taken.meta
    assert (again.core.restored.before, len(again.core.restored.entries)) == ((2, 1), 1)
    assert again.node.machine.state_hash() == bench.node.machine.state_hash()
    assert again.node.machine.scan() == [(b"a", b"3"), (b"b", b"2")]


def test_the_newest_two_snapshots_are_kept_for_those_who_are_being_sent_one() -> None:
    bench = Bench(options=NodeOptions(snapshot_entries=1))
    for index in (1, 2, 3):
        applied(bench, put(index, b"k", b"%d" % index), token=index)
    metas = [taken.meta for taken in bench.core.seen(ev.SnapshotTaken)]  # type: ignore[attr-defined]
    stepped(bench, *(fx.SendChunk(2, 1, meta, 10, 50) for meta in metas))
    (lost,) = bench.core.seen(ev.ChunkLost)
    assert lost == ev.ChunkLost(2, metas[0])
    chunks = [message for _, message in bench.sent]
    assert [chunk.meta.index for chunk in chunks if isinstance(chunk, SnapshotChunk)] == [2, 3]
    assert all(isinstance(chunk, SnapshotChunk) and len(chunk.data) == 50 for chunk in chunks)
    stepped(bench, fx.SendChunk(2, 1, metas[2], metas[2].size_bytes, 50))
    last = bench.sent[-1][1]
    assert isinstance(last, SnapshotChunk)
    assert last.data == b""


def of_a_peer(limits: Limits | None = None) -> tuple[SnapshotMeta, bytes, Machine]:
    bench = Bench(options=NodeOptions(limits=limits or Limits(), snapshot_entries=5))
    applied(bench, *(put(index, b"%d" % index, b"x" * 100) for index in range(1, 6)))
    (taken,) = bench.core.seen(ev.SnapshotTaken)
    assert isinstance(taken, ev.SnapshotTaken)
    data = bench.node.jobs.snapshots.read(taken.meta, 0, 1 << 20)
    assert data is not None
    return taken.meta, data, bench.node.machine


def received(bench: Bench, meta: SnapshotMeta, data: bytes) -> None:
    for offset in range(0, len(data), 200):
        stepped(bench, fx.StoreChunk(meta, offset, data[offset : offset + 200]))


def test_a_snapshot_is_received_verified_installed_and_loaded() -> None:
    meta, data, theirs = of_a_peer()
    bench = Bench()
    bench.core.on(ev.Proposed, fx.Accepted(1, 4, 1))
    bench.node.propose(1, commands.put(b"k", b"v"))
    received(bench, meta, data)
    stored = [event.stored_bytes for event in bench.core.seen(ev.ChunkStored)]  # type: ignore[attr-defined]
    assert stored == [*range(200, len(data), 200), len(data)]
    assert bench.after_cut().core.restored.snapshot is None, "it does not count yet"
    stepped(bench, fx.VerifySnapshot(meta))
    assert bench.core.seen(ev.SnapshotVerified) == [ev.SnapshotVerified(meta)]
    assert bench.after_cut().core.restored.snapshot is None, "not before it is installed"
    stepped(bench, fx.InstallSnapshot(1, 4, 2, meta, False))
    assert bench.core.seen(ev.Persisted) == [ev.Persisted(1)]
    again = bench.after_cut()
    assert (again.core.restored.snapshot, again.core.restored.term) == (meta, 4)
    assert again.node.machine.state_hash() == theirs.state_hash()
    stepped(bench, fx.LoadSnapshot(meta))
    assert bench.node.machine.state_hash() == theirs.state_hash()
    assert bench.answers[1].outcome is Outcome.UNKNOWN
    assert bench.node.status()[6:12] == (6, 5, 5, 0, 5, 5)


def test_a_verified_snapshot_outlives_one_that_is_taken_before_it_is_installed() -> None:
    meta, data, theirs = of_a_peer()
    bench = Bench(options=NodeOptions(snapshot_entries=1))
    received(bench, meta, data)
    stepped(bench, fx.VerifySnapshot(meta))
    applied(bench, put(1, b"own", b"1"))
    assert len(bench.core.seen(ev.SnapshotTaken)) == 1
    stepped(bench, fx.InstallSnapshot(2, 4, 2, meta, False), fx.LoadSnapshot(meta))
    assert bench.node.machine.state_hash() == theirs.state_hash()
    assert bench.after_cut().core.restored.snapshot == meta


def test_no_snapshot_is_taken_of_a_state_that_another_is_about_to_replace() -> None:
    bench = Bench(options=NodeOptions(snapshot_entries=1), sync_later=lambda: None)
    stepped(bench, persist(1, put(1, b"k", b"v")))
    stepped(bench, fx.Apply((put(1, b"k", b"v"),)))
    bench.core.held = False
    bench.node.flush()
    assert bench.core.seen(ev.SnapshotTaken) == []
    bench.core.held = True
    stepped(bench, persist(2, put(2, b"k", b"v")), fx.Apply((put(2, b"k", b"v"),)))
    bench.node.flush()
    assert len(bench.core.seen(ev.SnapshotTaken)) == 1


def test_a_snapshot_that_does_not_verify_is_rejected_and_asked_for_again() -> None:
    meta, data, _ = of_a_peer()
    bench = Bench()
    received(bench, meta, data[:-1] + bytes([data[-1] ^ 1]))
    stepped(bench, fx.VerifySnapshot(meta))
    (rejected,) = bench.core.seen(ev.SnapshotRejected)
    assert isinstance(rejected, ev.SnapshotRejected)
    assert "checksum" in rejected.why
    assert [
        name for name in bench.disk.listdir(bench.node.jobs.storage._folder) if "-" in name
    ] == ["log-0000000001"]
    stepped(bench, fx.StoreChunk(meta, 100, data[100:]))
    assert bench.core.seen(ev.ChunkStored)[-1] == ev.ChunkStored(meta, 0)
    received(bench, meta, data)
    stepped(bench, fx.VerifySnapshot(meta))
    assert bench.core.seen(ev.SnapshotVerified) == [ev.SnapshotVerified(meta)]
    assert not bench.node.status().failure


def test_a_snapshot_of_a_node_with_other_limits_is_rejected() -> None:
    meta, data, _ = of_a_peer(Limits(max_replies=3))
    bench = Bench()
    received(bench, meta, data)
    stepped(bench, fx.VerifySnapshot(meta))
    (rejected,) = bench.core.seen(ev.SnapshotRejected)
    assert isinstance(rejected, ev.SnapshotRejected)
    assert "give every node the same limits" in rejected.why
    assert bench.after_cut().core.restored.snapshot is None


def test_a_chunk_beyond_the_end_is_rejected() -> None:
    meta, data, _ = of_a_peer()
    bench = Bench()
    stepped(bench, fx.StoreChunk(meta, 0, data + b"more"))
    assert len(bench.core.seen(ev.SnapshotRejected)) == 1


def test_a_full_disk_during_a_snapshot_stops_the_node_and_loses_nothing() -> None:
    bench = Bench(options=NodeOptions(snapshot_entries=2))
    bench.disk.fail("no-space", path="raft-snapshot-*")
    bench.core.on(ev.PersistFailed, fx.Halt("full"))
    applied(bench, put(1, b"a", b"1"), put(2, b"b", b"2"))
    assert bench.node.status().failure == "full"
    again = bench.after_cut(options=NodeOptions(snapshot_entries=2))
    assert len(again.core.restored.entries) == 2
    stepped(again, fx.Apply(again.core.restored.entries))
    assert again.node.machine.scan() == [(b"a", b"1"), (b"b", b"2")]


# --------------------------------------------------------------------------------------- outside


def test_messages_of_another_cluster_do_not_reach_the_core() -> None:
    bench = Bench()
    bench.node.receive(CLUSTER + 1, 2, TimeoutNow(9))
    assert bench.core.events == []
    assert bench.node.status().refused_messages == 1
    bench.node.receive(CLUSTER, 2, TimeoutNow(9))
    assert bench.core.events == [ev.Received(2, TimeoutNow(9))]


def test_timers_are_drawn_from_their_range_and_stopped() -> None:
    bench = Bench()
    drawn = set()
    for _ in range(20):
        stepped(bench, fx.SetTimer(ev.Timer.ELECTION, 1.0, 2.0))
        drawn.add(bench.timers[ev.Timer.ELECTION])
    assert len(drawn) == 20
    assert all(1.0 <= each <= 2.0 for each in drawn)
    stepped(bench, fx.SetTimer(ev.Timer.HEARTBEAT, 0.5, 0.5), fx.StopTimer(ev.Timer.ELECTION))
    assert bench.timers == {ev.Timer.HEARTBEAT: 0.5}


def test_the_status_says_who_leads() -> None:
    bench = Bench()
    assert bench.node.status().health == "node 1 knows no leader"
    bench.core.leader, bench.core.term = 2, 7
    assert bench.node.status().health == "node 1 is well; node 2 leads in term 7"
    assert repr(bench.node) == "<Node 1 follower term=7 applied=0>"


def test_a_closed_node_gives_its_folder_back() -> None:
    bench = Bench()
    stepped(bench, persist(1, entry(1, 1)))
    bench.node.close()
    bench.node.close()
    again = Bench(bench.disk)
    assert len(again.core.restored.entries) == 1
    assert again.node.recovered.cut is None
