"""The microscope by its commands, without a browser."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import InvalidInput, NotAStore, ViewClosed
from veristack_lab.sim import HEALTHY, record
from veristack_lab.sim.store.engine import STORE_PATH
from veristack_lab.sim.store.workloads import named
from veristack_lab.veristore import Batch
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.widgets import WalMicroscope
from veristack_lab.widgets.field_words import WORDS
from veristack_lab.widgets.flipped_disk import FlippedDisk
from veristack_lab.widgets.wal_model import PAGE_BYTES

SEGMENT = "log-0000000001"
State = dict[str, Any]


@pytest.fixture
def store(folder: Path) -> Iterator[veristore.Store]:
    """An open store of five records, each a group of its own."""
    with veristore.open(folder / "store") as store:
        store.put(b"name", b"Ada")
        store.write(Batch().put(b"year", b"1815").delete(b"name"))
        store.put(b"long", b"v" * 600)
        store.put(b"a", b"b")
        store.delete(b"a")
        yield store


@pytest.fixture
def microscope(store: veristore.Store) -> Iterator[WalMicroscope]:
    with WalMicroscope(store.path, name="test") as microscope:
        yield microscope


def field_at(state: State, offset: int) -> State:
    found = [f for f in state["fields"] if f["offset"] <= offset < f["offset"] + f["size"]]
    assert len(found) == 1
    return dict(found[0])


def statuses(state: State) -> list[str]:
    return [record["status"] for record in state["records"]["rows"]]


def test_every_byte_of_a_page_has_exactly_one_meaning_in_words(microscope: WalMicroscope) -> None:
    for page in range(2):
        state = microscope.do("page", page)
        data = bytes.fromhex(state["page"]["hex"])
        start = state["page"]["start"]
        assert start == page * PAGE_BYTES
        for offset in range(start, start + len(data)):
            field = field_at(state, offset)
            assert state["legend"][field["field"]] == WORDS[field["field"]]


def test_fields_carry_their_values(microscope: WalMicroscope) -> None:
    state = microscope.snapshot()
    fields = [(f["field"], f["value"]) for f in state["fields"] if f["lsn"] == 1]
    assert fields[1:] == [
        ("length", "11"),
        ("LSN", "1"),
        ("epoch", "1"),
        ("type", "PUT, first of its group"),
        ("zero", "0"),
        ("key length", "4"),
        ("key", "b'name'"),
        ("value", "b'Ada'"),
    ]
    assert state["fields"][0]["field"] == "magic"
    batch = [(f["field"], f["value"]) for f in state["fields"] if f["lsn"] == 2][6:]
    assert [value for name, value in batch if name in ("operation", "key", "value")] == [
        "PUT",
        "b'year'",
        "b'1815'",
        "DELETE",
        "b'name'",
    ]


def test_records_are_listed_and_selecting_one_turns_to_its_page(
    microscope: WalMicroscope,
) -> None:
    state = microscope.do("record", 5)
    assert (state["selected"], state["page"]["number"]) == (5, 1)
    rows = state["records"]["rows"]
    assert [(r["lsn"], r["type"], r["group_start"]) for r in rows] == [
        (1, "PUT", True),
        (2, "BATCH", True),
        (3, "PUT", True),
        (4, "PUT", True),
        (5, "DELETE", True),
    ]
    assert rows[1]["story"] == "put b'year' = b'1815'; delete b'name'"


def test_a_flip_kills_one_record_in_the_view_and_touches_no_file(
    microscope: WalMicroscope, store: veristore.Store
) -> None:
    path = store.path / SEGMENT
    before = hashlib.sha256(path.read_bytes()).digest()
    offset = next(f for f in microscope.snapshot()["fields"] if f["lsn"] == 2)["offset"] + 30
    state = microscope.do("flip", [offset, 3])
    assert statuses(state) == ["whole", "dead", "behind", "behind", "behind"]
    (flip,) = state["flips"]
    assert (flip["offset"], flip["now"] ^ flip["was"], flip["lsn"]) == (offset, 8, 2)
    assert int(state["page"]["hex"][2 * offset : 2 * offset + 2], 16) == flip["now"]
    assert field_at(state, offset)["lsn"] == 2  # the layout stays that of the file
    assert hashlib.sha256(path.read_bytes()).digest() == before
    state = microscope.do("flip", [offset, 3])
    assert (statuses(state), state["flips"]) == (["whole"] * 5, [])
    microscope.do("flip", offset)
    assert microscope.do("restore")["flips"] == []


def test_a_flip_in_the_last_group_is_a_torn_tail(microscope: WalMicroscope) -> None:
    last = microscope.do("record", 5)["records"]["rows"][-1]
    state = microscope.do("flip", last["offset"])
    assert statuses(state)[-2:] == ["whole", "dead"]
    assert [gap["condition"] for gap in state["segment"]["gaps"]] == ["torn tail", "reserved"]


def test_a_flip_in_the_header_makes_everything_unreachable(microscope: WalMicroscope) -> None:
    state = microscope.do("flip", 13)
    assert "header" in state["segment"]["header_error"]
    assert set(statuses(state)) == {"behind"}


def modes(state: State) -> dict[str, tuple[bool, int, str]]:
    return {m["mode"]: (m["opens"], m["last_lsn"], m["lost"]) for m in state["modes"]}


def test_each_mode_says_what_it_would_return(microscope: WalMicroscope) -> None:
    assert set(modes(microscope.snapshot()).values()) == {(True, 5, "")}
    middle = microscope.snapshot()["records"]["rows"][2]["offset"] + 30
    assert modes(microscope.do("flip", middle)) == {
        "tolerate-corrupted-tail": (False, 0, ""),
        "absolute-consistency": (False, 0, ""),
        "point-in-time": (True, 5, "3-5"),
        "skip-any-corrupted": (True, 5, "3"),
    }
    microscope.do("restore")
    last = microscope.snapshot()["records"]["rows"][-1]["offset"]
    torn = microscope.do("flip", last)
    assert modes(torn)["absolute-consistency"][0] is False
    assert modes(torn)["point-in-time"] == (True, 4, "")
    assert "torn tail" in torn["modes"][0]["words"]
    assert {m["opens"] for m in microscope.do("flip", 13)["modes"]} <= {True, False}


def test_a_torn_tail_in_the_file_is_one_field(store: veristore.Store, folder: Path) -> None:
    with WalMicroscope(store.path, name="test") as microscope:
        store.close()  # adds a MARK
        with (store.path / SEGMENT).open("ab") as file:
            file.write(b"\x99" * 17)
        state = microscope.do("reload")
        assert state["records"]["rows"][-1]["type"] == "MARK"
        state = microscope.do("goto", state["segment"]["size_bytes"] - 1)
    torn = state["fields"][-1]
    assert (torn["field"], torn["size"], torn["lsn"]) == ("torn tail", 17, -1)


def test_the_store_is_never_locked_and_reload_sees_what_was_written(
    microscope: WalMicroscope, store: veristore.Store
) -> None:
    store.put(b"later", b"on")
    assert microscope.snapshot()["records"]["total"] == 5
    assert microscope.do("reload")["records"]["total"] == 6


def test_what_is_shown_of_a_large_segment_stays_small(folder: Path) -> None:
    with veristore.open(folder / "large") as store:
        for first in range(0, 20_000, 1_000):
            batch = [(b"key-%06d" % n, b"v" * 50) for n in range(first, first + 1_000)]
            store.put_many(batch)
        for number in range(300):
            store.put(b"%d" % number, b"x")
    with WalMicroscope(folder / "large", name="test") as microscope:
        sizes = [
            len(json.dumps(microscope.do("page", page)))
            for page in (0, 1, 1_000, microscope.snapshot()["page"]["count"] - 1)
        ]
    assert max(sizes) < 64 * 1024


def test_segments_can_be_chosen(folder: Path) -> None:
    with veristore.open(folder / "many", segment_bytes=4096, checkpoint_bytes=None) as store:
        for number in range(60):
            store.put(b"%d" % number, b"x" * 200)
        with WalMicroscope(store.path, name="test") as microscope:
            newest = microscope.snapshot()
            assert len(newest["segments"]) > 2
            assert newest["segment"]["name"] == newest["segments"][-1]
            first = microscope.do("segment", SEGMENT)
            assert (first["segment"]["epoch"], first["records"]["rows"][0]["lsn"]) == (1, 1)


@pytest.mark.parametrize(
    ("op", "argument", "complaint"),
    [
        ("dance", None, "there are page, goto, record, flip"),
        ("page", -1, "page takes a number"),
        ("page", True, "page takes a number"),
        ("flip", [1, 8], "bit 0 to 7"),
        ("flip", "x", "bit 0 to 7"),
        ("segment", "../../secrets", "the name of a segment"),
    ],
)
def test_nonsense_is_refused_where_it_was_said(
    microscope: WalMicroscope, op: str, argument: object, complaint: str
) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        microscope.send(op, argument)
    microscope._handle_custom_msg({"op": op, "argument": argument}, [])
    assert complaint in microscope.wait_for(lambda s: bool(s["note"]))["note"]


@pytest.mark.parametrize(
    ("op", "argument", "note"),
    [
        ("record", 99, "no whole record with LSN 99"),
        ("goto", 10**9, "past the end"),
        ("flip", 10**9, "past the end"),
        ("segment", "log-0000000077", "there is no log-0000000077"),
    ],
)
def test_what_this_log_does_not_have_is_noted(
    microscope: WalMicroscope, op: str, argument: object, note: str
) -> None:
    before = microscope.snapshot()
    after = microscope.do(op, argument)
    assert note in after["note"]
    assert after["page"] == before["page"]


def test_too_many_flips_are_refused(microscope: WalMicroscope) -> None:
    for offset in range(32):
        microscope.send("flip", offset)
    state = microscope.do("flip", 40)
    assert len(state["flips"]) == 32
    assert "32 bytes are flipped already" in state["note"]


def test_what_is_no_log_is_refused(folder: Path) -> None:
    with pytest.raises(NotAStore, match="there is no log"):
        WalMicroscope(folder)
    with pytest.raises(NotAStore, match="does not exist"):
        WalMicroscope(folder / "nowhere")
    (folder / SEGMENT).write_bytes(b"something else entirely, and long enough for a header")
    with pytest.raises(NotAStore, match="was not written by veristore"):
        WalMicroscope(folder / SEGMENT)


def test_bytes_and_files_of_any_name_are_segments_too(store: veristore.Store, folder: Path) -> None:
    whole = (store.path / SEGMENT).read_bytes()
    (folder / "copy.bin").write_bytes(whole[: store.stats().log_bytes - 5])
    (folder / "log-0000000001").write_bytes(whole)
    for source, records in (
        (whole, 5),
        (folder / "copy.bin", 4),
        (store.path / SEGMENT, 5),
        (str(folder / "log-0000000001"), 5),
    ):
        with WalMicroscope(source, name="test") as microscope:
            state = microscope.snapshot()
            assert (state["segment"]["name"], state["records"]["total"]) == (SEGMENT, records)
            assert modes(state)["point-in-time"] == (True, records, "")


def test_a_simulated_disk_can_be_looked_at() -> None:
    recording = record(named("puts"), HEALTHY)
    disk = recording.disk_at(len(recording.operations) - 1)
    with WalMicroscope(STORE_PATH, disk=disk, name="test") as microscope:
        total = microscope.snapshot()["records"]["total"]
    with WalMicroscope(STORE_PATH, disk=disk.crash("lost"), name="test") as microscope:
        assert microscope.snapshot()["records"]["total"] == total - 1


def test_a_table_of_pairs_is_explained_too(folder: Path) -> None:
    with veristore.open(folder / "table") as store:
        store.put_many([(b"a", b"1"), (b"bb", b"2")])
        with WalMicroscope(store.path, name="test") as microscope:
            fields = microscope.snapshot()["fields"]
    assert [f["field"] for f in fields if f["lsn"] == 1][6:] == [
        "count",
        "key length",
        "value length",
        "key lengths",
        "key",
        "key",
        "value",
        "value",
    ]
    assert all(f["field"] in WORDS for f in fields)


def test_a_name_must_do_for_an_id(store: veristore.Store) -> None:
    with pytest.raises(InvalidInput, match="two words"):
        WalMicroscope(store.path, name="two words")


def test_a_closed_view_obeys_no_more(microscope: WalMicroscope) -> None:
    microscope.close()
    assert microscope.state["closed"]
    with pytest.raises(ViewClosed):
        microscope.send("page", 0)
    assert repr(microscope) == "<WalMicroscope test>"


def test_new_bytes_are_never_shown_under_an_old_analysis(
    microscope: WalMicroscope, store: veristore.Store
) -> None:
    before = microscope.snapshot()
    store.put(b"late", b"one")
    shutil.copytree(store.path, store.path.with_name("then"))
    assert microscope.snapshot()["page"] == before["page"]
    after = microscope.do("page", 1)  # any command looks again, not `reload` alone
    assert after["records"]["total"] == before["records"]["total"] + 1
    assert b"late" in bytes.fromhex(after["page"]["hex"])
    assert "b'late'" in [field["value"] for field in after["fields"]]
    with WalMicroscope(store.path.with_name("then"), name="then") as fresh:
        known = fresh.do("page", 1)
    for part in ("page", "fields", "records", "modes", "segment"):
        assert after[part] == known[part]


def test_the_last_state_stays_when_the_log_is_gone(folder: Path) -> None:
    with veristore.open(folder / "store") as store:
        store.put(b"name", b"Ada")
    microscope = WalMicroscope(folder / "store", name="gone")
    before = microscope.do("flip", 40)
    shutil.rmtree(folder / "store")
    microscope.close()
    last = microscope.snapshot()
    assert (last["closed"], last["note"]) == (True, "")
    for part in ("page", "fields", "records", "modes", "flips"):
        assert last[part] == before[part]
    assert microscope.state == last


def test_a_log_that_is_gone_is_noted_and_what_was_seen_stays(folder: Path) -> None:
    with veristore.open(folder / "store") as store:
        store.put(b"name", b"Ada")
    with WalMicroscope(folder / "store", name="gone") as microscope:
        before = microscope.snapshot()
        shutil.rmtree(folder / "store")
        after = microscope.do("flip", 40)
    assert "No such file" in after["note"]
    assert (after["page"], after["flips"]) == (before["page"], [])


def test_a_look_at_a_disk_changes_nothing(store: veristore.Store) -> None:
    path = store.path / SEGMENT
    disk = FlippedDisk(RealDisk(), path, {0: 1})
    assert disk.open(path).read(0, 2) == bytes([b"V"[0] ^ 1]) + b"S"
    assert disk.open(path).read(1, 2) == b"ST"
    file = disk.open(path)
    for refused in (
        lambda: file.pwrite(b"x", 0),
        lambda: file.append(b"x"),
        lambda: file.truncate(0),
        lambda: file.fdatasync(),
        lambda: disk.open(path, create=True),
        lambda: disk.unlink(path),
        lambda: disk.rename(path, path),
        lambda: disk.make_dir(path),
        lambda: disk.fsync_dir(path),
        lambda: disk.lock(path),
    ):
        with pytest.raises(OSError, match="changes nothing"):
            refused()
    assert path.read_bytes()[0] == b"V"[0]
