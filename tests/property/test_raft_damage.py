"""Rot anywhere in a node's log: nothing that was durable is lost without a word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thoroughness import sized
from tests.unit.raft_disk import FOLDER, closed, entry, facts, opened, overwritten
from veristack_lab.errors import NotAStore
from veristack_lab.sim import SimDisk
from veristack_lab.veristore.wal.segment import RAFT_LOG_MAGIC, VERSION

LOG = "log-0000000001"
GROUPS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.binary(max_size=40), st.booleans()),
    min_size=1,
    max_size=8,
)


def looks_newer(data: bytes) -> bool:
    """Whether rot made the header one of a newer format. That is refused: not silent either."""
    return data[:8] == RAFT_LOG_MAGIC and int.from_bytes(data[8:10], "little") > VERSION


@given(
    groups=GROUPS,
    place=st.floats(0, 1, exclude_max=True),
    rot=st.binary(min_size=1, max_size=60),
    close=st.booleans(),
)
@settings(max_examples=sized(80, 5000), deadline=None)
def test_only_the_last_group_can_be_lost_without_a_mark(
    groups: list[tuple[int, int, bytes, bool]], place: float, rot: bytes, close: bool
) -> None:
    disk = SimDisk()
    parts = opened(disk)
    term, index, states = 0, 0, [facts(parts.storage.state)]
    for raise_by, vote, data, drops in groups:
        term += raise_by
        drop_from = index if drops and index else 0
        index = index + 1 - bool(drop_from)
        parts.storage.write(term, vote, [entry(index, term, data)], drop_from)
        parts.storage.sync()
        states.append(facts(parts.storage.state))
    if close:
        closed(parts)
        states.append(states[-1])
    else:
        disk = disk.crash("lost")
    inode = disk.paths()[f"{FOLDER}/{LOG}"]
    whole = bytes(disk.files[inode].cached)
    at = int(place * len(whole))
    rotten = overwritten(disk, LOG, at, rot[: len(whole) - at])
    changed = bytes(rotten.files[inode].cached) != whole

    if looks_newer(bytes(rotten.files[inode].cached)):
        with pytest.raises(NotAStore, match="upgrade the lab"):
            opened(rotten)
        return
    parts = opened(rotten)
    recovered, found = parts.recovered, facts(parts.storage.state)
    if recovered.must_not_vote:
        assert changed
        kept = [state for state in states if found.entries == state.entries[: len(found.entries)]]
        assert kept, "what is kept is the beginning of a log that was there"
        if not recovered.term_lost:
            assert (found.term, found.vote) in {state[:2] for state in states[-2:]}
    elif recovered.cut is None:
        assert found == states[-1], "nothing was said, so nothing is lost"
    else:
        lost = [states[-2], states[-2]._replace(term=states[-1].term, vote=states[-1].vote)]
        shorter = lost[-1]._replace(entries=states[-1].entries[: len(states[-1].entries) - 1])
        assert found in [*lost, shorter, states[-1]], "more than the last group is gone"
    again = opened(rotten.crash("lost"))
    assert facts(again.storage.state) == found
    assert again.recovered.must_not_vote == recovered.must_not_vote
