"""What happened in a cluster, in order: the language in which a run is recorded and judged.

A trace is a list of these values. Every step of a node's core is one of them, with what the core
was told and what it answered, so a trace can be judged without the code that produced it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Effect
from veristack_lab.veristore.raft.events import Event, Restored


class Began(NamedTuple):
    """A node starts a life: its first, or the next one after a crash."""

    at_s: float
    """Time of the world."""
    node: int
    configuration: Configuration
    """The configuration that the cluster began with."""
    restored: Restored
    """What the node's storage found."""


class Stepped(NamedTuple):
    """A node's core took an event."""

    at_s: float
    node: int
    event: Event
    effects: tuple[Effect, ...]


Happened: TypeAlias = Began | Stepped
