"""What only a Raft node raises, below `StoreError`: what happened, and what to do."""

from __future__ import annotations

from veristack_lab.errors import StoreError


class WrongNode(StoreError):
    """The folder belongs to another node, or to a node of another cluster. Give each node of each
    cluster a folder of its own."""


class SnapshotDamaged(StoreError):
    """A snapshot of a Raft node does not verify. It was not used: the node asks its peers for
    another one."""


class SessionExpired(StoreError):
    """The cluster no longer knows this client session, so the command was not executed now;
    whether an earlier attempt was is unknown. Open a new session, and look before you repeat the
    command."""


class ReplyForgotten(StoreError):
    """The command was executed or given up before, and its reply is no longer kept, or too many of
    this session's commands are open. It was not executed now. Use the next sequence number."""
