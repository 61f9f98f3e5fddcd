"""Experiments on the store. Each returns a DataFrame whose `attrs` hold seed and parameters.

What depends on the seed alone is the same every time (where the kills are aimed); what is
measured (times, rates, how far writers got beyond the kill point) is not.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import records, warm
from veristack_lab.runtime.processes import spawn, wait_until_ready
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veristore.commit.durability import Durability
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.experiments.durability import level_name
from veristack_lab.veristore.experiments.threads import run_threads
from veristack_lab.veristore.experiments.workload import Expected, check, key_prefix
from veristack_lab.veristore.experiments.writer import (
    ENTRY_BYTES,
    Acknowledgement,
    read_acknowledgements,
)
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.mutations import RecordType, encode_put
from veristack_lab.veristore.wal.segment import (
    HEADER_BYTES,
    decode_header,
    read_records,
    written_end,
)

_KILL_AFTER = (20, 400)
_WRITER_TIMEOUT_S = 60.0
_RAW_WRITES = 30


def kill_and_recover(
    path: Path,
    kills: int,
    seed: int,
    *,
    writers: int = 4,
    tear: bool = True,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Kill a real writer process under load, again and again, and audit the store each time.

    The process is ended by SIGKILL once it has acknowledged a seeded number of writes. Then,
    if `tear` is set, the first bytes of a further record are written behind the last: what a power
    cut leaves of a group that was on its way (a kill alone seldom tears a write, for the page
    cache survives it). Then the store is opened, and compared with what was acknowledged.

    Args:
        path: a folder to work in; the store grows in it from kill to kill.
        kills: how many.
        seed: of the workload and of the kill points.
        writers: threads in the writer process.
        tear: whether to leave a torn record behind each kill.
        on_progress: told after each kill.

    Returns:
        One row a kill: `kill`, `kill_after` (acknowledgements the kill waited for),
        `acknowledged`, `unacknowledged_kept` (writes under way that survived whole), `lost`
        (acknowledged and not there), `mixed` (writers whose state matches no number of
        operations), `torn_by_us` and `torn_bytes` (left, and cut off by recovery),
        `replayed` (log records), `snapshot_lsn`, `acknowledged_lsn` (the highest),
        `recovered_lsn`, `lsn_monotonic`, `recover_ms`.

    Raises:
        ProcessDied: the writer ended by itself.
    """
    if kills < 1 or writers < 1:
        raise InvalidInput(f"kills={kills}, writers={writers}: both must be at least 1")
    tick, rng = on_progress or silent, random.Random(seed)
    warm()  # what is measured is recovery, not the compiler
    expected = [Expected(seed, writer) for writer in range(writers)]
    rows, floor_lsn = [], 0
    path.mkdir(parents=True, exist_ok=True)
    for kill in range(1, kills + 1):
        kill_after, torn = rng.randint(*_KILL_AFTER), rng.randint(1, 3000) if tear else 0
        acks = _write_until_killed(path, kill, seed, expected, kill_after)
        if torn:
            torn = leave_torn_record(path / "store", torn)
        with open_store(path / "store") as store:
            row = _audit(store, expected, acks, floor_lsn)
            floor_lsn = store.stats().last_lsn
        rows.append({"kill": kill, "kill_after": kill_after, "torn_by_us": torn, **row})
        tick(kill, kills)
    frame = pd.DataFrame(rows)
    frame.attrs = {"seed": seed, "kills": kills, "writers": writers, "tear": tear}
    return frame


def _write_until_killed(
    path: Path, kill: int, seed: int, expected: Sequence[Expected], kill_after: int
) -> list[Acknowledgement]:
    acks = path / f"acknowledgements-{kill}"
    acks.touch()
    firsts = [str(each.done) for each in expected]
    module = "veristack_lab.veristore.experiments.writer"
    child = spawn(
        [sys.executable, "-m", module, path / "store", acks, str(seed), *firsts],
        name="the writer",
        log_path=path / "writer.log",
        env={"VERISTACK_JIT": "off"},  # starts faster, and a writer's groups are small
    )
    try:
        wait_until_ready(
            child, lambda: acks.stat().st_size >= kill_after * ENTRY_BYTES, _WRITER_TIMEOUT_S
        )
    finally:
        child.kill()
    return read_acknowledgements(acks)


def leave_torn_record(store: Path, size_bytes: int) -> int:
    """Write the beginning of a well-formed group behind the last record of a store at rest.

    It is what a power cut leaves of a write that nobody was told about.

    Returns:
        How many of its bytes can be told from room that is reserved: up to the last that is
        not zero.
    """
    disk = RealDisk()
    epoch = wal.list_epochs(disk.listdir(store))[-1]
    payload = encode_put(b"torn", b"x" * size_bytes)
    whole = records.frame_records([payload], [RecordType.PUT], 1, epoch)
    file = disk.open(wal.path_of(store, epoch))
    try:
        header = decode_header(file.read(0, HEADER_BYTES), wal.path_of(store, epoch).name)
        *_, last = read_records(file, epoch, header.first_lsn)
        file.pwrite(whole[:size_bytes], last.end_offset)
    finally:
        file.close()
    return written_end(whole[:size_bytes])


def _audit(
    store: Store, expected: Sequence[Expected], acks: Sequence[Acknowledgement], floor_lsn: int
) -> dict[str, object]:
    """Compare a recovered store with the acknowledgements; moves `expected` on."""
    findings = []
    for each in expected:
        mine = sum(1 for ack in acks if ack.writer == each.writer)
        findings.append(check(each, mine, dict(store.scan(key_prefix(each.writer)))))
    stats = store.stats()
    highest, lowest = max(ack.lsn for ack in acks), min(ack.lsn for ack in acks)
    return {
        "acknowledged": len(acks),
        "unacknowledged_kept": sum(finding.kept_unacknowledged for finding in findings),
        "lost": sum(finding.lost for finding in findings),
        "mixed": sum(finding.mixed for finding in findings),
        "torn_bytes": stats.recovery.torn_bytes,
        "replayed": stats.recovery.records,
        "snapshot_lsn": stats.recovery.snapshot_lsn,
        "acknowledged_lsn": highest,
        "recovered_lsn": stats.last_lsn,
        "lsn_monotonic": floor_lsn < lowest and highest <= stats.last_lsn,
        "recover_ms": stats.recovery.recover_ms,
    }


def truncation_sweep(
    path: Path, *, records_written: int = 6, on_progress: OnProgress | None = None
) -> pd.DataFrame:
    """Cut a log at every byte and open what is left: a power cut, at every moment there is.

    Args:
        path: a folder to work in.
        records_written: how many records the log has before its last one, a MARK.
        on_progress: told after each cut.

    Returns:
        One row a cut: `cut` (bytes left), `keys` (found after opening), `torn_bytes` (cut off
        by recovery), `is_prefix` (whether exactly the first writes are there),
        `accepts_writes` (whether a write after it survives another opening).
    """
    tick, rows = on_progress or silent, []
    source = path / "whole"
    with open_store(source) as store:
        for number in range(records_written):
            store.put(b"key-%d" % number, b"v" * (10 + 7 * number))
        wanted = list(store.scan())
    name = wal.path_of(source, 1).name
    data = (source / name).read_bytes()
    for cut in range(HEADER_BYTES, len(data) + 1):
        folder = path / f"cut-{cut}"
        folder.mkdir()
        (folder / name).write_bytes(data[:cut])
        with open_store(folder) as store:
            found, torn = list(store.scan()), store.stats().recovery.torn_bytes
            store.put(b"later", b"")
        with open_store(folder) as store:
            accepts = list(store.scan()) == [*found, (b"later", b"")]
        rows.append((cut, len(found), torn, found == wanted[: len(found)], accepts))
        tick(cut - HEADER_BYTES + 1, len(data) + 1 - HEADER_BYTES)
    columns = ["cut", "keys", "torn_bytes", "is_prefix", "accepts_writes"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"records": records_written, "size_bytes": len(data), "seed": None}
    return frame


def group_commit_sweep(
    path: Path,
    *,
    writers: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
    levels: Sequence[Durability] = ("commit",),
    rounds: int = 3,
    value_bytes: int = 100,
    puts_per_writer: int = 40,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Puts a second against the number of writers and the durability, beside the bare disk.

    The yardstick is a loop of pwrite and fdatasync of a record of the same size, on the same
    disk, half of it run before and half after each contestant, for a shared disk may change its
    speed tenfold in between.

    Args:
        path: a folder to work in.
        writers: numbers of threads.
        levels: durability levels. Below "commit", what is not synced yet when the last put
            returns is not waited for: that is what these levels are.
        rounds: how often everything is repeated, interleaved.
        value_bytes: size of a value; keys have 16 bytes.
        puts_per_writer: puts of each thread; a lone writer makes five times as many.
        on_progress: told after each contestant.

    Returns:
        One row a round, number of writers and level: `round`, `writers`, `level`, `puts`,
        `puts_per_s`, `records_per_sync` (0 if there was none), `raw_per_s`.
    """
    tick, rows = on_progress or silent, []
    warm()
    contests = list(itertools.product(range(1, rounds + 1), writers, levels))
    path.mkdir(parents=True, exist_ok=True)
    for done, (round_number, count, level) in enumerate(contests, 1):
        puts = puts_per_writer * (5 if count == 1 else 1)
        raw_s = _raw_s(path / "raw", records.HEADER_BYTES + 20 + value_bytes)
        puts_per_s, per_sync = _put_rate(path / f"store-{done}", level, count, puts, value_bytes)
        raw_s += _raw_s(path / "raw", records.HEADER_BYTES + 20 + value_bytes)
        raw_per_s = 2 * _RAW_WRITES / raw_s
        measured = (count * puts, puts_per_s, per_sync, raw_per_s)
        rows.append((round_number, count, level_name(level), *measured))
        tick(done, len(contests))
    columns = ["round", "writers", "level", "puts", "puts_per_s", "records_per_sync", "raw_per_s"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"value_bytes": value_bytes, "rounds": rounds, "seed": None}
    return frame


def _raw_s(path: Path, size_bytes: int) -> float:
    """Seconds that the bare disk takes for some writes, each with its own sync."""
    disk, data = RealDisk(), bytes(size_bytes)
    file = disk.open(path, create=True)
    started_s = time.perf_counter()
    for number in range(_RAW_WRITES):
        file.pwrite(data, number * size_bytes)
        file.fdatasync()
    elapsed_s = time.perf_counter() - started_s
    file.close()
    disk.unlink(path)
    return elapsed_s


def _put_rate(
    folder: Path, level: Durability, writers: int, puts: int, value_bytes: int
) -> tuple[float, float]:
    """Puts a second, and records a sync, of so many threads in a new store."""
    value = bytes(value_bytes)
    with open_store(folder, durability=level) as store:

        def write(writer: int) -> None:
            for number in range(puts):
                store.put(b"%08d%08d" % (writer, number), value)

        elapsed_s = run_threads(write, writers)
        per_sync = store.stats().records_per_sync
    return writers * puts / elapsed_s, per_sync


def recovery_sweep(
    path: Path,
    *,
    sizes: Sequence[int] = (100, 1_000, 10_000, 50_000),
    value_bytes: int = 100,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """How long opening takes, against the number of records in the log.

    Half of the records overwrite a key of the other half, so a snapshot has half as much to
    tell as the log.

    Returns:
        One row a size: `records`, `log_bytes`, `recover_ms` (from the log), `snapshot_ms`
        (from the snapshot, after a checkpoint).
    """
    warm()
    tick, rows = on_progress or silent, []
    for done, size in enumerate(sizes, 1):
        folder = path / f"store-{size}"
        log_bytes = _write_log(folder, size, value_bytes)
        with open_store(folder) as store:
            recover_ms = store.stats().recovery.recover_ms
            store.checkpoint()
        with open_store(folder) as store:
            snapshot_ms = store.stats().recovery.recover_ms
        rows.append((size, log_bytes, recover_ms, snapshot_ms))
        tick(done, len(sizes))
    frame = pd.DataFrame(rows, columns=["records", "log_bytes", "recover_ms", "snapshot_ms"])
    frame.attrs = {"value_bytes": value_bytes, "seed": None}
    return frame


def _write_log(folder: Path, count: int, value_bytes: int, group: int = 1000) -> int:
    """A store whose log holds so many records, written in large groups. Returns its length."""
    open_store(folder).close()
    log = Recoverer(RealDisk(), folder).recover().log
    payloads = [encode_put(b"%016d" % (n // 2), bytes(value_bytes)) for n in range(count)]
    for first in range(0, count, group):
        part = payloads[first : first + group]
        log.append_group([RecordType.PUT] * len(part), part)
    log.close()
    return log.end_offset
