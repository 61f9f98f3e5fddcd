"""The Raft core, section by section of the paper and the thesis."""

from __future__ import annotations

from typing import Any

import pytest

from tests.raft_network import SETTINGS, Network, Role, committed_data
from veristack_lab.errors import InvalidInput, StoreCorrupt
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft import events as ev
from veristack_lab.veristore.raft import messages as msg
from veristack_lab.veristore.raft.configuration import Change, ChangeKind, Configuration
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Reason
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.events import Restored, Timer
from veristack_lab.veristore.raft.settings import Settings

THREE = Configuration((1, 2, 3))


def core(node: int = 1, configuration: Configuration = THREE, **restored: Any) -> Raft:
    made = Raft(node, configuration, SETTINGS, Restored(life=7, **restored))
    made.step(ev.Started(), 0.0)
    return made


def received(node: Raft, sender: int, message: msg.Message, now_s: float = 0.0) -> list[fx.Effect]:
    return node.step(ev.Received(sender, message), now_s)


def sent(effects: list[fx.Effect]) -> list[msg.Message]:
    return [each.message for each in effects if isinstance(each, fx.Send)]


def persisted(node: Raft, effects: list[fx.Effect]) -> list[fx.Effect]:
    tokens = [each.token for each in effects if isinstance(each, fx.Persist | fx.InstallSnapshot)]
    return node.step(ev.Persisted(tokens[-1]), node.now_s)


def led(voters: tuple[int, ...] = (1, 2, 3), **kwargs: Any) -> tuple[Network, int]:
    network = Network(voters, **kwargs)
    network.settle(8)
    return network, network.leaders[max(network.leaders)]


# ---------------------------------------------------------------- 5.1 terms


def test_a_higher_term_makes_a_follower_and_is_written() -> None:
    node = core(term=3, vote=1)
    effects = received(node, 2, msg.Append(5, 0, 0, (), 0, 1))
    assert (node.term, node.vote, node.leader) == (5, 0, 2)
    (write,) = [each for each in effects if isinstance(each, fx.Persist)]
    assert (write.term, write.vote, write.entries) == (5, 0, ())
    assert sent(effects) == []
    assert [each.term for each in sent(persisted(node, effects))] == [5]


def test_an_old_term_is_refused_with_the_present_one() -> None:
    node = core(term=5)
    (answer,) = sent(received(node, 2, msg.Append(4, 0, 0, (), 0, 1)))
    assert answer.term == 5
    assert isinstance(answer, msg.AppendRefused)
    assert sent(received(node, 2, msg.VoteAsk(4, 9, 4))) == [msg.VoteReply(5, False)]


# ------------------------------------------------------------- 5.2 elections


def test_a_vote_leaves_after_its_write_and_is_given_once() -> None:
    node = core()
    first = received(node, 2, msg.VoteAsk(1, 0, 0))
    assert sent(first) == []
    assert sent(persisted(node, first)) == [msg.VoteReply(1, True)]
    assert sent(received(node, 3, msg.VoteAsk(1, 0, 0))) == [msg.VoteReply(1, False)]
    assert sent(received(node, 2, msg.VoteAsk(1, 0, 0))) == [msg.VoteReply(1, True)]


def test_a_vote_survives_a_restart() -> None:
    node = core(term=4, vote=2)
    assert sent(received(node, 3, msg.VoteAsk(4, 9, 3))) == [msg.VoteReply(4, False)]


@pytest.mark.parametrize(
    ("last_index", "last_term", "granted"),
    [(1, 2, True), (2, 2, True), (1, 3, True), (0, 2, False), (9, 1, False)],
)
def test_votes_are_for_logs_that_are_up_to_date(
    last_index: int, last_term: int, granted: bool
) -> None:
    node = core(term=3, entries=(Entry(1, 2),))
    effects = received(node, 2, msg.VoteAsk(4, last_index, last_term))
    assert sent(persisted(node, effects)) == [msg.VoteReply(4, granted)]


def test_pre_votes_change_nothing() -> None:
    node = core(term=3)
    effects = received(node, 2, msg.PreVoteAsk(4, 0, 0))
    assert effects == [fx.Send(2, msg.PreVoteReply(4, True))]
    assert (node.term, node.vote) == (3, 0)


def test_a_leader_was_heard_lately_so_votes_are_refused() -> None:
    node = core(term=3)
    received(node, 2, msg.Append(3, 0, 0, (), 0, 1), 1.0)
    assert received(node, 3, msg.VoteAsk(9, 9, 9), 1.1) == []
    assert node.term == 3
    assert sent(received(node, 3, msg.PreVoteAsk(4, 9, 9), 1.1)) == [msg.PreVoteReply(3, False)]
    assert received(node, 3, msg.VoteAsk(9, 9, 9, by_transfer=True), 1.1) != []
    assert node.term == 9


def test_an_early_timer_is_set_for_the_rest() -> None:
    node = core(term=3)
    received(node, 2, msg.Append(3, 0, 0, (), 0, 1), 1.0)
    (again,) = node.step(ev.TimerFired(Timer.ELECTION), 1.1)
    assert isinstance(again, fx.SetTimer)
    assert again.low_s == pytest.approx(SETTINGS.election_low_s - 0.1)
    assert again.high_s == pytest.approx(SETTINGS.election_high_s - 0.1)


def test_learners_and_strangers_do_not_campaign() -> None:
    for node in (core(4, Configuration((1, 2, 3), (4,))), core(5)):
        effects = node.step(ev.TimerFired(Timer.ELECTION), 9.0)
        assert sent(effects) == []
        assert node.role is Role.FOLLOWER


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_every_size_elects_and_commits(size: int) -> None:
    network, leader = led(tuple(range(1, size + 1)))
    network.propose(leader, b"a")
    network.settle(6)
    assert committed_data(network) == [b"a"]
    assert {len(each.applied) for each in network.members.values()} == {len(network.committed)}


def test_half_of_four_nodes_is_no_quorum() -> None:
    network, leader = led((1, 2, 3, 4))
    without = tuple(node for node in network.members if node != leader)[:2]
    before = len(network.committed)
    network.propose(leader, b"a")
    network.settle(30, without)
    assert len(network.committed) == before


# ------------------------------------------------------------------ 5.3 the log


def follower_with(*terms: int, **more: Any) -> Raft:
    entries = tuple(Entry(index, term) for index, term in enumerate(terms, 1))
    return core(term=max(terms), entries=entries, **more)


def test_a_refusal_names_the_conflicting_term_and_its_first_index() -> None:
    node = follower_with(1, 2, 2, 2)
    (refusal,) = sent(received(node, 2, msg.Append(2, 4, 1, (), 0, 3)))
    assert refusal == msg.AppendRefused(2, 4, 2, 2, 3)
    (refusal,) = sent(received(node, 2, msg.Append(2, 9, 2, (), 0, 3)))
    assert refusal == msg.AppendRefused(2, 9, 0, 5, 3)


def test_an_old_append_removes_nothing() -> None:
    node = follower_with(1, 1, 1)
    effects = received(node, 2, msg.Append(1, 0, 0, (Entry(1, 1),), 0, 1))
    assert sent(effects) == [msg.AppendReply(1, 1, 3, 1)]
    assert node.log.last_index == 3


def test_a_conflict_removes_what_follows_it() -> None:
    node = follower_with(1, 1, 1)
    effects = received(node, 2, msg.Append(2, 1, 1, (Entry(2, 2),), 0, 1))
    (write,) = [each for each in effects if isinstance(each, fx.Persist)]
    assert (write.drop_from, write.entries, write.term) == (2, (Entry(2, 2),), 2)
    assert node.log.last_index == 2


def test_the_commit_index_goes_as_far_as_the_message_proved() -> None:
    node = follower_with(1, 1, 1)
    received(node, 2, msg.Append(1, 1, 1, (), 3, 1))
    assert (node.commit, node.applied) == (1, 1)
    received(node, 2, msg.Append(1, 1, 1, (Entry(2, 1),), 3, 1))
    assert (node.commit, node.applied) == (2, 2)


def test_a_repeated_append_waits_for_the_first_ones_write() -> None:
    node = core(term=1)
    append = msg.Append(1, 0, 0, (Entry(1, 1),), 0, 1)
    first = received(node, 2, append)
    assert sent(first) == []
    assert received(node, 2, append) == []
    assert len(sent(persisted(node, first))) == 2


def test_what_is_committed_but_not_durable_is_not_applied() -> None:
    node = core(term=1)
    effects = received(node, 2, msg.Append(1, 0, 0, (Entry(1, 1),), 1, 1))
    assert (node.commit, node.applied) == (1, 0)
    assert fx.Apply((Entry(1, 1),)) in persisted(node, effects)


def test_a_leader_that_contradicts_what_is_committed_stops_the_node() -> None:
    node = follower_with(1, 1)
    received(node, 2, msg.Append(1, 2, 1, (), 2, 1))
    effects = received(node, 3, msg.Append(2, 1, 1, (Entry(2, 2),), 0, 1))
    assert not [each for each in effects if isinstance(each, fx.Halt)]
    effects = received(node, 3, msg.Append(2, 2, 2, (Entry(3, 2),), 0, 1))
    assert [each for each in effects if isinstance(each, fx.Halt)]
    assert node.halted


def test_a_late_confirmation_proves_nothing_about_overwritten_entries() -> None:
    node = core(term=1)
    received(node, 2, msg.Append(1, 0, 0, (Entry(1, 1), Entry(2, 1)), 0, 1))
    received(node, 3, msg.Append(2, 0, 0, (Entry(1, 2),), 0, 1))
    node.step(ev.Persisted(1), 0.0)
    assert node.durable == 0
    node.step(ev.Persisted(2), 0.0)
    assert node.durable == 1


# ------------------------------------------------------------- disks and bounds


def test_a_failed_write_stops_the_node_and_it_says_so() -> None:
    network, leader = led()
    node = network.members[leader].core
    (halt,) = node.step(ev.PersistFailed(9, "EIO"), 9.0)
    assert halt == fx.Halt("a durable write failed: EIO")
    assert node.step(ev.Proposed(1, b""), 9.0) == [fx.Refused(1, Reason.HALTED, 0)]
    assert node.step(ev.ReadAsked(1), 9.0) == [fx.ReadRefused(1, Reason.HALTED, 0)]
    assert node.step(ev.TimerFired(Timer.HEARTBEAT), 9.0) == []


def test_a_window_of_appends_is_bounded_and_opens_with_answers() -> None:
    network, leader = led()
    network.flight.clear()
    for _ in range(20):
        network.propose(leader)
    sent_to = [to for source, to, _ in network.flight if source == leader]
    assert max(sent_to.count(node) for node in network.members) == SETTINGS.max_inflight
    network.settle(4)
    assert len(committed_data(network)) == 20


def test_clients_cannot_propose_configurations() -> None:
    network, leader = led()
    with pytest.raises(InvalidInput, match="core makes"):
        network.members[leader].core.step(ev.Proposed(1, b"", Kind.CONFIGURATION), 9.0)


def test_a_clock_that_goes_back_counts_as_standing_still() -> None:
    node = core()
    node.step(ev.TimerFired(Timer.ELECTION), 5.0)
    node.step(ev.TimerFired(Timer.ELECTION), 1.0)
    assert node.now_s == 5.0


# ---------------------------------------------------------------- thesis 4: members


def test_configurations_come_back_from_log_and_snapshot() -> None:
    four = THREE.changed(Change(ChangeKind.ADD_LEARNER, 4))
    entry = Entry(3, 1, Kind.CONFIGURATION, four.encode())
    meta = SnapshotMeta(2, 1, Configuration((1, 2)), 0, 0)
    node = core(term=1, snapshot=meta, before=(2, 1))
    assert node.configuration == Configuration((1, 2))
    node = core(term=1, snapshot=meta, before=(2, 1), entries=(entry,))
    assert node.configuration == four
    received(node, 2, msg.Append(2, 2, 1, (Entry(3, 2),), 2, 1))
    assert node.configuration == Configuration((1, 2))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change(ChangeKind.ADD_LEARNER, 1), "member already"),
        (Change(ChangeKind.ADD_LEARNER, 9), "was removed"),
        (Change(ChangeKind.PROMOTE, 2), "no learner"),
        (Change(ChangeKind.REMOVE, 7), "no member"),
        (Change(ChangeKind.REMOVE, 1), "last voter"),
        (Change(ChangeKind.ADD_LEARNER, 0), "positive"),
    ],
)
def test_a_change_that_does_not_fit_says_why(change: Change, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        Configuration((1,), removed=(9,)).changed(change)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"voters":[],"learners":[],"removed":[]}', b"[1]"])
def test_bytes_that_are_no_configuration_are_damage(data: bytes) -> None:
    with pytest.raises(StoreCorrupt):
        Configuration.decode(data)
    assert Configuration.decode(THREE.encode()) == THREE


def test_a_removed_node_gets_no_answer_to_its_campaigns() -> None:
    node = core(configuration=Configuration((1, 2), removed=(3,)))
    assert received(node, 3, msg.PreVoteAsk(1, 9, 9), 5.0) == []
    assert received(node, 3, msg.VoteAsk(7, 9, 9, by_transfer=True), 5.0) == []
    assert node.term == 0


# ---------------------------------------------------------- thesis 6: reads, snapshots


def test_an_answer_to_an_earlier_life_serves_no_read() -> None:
    node = core(term=1)
    received(node, 2, msg.Append(1, 0, 0, (), 0, 1))
    assert sent(node.step(ev.ReadAsked(1), 0.0)) == [msg.ReadAsk(1, 7, 1)]
    assert received(node, 2, msg.ReadAnswer(1, 6, 1, 0)) == []
    assert node.waiting_reads == 1
    refused = received(node, 2, msg.ReadAnswer(1, 7, 1, 0))
    assert refused == [fx.ReadRefused(1, Reason.LEADER_CHANGED, 2)]


def test_a_snapshot_that_does_not_verify_begins_again() -> None:
    node = core(term=1)
    meta = SnapshotMeta(5, 1, THREE, 4, 99)
    received(node, 2, msg.SnapshotChunk(1, meta, 0, b"abcd"))
    assert node.step(ev.ChunkStored(meta, 4), 0.0) == [fx.VerifySnapshot(meta)]
    (answer,) = sent(node.step(ev.SnapshotRejected(meta, "checksum"), 0.0))
    assert answer == msg.SnapshotReply(1, meta, 0)
    assert node.log.last_index == 0


def test_a_stale_snapshot_is_not_installed() -> None:
    node = follower_with(1, 1, 1)
    meta = SnapshotMeta(2, 1, THREE, 4, 99)
    effects = received(node, 2, msg.SnapshotChunk(1, meta, 0, b"abcd"))
    assert sent(effects) == [msg.AppendReply(1, 2, 3, 0)]
    assert (node.log.last_index, node.commit) == (3, 2)


def test_a_broken_off_transfer_goes_on_where_it_was() -> None:
    meta = SnapshotMeta(5, 1, THREE, 4, 99)
    node = core(term=1, incoming=(meta, 3))
    (answer,) = sent(received(node, 2, msg.SnapshotChunk(1, meta, 0, b"abcd")))
    assert answer == msg.SnapshotReply(1, meta, 3)
    effects = received(node, 2, msg.SnapshotChunk(1, meta, 3, b"d"))
    assert effects == [fx.StoreChunk(meta, 3, b"d")]


# -------------------------------------------------------------------- damage


def test_a_damaged_node_neither_votes_nor_campaigns() -> None:
    node = core(term=1, must_not_vote=True)
    assert sent(received(node, 2, msg.PreVoteAsk(2, 9, 9))) == [msg.PreVoteReply(1, False)]
    effects = received(node, 2, msg.VoteAsk(2, 9, 9))
    assert sent(persisted(node, effects)) == [msg.VoteReply(2, False)]
    assert sent(node.step(ev.TimerFired(Timer.ELECTION), 9.0)) == []


def test_only_this_lifes_repair_ends_the_damage() -> None:
    node = core(term=1, must_not_vote=True)
    assert received(node, 2, msg.Repaired(1, 6)) == []
    assert received(node, 2, msg.Repaired(1, 7)) == [fx.RepairDone()]
    lost = core(term=1, must_not_vote=True, term_lost=True)
    assert received(lost, 2, msg.Repaired(1, 7)) == []
    assert lost.must_not_vote


def test_a_damaged_voter_counts_for_no_quorum() -> None:
    network, leader = led()
    damaged, other = (node for node in network.members if node != leader)
    network.restart(damaged, must_not_vote=True)
    before = len(network.committed)
    network.step(leader, ev.TimerFired(Timer.HEARTBEAT))
    for _ in range(20):
        network.sync(damaged)
        network.flight = [each for each in network.flight if other not in each[:2]]
        network.deliver(0)
    network.propose(leader)
    for _ in range(20):
        network.sync(leader)
        network.sync(damaged)
        network.flight = [each for each in network.flight if other not in each[:2]]
        network.deliver(0)
    assert network.members[damaged].core.log.last_index > before
    assert len(network.committed) == before
    network.settle(10)
    assert not network.members[damaged].core.must_not_vote
    assert len(network.committed) == before + 1


# ------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "changed",
    [
        {"heartbeat_s": 0.0},
        {"election_low_s": 0.01},
        {"election_high_s": 0.1},
        {"drift_bound": 1.0},
        {"max_inflight": 0},
        {"kept_entries": -1},
    ],
)
def test_settings_out_of_bounds_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Raft(1, THREE, Settings()._replace(**changed), Restored(life=1))


def test_nodes_and_lives_are_positive() -> None:
    with pytest.raises(InvalidInput, match="positive"):
        Raft(0, THREE, SETTINGS, Restored(life=1))
    with pytest.raises(InvalidInput, match="positive"):
        Raft(1, THREE, SETTINGS, Restored(life=0))
