"""The exhibits, one line each, in the order of a walk through the museum."""

from __future__ import annotations

import importlib
from functools import cache

from veristack_lab.errors import InvalidInput
from veristack_lab.museum.exhibit import Exhibit

_WALK = (
    "store.torn_tail_kept",
    "store.tail_cut_unsynced",
    "store.ack_before_sync",
    "store.batch_in_parts",
    "store.checksum_skipped",
    "store.length_trusted",
    "store.damage_untold",
    "store.sync_retried",
    "store.segment_header_unsynced",
    "store.segment_name_unsynced",
    "store.snapshot_as_text",
    "store.snapshot_in_place",
    "store.snapshot_shared",
    "store.rename_before_data",
    "store.rename_unsynced",
    "store.unlink_before_rename",
    "store.stale_segment_replayed",
    "store.lsn_from_zero",
    "objects.content_unsynced",
    "objects.content_name_unsynced",
    "objects.collector_eats_upload",
    "objects.id_from_clock",
    "objects.names_joined",
    "objects.listing_in_hash_order",
    "raft.answer_before_sync",
    "raft.vote_forgotten",
    "raft.log_not_compared",
    "raft.leader_counts_itself",
    "raft.older_term_counted",
    "raft.commit_not_matched",
    "raft.always_truncated",
    "raft.previous_not_compared",
    "raft.late_write_counts",
    "raft.read_without_round",
    "raft.small_majority",
    "raft.campaign_before_sync",
    "raft.applied_before_durable",
)
"""Wing and module of each exhibit."""


@cache
def exhibits() -> tuple[Exhibit, ...]:
    """All exhibits."""
    found = []
    for line in _WALK:
        exhibit = importlib.import_module(f"{__package__}.{line}").EXHIBIT
        assert isinstance(exhibit, Exhibit)
        found.append(exhibit)
    return tuple(found)


def wings() -> tuple[str, ...]:
    """The wings, in the order of the walk."""
    return tuple(dict.fromkeys(exhibit.wing for exhibit in exhibits()))


def find(name: str) -> Exhibit:
    """The exhibit of a name.

    Raises:
        InvalidInput: there is no such exhibit.
    """
    for exhibit in exhibits():
        if exhibit.name == name:
            return exhibit
    names = ", ".join(exhibit.name for exhibit in exhibits())
    raise InvalidInput(f"the museum has no exhibit {name!r}; it has {names}")


def group(name: str) -> tuple[Exhibit, ...]:
    """The exhibits of a wing, or the one exhibit of that name.

    Raises:
        InvalidInput: neither a wing nor an exhibit has that name.
    """
    found = tuple(exhibit for exhibit in exhibits() if name in (exhibit.wing, exhibit.name))
    if not found:
        raise InvalidInput(
            f"the museum has neither a wing nor an exhibit {name!r}; its wings are "
            f"{', '.join(wings())}, and `veristack museum list` lists the exhibits"
        )
    return found
