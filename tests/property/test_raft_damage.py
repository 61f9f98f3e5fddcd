"""Rot anywhere in a node's log: nothing that was durable is lost without a word."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thoroughness import sized
from tests.unit.raft_disk import FOLDER, Facts, closed, entry, facts, opened, overwritten
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


def partly(states: list[Facts]) -> list[Facts]:
    """The states of a log that ends within a group: its term, its drop and its entry in order."""
    legal = [states[0]]
    for before, after in pairwise(states):
        termed = before._replace(term=after.term, vote=after.vote)
        dropped = termed._replace(entries=after.entries[: len(after.entries) - 1])
        legal += [termed, dropped, after]
    return legal


@given(
    groups=GROUPS,
    place=st.floats(0, 1, exclude_max=True),
    rot=st.binary(min_size=1, max_size=60),
    close=st.booleans(),
)
@settings(max_examples=sized(150, 5000), deadline=None)
def test_only_what_rot_takes_together_with_the_end_can_be_lost_without_a_mark(
    groups: list[tuple[int, int, bytes, bool]], place: float, rot: bytes, close: bool
) -> None:
    disk = SimDisk()
    parts = opened(disk)
    term, index, states = 0, 0, [facts(parts.storage.state)]
    ends = [parts.storage.log_bytes]
    for raise_by, vote, data, drops in groups:
        term += raise_by
        drop_from = index if drops and index else 0
        index = index + 1 - bool(drop_from)
        parts.storage.write(term, vote, [entry(index, term, data)], drop_from)
        parts.storage.sync()
        states.append(facts(parts.storage.state))
        ends.append(parts.storage.log_bytes)
    if close:
        closed(parts)
        states.append(states[-1])
        ends.append(parts.storage.log_bytes)
    else:
        disk = disk.crash("lost")
    inode = disk.paths()[f"{FOLDER}/{LOG}"]
    whole = bytes(disk.files[inode].cached)
    at = int(place * len(whole))
    rotten = overwritten(disk, LOG, at, rot[: len(whole) - at])
    changed = bytes(rotten.files[inode].cached) != whole

    try:
        parts = opened(rotten)
    except NotAStore:
        assert looks_newer(bytes(rotten.files[inode].cached))
        return
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
        reached = next(n for n, end in enumerate(ends) if at < end)
        assert at + len(rot) > ends[-2], "rot that does not reach the last group is damage"
        assert found in partly(states[max(0, reached - 1) : reached + 1]), (
            "more is gone than what the rot took"
        )
    again = opened(rotten.crash("lost"))
    assert facts(again.storage.state) == found
    assert again.recovered.must_not_vote == recovered.must_not_vote
