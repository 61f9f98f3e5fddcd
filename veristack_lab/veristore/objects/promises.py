"""What the object store promises, judged from frames and answers: for notebooks and tests alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    import pandas as pd

LAYER = "objects"


def all_old_or_all_new(frame: pd.DataFrame) -> Claim:
    """From `experiments.commit_point`: what a reader finds after any power cut."""
    legal = int(frame["is_legal"].sum())
    found = ", ".join(f"{count} {what}" for what, count in frame["found"].value_counts().items())
    return Claim(
        LAYER,
        f"An {frame.attrs['act']} is there as a whole or not at all"
        if frame.attrs["act"].startswith("o")
        else f"A {frame.attrs['act']} is there as a whole or not at all",
        f"the power cut before each of {int(frame['done'].max())} disk operations",
        f"{legal} of {len(frame)} cuts legal: {found}",
        legal == len(frame) > 0,
    )


def upload_in_flight_is_spared(removed: int, size_bytes: int, wanted_bytes: int) -> Claim:
    """From `experiments.interrupted_put`: the collector runs between any two pieces."""
    return Claim(
        LAYER,
        "The collector takes no file of an upload that is under way",
        "a collection between any two pieces of a put",
        f"{removed} files removed; {size_bytes:,} of {wanted_bytes:,} bytes there",
        removed == 0 and size_bytes == wanted_bytes > 0,
    )


def collector_may_be_cut(frame: pd.DataFrame) -> Claim:
    """From `experiments.collector_cuts`: sweeping twice is as good as once."""
    legal, left = int(frame["is_legal"].sum()), int(frame["files_after"].max())
    return Claim(
        LAYER,
        "The collector may be cut anywhere, and nothing is left over in the end",
        f"a second power cut before each of its {len(frame)} operations",
        f"{legal} of {len(frame)} legal; {left} file left after the last opening",
        legal == len(frame) > 0 and left == 1,
    )


def reader_keeps_its_version(read_bytes: int, size_bytes: int, files: tuple[int, int]) -> Claim:
    """From a reader that began before an overwrite.

    Args:
        read_bytes: what it got in all.
        size_bytes: length of the version that it began with.
        files: content files while it read, and after it was done.
    """
    return Claim(
        LAYER,
        "A reader keeps its version, and the old file goes when it is done",
        "an overwrite in the middle of a read",
        f"{read_bytes:,} of {size_bytes:,} bytes read; {files[0]} content files, then {files[1]}",
        read_bytes == size_bytes and files[1] == files[0] - 1,
    )


def damage_is_located(refusal: str, chunk: int, sound: bytes, wanted: bytes) -> Claim:
    """From an object with one flipped bit: the damaged chunk is named, the others are served."""
    return Claim(
        LAYER,
        "A damaged chunk is refused by its number, and the others are served",
        "one bit flipped in a content file",
        f"{refusal or 'not refused'}; {len(sound)} bytes of another chunk read",
        f"chunk {chunk} " in refusal and sound == wanted,
    )


def one_creator_wins(race: pd.DataFrame) -> Claim:
    """From `experiments.creation_race`: the condition decides at the commit."""
    fair = race[race["way"] == "If-None-Match: *"]
    naive = race[race["way"] != "If-None-Match: *"]
    winners = fair["told_ok"].value_counts().to_dict()
    return Claim(
        LAYER,
        "Of many that create one object, exactly one is told OK",
        f"writers at once, {len(fair)} rounds, If-None-Match: *",
        f"one winner in {winners.get(1, 0)} of {len(fair)} rounds; with a look before the put "
        f"up to {int(naive['told_ok'].max())} were told OK",
        winners == {1: len(fair)},
    )


def upload_appears_at_once(frame: pd.DataFrame, *, was_visible: bool, is_same: bool) -> Claim:
    """From an upload in parts, completed twice, and cut before each of its operations.

    Args:
        frame: as `experiments.commit_point` gives it for "overwrite in parts".
        was_visible: whether it was listed before it was completed.
        is_same: whether completing it again gave the same object.
    """
    legal = int(frame["is_legal"].sum())
    return Claim(
        LAYER,
        "An upload in parts appears at once, and may be completed twice",
        "the power cut before each disk operation; a second completion",
        f"{legal} of {len(frame)} cuts legal; visible before: {was_visible}; the same object: "
        f"{is_same}",
        legal == len(frame) > 0 and is_same and not was_visible,
    )


def pages_show_each_once(seen: Sequence[str], pages: int, wanted: int) -> Claim:
    """From a listing that was read page by page."""
    return Claim(
        LAYER,
        "A listing shows each entry once",
        f"{wanted} entries on pages of 10",
        f"{len(seen)} entries on {counted(pages, 'page')}, {len(set(seen))} of them different",
        len(set(seen)) == len(seen) == wanted,
    )


def outsider_is_served(who: str, got: bytes, wanted: bytes, keys: Sequence[str], key: str) -> Claim:
    """From a client of another project, over HTTP."""
    return Claim(
        LAYER,
        "A client that knows only S3 is served",
        "a put, a range and a listing over HTTP",
        f"{who} read {got!r} and found {counted(len(keys), 'key')}",
        got == wanted and key in keys,
    )


def restart_changes_nothing(
    before: Mapping[str, str], after: Mapping[str, str], unreadable: Sequence[str]
) -> Claim:
    """From the SHA-256 of each object before and after the store was opened again."""
    same = sum(after.get(key) == digest for key, digest in before.items())
    return Claim(
        LAYER,
        "What was put is there after a restart",
        "the store closed and opened again, every object read",
        f"{same} of {len(before)} objects as before, {len(unreadable)} unreadable",
        before == after and not unreadable and len(before) > 0,
    )
