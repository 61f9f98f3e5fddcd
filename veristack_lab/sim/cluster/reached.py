"""Rare situations that a sweep has to reach: a promise that was never in danger was not tested.

Each situation is a name and a question about one step of a core. A sweep that is large enough and
misses one is not worth its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft import messages as msg
from veristack_lab.veristore.raft.effects import Effect, Reason, Role
from veristack_lab.veristore.raft.entries import Kind
from veristack_lab.veristore.raft.events import Event, Persisted, PersistFailed, Received

Question = Callable[[Any, Event, list[Effect]], bool]
"""Core, event and effects of a step."""


def _always(*_: Any) -> bool:
    return True


def _write_fails(core: Any, event: Event, effects: list[Effect]) -> bool:  # noqa: ARG001
    return isinstance(event, PersistFailed)


def _hears(kind: type, holds: Callable[[Any, Any], bool] = _always) -> Question:
    def question(core: Any, event: Event, effects: list[Effect]) -> bool:  # noqa: ARG001
        return (
            isinstance(event, Received)
            and isinstance(event.message, kind)
            and holds(core, event.message)
        )

    return question


def _does(kind: type, holds: Callable[[Any], bool] = _always) -> Question:
    def question(core: Any, event: Event, effects: list[Effect]) -> bool:  # noqa: ARG001
        return any(isinstance(effect, kind) and holds(effect) for effect in effects)

    return question


def _says(kind: type, holds: Callable[[Any], bool] = _always) -> Question:
    return _does(fx.Send, lambda send: isinstance(send.message, kind) and holds(send.message))


def _late_persist(core: Any, event: Event, effects: list[Effect]) -> bool:  # noqa: ARG001
    return (
        isinstance(event, Persisted)
        and core.durable < core.log.last_index
        and core.role is not Role.LEADER
    )


def _commits_before_own_disk(core: Any, event: Event, effects: list[Effect]) -> bool:  # noqa: ARG001
    return core.role is Role.LEADER and core.commit > core.durable


def _commits_an_older_term(core: Any, event: Event, effects: list[Effect]) -> bool:  # noqa: ARG001
    return core.role is Role.LEADER and any(
        isinstance(effect, fx.Apply) and any(entry.term < core.term for entry in effect.entries)
        for effect in effects
    )


SITUATIONS: Mapping[str, Question] = {
    "a leader is elected": _does(fx.RoleChanged, lambda e: e.role is Role.LEADER),
    "a pre-vote is refused": _says(msg.PreVoteReply, lambda m: not m.granted),
    "a vote is refused": _says(msg.VoteReply, lambda m: not m.granted),
    "a candidate loses to another": _does(fx.RoleChanged, lambda e: e.role is Role.CANDIDATE),
    "a leader hears of a later term": _hears(
        msg.AppendRefused, lambda core, m: m.term >= core.term and core.role is not Role.LEADER
    ),
    "a leader loses its quorum": _does(fx.RoleChanged, lambda e: e.reason is Reason.QUORUM_LOST),
    "a leader's disk hangs": _does(fx.RoleChanged, lambda e: e.reason is Reason.DISK_HANGS),
    "entries are dropped": _does(fx.Persist, lambda e: e.drop_from > 0),
    "several entries are dropped at once": _does(
        fx.Persist, lambda e: e.drop_from > 0 and len(e.entries) > 1
    ),
    "an append is refused for a gap": _says(msg.AppendRefused, lambda m: m.conflict_term == 0),
    "an append is refused for a conflict": _says(msg.AppendRefused, lambda m: m.conflict_term > 0),
    "a message of an earlier term arrives": _hears(msg.Append, lambda core, m: m.term < core.term),
    "a late vote arrives": _hears(msg.VoteReply, lambda core, m: m.term < core.term),
    "a write is confirmed after newer ones were asked for": _late_persist,
    "a commit comes before the leader's own disk": _commits_before_own_disk,
    "a leader commits an entry of an earlier term": _commits_an_older_term,
    "a durable write fails": _write_fails,
    "a snapshot is sent": _does(fx.SendChunk),
    "a snapshot is installed": _does(fx.InstallSnapshot),
    "a snapshot keeps the log behind it": _does(fx.InstallSnapshot, lambda e: e.keep_log),
    "a snapshot is verified": _does(fx.VerifySnapshot),
    "a stale snapshot arrives": _hears(
        msg.SnapshotChunk, lambda core, m: m.meta.index < core.commit
    ),
    "the log is compacted": _does(fx.Compact),
    "a read is served": _does(fx.ReadReady),
    "a follower asks for a read index": _says(msg.ReadAsk),
    "a read is refused before the first commit": _does(
        fx.ReadRefused, lambda e: e.reason is Reason.NO_COMMIT_YET
    ),
    "a read is refused as the leader changed": _does(
        fx.ReadRefused, lambda e: e.reason is Reason.LEADER_CHANGED
    ),
    "a read times out": _does(fx.ReadRefused, lambda e: e.reason is Reason.TIMED_OUT),
    "a proposal finds no leader": _does(fx.Refused, lambda e: e.reason is Reason.NO_LEADER),
    "a proposal finds a follower": _does(fx.Refused, lambda e: e.reason is Reason.NOT_LEADER),
    "a no-op is committed": _does(
        fx.Apply, lambda e: any(entry.kind is Kind.NOOP for entry in e.entries)
    ),
    "a group of entries is applied": _does(fx.Apply, lambda e: len(e.entries) > 3),
}
"""By name."""


class Reached:
    """Counts the situations of one run; each is asked for until it was reached once."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._open = dict(SITUATIONS)

    def stepped(self, core: Any, event: Event, effects: list[Effect]) -> None:
        """A core took an event."""
        found = [name for name, asks in self._open.items() if asks(core, event, effects)]
        for name in found:
            self.counts[name] += 1
            del self._open[name]
