"""What a client may read, and what a node answers."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from veristack_lab.veristore.raft.commands import Reply


class Outcome(StrEnum):
    """What became of a request."""

    DONE = "done"
    """Committed and applied, or read. For a command see the status of the reply too."""
    REFUSED = "refused"
    """Nothing happened, and nothing will."""
    LOST = "lost"
    """Another leader's entry took its place: it never happened, and never will."""
    UNKNOWN = "unknown"
    """It may have happened, or may still. Ask again within the same session."""


class Query(NamedTuple):
    """What is read: one key, or the pairs with a prefix."""

    key: bytes | None = None
    prefix: bytes = b""
    start: bytes = b""
    limit: int | None = 1000
    """Of pairs."""


class Answer(NamedTuple):
    """The answer to one request."""

    request_id: int
    outcome: Outcome
    reply: Reply | None = None
    """Of a command."""
    value: bytes | None = None
    """Of a read of one key."""
    pairs: tuple[tuple[bytes, bytes], ...] = ()
    """Of a read with a prefix."""
    reason: str = ""
    """Why not, in words."""
    leader: int = 0
    """Who leads, as far as this node knows; 0: not known."""
