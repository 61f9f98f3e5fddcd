"""Whatever is done to the bytes of a store, no mode invents, and the report foretells."""

from __future__ import annotations

import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from tests.histories import History, State, random_history
from veristack_lab.errors import NotAStore, StoreDamaged, StoreError
from veristack_lab.veristore import Recovery
from veristack_lab.veristore.recovery.damage import Damage, RecoveryMode

SKIP, POINT = RecoveryMode.SKIP_ANY_CORRUPTED, RecoveryMode.POINT_IN_TIME


class Harm(NamedTuple):
    """One thing that happens to the files of a store."""

    kind: str
    file: int
    other: int
    at: int
    size: int
    fill: bytes


HARMS = st.builds(
    Harm,
    st.sampled_from(["flip", "cut", "overwrite", "insert", "remove", "zero", "swap", "lose"]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 5000),
    st.integers(1, 80),
    st.binary(min_size=1, max_size=80),
)


def inflict(folder: Path, harm: Harm) -> None:
    files = sorted(folder.iterdir())
    path, other = files[harm.file % len(files)], files[harm.other % len(files)]
    data = bytearray(path.read_bytes())
    at = harm.at % max(len(data), 1)  # an earlier harm may have cut it to nothing
    end = min(len(data), at + harm.size)
    if harm.kind == "swap":
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
        return
    if harm.kind == "lose":
        path.unlink()
        return
    if harm.kind == "flip":
        data[at] ^= 1 << harm.size % 8
    elif harm.kind == "cut":
        del data[at:]
    elif harm.kind == "overwrite":
        data[at : at + len(harm.fill)] = harm.fill
    elif harm.kind == "insert":
        data[at:at] = harm.fill
    elif harm.kind == "remove":
        del data[at:end]
    elif harm.kind == "zero":
        data[at:end] = bytes(end - at)
    path.write_bytes(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class Opened(NamedTuple):
    values: State
    last_lsn: int
    recovery: Recovery
    warned: bool


def open_once(folder: Path, mode: str) -> Opened:
    """Open, look, write one record more, and close."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", StoreDamaged)
        store = veristore.open(folder, recovery=mode)
    with store:
        stats = store.stats()
        opened = Opened(dict(store.scan()), stats.last_lsn, stats.recovery, bool(caught))
        assert store.put(b"one more", b"") == stats.last_lsn + 1
    return opened


def try_to_open(folder: Path, mode: str) -> tuple[Opened | None, str]:
    """As `open_once`; else why it was refused. Nothing but a `StoreError` may come."""
    try:
        return open_once(folder, mode), ""
    except StoreError as error:
        return None, str(error)


@given(st.integers(0, 1000), st.lists(HARMS, min_size=1, max_size=2))
def test_no_mode_invents_and_the_report_foretells(seed: int, harms: list[Harm]) -> None:
    with quick_folder() as quick:
        history = random_history(quick / "store", random.Random(seed))
        for harm in harms:
            if list(history.folder.iterdir()):
                inflict(history.folder, harm)
        before = contents(history.folder)
        try:
            report = veristore.recover_report(history.folder)
        except NotAStore:
            report = None
        assert contents(history.folder) == before, "a report changes nothing"
        for mode in RecoveryMode:
            place = Path(shutil.copytree(history.folder, quick / mode))
            opened, refusal = try_to_open(place, mode)
            if opened is None:
                found = {name: data for name, data in contents(place).items() if name != "LOCK"}
                assert found == before, "who refuses has touched nothing"
            if report is None:
                assert not before or refusal, "an empty folder becomes a store, no other does"
                continue
            told = report[mode]
            assert told.refusal == refusal.replace(str(place), str(history.folder))
            if opened is None:
                continue
            assert (told.keys, told.last_lsn) == (len(opened.values), opened.last_lsn)
            assert told.torn_bytes == opened.recovery.torn_bytes
            assert told.damage == opened.recovery.damage
            assert opened.warned == bool(told.damage)
            assert not (told.damage and mode.refuses_damage)
            check_values(history, mode, opened)
            check_after_repair(place, opened)


def check_values(history: History, mode: RecoveryMode, opened: Opened) -> None:
    if mode is SKIP:
        for key, value in opened.values.items():
            assert value in history.written[key]
        return
    of_log = [one for one in opened.recovery.damage if one.segment.startswith("log-")]
    if of_log:
        assert opened.values == history.states[of_log[0].first_lost_lsn - 1]
    else:
        assert opened.values == history.states[opened.last_lsn]


def check_after_repair(place: Path, opened: Opened) -> None:
    """Sound from here on, for the strictest too; what was lost stays lost, evidence stays."""
    evidence = {name for name in contents(place) if name.startswith("damaged-")}
    assert len(evidence) >= len({one.segment for one in opened.recovery.damage if is_kept(one)})
    again = open_once(place, RecoveryMode.ABSOLUTE_CONSISTENCY)
    assert again.values == {**opened.values, b"one more": b""}
    assert again.last_lsn >= opened.last_lsn + 1
    assert not again.warned
    assert evidence <= contents(place).keys()


def is_kept(damage: Damage) -> bool:
    return "is missing" not in damage.reason


@given(st.integers(0, 1000), st.integers(0, 10_000), st.integers(0, 7))
def test_one_flipped_bit_of_what_was_proven_durable_is_always_found(
    seed: int, position: int, bit: int
) -> None:
    with quick_folder() as quick:
        history = random_history(quick / "store", random.Random(seed))
        spots = [(p, n) for p in sorted(history.folder.iterdir()) for n in range(p.stat().st_size)]
        name, offset = history.last_group
        proven = [
            (p, n)
            for p, n in spots
            if p.name != history.segments[-1].name or (p.name == name and n < offset) or n < 32
        ]
        path, at = proven[position % len(proven)]
        data = bytearray(path.read_bytes())
        data[at] ^= 1 << bit
        path.write_bytes(data)
        report = veristore.recover_report(history.folder)
        assert not report.is_sound
        assert report[RecoveryMode.TOLERATE_CORRUPTED_TAIL].refusal
        assert report[POINT].refusal or report[POINT].damage


@pytest.fixture
def quick() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def test_skipping_saves_all_that_point_in_time_saves_and_more(quick: Path) -> None:
    """Over many stores: at least as many records live, and sometimes more."""
    more = 0
    for seed in range(20):
        rng = random.Random(seed)
        history = random_history(quick / str(seed), rng)
        path = history.segments[0]
        data = bytearray(path.read_bytes())
        data[rng.randrange(40, max(41, len(data))) % len(data)] ^= 16
        path.write_bytes(data)
        report = veristore.recover_report(history.folder)
        assert report[SKIP].lost_records <= report[POINT].lost_records
        more += report[SKIP].lost_records < report[POINT].lost_records
    assert more
