"""What a run of a cluster is: how many nodes and clients, how long, and which faults."""

from __future__ import annotations

from typing import NamedTuple

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.swarm import KINDS, Kind, Range
from veristack_lab.veristore.raft.settings import Settings

DISK_KINDS = (
    Kind("slow-disk", "node", parameters=(("sync_s", Range(0.01, 0.4, skewed=True)),)),
    Kind("hung-disk", "node"),
    Kind("full-disk", "node"),
    Kind("sync-error", "node", None),
)
"""Faults of a node's disk, beside what a power cut does to it."""
CLUSTER_KINDS = (*KINDS, *DISK_KINDS)
MOST_S, MOST_FAULTS, LEAST_S = 3600.0, 1000, 0.001
"""A longer run than this says no more than several short ones."""


class Scenario(NamedTuple):
    """The parameters of a run; with a seed they decide everything that happens."""

    nodes: int = 3
    chaos_s: float = 20.0
    """Virtual time during which faults begin."""
    clients: int = 4
    think_s: float = 0.3
    """Mean pause of a client between two operations."""
    keys: int = 4
    faults: float = 14.0
    """How many faults a seed has on average."""
    kinds: tuple[Kind, ...] = CLUSTER_KINDS
    settings: Settings = Settings(kept_entries=8, chunk_bytes=256)
    snapshot_entries: int = 40
    """Applied entries after which a node takes a snapshot; 0: never."""
    calm_timeouts: int = 40
    """Election timeouts within which a connected majority must serve, and after the end of all
    faults every node must have caught up."""

    def checked(self) -> Scenario:
        """This scenario, if it can be run.

        Raises:
            InvalidInput: no node, no client, no key, or a number that cannot be.
        """
        least = min(self.nodes, self.clients, self.keys, self.calm_timeouts)
        if least < 1 or self.nodes > 9:
            raise InvalidInput(
                "a scenario has 1 to 9 nodes, at least one client and key, and calm_timeouts of at "
                f"least 1, not {self.nodes}, {self.clients}, {self.keys} and {self.calm_timeouts}"
            )
        if not (self.chaos_s <= MOST_S and self.faults <= MOST_FAULTS and self.think_s >= LEAST_S):
            raise InvalidInput(
                f"a scenario has at most {MOST_S:,.0f} s and {MOST_FAULTS:,} faults, and clients "
                f"that think for {LEAST_S:g} s at least, not {self.chaos_s:g}, {self.faults:g} and "
                f"{self.think_s:g}"
            )
        if self.chaos_s < 0 or self.faults < 0 or self.snapshot_entries < 0:
            raise InvalidInput("times and counts of a scenario are not negative")
        self.settings.checked()
        return self
