"""Looking into a store without opening it: report, `store verify`, `store dump`, anatomy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import veristack_lab.veristore as veristore
from tests.histories import History, begin
from tests.waiting import PATIENCE_S
from veristack_lab.cli import app
from veristack_lab.errors import InvalidInput, NotAStore, StoreDamaged
from veristack_lab.veristore.recovery.damage import RecoveryMode
from veristack_lab.veristore.wal.anatomy import log_anatomy
from veristack_lab.veristore.wal.mutations import MAX_KEY_BYTES
from veristack_lab.veristore.wal.segment import SegmentHeader


@pytest.fixture
def history(folder: Path) -> History:
    """Every record type, in three segments behind a snapshot; killed, not closed."""
    history = begin(folder / "store")
    history.group([(b"old", b"1")])
    history.checkpoint()
    history.group([(b"k1", b"v1")], [(b"old", None)])
    history.group([(b"a", b"1"), (b"a", b"22"), (b"old", None)])
    history.log.rotate()
    history.group([(b"p", b"xx"), (b"q", b"yy")])
    history.group([(b"p", b""), (b"long", b"z" * 60)])
    history.log.rotate()
    history.group([(b"k2", b"v2")])
    history.group([(b"k3", b"v3")])
    history.log.close()
    return history


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["store", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_a_sound_store_is_told_so(history: History) -> None:
    report = veristore.recover_report(history.folder)
    assert report.is_sound
    assert repr(report) == "<RecoverReport 'store' sound, 3 segments, 1 snapshots, 7 records>"
    assert [s.records for s in report.segments] == [3, 2, 2]
    assert [(s.first_lsn, s.last_lsn) for s in report.segments] == [(2, 4), (5, 6), (7, 8)]
    assert [(s.records, s.last_lsn) for s in report.snapshots] == [(1, 1)]
    frame = report.to_frame()
    assert frame["mode"].tolist() == list(RecoveryMode)
    assert frame["opens"].all()
    assert set(frame["keys"]) == {len(history.states[-1])}
    assert set(frame["last_lsn"]) == {8}
    assert report.files_to_frame()["problem"].tolist() == [""] * 4
    code, text = run("verify", history.folder)
    assert (code, "sound" in text, "DAMAGED" in text) == (0, True, False)


def test_a_torn_tail_is_explained_and_no_damage(history: History) -> None:
    last = history.segments[-1]
    last.write_bytes(last.read_bytes()[:-3])
    report = veristore.recover_report(history.folder)
    assert report.is_sound
    assert not report.damage
    assert report.torn_bytes > 0
    assert "torn tail" in report.segments[-1].problem
    assert report["absolute-consistency"].refusal
    code, text = run("verify", history.folder)
    assert (code, "torn tail" in text) == (0, True)


def test_damage_is_told_for_each_mode(history: History) -> None:
    flip(history.segments[1], 40)
    report = veristore.recover_report(history.folder)
    assert not report.is_sound
    point, skip = report["point-in-time"], report["skip-any-corrupted"]
    assert (point.lost_lsns, skip.lost_lsns) == ("5-8", "5")
    assert (point.last_lsn, skip.last_lsn) == (8, 8)
    assert point.keys == len(history.states[4])
    assert {"k2", "k3"} <= {key.decode() for key in history.states[-1]}
    code, text = run("verify", history.folder)
    assert code == 1
    assert "LSN 5-8" in text
    code, text = run("verify", history.folder, "--json")
    told = json.loads(text)
    assert (code, told["sound"]) == (1, False)
    assert [mode["lost_records"] for mode in told["modes"]] == [0, 0, 4, 1]
    assert told["modes"][2]["damage"][0]["segment"] == "log-0000000003"


def test_verify_of_no_store(folder: Path) -> None:
    for path in (folder, folder / "nowhere"):
        with pytest.raises(NotAStore):
            run("verify", path)


def test_a_store_in_use_can_be_looked_at(folder: Path) -> None:
    with veristore.open(folder / "store") as store:
        store.put(b"k", b"v")
        report = veristore.recover_report(folder / "store")
        assert report.is_sound
        assert report["point-in-time"].keys == 1


def test_dump_has_a_line_for_every_record(history: History) -> None:
    code, text = run("dump", history.folder)
    lines = text.splitlines()
    assert code == 0
    assert len([line for line in lines if "crc ok" in line]) == 7
    assert [line.split(",")[0] for line in lines if line.startswith("log-")] == [
        path.name for path in history.segments
    ]
    assert "version 2, epoch 2, first LSN 2" in text
    first = next(line for line in lines if "LSN 2 " in line)
    assert first.startswith("00000020 ")
    assert "PUT*" in first
    assert first.endswith("put b'k1' = b'v1'")
    raw = history.segments[0].read_bytes()[32:56].hex()
    assert raw in first.replace(" ", "")


def test_dump_of_a_part(history: History) -> None:
    _, text = run("dump", history.folder, "--lsn", "4:5")
    assert [line.split()[2] for line in text.splitlines() if "crc ok" in line] == ["4", "5"]
    _, text = run("dump", history.folder, "--segment", "4", "--limit", "1")
    assert [line.split()[2] for line in text.splitlines() if "crc ok" in line] == ["7"]
    assert "more" in text.splitlines()[-1]
    _, text = run("dump", history.folder, "--lsn", "7")
    assert [line.split()[2] for line in text.splitlines() if "crc ok" in line] == ["7"]
    with pytest.raises(NotAStore, match=r"\[2, 3, 4\]"):
        run("dump", history.folder, "--segment", "9")
    with pytest.raises(InvalidInput):
        run("dump", history.folder, "--lsn", "x:y")


def test_dump_shows_damage_and_what_is_behind_it(history: History) -> None:
    flip(history.segments[0], 40)
    flip(history.segments[1], 3)
    last = history.segments[2]
    last.write_bytes(last.read_bytes()[:-1])
    code, text = run("dump", history.folder)
    assert code == 0
    assert text.count("damage of") == 1
    assert text.count("torn tail of") == 1
    assert "the first bytes of log-0000000003 are damaged" in text
    assert text.count("crc ok") == 2 + 2 + 1


@pytest.mark.parametrize("parts", [False, True])
def test_anatomy_accounts_for_every_byte_of_every_type(history: History, parts: bool) -> None:
    names = set()
    for epoch in (2, 3, 4):
        frame = log_anatomy(history.folder, epoch=epoch, parts=parts)
        assert (frame["offset"].diff().dropna() == frame["size_bytes"].iloc[:-1].to_numpy()).all()
        path = history.folder / frame.attrs["segment"]
        assert "".join(frame["raw"]) == path.read_bytes().hex()
        names |= set(frame["name"])
    common = {"magic", "version", "header length", "epoch", "first LSN", "damaged from"}
    common |= {"crc32c", "length", "LSN", "type", "zero"}
    payload = {"operation", "key length", "value length", "key", "value", "count"}
    payload |= {"key lengths", "value lengths"}
    assert names == common | (payload if parts else {"payload"})


def test_anatomy_tells_damage_from_a_torn_tail(history: History) -> None:
    flip(history.segments[0], 40)
    frame = log_anatomy(history.folder, epoch=2)
    assert frame[frame["record"] < 0]["name"].tolist() == ["damage"]
    assert set(frame["record"]) == {0, -1, 3, 4}
    last = history.segments[-1]
    last.write_bytes(last.read_bytes()[:-1])
    frame = log_anatomy(history.folder)
    assert frame[frame["record"] < 0]["name"].tolist() == ["torn tail"]
    with pytest.raises(NotAStore):
        log_anatomy(history.folder, epoch=99)


def test_repair_says_what_is_lost_and_kept(history: History) -> None:
    flip(history.segments[1], 40)
    with pytest.raises(InvalidInput):
        run("repair", history.folder, "--recovery", "hope")
    with pytest.raises(NotAStore):
        run("repair", history.folder / "nowhere")
    with pytest.warns(StoreDamaged):
        code, text = run("repair", history.folder, "--recovery", "skip-any-corrupted")
    assert code == 0
    assert "LSN 5 to 5 lost" in text
    assert "kept as evidence: damaged-log-0000000003" in text
    code, text = run("verify", history.folder)
    assert (code, "put aside by an earlier repair: damaged-log-0000000003" in text) == (0, True)


def test_damage_is_one_line_of_the_program_and_no_warning_of_python(history: History) -> None:
    flip(history.segments[1], 40)
    program = [sys.executable, "-c", "from veristack_lab.cli import main; main()"]
    command = [*program, "store", "get", str(history.folder), "k1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout == "v1"
    assert done.stderr.startswith("StoreDamaged:")
    assert "warnings.warn" not in done.stderr


def test_a_file_of_a_newer_version_is_named(history: History) -> None:
    history.segments[-1].write_bytes(SegmentHeader(4, 7, version=9).encode())
    with pytest.raises(NotAStore, match="version 9"):
        veristore.recover_report(history.folder)


def test_a_key_of_the_largest_size_is_dumped_short(folder: Path) -> None:
    history = begin(folder / "store")
    history.group([(b"k" * MAX_KEY_BYTES, b"v" * 1000)])
    history.log.close()
    _, text = run("dump", history.folder)
    assert max(map(len, text.splitlines())) < 300
