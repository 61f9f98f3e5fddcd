"""Zeros behind a log are room: they change nothing of what is recovered, in any mode."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from tests.histories import random_history
from veristack_lab.errors import StoreDamaged
from veristack_lab.veristore.experiments import leave_torn_record
from veristack_lab.veristore.recovery.damage import RecoveryMode
from veristack_lab.veristore.wal.segment import written_end

ZEROS = st.integers(0, 30) | st.integers(0, 20_000)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    names = [path for path in folder.iterdir() if path.name != "LOCK"]
    return {path.name: path.read_bytes() for path in names}


def recovered(folder: Path, mode: str) -> tuple[dict[bytes, bytes], int, int]:
    """Contents, last LSN and torn bytes; the folder is left as recovery left it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", StoreDamaged)
        store = veristore.open(folder, recovery=mode)
    state = dict(store.scan()), store.stats().last_lsn, store.stats().recovery.torn_bytes
    store.close()
    return state


@given(st.integers(0, 1 << 30), ZEROS, st.sampled_from(RecoveryMode))
@example(0, 20_000, RecoveryMode.ABSOLUTE_CONSISTENCY)
def test_a_log_and_zeros_recover_as_the_log(seed: int, zeros: int, mode: str) -> None:
    with quick_folder() as folder:
        plain = random_history(folder / "plain", random.Random(seed))
        roomy = random_history(folder / "roomy", random.Random(seed))
        for segment in roomy.segments:
            segment.write_bytes(segment.read_bytes() + bytes(zeros))
        assert recovered(roomy.folder, mode) == recovered(plain.folder, mode)
        newest = plain.segments[-1].name
        assert folder_bytes(roomy.folder)[newest] == folder_bytes(plain.folder)[newest]


@given(st.integers(0, 1 << 30), st.integers(1, 300), ZEROS)
def test_a_torn_record_is_as_torn_with_zeros_behind_it(seed: int, torn: int, zeros: int) -> None:
    with quick_folder() as folder:
        history = random_history(folder / "store", random.Random(seed))
        told = leave_torn_record(history.folder, torn)
        newest = history.segments[-1]
        newest.write_bytes(newest.read_bytes() + bytes(zeros))
        state, lsn, cut = recovered(history.folder, RecoveryMode.POINT_IN_TIME)
        assert (state, lsn >= len(history.states) - 1) == (history.states[-1], True)
        assert cut == told


@given(st.binary(max_size=100), st.integers(0, 9000), st.integers(0, 50))
def test_the_written_end_is_that_of_stripping(data: bytes, zeros: int, start: int) -> None:
    whole = data + bytes(zeros)
    wanted = max(min(start, len(whole)), len(whole.rstrip(b"\0")))
    assert written_end(whole, min(start, len(whole))) == wanted
