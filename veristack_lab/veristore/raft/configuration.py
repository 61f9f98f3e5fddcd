"""Who belongs to the cluster: voters, learners, and the ids that may never come back.

A configuration is data of a log entry and a field of a snapshot. It is in force on a node from
the moment when the entry is in the node's log, committed or not, and it is taken back when the
entry is truncated (Ongaro 2014, section 4.1).

A change concerns one node, so that the majorities of the old and of the new configuration
overlap (section 4.1). Joint consensus and witnesses are left out: two nodes are replaced by two
changes.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import NamedTuple

from veristack_lab.errors import InvalidInput, StoreCorrupt

MAX_MEMBERS = 64
MAX_REMOVED = 1024
"""A configuration that remembers this many removed ids takes no further removal."""


class ChangeKind(StrEnum):
    """The three changes of a single step."""

    ADD_LEARNER = "add-learner"
    """A new node, under an id that was never used. It receives the log and has no vote."""
    PROMOTE = "promote"
    """A learner that has caught up becomes a voter."""
    REMOVE = "remove"
    """A voter or learner leaves for good: its id is remembered and refused from now on."""


class Change(NamedTuple):
    """One step from a configuration to the next."""

    kind: ChangeKind
    node_id: int


class Configuration(NamedTuple):
    """Members of the cluster. All tuples are in ascending order, and no id is in two of them."""

    voters: tuple[int, ...]
    learners: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    """Ids of nodes that were removed. They get no vote, and no node may join under one of them."""

    @property
    def quorum(self) -> int:
        """How many voters are a majority."""
        return len(self.voters) // 2 + 1

    @property
    def members(self) -> tuple[int, ...]:
        """Voters, then learners."""
        return self.voters + self.learners

    def changed(self, change: Change) -> Configuration:
        """The configuration after one change.

        Raises:
            InvalidInput: the change does not fit this configuration; the message says why.
        """
        kind, node = change
        if kind is ChangeKind.ADD_LEARNER:
            changed = self._joined(node)
        elif kind is ChangeKind.PROMOTE:
            if node not in self.learners:
                raise InvalidInput(f"node {node} is no learner; add it as one first")
            changed = self._replace(
                voters=_with(self.voters, node), learners=_without(self.learners, node)
            )
        else:
            changed = self._left(node)
        return changed.checked()

    def _joined(self, node: int) -> Configuration:
        if node in self.removed:
            raise InvalidInput(f"node {node} was removed; a new node needs an id never used before")
        if node in self.members:
            raise InvalidInput(f"node {node} is a member already")
        return self._replace(learners=_with(self.learners, node))

    def _left(self, node: int) -> Configuration:
        if node not in self.members:
            raise InvalidInput(f"node {node} is no member")
        if self.voters == (node,):
            raise InvalidInput(f"node {node} is the last voter; promote another node first")
        return Configuration(
            _without(self.voters, node), _without(self.learners, node), _with(self.removed, node)
        )

    def checked(self) -> Configuration:
        """This configuration, if it is a valid one.

        Raises:
            InvalidInput: no voter, too many members or removed ids, an id twice or out of order,
                or an id that is no positive int.
        """
        if not self.voters:
            raise InvalidInput("a cluster needs at least one voter")
        if len(self.members) > MAX_MEMBERS:
            raise InvalidInput(f"a cluster has at most {MAX_MEMBERS} members")
        if len(self.removed) > MAX_REMOVED:
            raise InvalidInput(f"a cluster remembers at most {MAX_REMOVED:,} removed nodes")
        every = (*self.members, *self.removed)
        if not all(type(node) is int and node > 0 for node in every):
            raise InvalidInput(f"node ids are positive ints, not {every}")
        if len(set(every)) != len(every):
            raise InvalidInput(f"an id stands twice in {self}")
        for ids in self:
            if ids != tuple(sorted(ids)):
                raise InvalidInput(f"ids stand in ascending order, not {ids}")
        return self

    def encode(self) -> bytes:
        """JSON, the same bytes for the same configuration everywhere."""
        return json.dumps(self._asdict(), separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def decode(cls, data: bytes) -> Configuration:
        """What `encode` wrote.

        Raises:
            StoreCorrupt: the bytes are no valid configuration.
        """
        try:
            fields = json.loads(data)
            return cls(*(tuple(fields[name]) for name in cls._fields)).checked()
        except (ValueError, TypeError, KeyError) as error:
            raise StoreCorrupt(
                f"a configuration entry cannot be read ({error}); restore the node from its peers"
            ) from error


def _with(ids: tuple[int, ...], node: int) -> tuple[int, ...]:
    return tuple(sorted((*ids, node)))


def _without(ids: tuple[int, ...], node: int) -> tuple[int, ...]:
    return tuple(each for each in ids if each != node)
