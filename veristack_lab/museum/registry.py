"""The exhibits, one line each, in the order of a walk through the museum."""

from __future__ import annotations

from veristack_lab.errors import InvalidInput
from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.objects import (
    collector_eats_upload,
    content_name_unsynced,
    content_unsynced,
    id_from_clock,
    listing_in_hash_order,
    names_joined,
)
from veristack_lab.museum.store import (
    ack_before_sync,
    batch_in_parts,
    checksum_skipped,
    damage_untold,
    length_trusted,
    lsn_from_zero,
    rename_before_data,
    rename_unsynced,
    segment_header_unsynced,
    segment_name_unsynced,
    snapshot_as_text,
    snapshot_in_place,
    snapshot_shared,
    stale_segment_replayed,
    sync_retried,
    tail_cut_unsynced,
    torn_tail_kept,
    unlink_before_rename,
)

_EXHIBITS: tuple[Exhibit, ...] = (
    torn_tail_kept.EXHIBIT,
    tail_cut_unsynced.EXHIBIT,
    ack_before_sync.EXHIBIT,
    batch_in_parts.EXHIBIT,
    checksum_skipped.EXHIBIT,
    length_trusted.EXHIBIT,
    damage_untold.EXHIBIT,
    sync_retried.EXHIBIT,
    segment_header_unsynced.EXHIBIT,
    segment_name_unsynced.EXHIBIT,
    snapshot_as_text.EXHIBIT,
    snapshot_in_place.EXHIBIT,
    snapshot_shared.EXHIBIT,
    rename_before_data.EXHIBIT,
    rename_unsynced.EXHIBIT,
    unlink_before_rename.EXHIBIT,
    stale_segment_replayed.EXHIBIT,
    lsn_from_zero.EXHIBIT,
    content_unsynced.EXHIBIT,
    content_name_unsynced.EXHIBIT,
    collector_eats_upload.EXHIBIT,
    id_from_clock.EXHIBIT,
    names_joined.EXHIBIT,
    listing_in_hash_order.EXHIBIT,
)


def exhibits() -> tuple[Exhibit, ...]:
    """All exhibits."""
    return _EXHIBITS


def find(name: str) -> Exhibit:
    """The exhibit of a name.

    Raises:
        InvalidInput: there is none.
    """
    for exhibit in _EXHIBITS:
        if exhibit.name == name:
            return exhibit
    names = ", ".join(exhibit.name for exhibit in _EXHIBITS)
    raise InvalidInput(f"the museum has no exhibit {name!r}; it has {names}")
