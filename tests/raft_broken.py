"""Cores with one rule removed each: those of the museum, and three that no sweep finds out yet."""

from __future__ import annotations

from veristack_lab import museum
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Reason


class ReadsBeforeItsCommit(Raft):
    """A read index before the leader's own commit (etcd 7331)."""

    def read_may_be_served(self) -> bool:
        return True


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


def engine_of(name: str) -> type[Raft]:
    """The core of an exhibit of the wing `raft`."""
    trial = museum.find(name).trial
    assert isinstance(trial, Clusters)
    return trial.engine


BROKEN = {exhibit.name: engine_of(exhibit.name) for exhibit in museum.group("raft")} | {
    "read-before-own-commit": ReadsBeforeItsCommit,
    "change-before-own-commit": ChangesBeforeItsCommit,
    "several-changes-at-once": ChangesSeveralAtOnce,
}
"""By name."""
